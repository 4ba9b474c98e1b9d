//! Several processes on one directory: one writes, the others follow it and have it do what changes the store.
//!
//! docs/decisions/0032 says why. The process that holds the lock listens on a socket file in the directory.
//!
//! | file | what it does |
//! |---|---|
//! | `frame` | frames on the socket, and values in them |
//! | `wire_error` | errors on their way to another process |
//! | `socket` | the socket file |
//! | `hello` | what both sides say first |
//! | `server` | the side of the process that writes: one thread that accepts, one for each connection |
//! | `peer` | one connection of it |
//! | `link` | the other side |
//! | `follow` | the thread of a process that follows |

mod follow;
mod frame;
mod hello;
mod link;
mod peer;
mod server;
mod socket;
#[cfg(test)]
mod tests;
mod wire_error;

pub(crate) use follow::{FollowThread, Gone, KEEP_IMPRESSIONS, hand_on_impressions};
pub(crate) use frame::{decode, encode};
pub(crate) use hello::Hello;
pub(crate) use link::{Link, Outcome};
pub(crate) use peer::Handler;
pub(crate) use server::{Server, Watch};

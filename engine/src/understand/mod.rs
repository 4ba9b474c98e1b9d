//! What a request means against a snapshot.
//!
//! | file | what it does |
//! |---|---|
//! | `cx` | what a stage is given: snapshot, request, understood |
//! | `understood` | the request, understood, and what it admits |
//! | `read` | reading a request |
//! | `query`, `lookup`, `allowed` | the text of the query, the items that are named, the items that are let in |
//! | `history`, `seen` | the newest events, and what `exclude_seen` leaves out |
//! | `covisits`, `segments`, `interests`, `field_vectors` | what the log, the segments, and vectors say of the history |
//! | `controls`, `rules`, `new_items` | what the request and its rules ask of the order of the list |
//! | `leave_out` | the request without an item of its history, for explanations |

mod allowed;
mod controls;
mod covisits;
mod cx;
mod field_vectors;
mod history;
mod interests;
mod leave_out;
mod lookup;
mod new_items;
mod query;
mod read;
mod rules;
mod seen;
mod segments;
#[cfg(test)]
mod tests;
mod understood;

pub(crate) use allowed::Allowed;
pub(crate) use controls::{Controls, Lift, NamedCap, Pin};
pub(crate) use covisits::Scores;
pub(crate) use cx::RequestCx;
pub(crate) use rules::stored_scenarios;
pub(crate) use understood::Understood;

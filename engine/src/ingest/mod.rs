//! Writing: check, embed, commit durably, show to readers.
//!
//! `prepare` runs in the caller's thread: it refuses what is wrong and makes vectors of text. `writer` is the one thread
//! that commits; what waits at the same time shares a commit, so that small durable writes share an fsync.
//!
//! | file | what it does |
//! |---|---|
//! | `prepare`, `scenario` | checks, and vectors of text, before the writer's turn comes |
//! | `group` | what callers want written, and which of them share a commit |
//! | `pending` | a group in the transaction: rows of the catalog |
//! | `users` | records of users: checks, writing, and the segments that they add to events |
//! | `commit` | overlays first, the transaction last; the journal of events |
//! | `group_commit` | one commit for several callers, and their answers |
//! | `keeper` | between two commits: impressions that wait, and applying the journal |
//! | `writer` | the thread, and the way to it |

mod commit;
mod group;
mod group_commit;
mod keeper;
mod pending;
mod prepare;
mod scenario;
mod users;
mod writer;

pub(crate) use commit::{log_applied, log_restored};
pub(crate) use prepare::{Placed, PreparedItem, prepare_delete, prepare_events, prepare_items, prepare_stored};
pub(crate) use scenario::prepare_scenario;
pub(crate) use users::{prepare_user_ids, prepare_users};
pub(crate) use writer::{Writer, WriterThread};

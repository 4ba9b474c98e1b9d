//! Writing: check, embed, commit durably, show to readers.
//!
//! `prepare` runs in the caller's thread: it refuses what is wrong and makes vectors of text. `writer` is the one thread
//! that commits; what waits at the same time shares a commit, so that small durable writes share an fsync.
//!
//! | file | what it does |
//! |---|---|
//! | `prepare`, `scenario` | checks, and vectors of text, before the writer's turn comes |
//! | `stored` | what is stored already, and need not be written or embedded again |
//! | `group` | what callers want written, and which of them share a commit |
//! | `pending` | a group in the transaction: rows of the catalog |
//! | `prepared` | an item that is ready to be written |
//! | `field_step` | the steps of a change of a field, on both sides of the channel |
//! | `change_field` | renaming, dropping and retyping a field in every item |
//! | `users` | records of users: checks, writing, and the segments that they add to events |
//! | `commit` | overlays first, the transaction last; the journal of events |
//! | `group_commit` | one commit for several callers, and their answers |
//! | `keeper` | between two commits: impressions that wait, and applying the journal |
//! | `writer` | the thread, and the way to it |

mod change_field;
mod commit;
mod field_step;
mod group;
mod group_commit;
mod keeper;
mod pending;
mod prepare;
mod prepared;
mod scenario;
mod stored;
#[cfg(test)]
mod tests;
mod users;
mod writer;

pub(crate) use change_field::refused;
pub(crate) use commit::{log_applied, log_restored};
pub(crate) use prepare::{prepare_delete, prepare_events, prepare_items, prepare_updates};
pub(crate) use prepared::{Placed, PreparedItem, prepare_stored};
pub(crate) use scenario::prepare_scenario;
pub(crate) use users::{prepare_user_ids, prepare_users};
pub(crate) use writer::{Writer, WriterThread};

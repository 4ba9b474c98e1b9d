//! Writing: check, embed, commit durably, show to readers.
//!
//! `prepare` runs in the caller's thread: it refuses what is wrong and makes vectors of text. `writer` is the one thread
//! that commits; what waits at the same time shares a commit, so that small durable writes share an fsync.

mod group;
mod keeper;
mod prepare;
mod scenario;
mod writer;

pub(crate) use prepare::{Placed, PreparedItem, prepare_delete, prepare_events, prepare_items, prepare_stored};
pub(crate) use scenario::prepare_scenario;
pub(crate) use writer::{Writer, WriterThread, log_applied};

//! Work that no caller waits for.
//!
//! | file | what it does |
//! |---|---|
//! | `threads` | the thread that starts the others when they have work, stopping them, waiting for both indexes to be on disk |
//! | `state` | what the threads share |
//! | `text_thread`, `vector_thread` | following the writer with the text index and with the vector indexes |
//! | `signals_thread` | when retention, co-occurrence and the vector space are due |
//! | `clock` | putting right what was counted while the clock was ahead |
//! | `cooccurrence` | rebuilding the co-occurrence lists from the whole log |
//! | `retention` | removing the events that the configuration does not keep |
//! | `log_edits`, `forget` | deleting events, forgetting users and items, merging users |
//! | `fit_space/` | fitting the vector space to the catalog, and moving every item into another space |
//! | `backup`, `compact` | a copy of the store while it is written; giving space back |
//! | `verify` | counting signals from the log, comparing vectors with their lists |

pub(crate) mod backup;
pub(crate) mod clock;
pub(crate) mod compact;
pub(crate) mod cooccurrence;
pub(crate) mod fit_space;
pub(crate) mod forget;
pub(crate) mod log_edits;
pub(crate) mod retention;
mod signals_thread;
mod state;
mod text_thread;
mod threads;
mod vector_thread;
pub(crate) mod verify;

pub(crate) use threads::Maintenance;

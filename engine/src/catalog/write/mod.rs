//! Writing: everything that a write transaction changes, from a single row to the journal.
//!
//! | file | what it does |
//! |---|---|
//! | `visits` | positive events as co-visits count them, and the newest ones of a user |
//! | `batch` | what applying entries has changed so far, in memory |
//! | `transaction` | the write transaction: keys, counters and meta records, and the commit of LMDB |
//! | `popular` | the popular lists |
//! | `neighbours` | lists of neighbours |
//! | `vectors` | vectors and semantic ids |
//! | `items` | puts and deletes items |
//! | `batch_rows` | rows of the batch, read from the tables when they are first changed |
//! | `segments` | segments of users, and the items of segments |
//! | `user_records` | writes the attributes of users |
//! | `flush` | writes the batch, in order of key |
//! | `impressions` | applies an impression, and joins events to it |
//! | `covisits` | relates a positive event to those around it |
//! | `apply` | applies the entries of a commit |
//! | `journal` | appends to the journal, and applies it |
//! | `arrivals` | events that were logged while the clock was ahead |
//! | `owned` | a transaction of LMDB with the environment that it borrows |
//! | `rebuild` | rebuilds all signals from the stored events |
//! | `commit` | makes a transaction durable |

mod apply;
mod arrivals;
mod batch;
mod batch_rows;
mod commit;
mod covisits;
mod flush;
mod impressions;
mod items;
mod journal;
mod neighbours;
pub(super) mod owned;
mod popular;
mod rebuild;
mod segments;
pub(super) mod transaction;
mod user_records;
mod vectors;
mod visits;

//! Reading: what can be asked of the tables inside a transaction.
//!
//! | file | what it does |
//! |---|---|
//! | `view` | the tables inside one transaction, and the records that every reader needs |
//! | `items` | items, the fresh list and vectors |
//! | `sids` | semantic ids, and the lists of items that share a prefix |
//! | `logs` | the journal and the op log |
//! | `events` | events by user and by time |
//! | `event_pages` | which events satisfy conditions, a page at a time |
//! | `names` | the ids behind keys, and users in order of id |
//! | `user_records` | the attributes of users |
//! | `user_items` | what users did with items |
//! | `signals` | the counts of items, and the popular lists |
//! | `covisits` | the neighbours of an item |
//! | `segments` | the segments of a user, and the items of a segment |
//! | `impressions` | impressions by ranking and by time |
//! | `digest` | one hash over all signals |
//! | `pinned` | the state of one commit, pinned for a request |

mod covisits;
mod digest;
mod event_pages;
mod events;
mod impressions;
mod items;
mod logs;
mod names;
pub(super) mod pinned;
mod segments;
pub(super) mod sids;
mod signals;
mod user_items;
pub(super) mod user_records;
pub(super) mod view;

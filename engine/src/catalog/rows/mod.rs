//! What the tables store: keys, records and their bytes. Nothing here opens a transaction.
//!
//! | file | what it does |
//! |---|---|
//! | `codec` | the one encoding of records: version, checksum, bincode |
//! | `key_parts` | small values that keys are made of: relation, prefix of a semantic id, number of a space |
//! | `popularity` | popularity as a decayed count that needs no clock, and its windows |
//! | `keys` | every key, and what can be read back from one |
//! | `lmdb_error` | errors of LMDB as errors of the engine |
//! | `tables` | the list of tables |
//! | `damage` | what was found to be damaged while it was read |
//! | `vectors` | a vector with its checksum |
//! | `counters` | the totals of the store |
//! | `items` | an item's record, and the head that requests check |
//! | `entries` | what a commit appends to the journal: events and impressions |
//! | `format_v2`, `format_v5` | journal entries as format 2, and formats 3 to 5, wrote them |
//! | `events` | an event as stored under its user |
//! | `user_items` | what a user did with an item |
//! | `signals` | the counts of an item |
//! | `neighbours` | co-visited items with decaying weights |
//! | `segments` | the segments of a user, and the items of a segment |
//! | `impressions` | an impression as stored, and the examination curve |

pub(super) mod codec;
pub(super) mod counters;
pub(super) mod damage;
pub(super) mod entries;
pub(super) mod events;
pub(super) mod format_v2;
pub(super) mod format_v5;
pub(super) mod impressions;
pub(super) mod items;
pub(super) mod key_parts;
pub(super) mod keys;
pub(super) mod lmdb_error;
pub(super) mod mass;
pub(super) mod neighbours;
pub(super) mod popularity;
pub(super) mod segments;
pub(super) mod signals;
pub(super) mod tables;
pub(super) mod user_items;
pub(super) mod vectors;

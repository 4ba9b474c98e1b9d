//! The tables of the catalog.

use heed::types::Bytes;
use heed::{Database, Env, RwTxn, WithoutTls};

use crate::base::error::Result;

use super::store::storage;

/// A table of raw bytes; `keys` and `codec` give them meaning.
pub(super) type Table = Database<Bytes, Bytes>;

/// All tables. LMDB keeps each as a named B+ tree in one file, so one transaction covers them all.
#[derive(Clone, Copy)]
pub(super) struct Tables {
    /// name -> counters, schema, spaces, checkpoints, scenarios.
    pub meta: Table,
    /// external item id -> item key and the id itself.
    pub ids: Table,
    /// item key -> generation, times, record.
    pub items: Table,
    /// space, item key -> components (f16 little-endian).
    pub vectors: Table,
    /// space, 0, item key -> semantic id; space, prefix, item key -> nothing: the items that share it.
    pub sids: Table,
    /// external user id -> user key and the id itself.
    pub users: Table,
    /// user key, 0, time, seq, place -> event; user key, 1, item key -> how often, when first and last;
    /// user key, 2 -> segments; user key, 3, item key -> how often, by events that are removed.
    pub people: Table,
    /// seq -> what was logged in that commit, until it is applied.
    pub journal: Table,
    /// item key -> log masses of all windows, impressions, choices.
    pub signals: Table,
    /// number of a segment -> its items with their log masses.
    pub segments: Table,
    /// relation, item key -> neighbours with their weights.
    pub neighbours: Table,
    /// rank id -> what was shown, and what of it was chosen.
    pub impressions: Table,
    /// time, rank id -> nothing: impressions in the order in which they are forgotten.
    pub impressions_by_time: Table,
    /// window, falling mass in steps, item key -> nothing: the popular lists.
    pub popular: Table,
    /// falling time of availability, item key -> nothing: the fresh list.
    pub fresh: Table,
    /// seq -> keys of the items that the commit changed: ids only, never predicates or documents.
    pub oplog: Table,
}

/// Number of tables, for LMDB's `max_dbs`.
pub(super) const COUNT: u32 = 16;

impl Tables {
    /// Opens the tables, creating those that are missing.
    pub(super) fn create(env: &Env<WithoutTls>, txn: &mut RwTxn) -> Result<Tables> {
        let mut table = |name: &str| env.create_database::<Bytes, Bytes>(txn, Some(name)).map_err(storage);
        Ok(Tables {
            meta: table("meta")?,
            ids: table("ids")?,
            items: table("items")?,
            vectors: table("vectors")?,
            sids: table("sids")?,
            users: table("users")?,
            people: table("people")?,
            journal: table("journal")?,
            signals: table("signals")?,
            segments: table("segments")?,
            neighbours: table("neighbours")?,
            impressions: table("impressions")?,
            impressions_by_time: table("impressions_by_time")?,
            popular: table("popular")?,
            fresh: table("fresh")?,
            oplog: table("oplog")?,
        })
    }
}

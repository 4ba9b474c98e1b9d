//! The tables of the catalog.

use std::sync::Arc;

use heed::types::Bytes;
use heed::{Database, Env, RoTxn, RwTxn, WithoutTls};

use crate::base::error::{Error, Result};

use super::damage::Damage;
use super::lmdb_error::storage;

/// A table of raw bytes; `keys` and `codec` interpret them.
pub(crate) type Table = Database<Bytes, Bytes>;

/// All tables. LMDB keeps each as a named B+ tree in one file, so that one transaction covers them all.
#[derive(Clone)]
pub(crate) struct Tables {
    /// What of the tables was found to be damaged.
    pub(in crate::catalog) damage: Arc<Damage>,
    /// name -> counters, schema, spaces, checkpoints, scenarios.
    pub meta: Table,
    /// external item id -> item key and the id itself.
    pub ids: Table,
    /// item key -> generation, times, record.
    pub items: Table,
    /// space, item key -> components (f16 little-endian), checksum.
    pub vectors: Table,
    /// space, 0, item key -> semantic id; space, prefix, item key -> nothing: the items that share it.
    pub sids: Table,
    /// external user id -> user key and the id itself.
    pub users: Table,
    /// user key, 0, time, seq, position -> event; user key, 1, item key -> what the user did with the item;
    /// user key, 2 -> segments; user key, 4 -> attributes; user key, 3, item key -> what the user did with the item, by events that were removed.
    pub people: Table,
    /// seq -> entries that the commit logged, until they are applied.
    pub journal: Table,
    /// item key -> log masses of all windows, impressions, choices.
    pub signals: Table,
    /// number of a segment -> its items with their log masses.
    pub segments: Table,
    /// relation, item key -> neighbours with their weights.
    pub neighbours: Table,
    /// rank id -> the items shown, and which of them were chosen.
    pub impressions: Table,
    /// time, rank id -> nothing: impressions in the order in which they are deleted.
    pub impressions_by_time: Table,
    /// window, falling mass in steps, item key -> nothing: the popular lists.
    pub popular: Table,
    /// falling time of availability, item key -> nothing: the fresh list.
    pub fresh: Table,
    /// seq -> keys of the items that the commit changed.
    pub oplog: Table,
}

/// Number of tables, for LMDB's `max_dbs`.
pub(crate) const COUNT: u32 = 16;

impl Tables {
    /// Opens the tables, creating those that are missing.
    pub(crate) fn create(env: &Env<WithoutTls>, txn: &mut RwTxn) -> Result<Tables> {
        Tables::each(|name| env.create_database::<Bytes, Bytes>(txn, Some(name)).map_err(storage))
    }

    /// Opens the tables of a catalog that another process has created.
    ///
    /// # Errors
    /// [`Error::Damaged`] when one is missing.
    pub(crate) fn open(env: &Env<WithoutTls>, txn: &RoTxn<'_, WithoutTls>) -> Result<Tables> {
        let missing = |name: &str| Error::damaged("data.mdb", format!("no table `{name}`"));
        Tables::each(|name| {
            let table = env.open_database::<Bytes, Bytes>(txn, Some(name)).map_err(storage)?;
            table.ok_or_else(|| missing(name))
        })
    }

    fn each(mut table: impl FnMut(&str) -> Result<Table>) -> Result<Tables> {
        Ok(Tables {
            damage: Arc::default(),
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

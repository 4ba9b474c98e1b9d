//! The tables inside one transaction, and the records that every reader needs.

use heed::RoTxn;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, UserKey};
use crate::base::time::Timestamp;
use crate::catalog::memory::scratch_buffer::ScratchBuffer;
use crate::catalog::rows::counters::Counters;
use crate::catalog::rows::lmdb_error::storage;
use crate::catalog::rows::tables::{Table, Tables};
use crate::catalog::rows::{codec, keys};

/// The meta record of the latest time that an event counts by.
pub(in crate::catalog) const LATEST_COUNTED: &str = "latest_counted";

/// The tables inside a transaction, pinned or being written.
#[derive(Clone, Copy)]
pub(crate) struct View<'t> {
    pub(in crate::catalog) txn: &'t RoTxn<'t>,
    pub(in crate::catalog) tables: &'t Tables,
    /// Lists of neighbours that are newer than the tables; only in a scratch copy.
    pub(in crate::catalog) buffer: Option<&'t ScratchBuffer>,
}

impl View<'_> {
    /// The totals of the store.
    pub(in crate::catalog) fn counters(&self) -> Result<Counters> {
        Ok(self.meta("counters")?.unwrap_or_default())
    }

    /// The latest time that an applied event counts by, when that is known.
    pub(crate) fn latest_counted(&self) -> Result<Option<Timestamp>> {
        self.meta(LATEST_COUNTED)
    }

    /// A record of the meta table.
    pub(crate) fn meta<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let bytes = self.tables.meta.get(self.txn, name.as_bytes()).map_err(storage)?;
        bytes.map(|bytes| codec::decode(name, bytes)).transpose()
    }

    /// A hash of some records of the meta table, which changes when one of them does.
    pub(crate) fn meta_hash(&self, names: &[&str]) -> Result<u64> {
        let mut hash = 0;
        for name in names {
            let bytes = self.tables.meta.get(self.txn, name.as_bytes()).map_err(storage)?;
            hash = xxh3_64_with_seed(bytes.unwrap_or_default(), hash);
        }
        Ok(hash)
    }

    /// The key of an item id. An id keeps its key after its item is deleted.
    pub(crate) fn item_key(&self, id: &str) -> Result<Option<ItemKey>> {
        self.key_of(self.tables.ids, id).map(|key| key.map(ItemKey))
    }

    /// The key of a user id.
    pub(crate) fn user_key(&self, id: &str) -> Result<Option<UserKey>> {
        self.key_of(self.tables.users, id).map(|key| key.map(UserKey))
    }

    fn key_of(&self, table: Table, id: &str) -> Result<Option<u64>> {
        let Some(bytes) = table.get(self.txn, &keys::external(id)).map_err(storage)? else { return Ok(None) };
        let (key, stored): (u64, String) = codec::decode("id", bytes)?;
        if stored != id {
            return Err(Error::damaged("id", "another id under this key"));
        }
        Ok(Some(key))
    }
}

//! Reading: one pinned transaction, and the questions that stages ask of it.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use heed::{RoTxn, WithoutTls};

use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, Seq, UserKey};

use super::counters::Counters;
use super::items::{self, Head, ItemRecord, SpaceNumber};
use super::scratch_buffer::Held;
use super::standing::Standings;
use super::store::storage;
use super::tables::Tables;
use super::vector_slots::VectorSlots;
use super::{codec, keys};

/// The state of one commit, pinned for one request.
pub(crate) struct CatalogRead {
    txn: RoTxn<'static, WithoutTls>,
    tables: Tables,
    counters: Counters,
    held: Option<Arc<Held>>,
    standings: Arc<Standings>,
    vectors: Arc<VectorSlots>,
}

impl CatalogRead {
    pub(super) fn new(
        txn: RoTxn<'static, WithoutTls>,
        tables: Tables,
        held: Option<Arc<Held>>,
        (standings, vectors): (Arc<Standings>, Arc<VectorSlots>),
    ) -> Result<CatalogRead> {
        // What the commit that is pinned has marked in memory is seen from here on.
        fence(Ordering::SeqCst);
        let counters = View { txn: &txn, tables: &tables, held: None }.counters()?;
        Ok(CatalogRead { txn, tables, counters, held, standings, vectors })
    }

    /// The counters of the pinned commit.
    pub(crate) fn counters(&self) -> Counters {
        self.counters
    }

    /// What is known of items in memory, and the number of the transaction that is read.
    pub(super) fn standings(&self) -> (&Standings, u64) {
        (&self.standings, self.txn.id() as u64)
    }

    /// What is known of vectors in memory, and the number of the transaction that is read.
    pub(super) fn vector_slots(&self) -> (&VectorSlots, u64) {
        (&self.vectors, self.txn.id() as u64)
    }

    /// The questions that can be asked.
    pub(crate) fn view(&self) -> View<'_> {
        View { txn: &self.txn, tables: &self.tables, held: self.held.as_deref() }
    }
}

/// A look at the catalog inside a transaction, pinned or being written.
#[derive(Clone, Copy)]
pub(crate) struct View<'t> {
    pub(super) txn: &'t RoTxn<'t>,
    pub(super) tables: &'t Tables,
    pub(super) held: Option<&'t Held>,
}

impl<'t> View<'t> {
    pub(super) fn counters(&self) -> Result<Counters> {
        Ok(self.meta("counters")?.unwrap_or_default())
    }

    /// A record of the meta table.
    pub(crate) fn meta<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let bytes = self.tables.meta.get(self.txn, name.as_bytes()).map_err(storage)?;
        bytes.map(|bytes| codec::decode(name, bytes)).transpose()
    }

    /// The key of an item id; the item may not be put (any more).
    pub(crate) fn item_key(&self, id: &str) -> Result<Option<ItemKey>> {
        self.key_of(self.tables.ids, id).map(|key| key.map(ItemKey))
    }

    /// The key of a user id.
    pub(crate) fn user_key(&self, id: &str) -> Result<Option<UserKey>> {
        self.key_of(self.tables.users, id).map(|key| key.map(UserKey))
    }

    fn key_of(&self, table: super::tables::Table, id: &str) -> Result<Option<u64>> {
        let Some(bytes) = table.get(self.txn, &keys::external(id)).map_err(storage)? else { return Ok(None) };
        let (key, stored): (u64, String) = codec::decode("id", bytes)?;
        if stored != id {
            return Err(Error::damaged("id", "another id under this key"));
        }
        Ok(Some(key))
    }

    /// Generation and availability of an item, when it is live.
    pub(crate) fn head(&self, key: ItemKey) -> Result<Option<Head>> {
        self.tables.items.get(self.txn, &keys::item(key)).map_err(storage)?.map(items::head).transpose()
    }

    /// The whole record of an item, when it is live.
    pub(crate) fn item(&self, key: ItemKey) -> Result<Option<ItemRecord>> {
        self.tables.items.get(self.txn, &keys::item(key)).map_err(storage)?.map(items::record).transpose()
    }

    /// The stored components of a vector (f16, little-endian).
    pub(crate) fn vector(&self, space: SpaceNumber, key: ItemKey) -> Result<Option<&'t [u8]>> {
        self.tables.vectors.get(self.txn, &keys::vector(space, key)).map_err(storage)
    }

    /// All vectors of a space, in order of item key, from `from` on.
    pub(crate) fn vectors(
        &self,
        space: SpaceNumber,
        from: ItemKey,
    ) -> Result<impl Iterator<Item = Result<(ItemKey, &'t [u8])>> + use<'t>> {
        let first = keys::vector(space, from);
        let last = keys::vector(space, ItemKey(u64::MAX));
        let rows = self.tables.vectors.range(self.txn, &keys::between(&first, &last)).map_err(storage)?;
        Ok(rows.map(|row| {
            let (key, value) = row.map_err(storage)?;
            let key = keys::last_item(key).ok_or_else(|| Error::damaged("vector key", "a short key"))?;
            Ok((key, value))
        }))
    }

    /// Whether anything is stored under the number of a space.
    pub(crate) fn has_space(&self, space: SpaceNumber) -> Result<bool> {
        let prefix = space.0.to_be_bytes();
        let has = |table: &super::tables::Table| -> Result<bool> {
            Ok(table.prefix_iter(self.txn, &prefix).map_err(storage)?.next().transpose().map_err(storage)?.is_some())
        };
        Ok(has(&self.tables.vectors)? || has(&self.tables.sids)?)
    }

    /// Live items in order of key, from `from` on.
    pub(crate) fn items(&self, from: ItemKey) -> Result<impl Iterator<Item = Result<(ItemKey, ItemRecord)>> + use<'t>> {
        let first = keys::item(from);
        let rows = self.tables.items.range(self.txn, &keys::from(&first)).map_err(storage)?;
        Ok(rows.map(|row| {
            let (key, value) = row.map_err(storage)?;
            let key = keys::last_item(key).ok_or_else(|| Error::damaged("item key", "a short key"))?;
            Ok((key, items::record(value)?))
        }))
    }

    /// The commits after `after`, with the items each one changed, oldest first.
    pub(crate) fn oplog(&self, after: Seq) -> Result<impl Iterator<Item = Result<(Seq, Vec<ItemKey>)>> + use<'t>> {
        let first = keys::seq(after.next());
        let rows = self.tables.oplog.range(self.txn, &keys::from(&first)).map_err(storage)?;
        Ok(rows.map(|row| {
            let (key, value) = row.map_err(storage)?;
            let seq = keys::last_item(key).ok_or_else(|| Error::damaged("op log", "a short key"))?;
            Ok((Seq(seq.0), codec::decode("op log", value)?))
        }))
    }

    /// Commits in the op log.
    pub(crate) fn oplog_len(&self) -> Result<u64> {
        self.tables.oplog.len(self.txn).map_err(storage)
    }
}

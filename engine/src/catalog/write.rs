//! Writing: one transaction for a group of batches, made durable by its commit.

use heed::RwTxn;
use serde::Serialize;

use crate::api::item::Item;
use crate::base::error::Result;
use crate::base::id::{ItemKey, Seq, UserKey};
use crate::base::time::Timestamp;

use super::apply::Batch;
use super::counters::Counters;
use super::items::{self, ItemRecord, SpaceNumber};
use super::read::View;
use super::scratch_buffer::Held;
use super::standing::Standings;
use super::store::storage;
use super::tables::Tables;
use super::vector_slots::VectorSlots;
use super::{codec, keys};

/// A transaction being written. Dropping it undoes everything.
pub(crate) struct CatalogWrite<'c> {
    pub(super) txn: RwTxn<'c>,
    pub(super) tables: Tables,
    pub(super) held: Option<&'c Held>,
    pub(super) counters: Counters,
    /// The counters as they were before this transaction.
    before: Counters,
    pub(super) batch: Batch,
    changed: Vec<ItemKey>,
    standings: &'c Standings,
    /// Items whose head or signals this transaction has written.
    touched: Vec<ItemKey>,
    vectors: &'c VectorSlots,
    /// Vectors that this transaction has written or deleted.
    moved: Vec<(SpaceNumber, ItemKey)>,
}

impl<'c> CatalogWrite<'c> {
    pub(super) fn new(
        txn: RwTxn<'c>,
        tables: Tables,
        held: Option<&'c Held>,
        (standings, vectors): (&'c Standings, &'c VectorSlots),
    ) -> Result<CatalogWrite<'c>> {
        let counters = View { txn: &txn, tables: &tables, held: None }.counters()?;
        Ok(CatalogWrite {
            txn,
            tables,
            held,
            counters,
            before: counters,
            batch: Batch::default(),
            changed: Vec::new(),
            standings,
            touched: Vec::new(),
            vectors,
            moved: Vec::new(),
        })
    }

    /// The questions that can be asked of what is written so far.
    pub(crate) fn view(&self) -> View<'_> {
        View { txn: &self.txn, tables: &self.tables, held: self.held }
    }

    /// The number that this commit will have.
    pub(crate) fn seq(&self) -> Seq {
        self.counters.seq.next()
    }

    /// Writes an item and its vectors (`None`: it has none in that space). Returns its key.
    pub(crate) fn put(
        &mut self,
        item: &Item,
        available: Option<Timestamp>,
        now: Timestamp,
        vectors: &[(SpaceNumber, Option<&[u8]>)],
    ) -> Result<ItemKey> {
        let key = self.ensure_key(&item.id)?;
        let before = self.view().item(key)?;
        let first_put = before.as_ref().map_or(now, |record| record.first_put);
        let available = available.unwrap_or(first_put);
        let record = ItemRecord { generation: self.seq(), first_put, available, item: item.clone() };
        match before {
            Some(before) => self.retire(key, &before)?,
            None => {
                let signals = self.view().signals(key)?;
                self.relist(key, None, signals.as_ref())?;
            }
        }
        self.tables.items.put(&mut self.txn, &keys::item(key), &items::encode(&record)?).map_err(storage)?;
        self.tables.fresh.put(&mut self.txn, &keys::fresh(available, key), &[]).map_err(storage)?;
        for (space, vector) in vectors {
            self.set_vector(*space, key, *vector)?;
        }
        self.counters.add_item(key, record.generation);
        self.changed.push(key);
        self.touch(key);
        Ok(key)
    }

    /// Writes the vector of an item in a space (`None`: it has none).
    pub(crate) fn set_vector(&mut self, space: SpaceNumber, key: ItemKey, vector: Option<&[u8]>) -> Result<()> {
        self.moved.push((space, key));
        let at = keys::vector(space, key);
        match vector {
            Some(bytes) => self.tables.vectors.put(&mut self.txn, &at, bytes).map_err(storage),
            None => self.tables.vectors.delete(&mut self.txn, &at).map(|_| ()).map_err(storage),
        }
    }

    /// Deletes some of the vectors and semantic ids of a space: the first `rows` of either.
    pub(crate) fn clear_space(&mut self, space: SpaceNumber, rows: usize) -> Result<()> {
        let first = space.0.to_be_bytes();
        let vectors = self.view().vectors(space, ItemKey(0))?.take(rows);
        let cleared: Vec<_> = vectors.map(|row| row.map(|(key, _)| (space, key))).collect::<Result<_>>()?;
        self.moved.extend(cleared);
        for table in [self.tables.vectors, self.tables.sids] {
            let mut last = None;
            for row in table.prefix_iter(&self.txn, &first).map_err(storage)?.take(rows) {
                last = Some(row.map_err(storage)?.0.to_vec());
            }
            if let Some(last) = last {
                table.delete_range(&mut self.txn, &keys::between(&first, &last)).map_err(storage)?;
            }
        }
        Ok(())
    }

    /// Removes an item, its vectors and semantic ids in `spaces`, and its places in the lists. Its key, events and masses stay, so that
    /// a later `put` of the same id finds them. False when there was no such item.
    pub(crate) fn delete(&mut self, id: &str, spaces: &[SpaceNumber]) -> Result<bool> {
        let Some(key) = self.view().item_key(id)? else { return Ok(false) };
        let Some(before) = self.view().item(key)? else { return Ok(false) };
        self.retire(key, &before)?;
        self.tables.items.delete(&mut self.txn, &keys::item(key)).map_err(storage)?;
        for space in spaces {
            self.set_vector(*space, key, None)?;
            self.set_sid(*space, key, None)?;
        }
        let signals = self.view().signals(key)?;
        self.relist(key, signals.as_ref(), None)?;
        self.changed.push(key);
        self.touch(key);
        Ok(true)
    }

    /// Takes a version of an item out of the totals and the fresh list.
    fn retire(&mut self, key: ItemKey, before: &ItemRecord) -> Result<()> {
        self.counters.remove_item(key, before.generation);
        self.tables.fresh.delete(&mut self.txn, &keys::fresh(before.available, key)).map_err(storage)?;
        Ok(())
    }

    /// The key of an item id, given now if it had none.
    pub(super) fn ensure_key(&mut self, id: &str) -> Result<ItemKey> {
        if let Some(key) = self.view().item_key(id)? {
            return Ok(key);
        }
        let key = self.counters.next_item;
        self.counters.next_item += 1;
        self.tables.ids.put(&mut self.txn, &keys::external(id), &codec::encode(&(key, id))?).map_err(storage)?;
        Ok(ItemKey(key))
    }

    pub(super) fn ensure_user(&mut self, id: &str) -> Result<UserKey> {
        if let Some(key) = self.view().user_key(id)? {
            return Ok(key);
        }
        let key = self.counters.next_user;
        self.counters.next_user += 1;
        self.tables.users.put(&mut self.txn, &keys::external(id), &codec::encode(&(key, id))?).map_err(storage)?;
        Ok(UserKey(key))
    }

    /// A user that is logged for the first time.
    pub(crate) fn count_user(&mut self) {
        self.counters.users += 1;
    }

    /// Writes a record of the meta table.
    pub(crate) fn set_meta<T: Serialize>(&mut self, name: &str, value: &T) -> Result<()> {
        self.tables.meta.put(&mut self.txn, name.as_bytes(), &codec::encode(value)?).map_err(storage)
    }

    /// Forgets the commits up to `upto`: every derived index holds them durably.
    pub(crate) fn cut_oplog(&mut self, upto: Seq) -> Result<()> {
        let (first, last) = (keys::seq(Seq(0)), keys::seq(upto));
        self.tables.oplog.delete_range(&mut self.txn, &keys::between(&first, &last)).map_err(storage)?;
        Ok(())
    }

    /// The last commit of the journal that is applied.
    pub(crate) fn applied(&self) -> Seq {
        self.counters.applied
    }

    /// Items that this transaction has changed so far.
    pub(crate) fn changed(&self) -> &[ItemKey] {
        &self.changed
    }

    /// Makes everything durable under the next sequence number. When this returns, the change survives a power cut.
    pub(crate) fn commit(mut self) -> Result<Counters> {
        if !self.batch_is_empty() {
            self.settle()?;
        }
        self.counters.seq = self.seq();
        if !self.changed.is_empty() {
            let entry = codec::encode(&self.changed)?;
            self.tables.oplog.put(&mut self.txn, &keys::seq(self.counters.seq), &entry).map_err(storage)?;
        }
        let counters = self.counters;
        self.set_meta("counters", &counters)?;
        self.finish()?;
        Ok(counters)
    }

    /// Makes bookkeeping (checkpoints, cuts of the op log, what was applied of the journal) durable without giving it a
    /// sequence number.
    pub(crate) fn commit_bookkeeping(mut self) -> Result<()> {
        if !self.batch_is_empty() {
            self.settle()?;
        }
        let counters = self.counters;
        if counters != self.before {
            self.set_meta("counters", &counters)?;
        }
        self.finish()
    }

    /// Notes that the head or the signals of an item are written, as whoever writes them must.
    pub(super) fn touch(&mut self, item: ItemKey) {
        self.touched.push(item);
    }

    /// Commits, and lets readers know in memory what was written.
    fn finish(mut self) -> Result<()> {
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable();
        touched.dedup();
        let view = self.view();
        let items = touched.into_iter().map(|key| (key, view.standing(key).ok())).collect();
        let txn = self.txn.id() as u64;
        self.vectors.mark(txn, &self.moved);
        let marked = self.standings.mark(txn, items);
        self.txn.commit().map_err(storage)?;
        marked.fill();
        Ok(())
    }
}

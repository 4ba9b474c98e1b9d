//! The write transaction: keys, counters and meta records, and the commit of LMDB.

use serde::Serialize;

use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, Seq, UserKey};
use crate::catalog::memory::failed_commits::FailedCommits;
use crate::catalog::memory::scratch_buffer::ScratchBuffer;
use crate::catalog::memory::slot_values::{ItemState, vector_owner};
use crate::catalog::read::view::View;
use crate::catalog::rows::counters::Counters;
use crate::catalog::rows::key_parts::SpaceNumber;
use crate::catalog::rows::lmdb_error::storage;
use crate::catalog::rows::tables::Tables;
use crate::catalog::rows::{codec, keys};

use super::batch::Batch;
use super::owned::OwnedWrite;

/// A transaction being written. Dropping it undoes everything.
pub(crate) struct CatalogWrite<'c> {
    pub(in crate::catalog) txn: OwnedWrite,
    pub(in crate::catalog) tables: Tables,
    pub(in crate::catalog) counters: Counters,
    pub(super) buffer: Option<&'c ScratchBuffer>,
    pub(super) batch: Batch,
    /// The counters before this transaction.
    before: Counters,
    failed: &'c FailedCommits,
    /// Items that this transaction has put or deleted.
    changed: Vec<ItemKey>,
    /// Items whose head or signals this transaction has written.
    touched: Vec<ItemKey>,
    /// Vectors that this transaction has written or deleted.
    touched_vectors: Vec<(SpaceNumber, ItemKey)>,
}

impl<'c> CatalogWrite<'c> {
    /// Begins to write in a transaction.
    pub(in crate::catalog) fn new(
        txn: OwnedWrite,
        buffer: Option<&'c ScratchBuffer>,
        failed: &'c FailedCommits,
    ) -> Result<CatalogWrite<'c>> {
        let tables = txn.opened.tables.clone();
        let before = View { txn: &txn, tables: &tables, buffer: None }.counters()?;
        let counters = failed.skip(before);
        Ok(CatalogWrite {
            txn,
            tables,
            counters,
            buffer,
            batch: Batch::default(),
            before,
            failed,
            changed: Vec::new(),
            touched: Vec::new(),
            touched_vectors: Vec::new(),
        })
    }

    /// The tables with everything written so far.
    pub(crate) fn view(&self) -> View<'_> {
        View { txn: &self.txn, tables: &self.tables, buffer: self.buffer }
    }

    /// The number that this commit will have.
    pub(crate) fn seq(&self) -> Seq {
        self.counters.seq.next()
    }

    /// The number of the last commit.
    pub(crate) fn last(&self) -> Seq {
        self.counters.seq
    }

    /// The last commit of the journal that was applied.
    pub(crate) fn applied(&self) -> Seq {
        self.counters.applied
    }

    /// Counts a user that is logged for the first time.
    pub(crate) fn count_user(&mut self) {
        self.counters.users += 1;
    }

    /// The key of an item id, which gets one when it has none.
    pub(super) fn ensure_item(&mut self, id: &str) -> Result<ItemKey> {
        if let Some(key) = self.view().item_key(id)? {
            return Ok(key);
        }
        let key = self.counters.next_item;
        self.counters.next_item += 1;
        self.tables.ids.put(&mut self.txn, &keys::external(id), &codec::encode(&(key, id))?).map_err(storage)?;
        Ok(ItemKey(key))
    }

    /// The key of a user id, which gets one when it has none.
    pub(super) fn ensure_user(&mut self, id: &str) -> Result<UserKey> {
        if let Some(key) = self.view().user_key(id)? {
            return Ok(key);
        }
        let key = self.counters.next_user;
        self.counters.next_user += 1;
        self.tables.users.put(&mut self.txn, &keys::external(id), &codec::encode(&(key, id))?).map_err(storage)?;
        Ok(UserKey(key))
    }

    /// Writes a record of the meta table.
    pub(crate) fn set_meta<T: Serialize>(&mut self, name: &str, value: &T) -> Result<()> {
        self.tables.meta.put(&mut self.txn, name.as_bytes(), &codec::encode(value)?).map_err(storage)
    }

    /// Deletes the commits up to `upto` from the op log: every derived index holds them durably.
    pub(crate) fn cut_oplog(&mut self, upto: Seq) -> Result<()> {
        let (first, last) = (keys::seq(Seq(0)), keys::seq(upto));
        self.tables.oplog.delete_range(&mut self.txn, &keys::between(&first, &last)).map_err(storage)?;
        Ok(())
    }

    /// Items that this transaction has put or deleted so far.
    pub(crate) fn changed(&self) -> &[ItemKey] {
        &self.changed
    }

    /// Notes that an item is put or deleted.
    pub(super) fn note_changed(&mut self, item: ItemKey) {
        self.changed.push(item);
        self.touch(item);
    }

    /// Notes that the head or the signals of an item are written. IMPORTANT: with every such write.
    pub(in crate::catalog) fn touch(&mut self, item: ItemKey) {
        self.touched.push(item);
    }

    /// Notes that vectors are written or deleted. IMPORTANT: with every such write.
    pub(super) fn touch_vectors(&mut self, vectors: impl IntoIterator<Item = (SpaceNumber, ItemKey)>) {
        self.touched_vectors.extend(vectors);
    }

    /// Whether the counters differ from those of the last commit.
    pub(super) fn counters_changed(&self) -> bool {
        self.counters != self.before
    }

    /// Ends the transaction without a commit, for an error after some of it was shown to readers: its number is not used again.
    pub(crate) fn give_up(self, error: Error) -> Error {
        self.failed.note(&Counters { seq: self.seq(), ..self.counters });
        error
    }

    /// Commits the transaction of LMDB, and brings the slots in memory up to date.
    pub(super) fn finish(mut self) -> Result<()> {
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable();
        touched.dedup();
        let view = self.view();
        // An item whose rows cannot be read gets no state: whatever reads the rows next meets the error.
        let state = |key| ItemState::owner(key).map(|owner| (owner, view.state(key).ok()));
        let states: Vec<_> = touched.into_iter().filter_map(state).collect();
        let number = self.txn.id() as u64;
        let vectors = self.touched_vectors.iter().filter_map(|(space, key)| vector_owner(*space, *key));
        let opened = self.txn.opened.clone();
        opened.vectors.invalidate(number, vectors);
        opened.states.invalidate(number, states.iter().map(|(owner, _)| *owner));
        let (failed, counters) = (self.failed, self.counters);
        self.txn.commit().map_err(storage).inspect_err(|_| failed.note(&counters))?;
        opened.states.fill(number, states.iter().filter_map(|(owner, state)| Some((*owner, state.as_ref()?))));
        Ok(())
    }
}

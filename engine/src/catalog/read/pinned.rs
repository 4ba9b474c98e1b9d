//! The state of one commit, pinned for a request.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use heed::{RoTxn, WithoutTls};

use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::catalog::memory::scratch_buffer::ScratchBuffer;
use crate::catalog::memory::slot_values::{ItemState, load_vector, vector_owner};
use crate::catalog::memory::versioned_slots::PinnedSlots;
use crate::catalog::opened::Opened;
use crate::catalog::rows::counters::Counters;
use crate::catalog::rows::items::Head;
use crate::catalog::rows::key_parts::SpaceNumber;
use crate::catalog::rows::signals::ItemSignals;
use crate::catalog::rows::tables::Tables;

use super::view::View;

/// The state of one commit, pinned for one request.
pub(crate) struct CatalogRead {
    number: u64,
    txn: RoTxn<'static, WithoutTls>,
    tables: Tables,
    counters: Counters,
    buffer: Option<Arc<ScratchBuffer>>,
    states: PinnedSlots<ItemState>,
    vectors: PinnedSlots<[u8]>,
}

impl CatalogRead {
    /// Pins what a transaction reads.
    pub(in crate::catalog) fn new(
        txn: RoTxn<'static, WithoutTls>,
        opened: &Opened,
        buffer: Option<Arc<ScratchBuffer>>,
    ) -> Result<CatalogRead> {
        let Opened { tables, states, vectors, first_number, .. } = opened;
        // From here on this thread sees the floors that the pinned commit has raised.
        fence(Ordering::SeqCst);
        let counters = View { txn: &txn, tables, buffer: None }.counters()?;
        let (number, tables) = (txn.id() as u64, tables.clone());
        let (states, vectors) = (states.pin(number), vectors.pin(number));
        Ok(CatalogRead { number: first_number + number, txn, tables, counters, buffer, states, vectors })
    }

    /// The number of the transaction that made the pinned commit; commits of bookkeeping have one, too.
    pub(crate) fn transaction(&self) -> u64 {
        self.number
    }

    /// The counters of the pinned commit.
    pub(crate) fn counters(&self) -> Counters {
        self.counters
    }

    /// The tables of the pinned commit.
    pub(crate) fn view(&self) -> View<'_> {
        View { txn: &self.txn, tables: &self.tables, buffer: self.buffer.as_deref() }
    }

    /// Generation and availability of an item, when it is live: [`View::head`] with a cache.
    pub(crate) fn head(&self, key: ItemKey) -> Result<Option<Head>> {
        self.state(key).map_or_else(|| self.view().head(key), |state| Ok(state.head))
    }

    /// The counts of an item: [`View::signals`] with a cache.
    pub(crate) fn signals(&self, key: ItemKey) -> Result<Option<ItemSignals>> {
        self.state(key).map_or_else(|| self.view().signals(key), |state| Ok(state.signals))
    }

    /// The stored components of a vector: [`View::vector`] with a cache. A cached vector is copied into `room`. For the
    /// space of items only: vectors of several lengths would evict each other.
    pub(crate) fn vector<'r>(
        &'r self,
        space: SpaceNumber,
        key: ItemKey,
        room: &'r mut Vec<u8>,
    ) -> Result<Option<&'r [u8]>> {
        let owner = vector_owner(space, key);
        let load = |words: &[_], bytes| {
            load_vector(words, room);
            bytes
        };
        if let Some(bytes) = owner.and_then(|owner| self.vectors.get(owner, load)) {
            return Ok(room.get(..bytes));
        }
        let stored = self.view().vector(space, key)?;
        if let (Some(owner), Some(bytes)) = (owner, stored) {
            self.vectors.offer(owner, bytes);
        }
        Ok(stored)
    }

    /// Prefetches the state of an item for [`CatalogRead::head`] and [`CatalogRead::signals`].
    pub(crate) fn prefetch_state(&self, key: ItemKey) {
        self.states.prefetch(key);
    }

    /// Prefetches the vector of an item for [`CatalogRead::vector`].
    pub(crate) fn prefetch_vector(&self, key: ItemKey) {
        self.vectors.prefetch(key);
    }

    /// The state of an item from its slot, or from the tables when the slot may be filled. `None` also for rows that
    /// cannot be read: the caller then reads the row that it needs, and meets the error.
    fn state(&self, key: ItemKey) -> Option<ItemState> {
        let owner = ItemState::owner(key)?;
        let cached = self.states.get(owner, |words, _| ItemState::load(words)).flatten();
        if cached.is_some() || !self.states.accepts(owner) {
            return cached;
        }
        let state = self.view().state(key).ok()?;
        self.states.offer(owner, &state);
        Some(state)
    }
}

impl View<'_> {
    /// The state of an item in the tables.
    pub(in crate::catalog) fn state(&self, key: ItemKey) -> Result<ItemState> {
        Ok(ItemState { head: self.head(key)?, signals: self.signals(key)? })
    }
}

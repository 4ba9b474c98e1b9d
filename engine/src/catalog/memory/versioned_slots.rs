//! Values by item in memory, each valid from one transaction on.
//!
//! A lookup in a table of a hundred thousand rows is a dozen cache misses, one after the other, and a request makes
//! hundreds of lookups. A slot is found at once, and its memory can be prefetched. The tables stay the truth: a slot
//! holds their value from one transaction on, its floor, and answers only readers that are pinned to the floor or
//! later.
//!
//! IMPORTANT: the order of a commit. Before a commit is visible it raises the floors of what it changed to its own
//! number, and empties those slots. Afterwards the commit may fill them, and so may any reader that is pinned to the
//! floor or later: what it read is still current, or a commit would have raised the floor beyond it. A commit that
//! fails leaves floors that the next commit reaches, which has the same number, and no wrong value.
//!
//! Items share slots when there are more items than slots: the value that was filled last stays.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;

use crate::base::id::ItemKey;

use super::slot_table::{Owner, SlotTable};

/// A value that slots hold: a number of bytes that is the same for all of them.
pub(crate) trait SlotValue {
    /// Bytes that all slots take at most. They are allocated as they are filled.
    const MEMORY: usize;

    /// Bytes of this value.
    fn bytes(&self) -> usize;

    /// Writes the value into the words of its slot.
    fn store(&self, words: &[AtomicU64]);
}

/// The slots of one catalog for one kind of value.
pub(crate) struct VersionedSlots<V: ?Sized> {
    /// `None` before the first value.
    table: ArcSwapOption<SlotTable>,
    /// The largest number of a transaction that has raised floors. Locked by every change of a slot.
    floor: Mutex<u64>,
    /// The latest transaction that [`VersionedSlots::advance`] was told of.
    seen: AtomicU64,
    value: PhantomData<fn(&V)>,
}

impl<V: ?Sized> Default for VersionedSlots<V> {
    /// Slots for values of the length of the first one.
    fn default() -> Self {
        VersionedSlots {
            table: ArcSwapOption::empty(),
            floor: Mutex::default(),
            seen: AtomicU64::new(0),
            value: PhantomData,
        }
    }
}

impl<V: SlotValue + ?Sized> VersionedSlots<V> {
    /// Slots for values of `bytes` bytes.
    pub(crate) fn with_bytes(bytes: usize) -> Self {
        let slots = VersionedSlots::default();
        slots.table.store(Some(Arc::new(SlotTable::new(V::MEMORY, bytes, 0))));
        slots
    }

    /// Takes what transaction `txn` changed out of the slots. IMPORTANT: before it is committed.
    pub(crate) fn invalidate(&self, txn: u64, changed: impl IntoIterator<Item = Owner>) {
        let mut changed = changed.into_iter().peekable();
        if changed.peek().is_none() {
            return;
        }
        let mut floor = self.lock();
        *floor = (*floor).max(txn);
        if let Some(table) = self.table.load().as_ref() {
            changed.for_each(|owner| table.invalidate(owner, txn));
        }
        // A reader that sees the commit sees the floors.
        fence(Ordering::SeqCst);
    }

    /// Empties the slots when a transaction is later than all before it: where another process commits, it is not known
    /// what has changed. IMPORTANT: before a reader of that transaction is pinned.
    pub(crate) fn advance(&self, txn: u64) {
        if self.seen.load(Ordering::Acquire) >= txn {
            return;
        }
        let mut floor = self.lock();
        if *floor < txn {
            *floor = txn;
            let bytes = self.table.load().as_ref().map(|table| table.bytes);
            self.table.store(bytes.map(|bytes| Arc::new(SlotTable::new(V::MEMORY, bytes, txn))));
        }
        self.seen.fetch_max(txn, Ordering::Release);
    }

    /// Fills in what transaction `txn` changed, once it is committed.
    pub(crate) fn fill<'v>(&self, txn: u64, values: impl IntoIterator<Item = (Owner, &'v V)>)
    where
        V: 'v,
    {
        let floor = self.lock();
        values.into_iter().for_each(|(owner, value)| self.fill_one(owner, txn, value, *floor));
    }

    /// Number of slots for values of `bytes` bytes: items with keys that far apart share a slot.
    #[cfg(test)]
    pub(crate) fn len_for(bytes: usize) -> u64 {
        SlotTable::new(V::MEMORY, bytes, 0).len()
    }

    /// The slots for a reader of transaction `txn`. IMPORTANT: after the transaction has begun.
    pub(crate) fn pin(self: &Arc<Self>, txn: u64) -> PinnedSlots<V> {
        PinnedSlots { slots: self.clone(), table: self.table.load_full(), txn }
    }

    /// The caller holds the lock, and `floor` is what it guards.
    fn fill_one(&self, owner: Owner, txn: u64, value: &V, floor: u64) {
        if let Some(table) = self.table_for(value.bytes(), txn) {
            table.fill(owner, txn, floor, |words| value.store(words));
        }
    }

    /// The slots for values of a length that transaction `txn` has: new ones when the values before had another, as
    /// after a move to a model of another width; `None` for a reader from before the move. The caller holds the lock.
    fn table_for(&self, bytes: usize, txn: u64) -> Option<Arc<SlotTable>> {
        let table = self.table.load_full();
        match table {
            Some(table) if table.bytes == bytes => Some(table),
            Some(table) if table.since > txn => None,
            _ if bytes == 0 => None,
            _ => {
                let table = Arc::new(SlotTable::new(V::MEMORY, bytes, txn));
                self.table.store(Some(table.clone()));
                Some(table)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.floor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The slots as a pinned reader uses them.
///
/// The table is the one that was current when the reader was pinned. After another has replaced it, it changes no more
/// and is still right for this reader: later commits are later than every value in it, and a reader that sees one of
/// them was pinned after the replacement.
pub(crate) struct PinnedSlots<V: ?Sized> {
    slots: Arc<VersionedSlots<V>>,
    table: Option<Arc<SlotTable>>,
    txn: u64,
}

impl<V: SlotValue + ?Sized> PinnedSlots<V> {
    /// What `load` makes of the words and the length of a value; `None` when no slot holds it for this reader. `load`
    /// may see a value that is being changed; what it made of that is dropped.
    pub(crate) fn get<R>(&self, owner: Owner, load: impl FnOnce(&[AtomicU64], usize) -> R) -> Option<R> {
        let table = self.table.as_deref()?;
        table.read(owner, self.txn, |words| load(words, table.bytes))
    }

    /// Whether [`PinnedSlots::offer`] may keep a value.
    pub(crate) fn accepts(&self, owner: Owner) -> bool {
        self.table.as_ref().is_none_or(|table| table.accepts(owner, self.txn))
    }

    /// Keeps a value that this reader found in the tables, unless another thread is changing slots.
    pub(crate) fn offer(&self, owner: Owner, value: &V) {
        if let Ok(floor) = self.slots.floor.try_lock() {
            self.slots.fill_one(owner, self.txn, value, *floor);
        }
    }

    /// Prefetches the slot of an item for [`PinnedSlots::get`].
    pub(crate) fn prefetch(&self, key: ItemKey) {
        if let Some(table) = &self.table {
            table.prefetch(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use crate::base::id::Seq;
    use crate::base::time::Timestamp;
    use crate::catalog::memory::slot_values::{ItemState, load_vector, vector_owner};
    use crate::catalog::rows::items::Head;
    use crate::catalog::rows::key_parts::SpaceNumber;
    use crate::catalog::rows::signals::ItemSignals;

    use super::*;

    const BYTES: usize = 12;
    const SPACES: [SpaceNumber; 2] = [SpaceNumber(0), SpaceNumber(u16::MAX)];

    type Vectors = VersionedSlots<[u8]>;

    fn owner(key: u64) -> Owner {
        vector_owner(SPACES[0], ItemKey(key)).unwrap()
    }

    fn get(slots: &Arc<Vectors>, txn: u64, owner: Owner) -> Option<Vec<u8>> {
        let mut room = Vec::new();
        let bytes = slots.pin(txn).get(owner, |words, bytes| {
            load_vector(words, &mut room);
            bytes
        })?;
        room.truncate(bytes);
        Some(room)
    }

    /// A state in which every word tells which transaction wrote it.
    fn state(txn: u64) -> ItemState {
        let head = Head { generation: Seq(txn), available: Timestamp::from_millis(txn as i64) };
        let one = txn as f64;
        ItemState { head: Some(head), signals: Some(ItemSignals { masses: [one; 4], shown: one, chosen: one }) }
    }

    #[test]
    fn slots_answer_from_their_floor_on_and_are_filled_from_there_on() {
        let slots = Arc::new(Vectors::default());
        let in_memory = Vectors::len_for(BYTES);
        let (key, other, shares) = (owner(0), owner(1), owner(in_memory));
        let (first, second) = ([1; BYTES], [2; BYTES]);
        // A commit changes the vector before there are slots.
        slots.invalidate(5, [key]);
        slots.pin(4).offer(key, &first);
        assert_eq!(get(&slots, 9, key), None, "filled by an older reader");
        slots.pin(7).offer(key, &second);
        assert_eq!((get(&slots, 4, key), get(&slots, 5, key)), (None, Some(second.to_vec())));
        assert_eq!(get(&slots, 9, vector_owner(SPACES[1], ItemKey(0)).unwrap()), None);
        // A commit that fails: the next one has its number.
        slots.invalidate(8, [key, other]);
        slots.pin(7).offer(key, &second);
        assert_eq!(get(&slots, 8, key), None);
        slots.pin(8).offer(key, &first);
        assert_eq!(get(&slots, 8, key), Some(first.to_vec()));
        // An item that shares the slot takes it, and a change of that item leaves the vector of the other.
        slots.invalidate(9, [shares]);
        assert_eq!((get(&slots, 8, key), get(&slots, 9, key)), (None, Some(first.to_vec())));
        slots.pin(9).offer(shares, &second);
        assert_eq!((get(&slots, 9, key), get(&slots, 9, shares)), (None, Some(second.to_vec())));
        // Vectors of another length take all slots, and those of the length before do not come back.
        let before = slots.pin(9);
        slots.pin(10).offer(key, &[3; 21]);
        slots.pin(9).offer(other, &first);
        assert_eq!((get(&slots, 10, key), get(&slots, 10, other)), (Some(vec![3; 21]), None));
        assert_eq!(
            before.get(shares, |_, bytes| bytes),
            Some(BYTES),
            "a reader keeps the slots that it was pinned with"
        );
        assert_eq!(Owner::of(0, ItemKey(u64::MAX)), None);
    }

    #[test]
    fn a_later_transaction_of_another_process_empties_the_slots() {
        let (slots, key) = (Arc::new(Vectors::default()), owner(0));
        let (first, second) = ([1; BYTES], [2; BYTES]);
        slots.advance(5);
        slots.pin(5).offer(key, &first);
        slots.advance(5);
        slots.advance(4);
        assert_eq!(get(&slots, 5, key), Some(first.to_vec()));
        slots.advance(7);
        assert_eq!((get(&slots, 5, key), get(&slots, 7, key)), (None, None));
        slots.pin(5).offer(key, &first);
        assert_eq!(get(&slots, 7, key), None, "an older reader brings what it read");
        slots.pin(7).offer(key, &second);
        assert_eq!((get(&slots, 5, key), get(&slots, 7, key)), (None, Some(second.to_vec())));
        // From here on this process writes.
        slots.invalidate(8, [key]);
        slots.fill(8, [(key, &first[..])]);
        assert_eq!(get(&slots, 8, key), Some(first.to_vec()));
    }

    #[test]
    fn a_commit_fills_what_it_changed_unless_a_later_one_changed_it_again() {
        let (slots, key) = (Arc::new(ItemState::slots()), owner(CHUNK_AND_MORE));
        let get = |txn: u64| slots.pin(txn).get(key, |words, _| ItemState::load(words)).flatten();
        assert!(slots.pin(5).accepts(key));
        slots.pin(5).offer(key, &state(1));
        assert_eq!((get(4), get(5)), (Some(state(1)), Some(state(1))));
        slots.invalidate(7, [key]);
        assert!(get(6).is_none() && get(7).is_none() && !slots.pin(6).accepts(key));
        slots.pin(6).offer(key, &state(1));
        assert!(get(7).is_none(), "an older reader may not fill what a commit has changed");
        slots.fill(7, [(key, &state(2))]);
        assert_eq!((get(6), get(8)), (None, Some(state(2))));
        slots.invalidate(8, [key]);
        slots.invalidate(9, [key]);
        slots.fill(8, [(key, &state(3))]);
        assert!(get(9).is_none(), "a later commit has changed it");
        assert!(slots.pin(9).accepts(key));
    }

    /// A key behind the first chunk of slots.
    const CHUNK_AND_MORE: u64 = super::super::slot_table::CHUNK as u64 + 3;

    /// Runs readers while a writer writes, until the writer has committed 50,000 times and the readers have seen 1,000
    /// values. On one core the readers start late.
    fn concurrently(read: impl Fn(u64) -> u64 + Sync, write: impl Fn(u64)) {
        let (committed, seen, over) = (AtomicU64::new(1), AtomicU64::new(0), AtomicBool::new(false));
        let reader = || {
            while !over.load(Ordering::SeqCst) {
                seen.fetch_add(read(committed.load(Ordering::SeqCst)), Ordering::SeqCst);
            }
        };
        std::thread::scope(|scope| {
            let readers = [scope.spawn(reader), scope.spawn(reader), scope.spawn(reader)];
            let is_running = || readers.iter().all(|reader| !reader.is_finished());
            let mut txn = 1;
            while txn < 50_000 || (seen.load(Ordering::SeqCst) < 1_000 && is_running()) {
                txn += 1;
                write(txn);
                committed.store(txn, Ordering::SeqCst);
                if txn.is_multiple_of(8) {
                    std::thread::yield_now();
                }
            }
            over.store(true, Ordering::SeqCst);
        });
        assert!(seen.load(Ordering::SeqCst) >= 1_000);
    }

    #[test]
    fn concurrent_readers_see_whole_vectors_of_their_time() {
        /// A vector in which every word tells whose it is, or which transaction wrote it.
        fn of(key: u64, txn: u64) -> Vec<u8> {
            [key, txn].repeat(24).into_iter().flat_map(u64::to_le_bytes).collect()
        }
        let slots = Arc::new(Vectors::default());
        let keys = [3, 3 + Vectors::len_for(384)];
        let read = |txn: u64| {
            let found = |key: &u64| match get(&slots, txn, owner(*key)) {
                Some(vector) => {
                    assert!(vector == of(*key, txn), "{key:?} of {txn}: {vector:?}");
                    1
                }
                None => {
                    slots.pin(txn).offer(owner(*key), &of(*key, txn));
                    0
                }
            };
            keys.iter().map(found).sum()
        };
        concurrently(read, |txn| slots.invalidate(txn, keys.map(owner)));
    }

    #[test]
    fn concurrent_readers_see_whole_states_of_their_time() {
        let (slots, key) = (Arc::new(ItemState::slots()), owner(7));
        let read = |txn: u64| {
            let Some(found) = slots.pin(txn).get(key, |words, _| ItemState::load(words)).flatten() else { return 0 };
            let written = found.head.map_or(0, |head| head.generation.0);
            assert!(written <= txn, "{written} for a reader of {txn}");
            assert_eq!(found, state(written), "words of several transactions");
            1
        };
        let write = |txn: u64| {
            slots.invalidate(txn, [key]);
            slots.fill(txn, [(key, &state(txn))]);
        };
        concurrently(read, write);
    }
}

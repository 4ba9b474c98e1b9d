//! Vectors of items that requests have read, in memory, each at a place that its key says.
//!
//! The way down a table of a hundred thousand vectors is a dozen cache misses one after the other, and a request goes it
//! for hundreds of candidates. Here it is one look, and the memory can be asked for before. The table stays the truth: a
//! slot holds what it says from one transaction on, and answers only readers that are pinned to that or a later one.
//!
//! IMPORTANT: the order of a commit. Before it is visible it raises the floor of the slots of what it changed to its
//! number, and empties those that hold it. Readers fill slots, and only such as are pinned to the floor or later: what
//! they read is still so, or a commit would have raised the floor beyond them. A commit that fails leaves a floor that
//! the next one reaches, and nothing wrong.
//!
//! Keys share slots when there are more of them: the last one asked for stays.

use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use arc_swap::ArcSwapOption;

use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::catalog::prefetch::prefetch;

use super::items::SpaceNumber;
use super::read::CatalogRead;

/// Memory that slots take at most, taken as they are filled: 160,000 vectors of 192 dimensions.
const MEMORY: usize = 64 << 20;
/// Slots that are allocated together.
const CHUNK: usize = 64;

/// What the first words of a slot are: how often it was changed (odd while it is being changed), whose vector it holds,
/// and the first transaction whose readers may look. The vector follows.
const CHANGES: usize = 0;
const OWNER: usize = 1;
const FLOOR: usize = 2;
const HEAD: usize = 3;

/// In place of the owner of a slot: it is empty.
const NOBODY: u64 = u64::MAX;
/// Keys from here on have no place beside the number of their space.
const KEYS: u64 = (1 << 48) - 1;

/// The slots of one catalog.
#[derive(Default)]
pub(super) struct VectorSlots {
    /// None before the first vector comes.
    slots: ArcSwapOption<Slots>,
    /// Held by whoever changes slots. The largest number of a transaction that has raised floors.
    floor: Mutex<u64>,
}

/// Slots for vectors of one length.
struct Slots {
    bytes: usize,
    /// The transaction whose reader brought the first one.
    since: u64,
    chunks: Box<[OnceLock<Box<[AtomicU64]>>]>,
}

impl VectorSlots {
    /// Takes vectors that transaction `txn` changed out of the slots. IMPORTANT: before it is committed.
    pub(super) fn mark(&self, txn: u64, changed: &[(SpaceNumber, ItemKey)]) {
        if changed.is_empty() {
            return;
        }
        let mut floor = self.lock();
        *floor = (*floor).max(txn);
        let slots = self.slots.load();
        for (space, key) in changed {
            if let Some(slot) = slots.as_ref().and_then(|slots| slots.at(*key)) {
                let owner = Some(slot[OWNER].load(Ordering::Relaxed)).filter(|is| owner(*space, *key) != Some(*is));
                change(slot, || {
                    slot[OWNER].store(owner.unwrap_or(NOBODY), Ordering::Relaxed);
                    slot[FLOOR].store(txn, Ordering::Relaxed);
                });
            }
        }
        // Whoever sees the commit sees the floors.
        fence(Ordering::SeqCst);
    }

    /// Copies what a reader of transaction `txn` would find in the table into `room`, when it is known; says its length.
    fn get(&self, space: SpaceNumber, key: ItemKey, txn: u64, room: &mut Vec<u8>) -> Option<usize> {
        let slots = self.slots.load();
        let slots = slots.as_ref()?;
        let slot = slots.at(key)?;
        let changes = slot[CHANGES].load(Ordering::Acquire);
        let owned = owner(space, key) == Some(slot[OWNER].load(Ordering::Relaxed));
        if !owned || slot[FLOOR].load(Ordering::Relaxed) > txn || !changes.is_multiple_of(2) {
            return None;
        }
        room.resize(slots.words() * size_of::<u64>(), 0);
        for (bytes, word) in room.chunks_exact_mut(size_of::<u64>()).zip(&slot[HEAD..]) {
            bytes.copy_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
        }
        fence(Ordering::Acquire);
        (slot[CHANGES].load(Ordering::Relaxed) == changes).then_some(slots.bytes)
    }

    /// Keeps what a reader of transaction `txn` found in the table, unless somebody else changes slots just now.
    fn offer(&self, space: SpaceNumber, key: ItemKey, txn: u64, vector: &[u8]) {
        let (Some(owner), Ok(floor)) = (owner(space, key), self.floor.try_lock()) else { return };
        let Some(slots) = self.slots_for(vector.len(), txn) else { return };
        let slot = slots.make(key, *floor);
        let held = slot[OWNER].load(Ordering::Relaxed) == owner;
        if held || slot[FLOOR].load(Ordering::Relaxed) > txn {
            return;
        }
        change(slot, || {
            slot[OWNER].store(owner, Ordering::Relaxed);
            for (word, bytes) in slot[HEAD..].iter().zip(vector.chunks(size_of::<u64>())) {
                let mut whole = [0; size_of::<u64>()];
                whole[..bytes.len()].copy_from_slice(bytes);
                word.store(u64::from_le_bytes(whole), Ordering::Relaxed);
            }
        });
    }

    /// The slots for vectors of a length that a reader of transaction `txn` brings: new ones when all before had another,
    /// as after a move to a model of another width; `None` for a reader from before the move. The caller holds the lock.
    fn slots_for(&self, bytes: usize, txn: u64) -> Option<Arc<Slots>> {
        let slots = self.slots.load_full();
        match slots {
            Some(slots) if slots.bytes == bytes => Some(slots),
            Some(slots) if slots.since > txn => None,
            _ if bytes == 0 => None,
            _ => {
                let slots = Arc::new(Slots::new(bytes, txn));
                self.slots.store(Some(slots.clone()));
                Some(slots)
            }
        }
    }

    /// Has the slot of an item at hand for [`VectorSlots::get`].
    fn fetch(&self, key: ItemKey) {
        if let Some(slot) = self.slots.load().as_ref().and_then(|slots| slots.at(key)) {
            prefetch(slot);
        }
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.floor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slots {
    fn new(bytes: usize, since: u64) -> Slots {
        let slot = (bytes.div_ceil(size_of::<u64>()) + HEAD) * size_of::<u64>();
        let chunks = (MEMORY / (slot * CHUNK)).max(1);
        Slots { bytes, since, chunks: (0..chunks).map(|_| OnceLock::new()).collect() }
    }

    /// Words of a vector.
    fn words(&self) -> usize {
        self.bytes.div_ceil(size_of::<u64>())
    }

    /// The chunk of a key's slot, and its place there.
    fn place(&self, key: ItemKey) -> (&OnceLock<Box<[AtomicU64]>>, usize) {
        let place = (key.0 % (self.chunks.len() * CHUNK) as u64) as usize;
        (&self.chunks[place / CHUNK], place % CHUNK)
    }

    /// The slot of a key, when it is allocated.
    fn at(&self, key: ItemKey) -> Option<&[AtomicU64]> {
        let (chunk, place) = self.place(key);
        Some(self.slot(chunk.get()?, place))
    }

    /// The slot of a key, allocated when it was not. Those that are new are for readers from `floor` on: a commit that
    /// changed one of their keys found no slot to say so. The caller holds the lock.
    fn make(&self, key: ItemKey, floor: u64) -> &[AtomicU64] {
        let (chunk, place) = self.place(key);
        let slot = || [0, NOBODY, floor].into_iter().chain(std::iter::repeat_n(0, self.words()));
        self.slot(chunk.get_or_init(|| (0..CHUNK).flat_map(|_| slot()).map(AtomicU64::new).collect()), place)
    }

    fn slot<'s>(&self, chunk: &'s [AtomicU64], place: usize) -> &'s [AtomicU64] {
        let words = HEAD + self.words();
        &chunk[place * words..(place + 1) * words]
    }
}

/// Changes a slot, so that whoever reads it meanwhile notices. The caller holds the lock.
fn change(slot: &[AtomicU64], change: impl FnOnce()) {
    let changes = slot[CHANGES].load(Ordering::Relaxed);
    slot[CHANGES].store(changes.wrapping_add(1), Ordering::Relaxed);
    // A reader that sees one of the words sees that the slot is being changed.
    fence(Ordering::Release);
    change();
    slot[CHANGES].store(changes.wrapping_add(2), Ordering::Release);
}

/// Whose vector a slot holds, in one word; `None` for a key that is too large for that.
fn owner(space: SpaceNumber, key: ItemKey) -> Option<u64> {
    (key.0 < KEYS).then_some(u64::from(space.0) << 48 | key.0)
}

impl CatalogRead {
    /// The stored components of a vector: as `View::vector`, and sooner when they are known; then they are copied into
    /// `room`. For the space of items only: vectors of several lengths would drive each other out.
    pub(crate) fn vector<'r>(
        &'r self,
        space: SpaceNumber,
        key: ItemKey,
        room: &'r mut Vec<u8>,
    ) -> Result<Option<&'r [u8]>> {
        let (slots, txn) = self.vector_slots();
        if let Some(length) = slots.get(space, key, txn, room) {
            return Ok(room.get(..length));
        }
        let stored = self.view().vector(space, key)?;
        stored.inspect(|bytes| slots.offer(space, key, txn, bytes));
        Ok(stored)
    }

    /// Has what is known of the vector of an item at hand for [`CatalogRead::vector`].
    pub(crate) fn fetch_vector(&self, key: ItemKey) {
        self.vector_slots().0.fetch(key);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use proptest::prelude::*;

    use super::super::Catalog;
    use super::*;

    const SPACES: [SpaceNumber; 2] = [SpaceNumber(0), SpaceNumber(u16::MAX)];
    const BYTES: usize = 12;

    /// Keys of which some share slots, some a chunk, and one has no slot.
    fn keys() -> [ItemKey; 7] {
        let slots = (Slots::new(BYTES, 0).chunks.len() * CHUNK) as u64;
        [0, 1, CHUNK as u64, slots, slots + 1, 2 * slots, u64::MAX - 1].map(ItemKey)
    }

    #[derive(Debug, Clone)]
    enum Step {
        /// Vectors by space and key, 0 for none, and whether that is committed.
        Write(Vec<(usize, usize, u8)>, bool),
        /// All vectors of a space.
        Clear(usize),
        Pin,
        Unpin(usize),
        Read(usize, usize, usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        let vector = (0..2usize, 0..7usize, 0..9u8);
        prop_oneof![
            3 => (prop::collection::vec(vector, 1..4), prop::bool::weighted(0.8)).prop_map(|(all, b)| Step::Write(all, b)),
            1 => (0..2usize).prop_map(Step::Clear),
            2 => Just(Step::Pin),
            1 => any::<usize>().prop_map(Step::Unpin),
            8 => (any::<usize>(), 0..2usize, 0..7usize).prop_map(|(pin, space, key)| Step::Read(pin, space, key)),
        ]
    }

    fn check(pinned: &CatalogRead, space: SpaceNumber, key: ItemKey) {
        let (mut room, stored) = (vec![7; 40], pinned.view().vector(space, key).unwrap());
        for _ in 0..2 {
            assert_eq!(pinned.vector(space, key, &mut room).unwrap(), stored, "{space:?} {key:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

        #[test]
        fn every_reader_finds_the_vectors_of_its_own_commit(steps in prop::collection::vec(step(), 1..120)) {
            let (dir, keys) = (tempfile::tempdir().unwrap(), keys());
            let catalog = Catalog::open(dir.path(), 1 << 26).unwrap();
            catalog.make_scratch().unwrap();
            let mut pins = vec![catalog.read().unwrap()];
            for step in steps {
                match step {
                    Step::Write(all, commits) => {
                        let mut write = catalog.write().unwrap();
                        for (space, key, value) in all {
                            // One value in nine is of another length, which brings other slots.
                            let bytes = vec![value; if value == 8 { 20 } else { BYTES }];
                            let vector = (value > 0).then_some(bytes.as_slice());
                            write.set_vector(SPACES[space], keys[key], vector).unwrap();
                        }
                        if commits {
                            write.commit_bookkeeping().unwrap();
                        }
                    }
                    Step::Clear(space) => {
                        let mut write = catalog.write().unwrap();
                        write.clear_space(SPACES[space], 4).unwrap();
                        write.commit_bookkeeping().unwrap();
                    }
                    Step::Pin => pins.push(catalog.read().unwrap()),
                    Step::Unpin(pin) if pins.len() > 1 => drop(pins.swap_remove(pin % pins.len())),
                    Step::Unpin(_) => {}
                    Step::Read(pin, space, key) => check(&pins[pin % pins.len()], SPACES[space], keys[key]),
                }
            }
            for pinned in &pins {
                SPACES.into_iter().for_each(|space| keys.into_iter().for_each(|key| check(pinned, space, key)));
            }
        }
    }

    #[test]
    fn slots_answer_from_their_floor_on_and_are_filled_from_there_on() {
        let (slots, mut room) = (VectorSlots::default(), Vec::new());
        let (space, [key, other, ..]) = (SPACES[0], keys());
        let (first, second) = ([1; BYTES], [2; BYTES]);
        // Before there are slots a commit has changed the vector.
        slots.mark(5, &[(space, key)]);
        slots.offer(space, key, 4, &first);
        assert_eq!(slots.get(space, key, 9, &mut room), None, "filled by an older reader");
        slots.offer(space, key, 7, &second);
        assert_eq!((slots.get(space, key, 4, &mut room), slots.get(space, key, 5, &mut room)), (None, Some(BYTES)));
        assert_eq!(room[..BYTES], second);
        assert_eq!(slots.get(SPACES[1], key, 9, &mut room), None);
        // A commit that fails: the next has its number.
        slots.mark(8, &[(space, key), (space, other)]);
        slots.offer(space, key, 7, &second);
        assert_eq!(slots.get(space, key, 8, &mut room), None);
        slots.offer(space, key, 8, &first);
        assert_eq!(slots.get(space, key, 8, &mut room), Some(BYTES));
        // Who shares a slot takes it, and what changes there concerns its own vector only.
        let [.., shares, _] = keys();
        slots.mark(9, &[(space, shares)]);
        assert_eq!((slots.get(space, key, 8, &mut room), slots.get(space, key, 9, &mut room)), (None, Some(BYTES)));
        slots.offer(space, shares, 9, &second);
        assert_eq!(slots.get(space, key, 9, &mut room), None);
        assert_eq!(slots.get(space, shares, 9, &mut room), Some(BYTES));
        // Vectors of another length take all, and those of before do not come back.
        slots.offer(space, key, 10, &[3; 21]);
        slots.offer(space, other, 9, &first);
        assert_eq!((slots.get(space, key, 10, &mut room), slots.get(space, other, 10, &mut room)), (Some(21), None));
    }

    #[test]
    fn readers_beside_a_writer_see_whole_vectors_of_their_time() {
        /// Every word says whose it is, and which transaction wrote it.
        fn of(key: ItemKey, txn: u64) -> Vec<u8> {
            [key.0, txn].repeat(24).into_iter().flat_map(u64::to_le_bytes).collect()
        }
        let slots = VectorSlots::default();
        let shared = (Slots::new(384, 0).chunks.len() * CHUNK) as u64;
        let keys = [ItemKey(3), ItemKey(3 + shared)];
        let (committed, seen, over) = (AtomicU64::new(1), AtomicU64::new(0), AtomicBool::new(false));
        let read = || {
            let mut room = Vec::new();
            while !over.load(Ordering::SeqCst) {
                let txn = committed.load(Ordering::SeqCst);
                for key in keys {
                    match slots.get(SPACES[0], key, txn, &mut room) {
                        Some(length) => {
                            assert!(room[..length] == of(key, txn), "{key:?} of {txn}: {room:?}");
                            seen.fetch_add(1, Ordering::SeqCst);
                        }
                        None => slots.offer(SPACES[0], key, txn, &of(key, txn)),
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            let readers = [scope.spawn(read), scope.spawn(read), scope.spawn(read)];
            let mut txn = 1;
            // As long as it takes: on one core the readers come on late.
            while txn < 50_000
                || (seen.load(Ordering::SeqCst) < 1_000 && readers.iter().all(|reader| !reader.is_finished()))
            {
                txn += 1;
                slots.mark(txn, &keys.map(|key| (SPACES[0], key)));
                committed.store(txn, Ordering::SeqCst);
                if txn.is_multiple_of(8) {
                    std::thread::yield_now();
                }
            }
            over.store(true, Ordering::SeqCst);
        });
        assert!(seen.load(Ordering::SeqCst) >= 1_000);
    }
}

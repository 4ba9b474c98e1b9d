//! The memory of versioned slots: slots for values of one length, and how one is changed while others read it.
//!
//! A slot is a sequence lock over plain atomics: its first word counts changes and is odd during one. A reader copies
//! the value between two looks at that word, and drops the copy when they differ.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use crate::base::id::ItemKey;

use super::prefetch::prefetch;

/// Slots that are allocated together.
pub(super) const CHUNK: usize = 256;

/// The first words of a slot: how often it was changed, whose value it holds, and the first transaction whose readers
/// may use it. The value follows.
const CHANGES: usize = 0;
const OWNER: usize = 1;
const FLOOR: usize = 2;
const HEAD: usize = 3;

/// In place of an owner: the slot is empty.
const NO_OWNER: u64 = u64::MAX;
/// Bits of an owner that are the key of the item.
const KEY_BITS: u32 = 48;
/// Keys from here on do not fit into an owner.
const KEYS: u64 = (1 << KEY_BITS) - 1;

const WORD: usize = size_of::<u64>();

/// Whose value a slot holds: an item, and the group that the value belongs to, such as the space of a vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner(u64);

impl Owner {
    /// `None` for a key that is too large: its values are never in a slot.
    pub(crate) fn of(group: u16, key: ItemKey) -> Option<Owner> {
        (key.0 < KEYS).then_some(Owner(u64::from(group) << KEY_BITS | key.0))
    }

    fn key(self) -> ItemKey {
        ItemKey(self.0 & KEYS)
    }
}

/// Slots for values of one length.
pub(super) struct SlotTable {
    /// Bytes of a value.
    pub bytes: usize,
    /// The transaction whose reader brought the first value.
    pub since: u64,
    /// Words of a slot, its first ones included.
    width: usize,
    slots: u64,
    chunks: Box<[OnceLock<Box<[AtomicU64]>>]>,
}

impl SlotTable {
    /// As many slots as fit into `memory` bytes, allocated as they are filled.
    pub(super) fn new(memory: usize, bytes: usize, since: u64) -> SlotTable {
        let width = HEAD + bytes.div_ceil(WORD);
        let chunks = (memory / (width * WORD * CHUNK)).max(1);
        let slots = (chunks * CHUNK) as u64;
        SlotTable { bytes, since, width, slots, chunks: (0..chunks).map(|_| OnceLock::new()).collect() }
    }

    /// What `load` makes of the value of an owner, for a reader of transaction `txn`; `None` when the slot holds no
    /// value for that reader. `load` may see a value that is being changed; what it made of that is dropped.
    pub(super) fn read<R>(&self, owner: Owner, txn: u64, load: impl FnOnce(&[AtomicU64]) -> R) -> Option<R> {
        let slot = self.slot(owner.key())?;
        let changes = slot[CHANGES].load(Ordering::Acquire);
        let is_owner = slot[OWNER].load(Ordering::Relaxed) == owner.0;
        if !is_owner || slot[FLOOR].load(Ordering::Relaxed) > txn || !changes.is_multiple_of(2) {
            return None;
        }
        let value = load(&slot[HEAD..]);
        fence(Ordering::Acquire);
        (slot[CHANGES].load(Ordering::Relaxed) == changes).then_some(value)
    }

    /// Whether a value that a reader of transaction `txn` found may be filled in.
    pub(super) fn accepts(&self, owner: Owner, txn: u64) -> bool {
        self.slot(owner.key()).is_none_or(|slot| {
            slot[OWNER].load(Ordering::Relaxed) != owner.0 && slot[FLOOR].load(Ordering::Relaxed) <= txn
        })
    }

    /// Raises the floor of the slot of an owner to `txn`, and empties it when it holds that owner's value. The caller
    /// holds the lock.
    pub(super) fn invalidate(&self, owner: Owner, txn: u64) {
        let Some(slot) = self.slot(owner.key()) else { return };
        change(slot, || {
            if slot[OWNER].load(Ordering::Relaxed) == owner.0 {
                slot[OWNER].store(NO_OWNER, Ordering::Relaxed);
            }
            slot[FLOOR].store(txn, Ordering::Relaxed);
        });
    }

    /// Fills a slot with the value that `store` writes, as transaction `txn` has it, unless the slot holds it already
    /// or is for later transactions. A chunk that is allocated now starts at `floor`: a commit that changed one of its
    /// keys found no slot to raise the floor of. The caller holds the lock.
    pub(super) fn fill(&self, owner: Owner, txn: u64, floor: u64, store: impl FnOnce(&[AtomicU64])) {
        let (chunk, position) = self.position(owner.key());
        let empty = || [0, NO_OWNER, floor].into_iter().chain(std::iter::repeat_n(0, self.width - HEAD));
        let chunk = chunk.get_or_init(|| (0..CHUNK).flat_map(|_| empty()).map(AtomicU64::new).collect());
        let slot = self.slot_in(chunk, position);
        if slot[OWNER].load(Ordering::Relaxed) == owner.0 || slot[FLOOR].load(Ordering::Relaxed) > txn {
            return;
        }
        change(slot, || {
            slot[OWNER].store(owner.0, Ordering::Relaxed);
            store(&slot[HEAD..]);
        });
    }

    /// Prefetches the slot of an item.
    pub(super) fn prefetch(&self, key: ItemKey) {
        if let Some(slot) = self.slot(key) {
            prefetch(slot);
        }
    }

    /// Number of slots.
    #[cfg(test)]
    pub(super) fn len(&self) -> u64 {
        self.slots
    }

    /// The slot of an item, when it is allocated.
    fn slot(&self, key: ItemKey) -> Option<&[AtomicU64]> {
        let (chunk, position) = self.position(key);
        Some(self.slot_in(chunk.get()?, position))
    }

    fn slot_in<'s>(&self, chunk: &'s [AtomicU64], position: usize) -> &'s [AtomicU64] {
        &chunk[position * self.width..][..self.width]
    }

    /// The chunk of an item's slot, and the position there. Items share slots when there are more items than slots.
    fn position(&self, key: ItemKey) -> (&OnceLock<Box<[AtomicU64]>>, usize) {
        // Most stores have a slot for every item, and need no division.
        let position = if key.0 < self.slots { key.0 } else { key.0 % self.slots } as usize;
        (&self.chunks[position / CHUNK], position % CHUNK)
    }
}

/// Changes a slot, so that a reader of it notices. The caller holds the lock.
fn change(slot: &[AtomicU64], change: impl FnOnce()) {
    let changes = slot[CHANGES].load(Ordering::Relaxed);
    slot[CHANGES].store(changes.wrapping_add(1), Ordering::Relaxed);
    // A reader that sees one of the new words sees that the slot is being changed.
    fence(Ordering::Release);
    change();
    slot[CHANGES].store(changes.wrapping_add(2), Ordering::Release);
}

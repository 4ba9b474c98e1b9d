//! The values that versioned slots hold: the state of an item, and the vector of an item.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::id::{ItemKey, Seq};
use crate::base::time::Timestamp;
use crate::catalog::rows::items::Head;
use crate::catalog::rows::key_parts::SpaceNumber;
use crate::catalog::rows::signals::ItemSignals;

use super::slot_table::Owner;
use super::versioned_slots::{SlotValue, VersionedSlots};

const WORD: usize = size_of::<u64>();
/// Words of the state of an item: generation, available, four masses, shown, chosen.
const STATE_WORDS: usize = 8;

/// In place of the time of availability: the item is not live.
const NO_HEAD: u64 = i64::MIN as u64;
/// In place of the number of impressions: the item has no signals.
const NO_SIGNALS: u64 = u64::MAX;

/// What a request reads about every candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ItemState {
    pub head: Option<Head>,
    pub signals: Option<ItemSignals>,
}

impl ItemState {
    /// Slots for the states of items.
    pub(crate) fn slots() -> VersionedSlots<ItemState> {
        VersionedSlots::with_bytes(STATE_WORDS * WORD)
    }

    /// The owner of an item's state.
    pub(crate) fn owner(key: ItemKey) -> Option<Owner> {
        Owner::of(0, key)
    }

    /// The state in the words of a slot.
    pub(crate) fn load(words: &[AtomicU64]) -> Option<ItemState> {
        let words: &[AtomicU64; STATE_WORDS] = words.try_into().ok()?;
        Some(ItemState::of(words.each_ref().map(|word| word.load(Ordering::Relaxed))))
    }

    fn words(&self) -> [u64; STATE_WORDS] {
        let (generation, available) =
            self.head.map_or((0, NO_HEAD), |head| (head.generation.0, head.available.millis() as u64));
        let ItemSignals { masses: [a, b, c, d], shown, chosen } = self.signals.unwrap_or_default();
        // A count is a number, and no number has all bits set.
        let shown = self.signals.map_or(NO_SIGNALS, |_| shown.to_bits());
        [generation, available, a.to_bits(), b.to_bits(), c.to_bits(), d.to_bits(), shown, chosen.to_bits()]
    }

    fn of([generation, available, a, b, c, d, shown, chosen]: [u64; STATE_WORDS]) -> ItemState {
        let head = Head { generation: Seq(generation), available: Timestamp::from_millis(available as i64) };
        let masses = [a, b, c, d].map(f64::from_bits);
        let signals = ItemSignals { masses, shown: f64::from_bits(shown), chosen: f64::from_bits(chosen) };
        ItemState { head: (available != NO_HEAD).then_some(head), signals: (shown != NO_SIGNALS).then_some(signals) }
    }
}

impl SlotValue for ItemState {
    /// A million items.
    const MEMORY: usize = 88 << 20;

    fn bytes(&self) -> usize {
        STATE_WORDS * WORD
    }

    fn store(&self, words: &[AtomicU64]) {
        words.iter().zip(self.words()).for_each(|(word, value)| word.store(value, Ordering::Relaxed));
    }
}

/// The owner of the vector of an item in a space.
pub(crate) fn vector_owner(space: SpaceNumber, key: ItemKey) -> Option<Owner> {
    Owner::of(space.0, key)
}

/// Copies the words of a slot into `room`, whole words: the vector is as many of the bytes as its length.
pub(crate) fn load_vector(words: &[AtomicU64], room: &mut Vec<u8>) {
    room.resize(words.len() * WORD, 0);
    for (bytes, word) in room.chunks_exact_mut(WORD).zip(words) {
        bytes.copy_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
    }
}

/// The stored components of a vector.
impl SlotValue for [u8] {
    /// 160,000 vectors of 192 dimensions.
    const MEMORY: usize = 64 << 20;

    fn bytes(&self) -> usize {
        self.len()
    }

    fn store(&self, words: &[AtomicU64]) {
        for (word, bytes) in words.iter().zip(self.chunks(WORD)) {
            let mut whole = [0; WORD];
            whole[..bytes.len()].copy_from_slice(bytes);
            word.store(u64::from_le_bytes(whole), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_an_item_round_trips_bit_for_bit() {
        let head = Head { generation: Seq(u64::MAX), available: Timestamp::MIN };
        let signals = ItemSignals { masses: [f64::NEG_INFINITY, -0.0, 1.5, f64::MAX], shown: 0.0, chosen: 2.0 };
        let all = ItemState { head: Some(head), signals: Some(signals) };
        let none = ItemState { head: None, signals: None };
        let fresh = ItemState { signals: Some(ItemSignals::default()), ..none };
        for state in [all, none, fresh, ItemState { signals: None, ..all }, ItemState { head: None, ..all }] {
            assert_eq!(ItemState::of(state.words()), state);
            assert_eq!(ItemState::of(state.words()).words(), state.words());
        }
    }
}

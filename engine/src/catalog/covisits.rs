//! Co-visits: what came after what, and what was had together, in bounded lists of neighbours for each item.
//!
//! What people did long ago says less of what they do now, so weights decay: as in forward decay (Cormode and others,
//! ICDE 2009), new weight grows with its time instead, and only a reader divides.

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;
use crate::base::time::Timestamp;

use super::read::View;
use super::scratch_buffer::Lists;
use super::store::storage;
use super::write::CatalogWrite;
use super::{codec, keys};

/// A relation between two items that people made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Relation {
    /// The other item came after this one, in one person's events. Kept event by event.
    Next,
    /// Both were in one basket. Kept event by event.
    Basket,
    /// The other item came before this one, in one person's events: `Next` read from its other end. Kept event by event.
    Before,
    /// The same people had both, this one first. Fitted from time to time to the whole log: two generations, of which
    /// one is live.
    Together(bool),
}

impl Relation {
    /// Those that are kept event by event, and counted anew by a recount.
    pub(super) const COUNTED: [Relation; 3] = [Relation::Next, Relation::Basket, Relation::Before];

    /// The byte that names the relation in keys.
    pub(super) fn number(self) -> u8 {
        match self {
            Relation::Next => 0,
            Relation::Basket => 1,
            Relation::Together(false) => 2,
            Relation::Together(true) => 3,
            Relation::Before => 4,
        }
    }
}

/// Neighbours that a list holds before it is cut, and after.
const MOST: usize = 128;
const KEPT: usize = 96;
/// The version of records with a time that weights count from.
const DATED: u8 = 2;

/// The time in which an observed pair comes to count half, in days. Among 30, 90, 365, 1,000 and 3,650 days a log of 22
/// years liked 1,000 best and one of a single year 90, with 1,000 ahead of no decay on both (docs/decisions/0019).
const HALF_LIFE_DAYS: f64 = 1_000.0;
/// Half-lives after which a list is brought forward to the present, long before an f32 ends.
const FORWARD: f64 = 32.0;

/// The neighbours of one item, in no order, and the sum of all weight that was ever added.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Neighbours {
    items: Vec<u64>,
    weights: Vec<f32>,
    total: f32,
    /// The time at which a pair's weight is what was added for it; `None` for lists that do not decay.
    #[serde(skip)]
    since: Option<Timestamp>,
}

impl Neighbours {
    /// Adds weight to a neighbour, for what was observed at a time. A list that has grown too long loses its lightest; of
    /// equal weight the newer keys go first, so that the same events leave the same list.
    pub(super) fn add(&mut self, item: ItemKey, weight: f32, time: Timestamp) {
        let weight = weight * self.growth(time);
        self.total += weight;
        // The keys lie side by side: comparing all of them is quicker than any index over so few.
        match place(&self.items, item.0) {
            Some(place) => self.weights[place] += weight,
            None => {
                self.items.push(item.0);
                self.weights.push(weight);
                if self.items.len() > MOST {
                    self.cut();
                }
            }
        }
    }

    /// A list of known weights.
    pub(crate) fn of(pairs: impl IntoIterator<Item = (ItemKey, f32)>) -> Neighbours {
        let (items, weights): (Vec<u64>, Vec<f32>) = pairs.into_iter().map(|(key, weight)| (key.0, weight)).unzip();
        let total = weights.iter().sum();
        Neighbours { items, weights, total, since: None }
    }

    /// What a weight that is added for a time is multiplied by. Brings the list forward when that would be too much.
    fn growth(&mut self, time: Timestamp) -> f32 {
        let since = *self.since.get_or_insert(time);
        let passed = half_lives(since, time);
        if passed <= FORWARD {
            return passed.exp2() as f32;
        }
        let less = (-passed).exp2() as f32;
        self.weights.iter_mut().for_each(|weight| *weight *= less);
        self.total *= less;
        self.since = Some(time);
        1.0
    }

    /// What weights are multiplied by to be those of a time. 1 before the first pair: nothing grows by looking back.
    fn fall(&self, now: Timestamp) -> f32 {
        self.since.map_or(1.0, |since| (-half_lives(since, now).max(0.0)).exp2() as f32)
    }

    fn cut(&mut self) {
        let mut pairs: Vec<(u64, f32)> = self.items.iter().copied().zip(self.weights.iter().copied()).collect();
        pairs.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        pairs.truncate(KEPT);
        (self.items, self.weights) = pairs.into_iter().unzip();
    }

    /// The neighbours with their weights at a time.
    pub(crate) fn at(&self, now: Timestamp) -> impl Iterator<Item = (ItemKey, f32)> + '_ {
        let fall = self.fall(now);
        self.items.iter().map(|key| ItemKey(*key)).zip(self.weights.iter().map(move |weight| weight * fall))
    }

    /// All weight that was ever added, that of neighbours which were cut included, as of a time.
    pub(crate) fn total(&self, now: Timestamp) -> f32 {
        self.total * self.fall(now)
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The row that is stored.
    pub(super) fn encode(&self) -> Result<Vec<u8>> {
        match self.since {
            Some(since) => codec::encode_as(DATED, &(self, since)),
            None => codec::encode(self),
        }
    }

    /// A stored row. One that an older library wrote without a time decays from the first pair that is added.
    fn decode(bytes: &[u8]) -> Result<Neighbours> {
        let found: Neighbours = match bytes.first() {
            Some(&DATED) => {
                let (row, since): (Neighbours, Timestamp) = codec::decode_as(DATED, "neighbours", bytes)?;
                Neighbours { since: Some(since), ..row }
            }
            _ => codec::decode("neighbours", bytes)?,
        };
        if found.items.len() != found.weights.len() || found.weights.iter().any(|weight| !weight.is_finite()) {
            return Err(Error::damaged("neighbours", "a list that does not fit together"));
        }
        Ok(found)
    }
}

/// Half-lives from one time to another; negative when the other is earlier.
fn half_lives(from: Timestamp, to: Timestamp) -> f64 {
    to.seconds_since(from) / (86_400.0 * HALF_LIFE_DAYS)
}

/// Where a key stands, looked for many at a time: the comparisons of a stretch become a few vector instructions.
fn place(keys: &[u64], key: u64) -> Option<usize> {
    const STRETCH: usize = 16;
    let (stretches, rest) = keys.as_chunks::<STRETCH>();
    let is_in = |stretch: &[u64; STRETCH]| stretch.iter().fold(false, |found, other| found | (*other == key));
    let (from, within) = match stretches.iter().position(is_in) {
        Some(number) => (number * STRETCH, keys.get(number * STRETCH..)?),
        None => (keys.len() - rest.len(), rest),
    };
    within.iter().position(|other| *other == key).map(|place| from + place)
}

impl CatalogWrite<'_> {
    /// Writes the neighbours of an item as they were fitted.
    pub(crate) fn set_neighbours(&mut self, relation: Relation, item: ItemKey, row: Neighbours) -> Result<()> {
        self.settle_neighbours(Lists::from_iter([((relation, item), row)]))
    }

    /// Removes every list of a relation.
    pub(crate) fn clear_neighbours(&mut self, relation: Relation) -> Result<()> {
        self.held.inspect(|held| held.clear(relation));
        let (first, last) = (keys::neighbours(relation, ItemKey(0)), keys::neighbours(relation, ItemKey(u64::MAX)));
        self.tables.neighbours.delete_range(&mut self.txn, &keys::between(&first, &last)).map_err(storage)?;
        Ok(())
    }
}

impl View<'_> {
    /// The neighbours of an item in one relation; none for an item without any.
    pub(crate) fn neighbours(&self, relation: Relation, item: ItemKey) -> Result<Neighbours> {
        if let Some(held) = self.held.and_then(|held| held.get(relation, item)) {
            return Ok(held);
        }
        let key = keys::neighbours(relation, item);
        let Some(bytes) = self.tables.neighbours.get(self.txn, &key).map_err(storage)? else {
            return Ok(Neighbours::default());
        };
        Neighbours::decode(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::MIN;
    const HALF_LIFE: f64 = 86_400.0 * HALF_LIFE_DAYS;

    fn weight(list: &Neighbours, key: u64, now: Timestamp) -> f32 {
        list.at(now).find(|(item, _)| item.0 == key).map_or(0.0, |(_, weight)| weight)
    }

    #[test]
    fn a_pair_counts_half_after_a_half_life_whatever_the_order() {
        let at = |half_lives: f64| Timestamp::from_seconds(half_lives * HALF_LIFE);
        let pairs = [(1, at(0.0)), (2, at(1.0)), (1, at(2.0)), (3, at(2.0))];
        let (mut forward, mut backward) = (Neighbours::default(), Neighbours::default());
        pairs.iter().for_each(|(key, time)| forward.add(ItemKey(*key), 1.0, *time));
        pairs.iter().rev().for_each(|(key, time)| backward.add(ItemKey(*key), 1.0, *time));
        for list in [&forward, &Neighbours::decode(&backward.encode().unwrap()).unwrap()] {
            for (key, wanted) in [(1, 1.25), (2, 0.5), (3, 1.0)] {
                let found = weight(list, key, at(2.0));
                assert!((found - wanted).abs() < 1e-6, "{key}: {found}");
            }
            assert!((list.total(at(3.0)) - 1.375).abs() < 1e-6, "{}", list.total(at(3.0)));
        }
    }

    #[test]
    fn times_far_apart_are_no_trouble() {
        let mut list = Neighbours::default();
        for (key, time) in [(1, Timestamp::MIN), (2, Timestamp::MAX), (3, Timestamp::MIN), (4, Timestamp::MAX)] {
            list.add(ItemKey(key), 1.0, time);
        }
        assert_eq!([1, 2, 3, 4].map(|key| weight(&list, key, Timestamp::MAX)), [0.0, 1.0, 0.0, 1.0]);
        let stored = Neighbours::decode(&list.encode().unwrap()).unwrap();
        assert_eq!(stored, list);
        // What an older library stored has no time yet.
        let old = Neighbours::decode(&Neighbours::of([(ItemKey(1), 3.0)]).encode().unwrap()).unwrap();
        assert_eq!((weight(&old, 1, Timestamp::MAX), old.total(Timestamp::MIN)), (3.0, 3.0));
    }

    #[test]
    fn a_key_is_found_wherever_it_stands() {
        for count in [0, 1, 15, 16, 17, 40] {
            let keys: Vec<u64> = (0..count).map(|key| key * 7).collect();
            for key in 0..300 {
                assert_eq!(place(&keys, key), keys.iter().position(|other| *other == key), "{count} {key}");
            }
        }
    }

    #[test]
    fn a_full_list_keeps_the_heaviest() {
        let mut list = Neighbours::default();
        for key in 0..MOST as u64 {
            list.add(ItemKey(key), 1.0 + key as f32, NOW);
        }
        list.add(ItemKey(9_999), 20.5, NOW);
        assert_eq!(list.items.len(), KEPT);
        let lightest = list.weights.iter().copied().fold(f32::INFINITY, f32::min);
        assert!(lightest > 30.0, "{lightest}");
        assert!(list.at(NOW).all(|(key, _)| key != ItemKey(9_999)));
        assert!(list.total(NOW) > 128.0 * 64.0);
    }
}

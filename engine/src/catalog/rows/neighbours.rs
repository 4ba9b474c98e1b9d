//! Co-visited items of an item, in a bounded list with weights that decay.
//!
//! Old co-visits predict less than new ones. As in forward decay (Cormode and others, ICDE 2009), the weight of a new
//! pair grows with its time, and only readers divide.

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;
use crate::base::time::Timestamp;

use super::codec;

/// Neighbours that a list holds before it is cut.
const MAX_NEIGHBOURS: usize = 128;
/// Neighbours that are left when it is cut.
const KEPT: usize = 96;
/// The version of records with a reference time.
const DATED: u8 = 2;

/// The half-life of a pair, in days. Among 30, 90, 365, 1,000 and 3,650 days, 1,000 was best on a log of 22 years and
/// 90 on a log of one year; 1,000 beat no decay on both (docs/decisions/0019).
const HALF_LIFE_DAYS: f64 = 1_000.0;
/// Half-lives after which a list gets a new reference time, long before an f32 overflows.
const MAX_GROWTH: f64 = 32.0;

/// The neighbours of one item, in no order.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Neighbours {
    items: Vec<u64>,
    weights: Vec<f32>,
    /// All weight that was ever added, that of cut neighbours included.
    total: f32,
    /// The reference time: a pair of this time is stored with the weight that was added. `None` for lists without
    /// decay.
    #[serde(skip)]
    since: Option<Timestamp>,
}

impl Neighbours {
    /// Adds weight to a neighbour for a pair observed at `time`. A list that is too long loses its lightest neighbours;
    /// of equal weight the newer keys are cut first, so that the same events leave the same list.
    pub(crate) fn add(&mut self, item: ItemKey, weight: f32, time: Timestamp) {
        let weight = weight * self.growth(time);
        self.total += weight;
        // The keys are adjacent: comparing all of them is faster than an index over so few.
        match position(&self.items, item.0) {
            Some(position) => self.weights[position] += weight,
            None => {
                self.items.push(item.0);
                self.weights.push(weight);
                if self.items.len() > MAX_NEIGHBOURS {
                    self.cut();
                }
            }
        }
    }

    /// A list with given weights, without decay.
    pub(crate) fn of(pairs: impl IntoIterator<Item = (ItemKey, f32)>) -> Neighbours {
        let (items, weights): (Vec<u64>, Vec<f32>) = pairs.into_iter().map(|(key, weight)| (key.0, weight)).unzip();
        let total = weights.iter().sum();
        Neighbours { items, weights, total, since: None }
    }

    /// The factor for a weight that is added at `time`. Moves the reference time when the factor would be too large.
    fn growth(&mut self, time: Timestamp) -> f32 {
        let since = *self.since.get_or_insert(time);
        let passed = half_lives(since, time);
        if passed <= MAX_GROWTH {
            return passed.exp2() as f32;
        }
        let less = (-passed).exp2() as f32;
        self.weights.iter_mut().for_each(|weight| *weight *= less);
        self.total *= less;
        self.since = Some(time);
        1.0
    }

    /// The factor that turns stored weights into those as of `now`: 1 before the reference time, since weights never
    /// grow.
    fn decay(&self, now: Timestamp) -> f32 {
        self.since.map_or(1.0, |since| (-half_lives(since, now).max(0.0)).exp2() as f32)
    }

    fn cut(&mut self) {
        let mut pairs: Vec<(u64, f32)> = self.items.iter().copied().zip(self.weights.iter().copied()).collect();
        pairs.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        pairs.truncate(KEPT);
        (self.items, self.weights) = pairs.into_iter().unzip();
    }

    /// The neighbours with their weights as of `now`.
    pub(crate) fn at(&self, now: Timestamp) -> impl Iterator<Item = (ItemKey, f32)> + '_ {
        let decay = self.decay(now);
        self.items.iter().map(|key| ItemKey(*key)).zip(self.weights.iter().map(move |weight| weight * decay))
    }

    /// All weight that was ever added, that of cut neighbours included, as of `now`.
    pub(crate) fn total(&self, now: Timestamp) -> f32 {
        self.total * self.decay(now)
    }

    /// Whether there are no neighbours.
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The record to store.
    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        match self.since {
            Some(since) => codec::encode_as(DATED, &(self, since)),
            None => codec::encode(self),
        }
    }

    /// A stored record. One that an older version wrote without a reference time decays from the next pair on.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Neighbours> {
        let found: Neighbours = match bytes.first() {
            Some(&DATED) => {
                let (row, since): (Neighbours, Timestamp) = codec::decode_as(DATED, "neighbours", bytes)?;
                Neighbours { since: Some(since), ..row }
            }
            _ => codec::decode("neighbours", bytes)?,
        };
        if found.items.len() != found.weights.len() || found.weights.iter().any(|weight| !weight.is_finite()) {
            return Err(Error::damaged("neighbours", "keys and weights that do not match"));
        }
        Ok(found)
    }
}

/// Half-lives from one time to another; negative when the second is earlier.
fn half_lives(from: Timestamp, to: Timestamp) -> f64 {
    to.seconds_since(from) / (86_400.0 * HALF_LIFE_DAYS)
}

/// The position of a key. Keys are compared in blocks, which compile to a few vector instructions.
fn position(keys: &[u64], key: u64) -> Option<usize> {
    const BLOCK: usize = 16;
    let (blocks, rest) = keys.as_chunks::<BLOCK>();
    let is_in = |block: &[u64; BLOCK]| block.iter().fold(false, |found, other| found | (*other == key));
    let (from, within) = match blocks.iter().position(is_in) {
        Some(number) => (number * BLOCK, keys.get(number * BLOCK..)?),
        None => (keys.len() - rest.len(), rest),
    };
    within.iter().position(|other| *other == key).map(|position| from + position)
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
    fn a_pair_counts_half_after_a_half_life_in_any_order() {
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
    fn times_far_apart_do_not_overflow() {
        let mut list = Neighbours::default();
        for (key, time) in [(1, Timestamp::MIN), (2, Timestamp::MAX), (3, Timestamp::MIN), (4, Timestamp::MAX)] {
            list.add(ItemKey(key), 1.0, time);
        }
        assert_eq!([1, 2, 3, 4].map(|key| weight(&list, key, Timestamp::MAX)), [0.0, 1.0, 0.0, 1.0]);
        let stored = Neighbours::decode(&list.encode().unwrap()).unwrap();
        assert_eq!(stored, list);
        // A record of an older version has no reference time.
        let old = Neighbours::decode(&Neighbours::of([(ItemKey(1), 3.0)]).encode().unwrap()).unwrap();
        assert_eq!((weight(&old, 1, Timestamp::MAX), old.total(Timestamp::MIN)), (3.0, 3.0));
    }

    #[test]
    fn a_key_is_found_at_any_position() {
        for count in [0, 1, 15, 16, 17, 40] {
            let keys: Vec<u64> = (0..count).map(|key| key * 7).collect();
            for key in 0..300 {
                assert_eq!(position(&keys, key), keys.iter().position(|other| *other == key), "{count} {key}");
            }
        }
    }

    #[test]
    fn a_full_list_keeps_the_heaviest() {
        let mut list = Neighbours::default();
        for key in 0..MAX_NEIGHBOURS as u64 {
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

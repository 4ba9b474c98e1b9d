//! Co-visited items of an item, in a bounded list with weights that decay.
//!
//! Old co-visits predict less than new ones. As in forward decay (Cormode and others, ICDE 2009), the weight of a new
//! pair grows with its time, and only readers divide. Weights are whole numbers of small units, so that adding and taking
//! away is exact: a list does not depend on the order in which its pairs became known. (Beyond 2^53 units, which 23 million
//! pairs of this year have, it depends on it in the sixteenth digit.)

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;
use crate::base::time::Timestamp;

use super::codec;

/// Neighbours that a list holds before it is cut.
const MAX_NEIGHBOURS: usize = 128;
/// Neighbours that are left when it is cut.
const KEPT: usize = 96;
/// The version of records of older versions, with a reference time and weights that were no whole numbers.
const DATED: u8 = 2;
/// The version of records with whole numbers.
const WHOLE: u8 = 3;

/// The half-life of a pair, in days. Among 30, 90, 365, 1,000 and 3,650 days, 1,000 was best on a log of 22 years and
/// 90 on a log of one year; 1,000 beat no decay on both (docs/decisions/0019).
const HALF_LIFE_DAYS: f64 = 1_000.0;
/// Units of a pair of weight 1 of 1970; it doubles with each half-life.
const UNITS: f64 = 256.0;
/// Half-lives since 1970 after which the weight of a pair grows no more: the year 2079.
const MAX_HALF_LIVES: f64 = 40.0;

/// The neighbours of one item, in no order.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Neighbours {
    items: Vec<u64>,
    /// In units, when the list decays.
    weights: Vec<f64>,
    /// All weight of pairs, that with cut neighbours included.
    total: f64,
    /// Whether the list decays. One that was rebuilt as a whole does not.
    decays: bool,
}

/// The record of a list without decay, and of lists of older versions.
#[derive(Serialize, Deserialize)]
struct PlainRow {
    items: Vec<u64>,
    weights: Vec<f32>,
    total: f32,
}

/// The record of a list that decays.
#[derive(Serialize, Deserialize)]
struct WholeRow {
    items: Vec<u64>,
    weights: Vec<u64>,
    total: u64,
}

impl Neighbours {
    /// Adds weight to a neighbour for a pair observed at `time`. A list that is too long loses its lightest neighbours;
    /// of equal weight the newer keys are cut first, so that the same events leave the same list.
    pub(crate) fn add(&mut self, item: ItemKey, weight: f32, time: Timestamp) {
        let weight = self.units(weight, time);
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

    /// Takes away what [`Neighbours::add`] added with the same arguments. Of a neighbour that was cut since, only the total
    /// knows.
    pub(crate) fn remove(&mut self, item: ItemKey, weight: f32, time: Timestamp) {
        let weight = self.units(weight, time);
        self.total = (self.total - weight).max(0.0);
        let Some(position) = position(&self.items, item.0) else { return };
        self.weights[position] -= weight;
        if self.weights[position] <= 0.0 {
            self.items.swap_remove(position);
            self.weights.swap_remove(position);
        }
    }

    /// A list with given weights, without decay.
    pub(crate) fn of(pairs: impl IntoIterator<Item = (ItemKey, f32)>) -> Neighbours {
        let (items, weights): (Vec<u64>, Vec<f64>) =
            pairs.into_iter().map(|(key, weight)| (key.0, f64::from(weight))).unzip();
        let total = weights.iter().sum();
        Neighbours { items, weights, total, decays: false }
    }

    /// The units of a pair. A list that did not decay decays from here on.
    fn units(&mut self, weight: f32, time: Timestamp) -> f64 {
        let growth = UNITS * half_lives(time).exp2();
        if !self.decays {
            self.weights.iter_mut().for_each(|weight| *weight = (*weight * growth).round());
            self.total = (self.total * growth).round();
            self.decays = true;
        }
        (f64::from(weight) * growth).round()
    }

    /// The factor that turns stored weights into those as of `now`.
    fn decay(&self, now: Timestamp) -> f64 {
        if self.decays { (-half_lives(now)).exp2() / UNITS } else { 1.0 }
    }

    fn cut(&mut self) {
        let mut pairs: Vec<(u64, f64)> = self.items.iter().copied().zip(self.weights.iter().copied()).collect();
        pairs.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        pairs.truncate(KEPT);
        (self.items, self.weights) = pairs.into_iter().unzip();
    }

    /// The neighbours with their weights as of `now`.
    pub(crate) fn at(&self, now: Timestamp) -> impl Iterator<Item = (ItemKey, f32)> + '_ {
        let decay = self.decay(now);
        let weights = self.weights.iter().map(move |weight| (weight * decay) as f32);
        self.items.iter().map(|key| ItemKey(*key)).zip(weights)
    }

    /// All weight of pairs, that with cut neighbours included, as of `now`.
    pub(crate) fn total(&self, now: Timestamp) -> f32 {
        (self.total * self.decay(now)) as f32
    }

    /// Whether there are no neighbours.
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// What two lists of the same pairs have in common whatever the order: everything, but of a list that is so long that
    /// it may have been cut, only the total.
    pub(crate) fn summary(&self) -> (u64, Vec<(u64, u64)>) {
        let mut pairs: Vec<(u64, u64)> = match self.items.len() < KEPT {
            true => self.items.iter().copied().zip(self.weights.iter().map(|weight| weight.to_bits())).collect(),
            false => Vec::new(),
        };
        pairs.sort_unstable();
        (self.total.to_bits(), pairs)
    }

    /// The record to store.
    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        if !self.decays {
            let weights = self.weights.iter().map(|weight| *weight as f32).collect();
            return codec::encode(&PlainRow { items: self.items.clone(), weights, total: self.total as f32 });
        }
        let mut pairs: Vec<(u64, u64)> =
            self.items.iter().copied().zip(self.weights.iter().map(|w| *w as u64)).collect();
        // The same list has the same bytes.
        pairs.sort_unstable();
        let (items, weights) = pairs.into_iter().unzip();
        codec::encode_as(WHOLE, &WholeRow { items, weights, total: self.total as u64 })
    }

    /// A stored record. One that an older version wrote without a reference time decays from the next pair on.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Neighbours> {
        let found = match bytes.first() {
            Some(&WHOLE) => {
                let WholeRow { items, weights, total } = codec::decode_as(WHOLE, WHAT, bytes)?;
                let weights = weights.into_iter().map(|weight| weight as f64).collect();
                Neighbours { items, weights, total: total as f64, decays: true }
            }
            Some(&DATED) => {
                let (row, since): (PlainRow, Timestamp) = codec::decode_as(DATED, WHAT, bytes)?;
                let mut list = Neighbours::plain(row);
                list.units(0.0, since);
                list
            }
            _ => Neighbours::plain(codec::decode(WHAT, bytes)?),
        };
        let is_finite = found.total.is_finite() && found.weights.iter().all(|weight| weight.is_finite());
        if found.items.len() != found.weights.len() || !is_finite {
            return Err(Error::damaged(WHAT, "keys and weights that do not match"));
        }
        Ok(found)
    }

    fn plain(row: PlainRow) -> Neighbours {
        let weights = row.weights.into_iter().map(f64::from).collect();
        Neighbours { items: row.items, weights, total: f64::from(row.total), decays: false }
    }
}

/// The name of these records in errors.
const WHAT: &str = "neighbours";

/// Half-lives from 1970 to a time.
fn half_lives(time: Timestamp) -> f64 {
    (time.seconds() / (86_400.0 * HALF_LIFE_DAYS)).clamp(0.0, MAX_HALF_LIVES)
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

    fn at(half_lives: f64) -> Timestamp {
        Timestamp::from_seconds(half_lives * HALF_LIFE)
    }

    fn weight(list: &Neighbours, key: u64, now: Timestamp) -> f32 {
        list.at(now).find(|(item, _)| item.0 == key).map_or(0.0, |(_, weight)| weight)
    }

    #[test]
    fn a_pair_counts_half_after_a_half_life_in_any_order() {
        let pairs = [(1, at(0.0)), (2, at(1.0)), (1, at(2.0)), (3, at(2.0))];
        let (mut forward, mut backward) = (Neighbours::default(), Neighbours::default());
        pairs.iter().for_each(|(key, time)| forward.add(ItemKey(*key), 1.0, *time));
        pairs.iter().rev().for_each(|(key, time)| backward.add(ItemKey(*key), 1.0, *time));
        assert_eq!(forward.encode().unwrap(), backward.encode().unwrap());
        for list in [&forward, &Neighbours::decode(&backward.encode().unwrap()).unwrap()] {
            for (key, wanted) in [(1, 1.25), (2, 0.5), (3, 1.0)] {
                let found = weight(list, key, at(2.0));
                assert!((found - wanted).abs() < 1e-6, "{key}: {found}");
            }
            assert!((list.total(at(3.0)) - 1.375).abs() < 1e-6, "{}", list.total(at(3.0)));
        }
    }

    #[test]
    fn what_is_taken_away_leaves_no_trace() {
        let mut list = Neighbours::default();
        let pairs: Vec<(u64, f32, Timestamp)> =
            (0..40).map(|n| (n % 7, 1.0 / (1 + n % 10) as f32, at(20.0 + n as f64 / 50.0))).collect();
        list.add(ItemKey(3), 1.0, at(20.3));
        let before = list.clone();
        pairs.iter().for_each(|(key, weight, time)| list.add(ItemKey(*key), *weight, *time));
        pairs.iter().for_each(|(key, weight, time)| list.remove(ItemKey(*key), *weight, *time));
        assert_eq!(list, before);
        list.remove(ItemKey(99), 1.0, at(20.0));
        list.remove(ItemKey(3), 9.0, at(20.3));
        assert!(list.is_empty() && list.total(at(20.0)) == 0.0, "nothing is less than none");
    }

    #[test]
    fn times_far_apart_do_not_overflow() {
        let mut list = Neighbours::default();
        for (key, time) in [(1, Timestamp::MIN), (2, Timestamp::MAX), (3, Timestamp::MIN), (4, Timestamp::MAX)] {
            list.add(ItemKey(key), 1.0, time);
        }
        let lately = [2, 4].map(|key| weight(&list, key, Timestamp::MAX));
        assert_eq!(lately, [1.0, 1.0]);
        assert!(
            [1, 3].map(|key| weight(&list, key, Timestamp::MAX)).iter().all(|weight| (0.0..1e-10).contains(weight))
        );
        let stored = Neighbours::decode(&list.encode().unwrap()).unwrap();
        assert_eq!(stored.summary(), list.summary());
    }

    #[test]
    fn records_of_older_versions_are_read() {
        let row = || PlainRow { items: vec![1, 2], weights: vec![3.0, 0.5], total: 4.0 };
        let old = Neighbours::decode(&codec::encode(&row()).unwrap()).unwrap();
        assert_eq!((weight(&old, 1, Timestamp::MAX), old.total(Timestamp::MIN)), (3.0, 4.0), "it does not decay");
        let mut dated = Neighbours::decode(&codec::encode_as(DATED, &(row(), at(20.5))).unwrap()).unwrap();
        for list in [&dated, &Neighbours::decode(&dated.encode().unwrap()).unwrap()] {
            assert!((weight(list, 1, at(21.5)) - 1.5).abs() < 1e-6 && (list.total(at(20.5)) - 4.0).abs() < 1e-6);
        }
        dated.add(ItemKey(2), 0.5, at(20.5));
        assert!((weight(&dated, 2, at(20.5)) - 1.0).abs() < 1e-6);
        let mut grown = old;
        grown.add(ItemKey(1), 1.0, at(20.5));
        assert!((weight(&grown, 1, at(20.5)) - 4.0).abs() < 1e-6 && (weight(&grown, 2, at(21.5)) - 0.25).abs() < 1e-6);
        let uneven = WholeRow { items: vec![1], weights: vec![2, 3], total: 5 };
        let refused = Neighbours::decode(&codec::encode_as(WHOLE, &uneven).unwrap());
        assert_eq!(refused.expect_err("is damaged").name(), "Damaged");
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
        let lightest = list.weights.iter().copied().fold(f64::INFINITY, f64::min);
        assert!(lightest > 30.0 * UNITS, "{lightest}");
        assert!(list.at(NOW).all(|(key, _)| key != ItemKey(9_999)));
        assert!(list.total(NOW) > 128.0 * 64.0);
    }
}

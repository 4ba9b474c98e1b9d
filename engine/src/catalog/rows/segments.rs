//! Segments: which values users have, and which items are popular in each segment.
//!
//! A segment is a name and a value, such as the country `UK`. Its heaviest items are stored with their decayed counts,
//! in the form of `popularity`. The lists are bounded and so is their number; the lightest is dropped.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::api::event::Segments;
use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;
use crate::base::limits::MAX_SEGMENTS;
use crate::base::time::Timestamp;

use super::codec;
use super::mass::Mass;
use super::popularity::Window;

/// Items that a segment holds before its list is cut.
const MAX_ITEMS: usize = 512;
/// Items that are left when it is cut.
const KEPT: usize = 384;
/// The version of records with exact sums. Older ones have logarithms.
const SUMMED: u8 = 2;
/// The meta record of the counted segments and their masses.
pub(crate) const SEGMENTS: &str = "segment_masses";
/// The meta record in its place that older versions wrote, with logarithms.
pub(crate) const OLD_SEGMENTS: &str = "segments";

/// The half-life of counts in segments.
pub(crate) const SEGMENT_WINDOW: Window = Window::Quarter;

/// The items of one segment with their log masses, in no order.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct SegmentItems {
    items: Vec<u64>,
    masses: Vec<Mass>,
}

impl SegmentItems {
    /// Adds a mass to an item. Of equal mass the newer keys are cut first, so that the same events leave the same
    /// list.
    pub(crate) fn add(&mut self, item: ItemKey, mass: Mass) {
        match self.items.iter().position(|key| *key == item.0) {
            Some(position) => self.masses[position] = self.masses[position].plus(mass),
            None => {
                self.items.push(item.0);
                self.masses.push(mass);
                if self.items.len() > MAX_ITEMS {
                    self.cut();
                }
            }
        }
    }

    fn cut(&mut self) {
        let mut pairs: Vec<(u64, Mass)> = self.items.iter().copied().zip(self.masses.iter().copied()).collect();
        pairs.sort_unstable_by(|a, b| b.1.ln().total_cmp(&a.1.ln()).then(a.0.cmp(&b.0)));
        pairs.truncate(KEPT);
        (self.items, self.masses) = pairs.into_iter().unzip();
    }

    /// A stored record; one of an older version is converted.
    pub(crate) fn decode(bytes: &[u8]) -> Result<SegmentItems> {
        let found = match bytes.first() {
            Some(&SUMMED) => codec::decode_as(SUMMED, "segment", bytes)?,
            _ => {
                let (items, logs): (Vec<u64>, Vec<f64>) = codec::decode("segment", bytes)?;
                SegmentItems { items, masses: logs.into_iter().map(Mass::from_ln).collect() }
            }
        };
        if found.items.len() != found.masses.len() {
            return Err(Error::damaged("segment", "items and masses that do not match"));
        }
        Ok(found)
    }

    /// The record to store.
    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        let mut pairs: Vec<(u64, Mass)> = self.items.iter().copied().zip(self.masses.iter().copied()).collect();
        // The same list has the same bytes.
        pairs.sort_unstable_by_key(|(item, _)| *item);
        let (items, masses) = pairs.into_iter().unzip();
        codec::encode_as(SUMMED, &SegmentItems { items, masses })
    }

    /// The items with their log masses in [`SEGMENT_WINDOW`].
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ItemKey, f64)> + '_ {
        self.items.iter().map(|key| ItemKey(*key)).zip(self.masses.iter().map(|mass| mass.ln()))
    }

    /// What two lists of the same events have in common whatever the order: everything, but nothing of a list that is so
    /// long that it may have been cut.
    pub(crate) fn summary(&self) -> Vec<(u64, u64)> {
        if self.items.len() >= KEPT {
            return Vec::new();
        }
        let mut pairs: Vec<(u64, u64)> = self.iter().map(|(item, ln)| (item.0, ln.to_bits())).collect();
        pairs.sort_unstable();
        pairs
    }
}

/// The latest value of each segment name in a user's events, with its time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UserSegments(BTreeMap<String, (Timestamp, String)>);

impl UserSegments {
    /// Takes the segments of an event. Beyond the limit the name with the oldest event is dropped.
    pub(crate) fn note(&mut self, segments: &Segments, time: Timestamp) {
        for (name, value) in segments {
            if self.0.get(name).is_some_and(|(known, _)| *known > time) {
                continue;
            }
            self.0.insert(name.clone(), (time, value.clone()));
            if self.0.len() > MAX_SEGMENTS {
                let oldest = self.0.iter().min_by_key(|(name, (time, _))| (*time, *name)).map(|(name, _)| name.clone());
                oldest.and_then(|name| self.0.remove(&name));
            }
        }
    }

    /// Brings times after `now` back to it; whether there were any.
    pub(crate) fn bound(&mut self, now: Timestamp) -> bool {
        let mut later = self.0.values_mut().filter(|(time, _)| *time > now).peekable();
        let found = later.peek().is_some();
        later.for_each(|(time, _)| *time = now);
        found
    }

    /// Takes what another row has, but for values that events which are `gone` named at that time.
    pub(crate) fn keep_from(&mut self, other: UserSegments, gone: &BTreeSet<(String, String, Timestamp)>) {
        for (name, (time, value)) in other.0 {
            if !gone.contains(&(name.clone(), value.clone(), time)) {
                self.note(&Segments::from([(name, value)]), time);
            }
        }
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values as of `now`.
    pub(crate) fn by(&self, now: Timestamp) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter().filter(move |(_, (time, _))| *time <= now).map(|(name, (_, value))| (name, value))
    }
}

/// The number of a segment in keys.
pub(crate) fn number(name: &str, value: &str) -> u64 {
    let mut hash = Xxh3::new();
    // The length of the name keeps ("ab", "c") apart from ("a", "bc").
    hash.update(&(name.len() as u64).to_le_bytes());
    hash.update(name.as_bytes());
    hash.update(value.as_bytes());
    hash.digest()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(name: &str, value: &str) -> Segments {
        Segments::from([(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn a_full_list_keeps_the_heaviest() {
        let mut list = SegmentItems::default();
        (0..MAX_ITEMS as u64).for_each(|key| list.add(ItemKey(key), Mass::from_ln(key as f64)));
        list.add(ItemKey(3), Mass::from_ln(600.0));
        list.add(ItemKey(9_999), Mass::from_ln(20.5));
        assert_eq!(list.items.len(), KEPT);
        assert!(list.iter().any(|(key, _)| key == ItemKey(3)) && list.iter().all(|(key, _)| key != ItemKey(9_999)));
    }

    #[test]
    fn a_list_of_an_older_version_is_read_and_a_short_one_is_the_same_in_any_order() {
        let old = codec::encode(&(vec![4u64, 2], vec![3.0f64, 1.5])).unwrap();
        let list = SegmentItems::decode(&old).unwrap();
        let found: Vec<(u64, f64)> =
            SegmentItems::decode(&list.encode().unwrap()).unwrap().iter().map(|(key, ln)| (key.0, ln)).collect();
        assert!(
            found.iter().zip([(2, 1.5), (4, 3.0)]).all(|(a, b)| a.0 == b.0 && (a.1 - b.1).abs() < 1e-12),
            "{found:?}"
        );
        assert!(SegmentItems::decode(&codec::encode(&(vec![4u64, 2], vec![3.0f64])).unwrap()).is_err());
        let (mut forward, mut backward) = (SegmentItems::default(), SegmentItems::default());
        (0..9).for_each(|key| forward.add(ItemKey(key), Mass::from_ln(key as f64)));
        (0..9).rev().for_each(|key| backward.add(ItemKey(key), Mass::from_ln(key as f64)));
        assert_eq!(forward.summary(), backward.summary());
    }

    #[test]
    fn a_user_has_the_latest_value_of_each_name() {
        let (mut user, at) = (UserSegments::default(), Timestamp::from_seconds);
        user.note(&segments("country", "UK"), at(50.0));
        user.note(&segments("country", "FR"), at(20.0));
        let known =
            |user: &UserSegments, now: f64| user.by(at(now)).map(|(_, value)| value.clone()).collect::<Vec<_>>();
        assert_eq!(known(&user, 60.0), ["UK"], "a late event does not replace a newer one");
        assert!(known(&user, 40.0).is_empty(), "later events are not visible");
        (0..MAX_SEGMENTS).for_each(|n| user.note(&segments(&format!("n{n}"), "x"), at(100.0 + n as f64)));
        assert_eq!((user.0.len(), user.0.contains_key("country")), (MAX_SEGMENTS, false));
    }

    #[test]
    fn names_and_values_are_kept_apart() {
        assert_ne!(number("ab", "c"), number("a", "bc"));
        assert_eq!(number("a", "b"), number("a", "b"));
    }
}

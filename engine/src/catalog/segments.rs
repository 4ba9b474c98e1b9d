//! Segments: which values users have, and which items are popular in each.
//!
//! A segment is a name and a value, such as the country `UK`. For each the heaviest items are kept with their decayed counts,
//! in the form of `popularity`: an event adds to one list for each segment that it names. The lists are bounded, and so
//! is their number; of what is beyond, the lightest goes. All of it is a fold in the order of logging, so counting
//! it anew gives the same bytes.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::api::event::Segments;
use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, UserKey};
use crate::base::limits::MAX_SEGMENTS;
use crate::base::time::Timestamp;

use super::popularity::{self, Window};
use super::read::View;
use super::store::storage;
use super::write::CatalogWrite;
use super::{codec, keys};

/// Items that a segment holds before its list is cut, and after.
const MOST: usize = 512;
const KEPT: usize = 384;
/// Segments that are counted at a time. When another comes, the one that was lightest lately goes.
const MOST_SEGMENTS: usize = 1_024;
/// The meta record of the segments that are counted, with their weights.
const SEGMENTS: &str = "segments";

/// The half-life that segments are counted by.
pub(crate) const SEGMENT_WINDOW: Window = Window::Quarter;

/// The items of one segment with their log masses, in no order.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct SegmentItems {
    items: Vec<u64>,
    masses: Vec<f64>,
}

impl SegmentItems {
    /// Adds a mass to an item. Of equal mass the newer keys are cut first, so that the same events leave the same list.
    fn add(&mut self, item: ItemKey, mass: f64) {
        match self.items.iter().position(|key| *key == item.0) {
            Some(place) => self.masses[place] = popularity::add(self.masses[place], mass),
            None => {
                self.items.push(item.0);
                self.masses.push(mass);
                if self.items.len() > MOST {
                    self.cut();
                }
            }
        }
    }

    fn cut(&mut self) {
        let mut pairs: Vec<(u64, f64)> = self.items.iter().copied().zip(self.masses.iter().copied()).collect();
        pairs.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        pairs.truncate(KEPT);
        (self.items, self.masses) = pairs.into_iter().unzip();
    }

    /// The items with their log masses in [`SEGMENT_WINDOW`].
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ItemKey, f64)> + '_ {
        self.items.iter().map(|key| ItemKey(*key)).zip(self.masses.iter().copied())
    }
}

/// The latest value of each name that a user's events gave, and when.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UserSegments(BTreeMap<String, (Timestamp, String)>);

impl UserSegments {
    /// Takes the segments of an event. Of more names than fit, the one that was not heard of for longest goes.
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

    /// The values that were known at a time.
    pub(crate) fn by(&self, now: Timestamp) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter().filter(move |(_, (time, _))| *time <= now).map(|(name, (_, value))| (name, value))
    }
}

/// The number of a segment.
fn number(name: &str, value: &str) -> u64 {
    let mut hash = Xxh3::new();
    // No name holds the length of another before it.
    hash.update(&(name.len() as u64).to_le_bytes());
    hash.update(name.as_bytes());
    hash.update(value.as_bytes());
    hash.digest()
}

/// What a batch has touched of segments.
#[derive(Default)]
pub(super) struct SegmentBatch {
    /// The log mass of every segment that is counted; read with the first event that names one.
    totals: Option<BTreeMap<u64, f64>>,
    lists: HashMap<u64, SegmentItems>,
    people: HashMap<UserKey, UserSegments>,
}

impl CatalogWrite<'_> {
    /// Keeps the segments of an event with its user.
    pub(super) fn note_segments(&mut self, user: UserKey, segments: &Segments, time: Timestamp) -> Result<()> {
        if segments.is_empty() {
            return Ok(());
        }
        if !self.batch.segments.people.contains_key(&user) {
            let stored = self.view().user_segments(user)?;
            self.batch.segments.people.insert(user, stored);
        }
        self.batch.segments.people.entry(user).or_default().note(segments, time);
        Ok(())
    }

    /// Counts a positive event in the segments that it names.
    pub(super) fn count_segments(
        &mut self,
        segments: &Segments,
        item: ItemKey,
        time: Timestamp,
        weight: f32,
    ) -> Result<()> {
        let mass = SEGMENT_WINDOW.event(time) + f64::from(weight).ln();
        for (name, value) in segments {
            let number = number(name, value);
            if !self.admit_segment(number, mass)? {
                continue;
            }
            if !self.batch.segments.lists.contains_key(&number) {
                let stored = self.view().segment(number)?;
                self.batch.segments.lists.insert(number, stored);
            }
            self.batch.segments.lists.entry(number).or_default().add(item, mass);
        }
        Ok(())
    }

    /// Adds to the weight of a segment. False for one that is lighter than all of as many as are counted.
    fn admit_segment(&mut self, number: u64, mass: f64) -> Result<bool> {
        if self.batch.segments.totals.is_none() {
            let stored: Vec<(u64, f64)> = self.view().meta(SEGMENTS)?.unwrap_or_default();
            self.batch.segments.totals = Some(stored.into_iter().collect());
        }
        let SegmentBatch { totals, lists, .. } = &mut self.batch.segments;
        let totals = totals.get_or_insert_default();
        if let Some(total) = totals.get_mut(&number) {
            *total = popularity::add(*total, mass);
            return Ok(true);
        }
        if totals.len() >= MOST_SEGMENTS {
            let lightest = totals.iter().min_by(|a, b| a.1.total_cmp(b.1)).map(|(number, total)| (*number, *total));
            let Some((lightest, _)) = lightest.filter(|(_, total)| *total < mass) else { return Ok(false) };
            totals.remove(&lightest);
            lists.insert(lightest, SegmentItems::default());
        }
        totals.insert(number, mass);
        Ok(true)
    }

    /// Writes what a batch touched of segments, in order of key.
    pub(super) fn write_segments(&mut self, batch: SegmentBatch) -> Result<()> {
        for (user, row) in batch.people.into_iter().collect::<BTreeMap<_, _>>() {
            let key = keys::user_segments(user);
            self.tables.people.put(&mut self.txn, &key, &codec::encode(&row)?).map_err(storage)?;
        }
        let Some(totals) = batch.totals else { return Ok(()) };
        for (number, list) in batch.lists.into_iter().collect::<BTreeMap<_, _>>() {
            let key = keys::segment(number);
            match totals.contains_key(&number) {
                true => self.tables.segments.put(&mut self.txn, &key, &codec::encode(&list)?).map_err(storage)?,
                false => self.tables.segments.delete(&mut self.txn, &key).map(|_| ()).map_err(storage)?,
            }
        }
        self.set_meta(SEGMENTS, &totals.into_iter().collect::<Vec<_>>())
    }

    /// Makes the segments that are counted those of another catalog.
    pub(super) fn take_over_segment_totals(&mut self, counted: View<'_>) -> Result<()> {
        let totals: Vec<(u64, f64)> = counted.meta(SEGMENTS)?.unwrap_or_default();
        self.set_meta(SEGMENTS, &totals)
    }

    /// Removes the counts of all segments. What users have stays.
    pub(super) fn clear_segments(&mut self) -> Result<()> {
        self.tables.segments.clear(&mut self.txn).map_err(storage)?;
        self.set_meta(SEGMENTS, &Vec::<(u64, f64)>::new())
    }
}

impl View<'_> {
    /// The items of a segment; none for one that is not counted.
    pub(crate) fn segment_items(&self, name: &str, value: &str) -> Result<SegmentItems> {
        self.segment(number(name, value))
    }

    fn segment(&self, number: u64) -> Result<SegmentItems> {
        let Some(bytes) = self.tables.segments.get(self.txn, &keys::segment(number)).map_err(storage)? else {
            return Ok(SegmentItems::default());
        };
        let found: SegmentItems = codec::decode("segment", bytes)?;
        if found.items.len() != found.masses.len() || found.masses.iter().any(|mass| !mass.is_finite()) {
            return Err(Error::damaged("segment", "a list that does not fit together"));
        }
        Ok(found)
    }

    /// The segments of a user.
    pub(crate) fn user_segments(&self, user: UserKey) -> Result<UserSegments> {
        let bytes = self.tables.people.get(self.txn, &keys::user_segments(user)).map_err(storage)?;
        Ok(bytes.map(|bytes| codec::decode("segments of a user", bytes)).transpose()?.unwrap_or_default())
    }

    /// Adds the counts of all segments to a hash.
    pub(super) fn digest_segments(&self, hash: &mut Xxh3) -> Result<()> {
        for row in self.tables.segments.iter(self.txn).map_err(storage)? {
            let (key, value) = row.map_err(storage)?;
            hash.update(key);
            hash.update(value);
        }
        let totals: Vec<(u64, f64)> = self.meta(SEGMENTS)?.unwrap_or_default();
        hash.update(&codec::encode(&totals)?);
        Ok(())
    }
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
        (0..MOST as u64).for_each(|key| list.add(ItemKey(key), key as f64));
        list.add(ItemKey(3), 600.0);
        list.add(ItemKey(9_999), 20.5);
        assert_eq!(list.items.len(), KEPT);
        assert!(list.iter().any(|(key, _)| key == ItemKey(3)) && list.iter().all(|(key, _)| key != ItemKey(9_999)));
    }

    #[test]
    fn a_user_has_the_latest_value_of_each_name() {
        let (mut user, at) = (UserSegments::default(), Timestamp::from_seconds);
        user.note(&segments("country", "UK"), at(50.0));
        user.note(&segments("country", "FR"), at(20.0));
        let known =
            |user: &UserSegments, now: f64| user.by(at(now)).map(|(_, value)| value.clone()).collect::<Vec<_>>();
        assert_eq!(known(&user, 60.0), ["UK"], "a late event does not win");
        assert!(known(&user, 40.0).is_empty(), "nor is the future known");
        (0..MAX_SEGMENTS).for_each(|n| user.note(&segments(&format!("n{n}"), "x"), at(100.0 + n as f64)));
        assert_eq!((user.0.len(), user.0.contains_key("country")), (MAX_SEGMENTS, false));
    }

    #[test]
    fn names_and_values_do_not_run_into_each_other() {
        assert_ne!(number("ab", "c"), number("a", "bc"));
        assert_eq!(number("a", "b"), number("a", "b"));
    }
}

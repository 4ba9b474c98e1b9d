//! Segments of users, and the items of segments.
//!
//! The number of segments that are counted is bounded: a new one replaces the one with the least decayed weight.
//! While nothing is dropped, it does not depend on the order of the events.

use std::collections::BTreeMap;

use crate::api::event::Segments;
use crate::base::error::Result;
use crate::base::id::{ItemKey, UserKey};
use crate::base::time::Timestamp;
use crate::catalog::rows::lmdb_error::storage;
use crate::catalog::rows::mass::Mass;
use crate::catalog::rows::segments::{OLD_SEGMENTS, SEGMENT_WINDOW, SEGMENTS, SegmentItems, number};
use crate::catalog::rows::{codec, keys};

use super::batch::SegmentBatch;
use super::transaction::CatalogWrite;

/// Segments that are counted at a time.
const MAX_COUNTED: usize = 1_024;

impl CatalogWrite<'_> {
    /// Stores the segments of an event with its user.
    pub(super) fn note_segments(&mut self, user: UserKey, segments: &Segments, time: Timestamp) -> Result<()> {
        if segments.is_empty() {
            return Ok(());
        }
        if !self.batch.segments.users.contains_key(&user) {
            let stored = self.view().user_segments(user)?;
            self.batch.segments.users.insert(user, stored);
        }
        self.batch.segments.users.entry(user).or_default().note(segments, time);
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
        let mass = Mass::event(SEGMENT_WINDOW, time, weight);
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

    /// Adds to the weight of a segment. False for a segment that is lighter than all that are counted, when there are
    /// as many as may be.
    fn admit_segment(&mut self, number: u64, mass: Mass) -> Result<bool> {
        if self.batch.segments.totals.is_none() {
            self.batch.segments.totals = Some(self.view().segment_totals()?);
        }
        let SegmentBatch { totals, lists, .. } = &mut self.batch.segments;
        let totals = totals.get_or_insert_default();
        if let Some(total) = totals.get_mut(&number) {
            *total = total.plus(mass);
            return Ok(true);
        }
        if totals.len() >= MAX_COUNTED {
            let lightest =
                totals.iter().map(|(number, total)| (*number, total.ln())).min_by(|a, b| a.1.total_cmp(&b.1));
            let Some((lightest, _)) = lightest.filter(|(_, total)| *total < mass.ln()) else { return Ok(false) };
            totals.remove(&lightest);
            lists.insert(lightest, SegmentItems::default());
        }
        totals.insert(number, mass);
        Ok(true)
    }

    /// Writes the segments of a batch, in order of key.
    pub(super) fn write_segments(&mut self, batch: SegmentBatch) -> Result<()> {
        for (user, row) in batch.users.into_iter().collect::<BTreeMap<_, _>>() {
            let key = keys::user_segments(user);
            self.tables.people.put(&mut self.txn, &key, &codec::encode(&row)?).map_err(storage)?;
        }
        let Some(totals) = batch.totals else { return Ok(()) };
        for (number, list) in batch.lists.into_iter().collect::<BTreeMap<_, _>>() {
            let key = keys::segment(number);
            match totals.contains_key(&number) {
                true => self.tables.segments.put(&mut self.txn, &key, &list.encode()?).map_err(storage)?,
                false => self.tables.segments.delete(&mut self.txn, &key).map(|_| ()).map_err(storage)?,
            }
        }
        self.set_segment_totals(totals)
    }

    /// Writes the masses of the segments that are counted.
    pub(in crate::catalog) fn set_segment_totals(&mut self, totals: BTreeMap<u64, Mass>) -> Result<()> {
        self.tables.meta.delete(&mut self.txn, OLD_SEGMENTS.as_bytes()).map_err(storage)?;
        self.set_meta(SEGMENTS, &totals.into_iter().collect::<Vec<_>>())
    }

    /// Removes the counts of all segments. The segments of users stay.
    pub(super) fn clear_segments(&mut self) -> Result<()> {
        self.tables.segments.clear(&mut self.txn).map_err(storage)?;
        self.set_segment_totals(BTreeMap::new())
    }
}

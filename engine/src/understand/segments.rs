//! What is popular in the segments of a request: its own, and those that its user's events named.

use std::collections::BTreeMap;

use super::covisits::Scores;
use crate::api::controls::Personalization;
use crate::api::event::Segments;
use crate::api::request::Request;
use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::base::time::Timestamp;
use crate::catalog::{PRIOR_WEIGHT, SEGMENT_WINDOW};
use crate::store::snapshot::{Person, Snapshot};

/// Popularity by item, over the segments of one request.
#[derive(Debug, Clone, Default)]
pub(crate) struct SegmentPopularity(Scores);

impl SegmentPopularity {
    /// Reads the lists of the request's segments. A value of the request stands for the user's own of the same name; with
    /// personalization off, only the request's count.
    pub(crate) fn read(
        snapshot: &Snapshot,
        request: &Request,
        person: Option<&Person>,
        now: Timestamp,
    ) -> Result<SegmentPopularity> {
        let mut segments = Segments::new();
        if let (Some(person), false) = (person, request.personalization == Personalization::Off) {
            segments = snapshot.segments(person, now)?;
        }
        segments.extend(request.segments.clone());
        let mut lists = Vec::new();
        for (name, value) in &segments {
            let items = snapshot.catalog.view().segment_items(name, value)?;
            let count = |(item, mass): (ItemKey, f64)| (item, SEGMENT_WINDOW.count(mass, now).ln_1p());
            let counts: Vec<(ItemKey, f64)> = items.iter().map(count).collect();
            if !counts.is_empty() {
                lists.push(counts);
            }
        }
        // Summed in order of key, so that a score is the same every time.
        let mut sums: BTreeMap<ItemKey, f64> = BTreeMap::new();
        for counts in &lists {
            let largest = counts.iter().map(|(_, count)| *count).fold(PRIOR_WEIGHT.ln_1p(), f64::max);
            for (item, count) in counts {
                *sums.entry(*item).or_default() += count / largest / lists.len() as f64;
            }
        }
        Ok(SegmentPopularity(Scores::of(sums.into_iter().map(|(item, sum)| (item, sum as f32)))))
    }

    /// How popular an item is in the segments of the request, 0 to 1: the log of its decayed count (half-life 90 days) over
    /// that of the segment's largest, at least log(21); the mean over the segments of which anything is known.
    pub(crate) fn of(&self, item: ItemKey) -> f32 {
        self.0.get(item).min(1.0)
    }

    /// The items that are popular in any of the segments.
    pub(crate) fn items(&self) -> impl Iterator<Item = ItemKey> + '_ {
        self.0.iter().map(|(item, _)| item)
    }

    /// Whether nothing is known of the request's segments.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

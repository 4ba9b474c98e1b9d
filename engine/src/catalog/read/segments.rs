//! The segments of a user, and the items of a segment.

use std::collections::BTreeMap;

use crate::base::error::Result;
use crate::base::id::UserKey;
use crate::catalog::rows::lmdb_error::storage;
use crate::catalog::rows::mass::Mass;
use crate::catalog::rows::segments::{OLD_SEGMENTS, SEGMENTS, SegmentItems, UserSegments, number};
use crate::catalog::rows::{codec, keys};

use super::view::View;

impl View<'_> {
    /// The items of a segment; none for one that is not counted.
    pub(crate) fn segment_items(&self, name: &str, value: &str) -> Result<SegmentItems> {
        self.segment(number(name, value))
    }

    /// The items of the segment with this number.
    pub(in crate::catalog) fn segment(&self, number: u64) -> Result<SegmentItems> {
        let Some(bytes) = self.tables.segments.get(self.txn, &keys::segment(number)).map_err(storage)? else {
            return Ok(SegmentItems::default());
        };
        SegmentItems::decode(bytes)
    }

    /// The masses of the segments that are counted.
    pub(in crate::catalog) fn segment_totals(&self) -> Result<BTreeMap<u64, Mass>> {
        if let Some(totals) = self.meta::<Vec<(u64, Mass)>>(SEGMENTS)? {
            return Ok(totals.into_iter().collect());
        }
        let old: Vec<(u64, f64)> = self.meta(OLD_SEGMENTS)?.unwrap_or_default();
        Ok(old.into_iter().map(|(number, ln)| (number, Mass::from_ln(ln))).collect())
    }

    /// The segments of a user.
    pub(crate) fn user_segments(&self, user: UserKey) -> Result<UserSegments> {
        let bytes = self.tables.people.get(self.txn, &keys::user_segments(user)).map_err(storage)?;
        Ok(bytes.map(|bytes| codec::decode("segments of a user", bytes)).transpose()?.unwrap_or_default())
    }
}

//! What applying entries has changed so far, in memory until it is written.

use std::collections::{BTreeMap, HashMap};

use crate::base::id::{ItemKey, KeyMap, UserKey};
use crate::base::time::Timestamp;
use crate::catalog::memory::scratch_buffer::Lists;
use crate::catalog::rows::mass::Mass;
use crate::catalog::rows::segments::{SegmentItems, UserSegments};
use crate::catalog::rows::signals::{ItemCounts, ItemSignals};
use crate::catalog::rows::user_items::UserItem;

use super::visits::RecentVisits;

/// The rows that a transaction has changed by applying entries.
#[derive(Default)]
pub(in crate::catalog) struct Batch {
    pub(super) entries: usize,
    pub(super) ids: HashMap<String, ItemKey>,
    pub(super) users: HashMap<String, UserKey>,
    pub(super) visits: KeyMap<UserKey, RecentVisits>,
    pub(super) pairs: KeyMap<(UserKey, ItemKey), UserItem>,
    /// As stored, and as changed.
    pub(super) signals: KeyMap<ItemKey, (Option<ItemSignals>, ItemCounts)>,
    pub(super) neighbours: Lists,
    pub(super) segments: SegmentBatch,
    /// The latest time that an event counts by.
    pub(super) latest: Option<Timestamp>,
}

/// The segments that it has changed.
#[derive(Default)]
pub(super) struct SegmentBatch {
    /// The masses of the segments that are counted; read with the first event that names a segment.
    pub totals: Option<BTreeMap<u64, Mass>>,
    pub lists: HashMap<u64, SegmentItems>,
    pub users: HashMap<UserKey, UserSegments>,
}

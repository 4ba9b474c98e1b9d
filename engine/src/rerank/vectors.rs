//! Where the stored vector of an item is read: everything in this stage goes by the model's item vectors.

use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::store::snapshot::Snapshot;

/// The vector of an item, unit length; `None` for an item without content.
pub(super) fn vector(snapshot: &Snapshot, key: ItemKey) -> Result<Option<Vec<f32>>> {
    snapshot.vector(snapshot.item_space(), key)
}

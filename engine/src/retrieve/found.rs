//! What a source answers.

use crate::base::id::ItemKey;

/// Items of one list, best first, with the source's own scores.
pub(super) type Found = Vec<(ItemKey, f32)>;

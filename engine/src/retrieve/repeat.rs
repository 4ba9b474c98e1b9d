//! What the user interacted with before.

use super::found::Found;
use crate::base::error::Result;
use crate::understand::RequestCx;

/// Items that the history likes and that are in the catalog, newest first; the score is 1 / position.
pub(super) fn repeat(cx: RequestCx, k: usize) -> Result<Vec<Found>> {
    let mut found: Found = Vec::new();
    for key in &cx.understood.liked {
        let known = found.iter().any(|(known, _)| known == key);
        if !known && cx.admits(*key) && cx.snapshot.catalog.head(*key)?.is_some() {
            found.push((*key, 1.0 / (found.len() as f32 + 1.0)));
        }
        if found.len() == k {
            break;
        }
    }
    Ok(vec![found])
}

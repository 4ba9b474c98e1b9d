//! Sources that know behaviour: what users went on to, have together, or put into one basket.

use super::found::Found;
use crate::base::error::Result;
use crate::base::score::top_k;
use crate::understand::{RequestCx, Scores};

/// What users went on to after the history's last events.
pub(super) fn covisit(cx: RequestCx, k: usize) -> Result<Vec<Found>> {
    related(cx, &cx.understood.relations.next, k)
}

/// What users have who have the history's items.
pub(super) fn cooccurrence(cx: RequestCx, k: usize) -> Result<Vec<Found>> {
    related(cx, &cx.understood.relations.cooccurrence, k)
}

/// What shared baskets with the history's last events.
pub(super) fn basket(cx: RequestCx, k: usize) -> Result<Vec<Found>> {
    related(cx, &cx.understood.relations.basket, k)
}

/// The best related items that are in the catalog and that the request admits.
fn related(cx: RequestCx, scores: &Scores, k: usize) -> Result<Vec<Found>> {
    let mut found = Vec::with_capacity(k);
    // Nearly always the best few times as many hold enough that are admitted; sorting them all costs more.
    for most in [k.saturating_mul(3), usize::MAX] {
        found.clear();
        for (item, score) in top_k(scores.iter().collect(), most) {
            // Lists name items by what was logged: an item may be gone, or never have been put.
            if cx.admits(item) && cx.snapshot.catalog.head(item)?.is_some() {
                found.push((item, score));
            }
            if found.len() == k {
                return Ok(vec![found]);
            }
        }
        if scores.len() <= most {
            break;
        }
    }
    Ok(vec![found])
}

//! Scores that can be compared: finite, with one order for all callers.

use std::cmp::Ordering;

use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;

/// Scores are kept to this fraction. Below it, the order in which a batch adds its terms decides, and two items that
/// are equal would change places from call to call.
const GRID: f32 = 65_536.0;

/// The score on the grid that all scores are compared on.
pub(crate) fn on_grid(score: f32) -> f32 {
    (score * GRID).round() / GRID
}

/// Orders by descending score; equal scores by ascending item key, so that a ranking is the same every time.
pub(crate) fn best_first(a: (ItemKey, f32), b: (ItemKey, f32)) -> Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

/// Keeps the `k` best of `scored`, best first.
pub(crate) fn top_k(mut scored: Vec<(ItemKey, f32)>, k: usize) -> Vec<(ItemKey, f32)> {
    if k == 0 {
        return Vec::new();
    }
    if scored.len() > k {
        scored.select_nth_unstable_by(k - 1, |a, b| best_first(*a, *b));
        scored.truncate(k);
    }
    scored.sort_unstable_by(|a, b| best_first(*a, *b));
    scored
}

/// Refuses model output that is not finite: a NaN compares as neither better nor worse and would scramble the list.
pub(crate) fn check_finite(what: &str, scores: &[f32]) -> Result<()> {
    match scores.iter().position(|s| !s.is_finite()) {
        Some(index) => Err(Error::NonFinite { what: what.to_owned(), index }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn top_k_orders_by_score_then_key() {
        let scored = vec![(ItemKey(3), 1.0), (ItemKey(1), 1.0), (ItemKey(2), 2.0), (ItemKey(4), -1.0)];
        let keys: Vec<u64> = top_k(scored.clone(), 3).iter().map(|(k, _)| k.0).collect();
        assert_eq!(keys, [2, 1, 3]);
        assert!(top_k(scored, 0).is_empty());
    }
}

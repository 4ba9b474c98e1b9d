//! Positions of items in a ranking with ties: tied items form groups without an order.

use crate::base::random::unit_hash;

use super::subject::Ranked;

/// The head of a ranking: groups of items of equal score, best first. The last group is whole, so together they may have
/// more items than were asked for.
pub(super) struct Positions {
    groups: Vec<Vec<u32>>,
}

impl Positions {
    /// The first `depth` places.
    pub(super) fn of(ranked: &Ranked, depth: usize) -> Positions {
        let sorted = match ranked {
            Ranked::Scores(scores) => best(scores, depth),
            Ranked::List(list) => list.clone(),
        };
        let mut groups = Vec::new();
        let mut places = 0;
        for tied in sorted.chunk_by(|a, b| a.1 == b.1) {
            if places >= depth {
                break;
            }
            places += tied.len();
            groups.push(tied.iter().map(|(item, _)| *item).collect());
        }
        Positions { groups }
    }

    /// The groups, best first.
    pub(super) fn groups(&self) -> &[Vec<u32>] {
        &self.groups
    }

    /// One list of `k` items: ties are broken by a hash of the question, so that no order of items is favoured.
    pub(super) fn list(&self, k: usize, seed: u64, question: usize) -> Vec<u32> {
        let mut list = Vec::with_capacity(k);
        for group in &self.groups {
            if list.len() >= k {
                break;
            }
            let mut group = group.clone();
            if group.len() > 1 {
                group.sort_by_cached_key(|item| unit_hash([seed, question as u64, u64::from(*item)]).to_bits());
            }
            list.extend(group.into_iter().take(k - list.len()));
        }
        list
    }
}

/// The items of the `depth` highest scores and those tied with the last of them, best first. Items that are left out
/// (minus infinity, or no number) are in no ranking.
fn best(scores: &[f32], depth: usize) -> Vec<(u32, f32)> {
    let ranked = |(item, score): (usize, &f32)| (*score > f32::NEG_INFINITY).then_some((item as u32, *score));
    let mut all: Vec<(u32, f32)> = scores.iter().enumerate().filter_map(ranked).collect();
    if depth > 0 && all.len() > depth {
        all.select_nth_unstable_by(depth - 1, |a, b| b.1.total_cmp(&a.1));
        let last = all[depth - 1].1;
        all.retain(|(_, score)| *score >= last);
    }
    all.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    all
}

/// The expected rank (from 1, ties at their middle) of the best placed of `items`; `None` when none is ranked.
pub(super) fn expected_rank(ranked: &Ranked, items: impl Iterator<Item = u32>) -> Option<f64> {
    let one = |item: u32| -> Option<f64> {
        let (above, tied) = match ranked {
            Ranked::Scores(scores) => {
                let own = scores.get(item as usize).copied().filter(|own| *own > f32::NEG_INFINITY)?;
                let above = scores.iter().filter(|score| **score > own).count();
                (above, scores.iter().filter(|score| **score == own).count())
            }
            Ranked::List(list) => {
                let mut above = 0;
                let group = list.chunk_by(|a, b| a.1 == b.1).find(|tied| {
                    let here = tied.iter().any(|(other, _)| *other == item);
                    above += if here { 0 } else { tied.len() };
                    here
                })?;
                (above, group.len())
            }
        };
        Some(above as f64 + (tied as f64 + 1.0) / 2.0)
    };
    items.filter_map(one).min_by(f64::total_cmp)
}

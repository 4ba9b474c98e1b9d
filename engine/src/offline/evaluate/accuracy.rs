//! Measures of a list against graded items, as expectations over the order of ties.
//!
//! A scorer that gives every item the same score gets exactly the average of random orders: neither the order of items nor a
//! target's place among ties can make a system look better than it is.

use std::collections::BTreeMap;

use super::positions::Positions;

/// Names of the measures, in the order of [`measures`].
pub(super) const NAMES: [&str; 5] = ["ndcg", "hit", "recall", "mrr", "map"];

/// Relevant items by their grade. An item of grade 0 is not relevant.
pub(super) type Grades = BTreeMap<u32, f64>;

/// `ndcg`, `hit`, `recall`, `mrr` and `map` of the first `k` places.
///
/// - ndcg: gain `2^grade - 1`, discount `log2(place + 1)` (Järvelin and Kekäläinen 2002; Burges et al. 2005)
/// - hit: whether any relevant item is there; recall: the share of them that is
/// - mrr: one over the place of the first; map: mean precision at the relevant places, over `min(relevant, k)`
pub(super) fn measures(positions: &Positions, grades: &Grades, k: usize) -> [f64; 5] {
    let relevant = grades.values().filter(|grade| **grade > 0.0).count();
    let ideal = ideal_dcg(grades, k);
    if relevant == 0 || ideal <= 0.0 {
        return [0.0; 5];
    }
    let mut sums = Sums { miss: 1.0, ..Sums::default() };
    let (mut start, mut found) = (0, 0);
    for group in positions.groups() {
        if start >= k {
            break;
        }
        let gains: Vec<f64> =
            group.iter().filter_map(|item| grades.get(item)).map(|g| gain(*g)).filter(|g| *g > 0.0).collect();
        sums.add(&Group { start, size: group.len(), relevant: gains.len(), gain: gains.iter().sum(), found }, k);
        start += group.len();
        found += gains.len();
    }
    let most = relevant.min(k) as f64;
    [sums.dcg / ideal, 1.0 - sums.miss, sums.recalled / relevant as f64, sums.reciprocal, sums.precision / most]
}

fn gain(grade: f64) -> f64 {
    grade.exp2() - 1.0
}

fn discount(place: usize) -> f64 {
    1.0 / (place as f64 + 2.0).log2()
}

fn ideal_dcg(grades: &Grades, k: usize) -> f64 {
    let mut gains: Vec<f64> = grades.values().map(|grade| gain(*grade)).collect();
    gains.sort_by(|a, b| b.total_cmp(a));
    gains.into_iter().take(k).enumerate().map(|(place, gain)| gain * discount(place)).sum()
}

/// A group of ties from place `start` on, `found` relevant items being above it.
struct Group {
    start: usize,
    size: usize,
    relevant: usize,
    gain: f64,
    found: usize,
}

/// Expected sums over the places so far.
#[derive(Default)]
struct Sums {
    dcg: f64,
    recalled: f64,
    precision: f64,
    reciprocal: f64,
    /// Probability that no relevant item was met yet.
    miss: f64,
}

impl Sums {
    fn add(&mut self, group: &Group, k: usize) {
        let (size, relevant) = (group.size as f64, group.relevant as f64);
        for offset in 0..group.size.min(k - group.start) {
            let (place, before) = (group.start + offset, offset as f64);
            // Each member of the group stands at this place with the same probability.
            self.dcg += group.gain / size * discount(place);
            self.recalled += relevant / size;
            // Of the places before in this group, this share of the other members is relevant.
            let above = if group.size > 1 { before * (relevant - 1.0).max(0.0) / (size - 1.0) } else { 0.0 };
            self.precision += relevant / size * (group.found as f64 + 1.0 + above) / (place as f64 + 1.0);
            // The first relevant item is here: none before (in this group: drawn without putting back), and then one.
            let here = self.miss * (relevant / (size - before)).min(1.0);
            self.reciprocal += here / (place as f64 + 1.0);
            self.miss -= here;
        }
    }
}

//! What exploration draws from a `rank_id`, computed once more.
//!
//! Every ranking has a `rank_id` that is random, and everything that a list draws comes from it. So an order that was drawn
//! cannot be compared between two runs, but it can be foretold from its `rank_id` and the scores.

use xxhash_rust::xxh3::xxh3_64;

const GUMBEL: u64 = 2;
const PAIR: u64 = 3;
const COIN: u64 = 4;

/// The numbers that a `rank_id` draws.
pub struct Draws(u64);

impl Draws {
    /// Those of this ranking.
    pub fn of(rank_id: &str) -> Draws {
        Draws(xxh3_64(rank_id.as_bytes()))
    }

    /// A number from 0 to 1.
    fn unit(&self, purpose: u64, n: u64) -> f64 {
        let mixed = [self.0, purpose, n]
            .into_iter()
            .fold(0, |state: u64, part| mix(state.wrapping_add(0x9E37_79B9_7F4A_7C15) ^ mix(part)));
        (mixed >> 11) as f64 / (1u64 << 53) as f64
    }

    /// The order that is drawn of scores, as places, each with its probability given those before it.
    pub fn order(&self, scores: &[f32], temperature: f32) -> Vec<(usize, f64)> {
        let best = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weight = |place: usize| f64::from(scores[place] - best) / f64::from(temperature);
        let gumbel = |n: usize| -(-self.unit(GUMBEL, n as u64).max(f64::MIN_POSITIVE).ln()).ln();
        let mut keyed: Vec<(usize, f64)> = (0..scores.len()).map(|n| (n, weight(n) + gumbel(n))).collect();
        keyed.sort_by(|a, b| b.1.total_cmp(&a.1));
        let places: Vec<usize> = keyed.into_iter().map(|(place, _)| place).collect();
        let left = |from: usize| places[from..].iter().map(|place| weight(*place).exp()).sum::<f64>();
        places.iter().enumerate().map(|(at, place)| (*place, weight(*place).exp() / left(at))).collect()
    }

    /// The pair of neighbours of a page that may change places, by its second place, and whether it does.
    pub fn swap(&self, page: usize) -> (usize, bool) {
        let second = 1 + (self.unit(PAIR, 0) * page.saturating_sub(1) as f64) as usize;
        (second, self.unit(COIN, 0) < 0.5)
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

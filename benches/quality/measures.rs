//! Measures and their intervals.

use std::collections::HashMap;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Resamples of a bootstrap interval.
const RESAMPLES: usize = 2_000;

/// nDCG@10 with gains `2^grade - 1` (Järvelin and Kekäläinen 2002; Burges et al. 2005). Items without a grade count 0.
pub fn ndcg(ranked: &[String], grades: &HashMap<String, f64>) -> f64 {
    let discounted = |gains: &mut dyn Iterator<Item = f64>| -> f64 {
        gains.take(10).enumerate().map(|(place, gain)| gain / (place as f64 + 2.0).log2()).sum()
    };
    let gain = |grade: &f64| grade.exp2() - 1.0;
    let mut ideal: Vec<f64> = grades.values().map(gain).collect();
    ideal.sort_by(|a, b| b.total_cmp(a));
    let best = discounted(&mut ideal.into_iter());
    if best <= 0.0 {
        return 0.0;
    }
    discounted(&mut ranked.iter().map(|id| grades.get(id).map_or(0.0, gain))) / best
}

/// A mean with its 95 % bootstrap interval over queries or users (percentiles, seeded).
#[derive(Clone, Copy)]
pub struct Interval {
    /// The mean.
    pub mean: f64,
    /// 2.5th percentile.
    pub low: f64,
    /// 97.5th percentile.
    pub high: f64,
}

impl Interval {
    /// The mean of `values` and its interval.
    pub fn of(values: &[f64]) -> Interval {
        if values.is_empty() {
            return Interval { mean: 0.0, low: 0.0, high: 0.0 };
        }
        let mut rng = StdRng::seed_from_u64(95);
        let mut means: Vec<f64> = (0..RESAMPLES)
            .map(|_| {
                (0..values.len()).map(|_| values[rng.random_range(0..values.len())]).sum::<f64>() / values.len() as f64
            })
            .collect();
        means.sort_by(f64::total_cmp);
        let at = |share: f64| means[(share * (RESAMPLES - 1) as f64) as usize];
        Interval { mean: values.iter().sum::<f64>() / values.len() as f64, low: at(0.025), high: at(0.975) }
    }

    /// The interval of the differences, pair by pair: whether one ranking is better than another on the same queries.
    pub fn of_difference(a: &[f64], b: &[f64]) -> Interval {
        Interval::of(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>())
    }

    /// Three digits, with the interval.
    pub fn show(&self) -> String {
        format!("{:.3} [{:.3}, {:.3}]", self.mean, self.low, self.high)
    }

    /// Like [`Interval::show`], with signs.
    pub fn show_signed(&self) -> String {
        format!("{:+.3} [{:+.3}, {:+.3}]", self.mean, self.low, self.high)
    }
}

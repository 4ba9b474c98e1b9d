//! Fit on the earlier samples of a situation, check on the later ones, keep weights that are better by more than chance.

use crate::api::calibration::{Situation, WeightSet};

use super::fit::fit;
use super::sample::Sample;

/// Fewest samples of a situation that weights are fitted to; with fewer the weights stay as they are.
const MIN_SAMPLES: usize = 100;
/// The fraction of the samples, the earliest, that is fitted to; the rest is held out.
const FITTED: f64 = 0.75;
/// Strengths of the regularisation towards the previous weights, of which the strongest is chosen that does as well on
/// held-out samples as the best. Where the previous weights are far off, that is the weakest; where they are about right, the
/// strongest, which learns the least noise.
const PULLS: [f64; 4] = [1e-4, 1e-3, 1e-2, 1e-1];

/// Weights for each situation with enough samples. `samples` are in order of time; `before` returns the weights in force
/// for a situation.
pub(crate) fn choose(samples: &[Sample], before: impl Fn(Situation) -> Vec<f32>) -> Vec<WeightSet> {
    let mut sets = Vec::new();
    for situation in Situation::ALL {
        let own: Vec<&Sample> = samples.iter().filter(|sample| sample.situation == situation).collect();
        if own.len() >= MIN_SAMPLES {
            sets.push(one(situation, &own, &before(situation)));
        }
    }
    sets
}

fn one(situation: Situation, samples: &[&Sample], before: &[f32]) -> WeightSet {
    let (earlier, later) = samples.split_at((samples.len() as f64 * FITTED) as usize);
    let start: Vec<f64> = before.iter().copied().map(f64::from).collect();
    let ndcg = |weights: &[f64]| later.iter().map(|sample| sample.ndcg(weights)).collect::<Vec<f64>>();
    let was = ndcg(&start);
    let tried = PULLS.map(|pull| (pull, ndcg(&fit(earlier, &start, pull))));
    let (pull, is) = strongest_as_good(&tried);
    let gains = differences(is, &was);
    let kept = mean(&gains) > standard_error(&gains);
    // Weights that proved themselves are fitted again with the later samples, which resemble future requests most.
    let weights = if kept { fit(samples, &start, pull) } else { start };
    WeightSet {
        situation,
        samples: earlier.len() as u64,
        held_out: later.len() as u64,
        ndcg_before: mean(&was),
        ndcg_after: mean(is),
        kept,
        weights: weights.into_iter().map(|weight| weight as f32).collect(),
    }
}

/// The strongest pull that is no worse than the best by more than a standard error: differences within one are noise, and
/// the nearer to what is known to work, the better (the one-standard-error rule of Breiman and others, *Classification
/// and Regression Trees*, 1984).
fn strongest_as_good(tried: &[(f64, Vec<f64>); PULLS.len()]) -> (f64, &[f64]) {
    let best = tried.iter().fold(&tried[0], |best, one| if mean(&one.1) > mean(&best.1) { one } else { best });
    let as_good = |one: &&(f64, Vec<f64>)| {
        let lacks = differences(&best.1, &one.1);
        mean(&lacks) <= standard_error(&lacks)
    };
    let (pull, ndcg) = tried.iter().rev().find(as_good).unwrap_or(best);
    (*pull, ndcg)
}

fn differences(of: &[f64], minus: &[f64]) -> Vec<f64> {
    of.iter().zip(minus).map(|(of, minus)| of - minus).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The standard error of the mean: a gain within it may be chance.
fn standard_error(values: &[f64]) -> f64 {
    let (mean, count) = (mean(values), values.len().max(1) as f64);
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    (variance / count).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::unit_hash;

    fn sample(number: u64, useful: bool) -> Sample {
        let features: Vec<f32> = (0..40).map(|place| unit_hash([number, place, 0]) as f32).collect();
        let best = (0..20).max_by(|a, b| features[2 * a].total_cmp(&features[2 * b]));
        let taken = if useful { best } else { Some((unit_hash([number, 99, 1]) * 20.0) as usize) };
        Sample { situation: Situation::ALL[3], features, taken }
    }

    #[test]
    fn the_strongest_pull_within_a_standard_error_of_the_best_is_taken() {
        let half = |low: f64, high: f64| (0..100).map(|n| if n % 2 == 0 { low } else { high }).collect::<Vec<f64>>();
        // The best by .01: with noise of 1.0 that is nothing (standard error .05), without noise it is.
        let noisy = [half(0.0, 1.0), half(0.02, 1.0), half(1.0, 0.0), half(0.0, 0.5)];
        let even = [half(0.2, 0.2), half(0.21, 0.21), half(0.2, 0.2), half(0.2, 0.2)];
        let taken = |ndcg: [Vec<f64>; 4]| {
            let mut ndcg = ndcg.into_iter();
            strongest_as_good(&PULLS.map(|pull| (pull, ndcg.next().unwrap()))).0
        };
        assert_eq!((taken(noisy), taken(even)), (PULLS[2], PULLS[1]));
    }

    #[test]
    fn weights_are_kept_only_if_they_are_better_later() {
        let good: Vec<Sample> = (0..400).map(|number| sample(number, true)).collect();
        let sets = choose(&good, |_| vec![0.0, 1.0]);
        assert_eq!(sets.len(), 1);
        assert!(sets[0].kept && sets[0].ndcg_after > 0.9 && sets[0].ndcg_before < 0.5, "{sets:?}");
        assert!(sets[0].weights[0] > 2.0 && sets[0].weights[1].abs() < 1.0);
        // The first three quarters say the opposite of what follows.
        let mut turned = good.clone();
        for late in &mut turned[300..] {
            late.features.chunks_mut(2).for_each(|row| row.swap(0, 1));
        }
        let sets = choose(&turned, |_| vec![0.0, 1.0]);
        assert!(!sets[0].kept && sets[0].weights == [0.0, 1.0], "{sets:?}");
        assert!(choose(&good[..50], |_| vec![0.0, 1.0]).is_empty(), "too few");
    }
}

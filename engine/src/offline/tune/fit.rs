//! Fitting weights: the mean over samples of `-log softmax(features . w)[taken]`, regularised towards the previous weights.
//!
//! The listwise loss of ListNet with one relevant item (Cao and others, ICML 2007), which is also a conditional logit
//! (McFadden 1974). It is convex in `w`, and there are a few dozen weights, so Newton's method needs about ten steps.

use super::sample::{Sample, dot};
use crate::base::watch;

/// Newton steps, and halvings of one; the loss is flat long before.
const STEPS: usize = 25;
const HALVINGS: usize = 20;
/// Gain of a step below which fitting ends.
const ENOUGH: f64 = 1e-7;

/// The weights that fit `samples` best, regularised towards the previous ones: `pull` times the squared distance is added to
/// the mean loss of a sample. Samples whose item was no candidate carry no information and are skipped.
pub(super) fn fit(samples: &[&Sample], before: &[f64], pull: f64) -> Vec<f64> {
    let origin = Origin { before, pull };
    let useful: Vec<&Sample> = samples.iter().copied().filter(|sample| sample.taken.is_some()).collect();
    let mut weights = before.to_vec();
    if useful.is_empty() {
        return weights;
    }
    let mut loss = Loss::at(&useful, &weights, origin);
    for _ in 0..STEPS {
        if watch::is_stopped() {
            break;
        }
        let Some(step) = solve(loss.curvature.clone(), &loss.slope) else { break };
        let Some((next, better)) = shorten(&useful, &weights, origin, &step, loss.value) else { break };
        let gain = loss.value - better.value;
        (weights, loss) = (next, better);
        if gain < ENOUGH {
            break;
        }
    }
    weights
}

/// The previous weights, and how strongly the fit is regularised towards them.
#[derive(Clone, Copy)]
struct Origin<'o> {
    before: &'o [f64],
    pull: f64,
}

/// The step, or a half of it, and so on, until the loss falls.
fn shorten(samples: &[&Sample], weights: &[f64], origin: Origin, step: &[f64], value: f64) -> Option<(Vec<f64>, Loss)> {
    let mut share = 1.0;
    for _ in 0..HALVINGS {
        let next: Vec<f64> = weights.iter().zip(step).map(|(w, s)| w - share * s).collect();
        let loss = Loss::at(samples, &next, origin);
        if loss.value.is_finite() && loss.value < value {
            return Some((next, loss));
        }
        share /= 2.0;
    }
    None
}

/// Value, slope and curvature of the loss.
struct Loss {
    value: f64,
    slope: Vec<f64>,
    /// Row by row.
    curvature: Vec<f64>,
}

impl Loss {
    fn at(samples: &[&Sample], weights: &[f64], origin: Origin) -> Loss {
        let n = weights.len();
        let mut loss = Loss { value: 0.0, slope: vec![0.0; n], curvature: vec![0.0; n * n] };
        let share = 1.0 / samples.len() as f64;
        let samples = samples.iter().take_while(|_| !watch::is_stopped());
        samples.for_each(|sample| loss.add(sample, weights, share));
        for (place, (w, b)) in weights.iter().zip(origin.before).enumerate() {
            loss.value += origin.pull * (w - b) * (w - b);
            loss.slope[place] += 2.0 * origin.pull * (w - b);
            loss.curvature[place * n + place] += 2.0 * origin.pull;
        }
        loss
    }

    fn add(&mut self, sample: &Sample, weights: &[f64], share: f64) {
        let n = weights.len();
        let scores: Vec<f64> = sample.rows(n).map(|row| dot(row, weights)).collect();
        let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = scores.iter().map(|score| (score - highest).exp()).sum();
        let mut mean = vec![0.0; n];
        for (row, score) in sample.rows(n).zip(&scores) {
            let chance = (score - highest).exp() / total;
            // Most candidates have a negligible probability and change nothing.
            if chance < 1e-9 {
                continue;
            }
            for (i, x) in row.iter().enumerate().filter(|(_, x)| **x != 0.0) {
                let part = chance * f64::from(*x);
                mean[i] += part;
                let line = &mut self.curvature[i * n..(i + 1) * n];
                line.iter_mut().zip(row).for_each(|(sum, y)| *sum += share * part * f64::from(*y));
            }
        }
        for (i, a) in mean.iter().enumerate().filter(|(_, a)| **a != 0.0) {
            let line = &mut self.curvature[i * n..(i + 1) * n];
            line.iter_mut().zip(&mean).for_each(|(sum, b)| *sum -= share * a * b);
        }
        let taken = sample.taken.and_then(|taken| sample.rows(n).nth(taken).zip(scores.get(taken)));
        let Some((row, score)) = taken else { return };
        self.value += share * (highest + total.ln() - score);
        for ((slope, mean), x) in self.slope.iter_mut().zip(&mean).zip(row) {
            *slope += share * (mean - f64::from(*x));
        }
    }
}

/// Solves a symmetric positive definite system by Cholesky's method (Golub and Van Loan, *Matrix Computations*, 4.2).
/// `None` when it is none.
fn solve(mut matrix: Vec<f64>, right: &[f64]) -> Option<Vec<f64>> {
    let n = right.len();
    for j in 0..n {
        for i in j..n {
            let sum: f64 = (0..j).map(|k| matrix[i * n + k] * matrix[j * n + k]).sum();
            let rest = matrix[i * n + j] - sum;
            matrix[i * n + j] = match i == j {
                true if rest > 0.0 => rest.sqrt(),
                true => return None,
                false => rest / matrix[j * n + j],
            };
        }
    }
    let mut solution = right.to_vec();
    for i in 0..n {
        let sum: f64 = (0..i).map(|k| matrix[i * n + k] * solution[k]).sum();
        solution[i] = (solution[i] - sum) / matrix[i * n + i];
    }
    for i in (0..n).rev() {
        let sum: f64 = (i + 1..n).map(|k| matrix[k * n + i] * solution[k]).sum();
        solution[i] = (solution[i] - sum) / matrix[i * n + i];
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::tuning::RequestContext;
    use crate::base::random::unit_hash;

    const PULL: f64 = 1e-4;

    /// Requests whose item is drawn by a softmax of known weights.
    fn samples(truth: &[f64], count: u64) -> Vec<Sample> {
        let candidates = 20;
        let sample = |s: u64| {
            let features: Vec<f32> =
                (0..candidates * truth.len()).map(|place| unit_hash([1, s, place as u64]) as f32 * 2.0 - 1.0).collect();
            let chances: Vec<f64> = features.chunks(truth.len()).map(|row| dot(row, truth).exp()).collect();
            let mut rest = unit_hash([2, s, 0]) * chances.iter().sum::<f64>();
            let taken = chances.iter().position(|chance| {
                rest -= chance;
                rest <= 0.0
            });
            Sample { context: RequestContext::ALL[2], features, taken }
        };
        (0..count).map(sample).collect()
    }

    #[test]
    fn known_weights_are_found_again() {
        let truth = [2.0, -1.0, 0.5];
        let drawn = samples(&truth, 4_000);
        let found = fit(&drawn.iter().collect::<Vec<_>>(), &[0.0; 3], PULL);
        for (w, t) in found.iter().zip(truth) {
            assert!((w - t).abs() < 0.12, "{found:?}");
        }
    }

    #[test]
    fn without_samples_nothing_moves_and_few_move_little() {
        assert_eq!(fit(&[], &[1.0, 2.0], PULL), [1.0, 2.0]);
        let nothing = Sample { context: RequestContext::ALL[2], features: vec![1.0, 0.0, 0.0, 1.0], taken: None };
        assert_eq!(fit(&[&nothing], &[1.0, 2.0], PULL), [1.0, 2.0]);
    }

    #[test]
    fn a_constant_column_is_harmless() {
        let sample = Sample { context: RequestContext::ALL[2], features: vec![1.0, 0.0, 1.0, 1.0], taken: Some(1) };
        let found = fit(&[&sample], &[0.5, 0.0], PULL);
        assert!((found[0] - 0.5).abs() < 1e-6 && found[1] > 1.0, "{found:?}");
        assert!(solve(vec![1.0, 2.0, 2.0, 1.0], &[1.0, 1.0]).is_none());
    }
}

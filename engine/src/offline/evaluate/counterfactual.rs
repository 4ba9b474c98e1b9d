//! What another policy would have earned, from logged decisions with propensities.
//!
//! With `w = target / logged`: IPS is the mean of `w r` (Horvitz and Thompson 1952), SNIPS `sum w r / sum w` (Swaminathan
//! and Joachims, NeurIPS 2015), DR the mean of `q_target + w (r - q_logged)` (Dudík, Langford and Li, ICML 2011).

use crate::api::evaluation::{Counterfactual, Decisions, Estimate, Guards, Interval};
use crate::base::error::{Error, Result};
use crate::base::limits::{self, at_most};
use crate::base::random::Seeded;

/// Mean weights further from 1 than this, and than four standard errors, are warned of.
const MEAN_WEIGHT: f64 = 0.1;
/// A single weight above this share of all weight is warned of.
const LARGEST_SHARE: f64 = 0.05;

/// Estimates the value of the policy in question.
///
/// # Errors
/// [`Error::InvalidArgument`] for columns of different lengths, propensities outside their range (a logger without
/// exploration has none, and nothing can be estimated from it), or an effective sample size below the guard;
/// [`Error::NonFinite`].
pub(crate) fn counterfactual(decisions: &Decisions, guards: &Guards) -> Result<Counterfactual> {
    check(decisions, guards)?;
    let weights: Vec<f64> =
        decisions.target.iter().zip(&decisions.logged).map(|(target, logged)| target / logged).collect();
    let effective = effective(&weights);
    if effective < guards.min_effective {
        let expected = format!("at least {} (Guards::min_effective)", guards.min_effective);
        let found = format!("{effective:.1} of {} decisions: the policies hardly overlap", weights.len());
        return Err(Error::argument("effective sample size", expected, found));
    }
    let total: f64 = weights.iter().sum();
    let n = weights.len() as f64;
    let largest_fraction = weights.iter().copied().fold(0.0, f64::max) / total.max(f64::MIN_POSITIVE);
    let mut estimates = all_estimates(decisions, &weights, guards, "");
    let mut clipped_fraction = 0.0;
    if let Some(most) = guards.clip {
        clipped_fraction = weights.iter().filter(|weight| **weight > most).count() as f64 / n;
        let cut: Vec<f64> = weights.iter().map(|weight| weight.min(most)).collect();
        let mut clipped = all_estimates(decisions, &cut, guards, "_clipped");
        for (clipped, whole) in clipped.iter_mut().zip(&estimates) {
            clipped.clipping_bias = clipped.value.mean - whole.value.mean;
        }
        estimates.extend(clipped);
    }
    Ok(Counterfactual {
        decisions: weights.len(),
        logged_value: Means::of(decisions, &weights, guards).interval(|_, reward, _| reward),
        estimates,
        effective,
        mean_weight: total / n,
        largest_fraction,
        clipped_fraction,
        warnings: warnings(&weights, total / n, largest_fraction),
    })
}

/// `(sum w)^2 / sum w^2` (Kish 1965).
fn effective(weights: &[f64]) -> f64 {
    let squares: f64 = weights.iter().map(|weight| weight * weight).sum();
    if squares > 0.0 { weights.iter().sum::<f64>().powi(2) / squares } else { 0.0 }
}

fn warnings(weights: &[f64], mean: f64, largest_fraction: f64) -> Vec<String> {
    let n = weights.len() as f64;
    let variance = weights.iter().map(|weight| (weight - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    let error = (variance / n).sqrt();
    let mut warnings = Vec::new();
    if (mean - 1.0).abs() > MEAN_WEIGHT.max(4.0 * error) {
        warnings.push(format!(
            "the mean weight is {mean:.3}, not about 1: propensities are wrong, or decisions are missing from the log"
        ));
    }
    if largest_fraction > LARGEST_SHARE {
        warnings
            .push(format!("one decision has {:.0} % of all weight: cut the weights (clip)", largest_fraction * 100.0));
    }
    warnings
}

/// The columns that estimators are means of.
struct Means<'d> {
    decisions: &'d Decisions,
    weights: &'d [f64],
    guards: &'d Guards,
}

impl<'d> Means<'d> {
    fn of(decisions: &'d Decisions, weights: &'d [f64], guards: &'d Guards) -> Means<'d> {
        Means { decisions, weights, guards }
    }

    /// The ratio of two sums over the decisions, with its bootstrap interval. `part` makes a decision's two summands of its
    /// weight and reward (and number).
    fn ratio(&self, part: impl Fn(f64, f64, usize) -> (f64, f64)) -> Interval {
        let parts: Vec<(f64, f64)> =
            self.weights.iter().zip(&self.decisions.reward).enumerate().map(|(i, (w, r))| part(*w, *r, i)).collect();
        let ratio = |(sum, scale): (f64, f64)| if scale == 0.0 { 0.0 } else { sum / scale };
        let add = |a: (f64, f64), b: (f64, f64)| (a.0 + b.0, a.1 + b.1);
        let mean = ratio(parts.iter().copied().fold((0.0, 0.0), add));
        let mut random = Seeded::new(self.guards.seed);
        let mut draws: Vec<f64> = (0..self.guards.resamples)
            .map(|_| ratio((0..parts.len()).map(|_| parts[random.below(parts.len())]).fold((0.0, 0.0), add)))
            .collect();
        draws.sort_by(f64::total_cmp);
        let at = |share: f64| draws.get((share * draws.len().saturating_sub(1) as f64).round() as usize).copied();
        Interval { mean, low: at(0.025).unwrap_or(mean), high: at(0.975).unwrap_or(mean) }
    }

    fn interval(&self, value: impl Fn(f64, f64, usize) -> f64) -> Interval {
        self.ratio(|weight, reward, i| (value(weight, reward, i), 1.0))
    }
}

fn all_estimates(decisions: &Decisions, weights: &[f64], guards: &Guards, suffix: &'static str) -> Vec<Estimate> {
    let means = Means::of(decisions, weights, guards);
    let name = |plain: &'static str, cut: &'static str| if suffix.is_empty() { plain } else { cut };
    let estimate = |estimator, value| Estimate { estimator, value, clipping_bias: 0.0 };
    let mut estimates = vec![
        estimate(name("ips", "ips_clipped"), means.interval(|weight, reward, _| weight * reward)),
        estimate(name("snips", "snips_clipped"), means.ratio(|weight, reward, _| (weight * reward, weight))),
    ];
    if !decisions.q_logged.is_empty() {
        let residual = |weight: f64, reward: f64, i: usize| {
            let (logged, target) = (decisions.q_logged.get(i).copied(), decisions.q_target.get(i).copied());
            target.unwrap_or_default() + weight * (reward - logged.unwrap_or_default())
        };
        estimates.push(estimate(name("dr", "dr_clipped"), means.interval(residual)));
    }
    estimates
}

fn check(decisions: &Decisions, guards: &Guards) -> Result<()> {
    let rows = decisions.reward.len();
    at_most("decisions", limits::MAX_DECISIONS, rows)?;
    let with_model = !decisions.q_logged.is_empty() || !decisions.q_target.is_empty();
    let model = [("q_logged", &decisions.q_logged), ("q_target", &decisions.q_target)];
    let columns = [("reward", &decisions.reward), ("logged", &decisions.logged), ("target", &decisions.target)];
    for (name, column) in columns.into_iter().chain(model.into_iter().filter(|_| with_model)) {
        if column.len() != rows || rows == 0 {
            let expected = format!("a column of {} decisions, one at least", rows.max(1));
            return Err(Error::argument(name, expected, format!("{} values", column.len())));
        }
        if let Some(index) = column.iter().position(|value| !value.is_finite()) {
            return Err(Error::NonFinite { what: name.to_owned(), index });
        }
    }
    let outside = |column: &[f64], low: f64| column.iter().position(|p| !(low..=1.0).contains(p));
    if let Some(row) = outside(&decisions.logged, f64::MIN_POSITIVE) {
        let expected =
            "propensities above 0, at most 1: without them nothing can be estimated, so log with exploration";
        return Err(Error::argument(format!("logged[{row}]"), expected, decisions.logged[row].to_string()));
    }
    if let Some(row) = outside(&decisions.target, 0.0) {
        return Err(Error::argument(format!("target[{row}]"), "0 to 1", decisions.target[row].to_string()));
    }
    check_guards(guards)
}

fn check_guards(guards: &Guards) -> Result<()> {
    if !(100..=limits::MAX_RESAMPLES).contains(&guards.resamples) {
        let expected = format!("100 to {}", limits::MAX_RESAMPLES);
        return Err(Error::argument("resamples", expected, guards.resamples.to_string()));
    }
    if guards.clip.is_some_and(|most| !(most.is_finite() && most > 0.0)) {
        return Err(Error::argument("clip", "a weight above 0", format!("{:?}", guards.clip)));
    }
    if !(guards.min_effective.is_finite() && guards.min_effective >= 0.0) {
        return Err(Error::argument("min_effective", "0 or more", guards.min_effective.to_string()));
    }
    Ok(())
}

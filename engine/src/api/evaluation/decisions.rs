//! Logged decisions with their propensities, and what can be estimated from them.

use serde::Serialize;

use super::results::Interval;
use crate::api::impression::Impression;

/// Decisions that a policy took and logged, column by column; all columns have one length.
///
/// A row is one decision: what was shown, with which probability, and what came of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decisions {
    /// What came of it: 1 for a click, money, anything finite.
    pub reward: Vec<f64>,
    /// The probability with which the logging policy took this action, given what it knew: above 0, at most 1.
    pub logged: Vec<f64>,
    /// The probability with which the policy in question would take the same action: 0 to 1.
    pub target: Vec<f64>,
    /// A model's estimate of the reward of the logged action; empty without a model.
    pub q_logged: Vec<f64>,
    /// The same model's expected reward under the policy in question; empty without a model.
    pub q_target: Vec<f64>,
}

impl Decisions {
    /// What impressions say of exploration: a decision for each hit whose place was drawn, given those before it, with the
    /// reward 1 when it was chosen and else 0. `target` says the probability with which the policy in question would put
    /// the hit at this place (from 0) of the impression, given those before it.
    ///
    /// ```no_run
    /// # let db = onelist::Engine::open("shop.onelist", onelist::Config::default())?;
    /// use onelist::evaluation::{Decisions, Guards};
    /// let shown = db.impressions(None, 100_000)?;
    /// // A policy that always shows `sku-9` first and draws the rest as it was drawn.
    /// let decisions = Decisions::from_impressions(&shown, |shown, place| match place {
    ///     0 => f64::from(u8::from(shown.slate[0].as_deref() == Some("sku-9"))),
    ///     _ => shown.propensities[place].map_or(0.0, f64::from),
    /// });
    /// println!("{:?}", onelist::counterfactual(&decisions, &Guards::default())?.estimates);
    /// # Ok::<(), onelist::Error>(())
    /// ```
    pub fn from_impressions<'a>(
        impressions: impl IntoIterator<Item = &'a Impression>,
        mut target: impl FnMut(&Impression, usize) -> f64,
    ) -> Decisions {
        let mut decisions = Decisions::default();
        for shown in impressions {
            for (place, propensity) in shown.propensities.iter().enumerate() {
                let Some(propensity) = propensity else { continue };
                decisions.reward.push(f64::from(u8::from(shown.chosen.contains(&place))));
                decisions.logged.push(f64::from(*propensity));
                decisions.target.push(target(shown, place));
            }
        }
        decisions
    }
}

/// When an estimate is refused.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guards {
    /// Least effective sample size `(sum w)^2 / sum w^2`; below it the estimate is refused (default 100).
    pub min_effective: f64,
    /// Weights above this are cut to it, for a second set of estimates; `None` (the default) cuts nothing.
    pub clip: Option<f64>,
    /// Resamples behind each interval (default 1000).
    pub resamples: usize,
    /// Names the resamples.
    pub seed: u64,
}

impl Default for Guards {
    fn default() -> Self {
        Guards { min_effective: 100.0, clip: None, resamples: 1000, seed: 1 }
    }
}

/// The value of a policy by one estimator.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Estimate {
    /// `ips`, `snips` or `dr`; with `_clipped` for weights that were cut.
    pub estimator: &'static str,
    /// Expected reward of a decision.
    pub value: Interval,
    /// What cutting the weights changed: this estimate minus the one without. Zero for uncut weights.
    pub clipping_bias: f64,
}

/// What the logged decisions say about another policy.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Counterfactual {
    /// Decisions.
    pub decisions: usize,
    /// Mean reward under the logging policy.
    pub logged_value: Interval,
    /// Estimates of the other policy's value.
    pub estimates: Vec<Estimate>,
    /// Effective sample size `(sum w)^2 / sum w^2` (Kish 1965).
    pub effective: f64,
    /// Mean weight; about 1 when propensities are right and the policies overlap.
    pub mean_weight: f64,
    /// The largest weight's fraction of all weight.
    pub largest_fraction: f64,
    /// Share of weights that were cut.
    pub clipped_fraction: f64,
    /// What makes the estimates doubtful.
    pub warnings: Vec<String>,
}

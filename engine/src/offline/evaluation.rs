//! `evaluate` on a store: its log read once, the engine in scratch directories as what is measured.

use super::store_log::read_log;
use super::systems::EngineSystems;
use crate::api::evaluation::{Counterfactual, Decisions, Guards, Plan, Questions, Report};
use crate::base::error::Result;
use crate::offline::evaluate::{self, Log, Subject};
use crate::store::Stores;

/// Replays the log into scratch copies, and scores what they answer beside the baselines. The store is only read.
pub(crate) fn evaluate(stores: &Stores, plan: &Plan) -> Result<Report> {
    let log = read_log(stores, plan)?;
    let configured = !stores.config.weights.is_empty() || plan.calibrate || stores.weights().version > 0;
    let make = |log: &Log| -> Result<Vec<Box<dyn Subject>>> {
        let mut subjects: Vec<Box<dyn Subject>> = vec![Box::new(EngineSystems::main(stores, log, plan)?)];
        if plan.baselines && configured {
            subjects.push(Box::new(EngineSystems::untuned(stores, log)?));
        }
        for variant in &plan.variants {
            subjects.push(Box::new(EngineSystems::variant(stores, log, plan, variant)?));
        }
        Ok(subjects)
    };
    evaluate::run(log, plan, &make)
}

/// The questions that [`evaluate()`] asks by this plan, without their answers.
pub(crate) fn questions(stores: &Stores, plan: &Plan) -> Result<Questions> {
    evaluate::questions(read_log(stores, plan)?, plan)
}

/// Estimates from logged decisions what another policy would have earned: IPS, SNIPS and, with a model's estimates, DR.
///
/// ```
/// use onelist::evaluation::{Decisions, Guards};
/// let mut decisions = Decisions::default();
/// for i in 0..1000 {
///     decisions.reward.push(f64::from(i % 2));
///     decisions.logged.push(0.5);
///     decisions.target.push(if i % 2 == 1 { 0.9 } else { 0.1 });
/// }
/// let estimated = onelist::counterfactual(&decisions, &Guards::default())?;
/// assert!((estimated.estimates[0].value.mean - 0.9).abs() < 1e-9);
/// # Ok::<(), onelist::Error>(())
/// ```
///
/// # Errors
/// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for columns that do not fit, missing propensities, or too small an effective sample;
/// [`Error::NonFinite`](crate::Error::NonFinite); [`Error::LimitExceeded`](crate::Error::LimitExceeded).
pub fn counterfactual(decisions: &Decisions, guards: &Guards) -> Result<Counterfactual> {
    evaluate::counterfactual(decisions, guards)
}

//! The questions of a plan in their order, and the warnings that go with them.

use crate::api::evaluation::{Plan, Protocol};
use crate::base::error::{Error, Result};

use super::log::Log;
use super::targets::{self, Ask, Withheld};

/// The questions in the order in which they are asked, and warnings about them.
pub(super) struct Asked {
    pub asks: Vec<Ask>,
    pub warnings: Vec<String>,
}

impl Asked {
    /// The questions of a plan.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when there are none.
    pub(super) fn of(log: &Log, plan: &Plan, withheld: &Withheld) -> Result<Asked> {
        let mut warnings = Vec::new();
        let (mut asks, found) = if plan.next_item { targets::next_items(log, plan, withheld) } else { (Vec::new(), 0) };
        if found > asks.len() {
            warnings.push(format!("{} of {found} targets were drawn (max_targets)", asks.len()));
        }
        let (searches, unknown) = targets::searches(log, plan);
        if unknown > 0 {
            warnings.push(format!("{unknown} grades name items that are not in the catalog; they were left out"));
        }
        if searches.len() < plan.queries.len() {
            let without = plan.queries.len() - searches.len();
            warnings.push(format!("{without} queries have no relevant item in the catalog; they were left out"));
        }
        asks.extend(searches);
        // Stable: questions at one place keep their order.
        asks.sort_by_key(|ask| ask.at);
        if asks.is_empty() {
            let found = format!("none ({} events, {} queries)", log.events.len(), plan.queries.len());
            return Err(Error::argument(
                "plan",
                "a log and a protocol with at least one target, or judged queries",
                found,
            ));
        }
        warnings.extend(about_time(log, plan, &asks));
        Ok(Asked { asks, warnings })
    }
}

/// Warnings about the times of the log.
fn about_time(log: &Log, plan: &Plan, asks: &[Ask]) -> Vec<String> {
    let mut warnings = Vec::new();
    if plan.next_item && plan.protocol == Protocol::LeaveLastOut {
        warnings.push(
            "leave-last-out leaks time: targets of some users lie before events of others, so whatever was fitted to the \
             whole log (a trained model, calibrated weights) has seen the future of these targets. Counts and \
             histories are replayed and do not leak"
                .to_owned(),
        );
    }
    let first = asks.first().map(|ask| ask.now).unwrap_or_default();
    let later = log.items.iter().filter(|item| item.available > first).count();
    // Without a date field an item's time is that of its put, which tells nothing about the past.
    if later > 0 && later < log.items.len() && !log.events.is_empty() {
        warnings.push(format!(
            "{later} items became available after the first question; all systems rank them all the time"
        ));
    }
    let same = log.same_time_share();
    if same > 0.25 {
        warnings.push(format!(
            "{:.0} % of the events share their time with another of the same user; their order is that of logging",
            same * 100.0
        ));
    }
    warnings
}

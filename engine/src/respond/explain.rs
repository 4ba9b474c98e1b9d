//! Why a hit stands where it stands.

use super::influence::{self, Names};
use super::reason::reason;
use crate::api::candidate::{Marks, Scored};
use crate::api::ranking::{Contribution, Moved, Why};
use crate::base::error::Result;
use crate::understand::RequestCx;

/// Contributions that the line names, the largest first, and the magnitude from which it does.
const NAMED: usize = 4;
const LEAST_NAMED: f32 = 0.005;

/// The explanation of a hit.
pub(super) fn explain(cx: RequestCx, named: &Names, scored: &Scored) -> Result<Why> {
    let features = cx.snapshot.model().all_features().iter().zip(&scored.contributions);
    let features = features.filter(|(_, amount)| **amount != 0.0);
    let mut contributions: Vec<Contribution> =
        features.map(|(name, amount)| Contribution { feature: name.clone(), amount: *amount }).collect();
    let terms = influence::terms(cx, scored.candidate.key, &contributions)?;
    let Marks { adjustments, rules, moved, history, .. } = &scored.marks;
    let adjusted = adjustments.iter();
    contributions.extend(adjusted.map(|(name, amount)| Contribution { feature: (*name).to_owned(), amount: *amount }));
    contributions.sort_by(|a, b| b.amount.abs().total_cmp(&a.amount.abs()));
    let mut parts = Vec::new();
    for contribution in contributions.iter().filter(|c| c.amount.abs() >= LEAST_NAMED).take(NAMED) {
        let reason = reason(cx, (scored.candidate.key, &terms), &contribution.feature)?;
        parts.push(format!("{reason} ({:+.2})", contribution.amount));
    }
    if parts.is_empty() {
        parts.push("no feature counts for it or against it".to_owned());
    }
    parts.extend(named.because(history));
    if !rules.is_empty() {
        parts.push(format!("by {}", rules.join(" and ")));
    }
    if let Some(Moved { from, by }) = moved {
        parts.push(format!("from position {from} by {by}"));
    }
    let (rules, moved) = (rules.clone(), moved.clone());
    Ok(Why { contributions, rules, moved, history: named.influences(history), terms, line: parts.join(", ") })
}

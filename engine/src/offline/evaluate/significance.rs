//! Significance: whether `rank` differs from the best baseline by more than chance, in plain words.

use crate::api::evaluation::{Interval, Outcome, SystemKind, SystemReport, Verdict};

use super::text::signed;

/// Compares the first system, `rank`, with the baseline, or the external system, of the highest mean.
pub(super) fn of(systems: &[SystemReport], k: usize) -> Verdict {
    let mean = |system: &SystemReport| system.measures.first().map_or(0.0, |measure| measure.value.mean);
    let beaten = |system: &&SystemReport| matches!(system.kind, SystemKind::Baseline | SystemKind::External);
    let baselines = systems.iter().filter(beaten);
    let best = baselines.max_by(|a, b| mean(a).total_cmp(&mean(b)));
    let Some((best, difference)) = best.and_then(|best| Some((best, best.rank_minus?))) else {
        let line = "No baseline was run: there is nothing to compare with.".to_owned();
        return Verdict { outcome: Outcome::Alone, best_baseline: None, difference: Interval::default(), line };
    };
    let outcome = match difference {
        Interval { low, .. } if low > 0.0 => Outcome::Better,
        Interval { high, .. } if high < 0.0 => Outcome::Worse,
        _ => Outcome::Level,
    };
    let shown = format!("{} NDCG@{k}", signed(difference));
    // The comparison uses the first measure; for single targets many readers know the reciprocal rank.
    let mrr = best.measures.iter().find(|measure| measure.name == "mrr").and_then(|measure| measure.rank_minus);
    let beside = mrr.map_or(String::new(), |mrr| format!(" ({} MRR@{k})", signed(mrr)));
    let name = &best.name;
    let line = match outcome {
        Outcome::Better => format!("rank beats the best baseline, {name}: {shown}{beside}."),
        Outcome::Worse => format!("rank is WORSE than the best baseline, {name}: {shown}{beside}."),
        _ => format!("rank does NOT beat the best baseline, {name}: {shown}; the interval holds zero{beside}."),
    };
    Verdict { outcome, best_baseline: Some(name.clone()), difference, line }
}

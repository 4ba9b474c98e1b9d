//! Ways to read a ranked list from one answer of the engine.

use crate::api::candidate::Scored;
use crate::api::evaluation::{Plan, SystemKind};
use crate::api::source::Source;
use crate::offline::evaluate::{Answer, Ranked};

/// The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009).
const RRF: f32 = 60.0;

/// A way to read a ranked list from an answer.
pub(super) enum System {
    /// As answered.
    Rank,
    /// Without the contribution of this feature (by its place).
    WithoutFeature(usize),
    /// Without the candidates that only this source proposed.
    WithoutSource(Source),
    /// One source's candidates in its own order.
    Only(Source),
    /// BM25 and vector by reciprocal rank.
    Fusion,
    /// The same request without its user, or without its query.
    QueryAlone,
    HistoryAlone,
    /// The same request without places for new items.
    WithoutNewItems,
}

/// The engine's answer to one request.
pub(super) struct Asked {
    /// Hits in their order, then the other candidates.
    pub list: Vec<(u32, f32)>,
    pub candidates: Vec<(u32, Scored)>,
    pub micros: u64,
}

/// Everything that is read from one answer by this plan, with names and kinds. `features`: names of the model's features.
pub(super) fn all_systems(plan: &Plan, features: &[String]) -> Vec<(System, String, SystemKind)> {
    let mut systems = vec![(System::Rank, "rank".to_owned(), SystemKind::Rank)];
    let mut baseline = |system, name: &str| systems.push((system, name.to_owned(), SystemKind::Baseline));
    if plan.baselines {
        baseline(System::Only(Source::Lexical), "BM25 alone");
        baseline(System::Only(Source::Semantic), "vector alone");
        baseline(System::Fusion, "RRF of BM25 and vector");
        baseline(System::QueryAlone, "rank, query alone");
        baseline(System::HistoryAlone, "rank, history alone");
    }
    if plan.leave_out {
        for source in Source::measured() {
            systems.push((
                System::WithoutSource(source),
                format!("without source {}", source.name()),
                SystemKind::Variant,
            ));
        }
        for (place, name) in features.iter().enumerate() {
            systems.push((System::WithoutFeature(place), format!("without feature {name}"), SystemKind::Variant));
        }
    }
    if plan.new_items.is_some() {
        let name = "without places for new items".to_owned();
        systems.push((System::WithoutNewItems, name, SystemKind::Variant));
    }
    systems
}

/// The whole answer.
pub(super) fn whole(asked: &Asked) -> Answer {
    let retrieved = Some(asked.candidates.iter().map(|(item, _)| *item).collect());
    Answer { ranked: Ranked::List(asked.list.clone()), retrieved, micros: asked.micros, by_place: false }
}

/// The candidates under another score, best first; those without one are left out.
pub(super) fn resorted(asked: &Asked, score: impl Fn(&Scored) -> Option<f32>) -> Vec<(u32, f32)> {
    let scored = asked.candidates.iter().filter_map(|(item, scored)| Some((*item, score(scored)?)));
    let mut list: Vec<(u32, f32)> = scored.collect();
    list.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    list
}

/// Rank and score of a candidate in one source's list.
pub(super) fn proposed(scored: &Scored, source: Source) -> Option<(u32, f32)> {
    scored.candidate.proposals.iter().find(|p| p.source == source).map(|p| (p.rank, p.score))
}

pub(super) fn fused(scored: &Scored) -> Option<f32> {
    let parts = [Source::Lexical, Source::Semantic].map(|source| proposed(scored, source));
    let sum: f32 = parts.iter().flatten().map(|(rank, _)| 1.0 / (RRF + *rank as f32)).sum();
    (sum > 0.0).then_some(sum)
}

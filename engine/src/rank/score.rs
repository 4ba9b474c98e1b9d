//! Scoring: features once for every candidate, one run of the model for all.

use super::features::Features;
use super::personal;
use crate::api::candidate::{Candidate, Marks, Scored};
use crate::base::error::Result;
use crate::base::score::{best_first, on_grid};
use crate::model::{HistoryInput, ScoreInput, Scores};
use crate::understand::RequestCx;

/// One request of a batch, ready to be scored.
pub(crate) struct Question<'q> {
    pub cx: RequestCx<'q>,
    pub features: &'q Features,
    pub explain: bool,
}

/// Scores the candidates of several requests in one pass of the model; each list comes back best first.
pub(crate) fn score(questions: &[Question], candidates: Vec<Vec<Candidate>>) -> Result<Vec<Vec<Scored>>> {
    let scores = run(questions)?;
    let width = questions.first().map_or(0, |question| question.cx.snapshot.model().all_features().len());
    Ok(candidates.into_iter().zip(scores).map(|(candidates, scores)| sorted(candidates, &scores, width)).collect())
}

/// Scores in the order of the candidates that the features were read for. All requests read one snapshot.
pub(super) fn run(questions: &[Question]) -> Result<Vec<Scores>> {
    let Some(first) = questions.first() else { return Ok(Vec::new()) };
    let snapshot = first.cx.snapshot;
    let no_direction = vec![0.0; snapshot.model().width()];
    let (active, configured) = (&snapshot.active.weights, !snapshot.stores.config.weights.is_empty());
    let histories: Vec<Vec<HistoryInput>> =
        questions.iter().map(|q| q.cx.understood.events.iter().map(|event| event.input()).collect()).collect();
    let inputs: Vec<ScoreInput> = questions
        .iter()
        .zip(&histories)
        .map(|(question, history)| ScoreInput {
            query: match &question.cx.understood.context.query {
                Some(vector) => Some(vector.as_slice()),
                // A query whose words the model does not know, or a vector of the caller's own.
                None => question.cx.understood.has_query.then_some(no_direction.as_slice()),
            },
            history,
            cand_vec: &question.features.vectors,
            cand_feat: &question.features.columns,
            cand_sid: &question.features.sids,
            space: snapshot.item.tensors(),
            adapter: question.cx.understood.adapter.as_deref(),
            explain: question.explain || personal::is_scaled(question.cx.understood),
            // Weights of the configuration are the last word.
            weights: if configured { None } else { active.feed(question.cx.understood.situation()) },
        })
        .collect();
    let mut scores = snapshot.model().score(&inputs)?;
    for (question, scores) in questions.iter().zip(&mut scores) {
        personal::scale(snapshot.model(), question.cx.understood, question.explain, scores);
    }
    Ok(scores)
}

fn sorted(candidates: Vec<Candidate>, scores: &Scores, width: usize) -> Vec<Scored> {
    let mut rows = scores.contributions.chunks_exact(width.max(1));
    let mut scored: Vec<Scored> = candidates
        .into_iter()
        .zip(&scores.scores)
        .map(|(candidate, score)| {
            let contributions = rows.next().map(<[f32]>::to_vec).unwrap_or_default();
            Scored { candidate, score: on_grid(*score), contributions, marks: Marks::default() }
        })
        .collect();
    scored.sort_unstable_by(|a, b| best_first((a.candidate.key, a.score), (b.candidate.key, b.score)));
    scored
}

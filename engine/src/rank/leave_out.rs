//! What each item of the history does to the hits: they are scored again without it, all in one batch.

use super::features::Features;
use super::score::{Question, run};
use crate::api::candidate::{Candidate, Scored};
use crate::base::error::Result;
use crate::base::limits::{MAX_LEFT_OUT, MAX_LEFT_OUT_HITS};
use crate::understand::{RequestCx, Understood};

/// A smaller difference is the rounding of `f32`.
const FELT: f32 = 1e-5;

/// Marks the first hits of a page with what the newest items of the history add to their scores, largest magnitude first.
pub(crate) fn leave_out(cx: RequestCx, hits: &mut [Scored]) -> Result<()> {
    let items = cx.understood.newest_items(MAX_LEFT_OUT);
    let shown = hits.len().min(MAX_LEFT_OUT_HITS);
    let hits = &mut hits[..shown];
    if items.is_empty() || hits.is_empty() {
        return Ok(());
    }
    let candidates: Vec<Candidate> = hits.iter().map(|hit| hit.candidate.clone()).collect();
    let others = items.iter().map(|(item, _)| cx.understood.without(cx.snapshot, *item)).collect::<Result<Vec<_>>>()?;
    let all = std::iter::once(cx.understood).chain(&others);
    let all: Vec<RequestCx> = all.map(|understood: &Understood| RequestCx { understood, ..cx }).collect();
    let features = all.iter().map(|cx| Features::read(*cx, &candidates)).collect::<Result<Vec<_>>>()?;
    let questions: Vec<Question> =
        all.iter().zip(&features).map(|(cx, features)| Question { cx: *cx, features, explain: false }).collect();
    let scores = run(&questions)?;
    let Some((whole, without)) = scores.split_first() else { return Ok(()) };
    for (place, (hit, whole)) in hits.iter_mut().zip(&whole.scores).enumerate() {
        let amounts = items.iter().zip(without).filter_map(|((item, action), without)| {
            let amount = whole - without.scores.get(place)?;
            (amount.abs() >= FELT).then(|| (*item, action.clone(), amount))
        });
        hit.marks.history = amounts.collect();
        hit.marks.history.sort_by(|a, b| b.2.abs().total_cmp(&a.2.abs()));
    }
    Ok(())
}

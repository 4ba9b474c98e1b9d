//! The answer: payloads for the hits that are returned and no others.

use super::explain::explain;
use super::influence::Names;
use crate::api::candidate::{Page, Scored};
use crate::api::ranking::{Hit, Ranking, Took};
use crate::base::error::Result;
use crate::understand::RequestCx;

/// Reads the hits of a page, for the ranking of this name.
pub(crate) fn respond(cx: RequestCx, page: Page, rank_id: String) -> Result<Ranking> {
    let Page { hits: scored, candidates, next_page_token, explored, marks_new: _ } = page;
    let names = Names::read(cx.snapshot, &scored)?;
    let mut hits = Vec::with_capacity(scored.len());
    for scored in scored {
        hits.extend(hit(cx, &names, scored)?);
    }
    let (weights_version, warnings) = (cx.snapshot.weights_version(), warnings(cx)?);
    Ok(Ranking {
        rank_id,
        hits,
        candidates,
        weights_version,
        took: Took::default(),
        warnings,
        explored,
        next_page_token,
    })
}

/// What was left out or done another way.
fn warnings(cx: RequestCx) -> Result<Vec<String>> {
    let mut warnings = cx.understood.warnings.clone();
    if let Some(reason) = &cx.snapshot.model().stats().fallback {
        warnings.push(format!("the model runs on the CPU: {reason}"));
    }
    warnings.extend(cx.snapshot.stands_in().map(str::to_owned));
    let (damaged, count) = cx.snapshot.catalog.view().damaged_vectors(NAMED)?;
    if count > 0 {
        let items = if count == 1 { "1 item was".to_owned() } else { format!("{count} items were") };
        warnings
            .push(format!("a stored vector of {items} damaged and left out; put again: `{}`", damaged.join("`, `")));
    }
    Ok(warnings)
}

/// Items that a warning names.
const NAMED: usize = 3;

/// `None` for a candidate that is not in the pinned catalog: an index may be behind, an answer may not.
fn hit(cx: RequestCx, names: &Names, scored: Scored) -> Result<Option<Hit>> {
    let Some(record) = cx.snapshot.catalog.view().item(scored.candidate.key)? else { return Ok(None) };
    let why = match cx.request.explain {
        true => Some(explain(cx, names, &scored)?),
        false => None,
    };
    let fields = match &cx.request.fields {
        Some(names) => record.item.fields.into_iter().filter(|(name, _)| names.contains(name)).collect(),
        None => record.item.fields,
    };
    let (propensity, sources) = (scored.marks.propensity, scored.candidate.proposals);
    Ok(Some(Hit { id: record.item.id, score: scored.score, fields, sources, propensity, why }))
}

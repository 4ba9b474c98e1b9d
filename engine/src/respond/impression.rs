//! What is remembered of an answer: the impression that the writer logs later.

use crate::api::candidate::{Page, Scored};
use crate::base::limits::{MAX_IMPRESSION_PLACES, MAX_IMPRESSION_QUERY_BYTES};
use crate::base::random::Draws;
use crate::base::time::Timestamp;
use crate::catalog::Impression;
use crate::understand::RequestCx;

/// The purpose of the draw.
const SAMPLE: u64 = 21;

/// The impression of a page; `None` when it is not logged or nothing was shown. Only keys and the request's own texts are
/// copied.
pub(crate) fn impression(cx: RequestCx, page: &Page, rank_id: &str, features: u64) -> Option<Box<Impression>> {
    let RequestCx { snapshot, request, understood } = cx;
    let settings = &snapshot.stores.config.impressions;
    let logged = settings.enabled && request.log_impression && !page.hits.is_empty();
    if !logged || Draws::of(rank_id).unit(SAMPLE, 0) >= settings.fraction {
        return None;
    }
    let shown = || page.hits.iter().take(MAX_IMPRESSION_PLACES);
    let propensity = |scored: &Scored| scored.marks.propensity.unwrap_or_default();
    let new = || shown().enumerate().filter(|(_, scored)| scored.marks.new).map(|(place, _)| place as u32).collect();
    Some(Box::new(Impression {
        rank_id: rank_id.to_owned(),
        user: request.user.clone(),
        query: request.query.as_deref().map(beginning),
        // A request may be dated as it likes; what is kept goes by the clock when that is later than now.
        time: understood.now.min(Timestamp::now()),
        slate: shown().map(|scored| scored.candidate.key).collect(),
        offset: (understood.shown.len() + request.offset) as u32,
        explored: page.explored,
        propensities: if page.explored { shown().map(propensity).collect() } else { Vec::new() },
        new: page.marks_new.then(new),
        features,
        model: snapshot.model().fingerprint(),
        weights: snapshot.weights_version(),
    }))
}

fn beginning(query: &str) -> String {
    query[..query.floor_char_boundary(MAX_IMPRESSION_QUERY_BYTES)].to_owned()
}

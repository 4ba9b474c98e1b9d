//! Past events as the requests that they answer, and the answers as samples to fit weights to.

use crate::api::calibration::Situation;
use crate::api::candidate::Scored;
use crate::api::request::Request;
use crate::base::id::ItemKey;
use crate::base::time::Timestamp;
use crate::offline::evaluate::{Log, LogEvent};
use crate::offline::tune::{Draw, Past, Sample};

/// Candidates of a sample: those that are taken are few, and a weight is learnt from those that are near.
const CANDIDATES: usize = 200;

/// A past event, as far as the drawing of samples needs it.
pub(super) fn past(event: &LogEvent) -> Past {
    let item = event.wanted().map(|item| item as u32);
    Past { user: event.user, item, time: event.time, query: event.query.is_some() && item.is_some() }
}

/// The request that a drawn event answers.
pub(super) fn request(log: &Log, draw: &Draw, user: u32, query: Option<&str>, now: Timestamp) -> Request {
    let mut request = Request::new().now(now).limit(1).explain();
    request.candidates = Some(CANDIDATES);
    request.fields = Some(Vec::new());
    if draw.situation.history {
        request.user = log.users.get(user as usize).cloned();
    }
    if draw.situation.exclude_seen {
        request = request.exclude_seen();
    }
    request.query = query.filter(|_| draw.situation.query).map(str::to_owned);
    request
}

/// The candidates of a drawn request, and which of them was taken.
pub(super) fn sample(situation: Situation, scored: Vec<Scored>, taken: Option<ItemKey>) -> Sample {
    let place = scored.iter().position(|scored| Some(scored.candidate.key) == taken);
    Sample { situation, features: scored.into_iter().flat_map(|scored| scored.contributions).collect(), taken: place }
}

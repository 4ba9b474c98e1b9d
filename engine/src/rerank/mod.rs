//! From scored candidates to the page that is returned: everything that moves a hit after the model has spoken.
//!
//! In this order: `adjust` adds to scores (`unlike`, boosts, burials); `select` orders by them, and by `diversify`, `calibrated`
//! and `caps`; `explore` draws another order on some requests; `pins` puts what is pinned where it belongs; `new_items`
//! gives new items their places; the page is cut out. A request without controls is cut at once.

mod adjust;
mod calibrated;
mod caps;
mod diversify;
mod explore;
mod fit;
mod groups;
mod new_items;
mod pins;
mod select;

use crate::api::candidate::{Page, Scored};
use crate::api::cursor;
use crate::api::request::Request;
use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::base::limits;
use crate::base::random::Draws;
use crate::store::snapshot::Snapshot;
use crate::understand::Intent;

use explore::Kind;

/// The page that the request asks for, of candidates that come best first. What is drawn is drawn from `rank_id`.
pub(crate) fn arrange(
    snapshot: &Snapshot,
    request: &Request,
    intent: &Intent,
    rank_id: &str,
    scored: Vec<Scored>,
) -> Result<Page> {
    let candidates = scored.len();
    let (list, explored) = match intent.controls.are_plain() {
        true => (scored, false),
        false => controlled(snapshot, request, intent, Draws::of(rank_id), scored)?,
    };
    let next = next(request, intent, &list);
    let hits = list.into_iter().skip(request.offset).take(request.limit).collect();
    Ok(Page { hits, candidates, next, explored, marks_new: intent.controls.new_items.is_some() })
}

/// The list in the order that the controls ask for, and whether its order was drawn at random.
fn controlled(
    snapshot: &Snapshot,
    request: &Request,
    intent: &Intent,
    draws: Draws,
    mut list: Vec<Scored>,
) -> Result<(Vec<Scored>, bool)> {
    let controls = &intent.controls;
    adjust::adjust(snapshot, controls, &mut list)?;
    let (pinned, rest) = pins::take(&controls.pins, list);
    let want = request.offset + request.limit;
    let mut list = select::select(snapshot, intent, &pinned, rest, want)?;
    let kind = controls.explore.map_or(Kind::Nothing, |exploration| explore::kind(&exploration, draws));
    // The probabilities of an order that diversity, the mix or caps have a say in have no closed form.
    let mut explored = kind == Kind::Order && controls.order_by_score();
    if explored {
        let temperature = controls.explore.map_or(0.0, |exploration| exploration.temperature);
        explore::draw_order(temperature, draws, &mut list, want);
    }
    pins::place(pinned, intent.shown.len(), &mut list);
    let page = (request.offset, request.limit);
    if let Some(new_items) = &controls.new_items {
        new_items::admit(snapshot, intent, new_items, draws, page, &mut list)?;
    }
    if kind == Kind::Swap {
        let end = list.len().min(want);
        explored = explore::swap(draws, &mut list[request.offset.min(end)..end]);
    }
    for scored in list.iter_mut().take(want) {
        scored.marks.rules.extend_from_slice(&controls.required);
    }
    Ok((list, explored))
}

/// The token of the page after this one: the items of this page, those it passes over, and those of earlier pages.
fn next(request: &Request, intent: &Intent, list: &[Scored]) -> Option<String> {
    let end = request.offset + request.limit;
    let shown = intent.shown.len() + end;
    // A page that is not full is the last one.
    if request.limit == 0 || list.len() < end || shown + request.limit > limits::MAX_RESULTS {
        return None;
    }
    let keys = list.iter().take(end).map(|scored| scored.candidate.key);
    Some(cursor::write(request, intent.shown.iter().copied().chain(keys)))
}

/// Where the stored vector of an item is read: everything in this stage goes by the model's item vectors.
fn vector(snapshot: &Snapshot, key: ItemKey) -> Result<Option<Vec<f32>>> {
    snapshot.vector(snapshot.item_space(), key)
}

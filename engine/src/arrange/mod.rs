//! From scored candidates to the page that is returned: everything that moves a hit after the model has spoken.
//!
//! In this order: `adjust` adds to scores (`unlike`, boosts, burials); `select` orders by them, and by `diversify`, `mix`
//! and `caps`; `pins` puts what is pinned where it belongs; the page is cut out. A request without controls is cut at once.

mod adjust;
mod caps;
mod diversify;
mod groups;
mod mix;
mod pins;
mod select;

use crate::candidate::{Page, Scored};
use crate::cursor;
use crate::error::Result;
use crate::id::ItemKey;
use crate::intent::Intent;
use crate::limits;
use crate::request::Request;
use crate::snapshot::Snapshot;

/// The page that the request asks for, of candidates that come best first.
pub(crate) fn arrange(snapshot: &Snapshot, request: &Request, intent: &Intent, scored: Vec<Scored>) -> Result<Page> {
    let candidates = scored.len();
    let list = if intent.controls.are_plain() { scored } else { controlled(snapshot, request, intent, scored)? };
    let next = next(request, intent, &list);
    let hits = list.into_iter().skip(request.offset).take(request.limit).collect();
    Ok(Page { hits, candidates, next })
}

fn controlled(snapshot: &Snapshot, request: &Request, intent: &Intent, mut list: Vec<Scored>) -> Result<Vec<Scored>> {
    let controls = &intent.controls;
    adjust::adjust(snapshot, controls, &mut list)?;
    let (pinned, rest) = pins::take(&controls.pins, list);
    let want = request.offset + request.limit;
    let mut list = select::select(snapshot, intent, &pinned, rest, want)?;
    pins::place(pinned, intent.shown.len(), &mut list);
    for scored in list.iter_mut().take(want) {
        scored.marks.rules.extend_from_slice(&controls.required);
    }
    Ok(list)
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
    snapshot.vector(snapshot.item_space()?, key)
}

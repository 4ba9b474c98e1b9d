//! From scored candidates to the page that is returned.

use super::explore::{self, Kind};
use super::{adjust, new_items, pins, select};
use crate::api::candidate::{Page, Scored};
use crate::api::cursor;
use crate::base::error::Result;
use crate::base::limits;
use crate::base::random::Draws;
use crate::understand::RequestCx;

/// The page that the request asks for, of candidates that come best first. What is drawn is drawn from `rank_id`.
pub(crate) fn rerank(cx: RequestCx, rank_id: &str, scored: Vec<Scored>) -> Result<Page> {
    let candidates = scored.len();
    let (list, explored) = match cx.understood.controls.are_plain() {
        true => (scored, false),
        false => controlled(cx, Draws::of(rank_id), scored)?,
    };
    let next_page_token = next_page_token(cx, &list);
    let hits = list.into_iter().skip(cx.request.offset).take(cx.request.limit).collect();
    Ok(Page { hits, candidates, next_page_token, explored, marks_new: cx.understood.controls.new_items.is_some() })
}

/// The list in the order that the controls ask for, and whether its order was drawn at random.
fn controlled(cx: RequestCx, draws: Draws, mut list: Vec<Scored>) -> Result<(Vec<Scored>, bool)> {
    let (request, controls) = (cx.request, &cx.understood.controls);
    adjust::adjust(cx.snapshot, controls, &mut list)?;
    let (pinned, rest) = pins::take(&controls.pins, list);
    let want = request.offset + request.limit;
    let mut list = select::select(cx, &pinned, rest, want)?;
    let kind = controls.explore.map_or(Kind::Nothing, |exploration| explore::kind(&exploration, draws));
    // The probabilities of an order that diversity, the mix or caps have a say in have no closed form.
    let mut explored = kind == Kind::Order && controls.order_by_score();
    if explored {
        let temperature = controls.explore.map_or(0.0, |exploration| exploration.temperature);
        explore::draw_order(temperature, draws, &mut list, want);
    }
    pins::place(pinned, cx.understood.shown.len(), &mut list);
    if let Some(new_items) = &controls.new_items {
        new_items::admit(cx, new_items, draws, &mut list)?;
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
fn next_page_token(cx: RequestCx, list: &[Scored]) -> Option<String> {
    let (request, shown) = (cx.request, &cx.understood.shown);
    let end = request.offset + request.limit;
    let passed = shown.len() + end;
    // A page that is not full is the last one.
    if request.limit == 0 || list.len() < end || passed + request.limit > limits::MAX_RESULTS {
        return None;
    }
    let keys = list.iter().take(end).map(|scored| scored.candidate.key);
    Some(cursor::write(request, shown.iter().copied().chain(keys)))
}

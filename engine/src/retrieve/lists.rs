//! Sources that are sorted lists in the catalog: popular and fresh.

use std::collections::HashSet;

use super::found::Found;
use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::base::score::top_k;
use crate::catalog::Window;
use crate::understand::{Allowed, RequestCx, Understood};

/// Rows of a list that are read for each item wanted, before the list is given up: the rest is excluded or seen.
const ROWS_PER_ITEM: usize = 50;
/// Items of the newest events that are looked at beside a list, at least.
const RECENT: usize = 64;
/// Popular items that are looked at for each that rises.
const TREND_POOL: usize = 5;
/// Allowed items up to this many are looked up one by one instead of reading the list.
const LOOK_UP: u64 = 2_000;

/// Most popular over the last days.
pub(super) fn popular_7d(cx: RequestCx, k: usize) -> Result<Vec<Found>> {
    Ok(vec![popular(cx, Window::Week, k)?])
}

/// Most popular over the last months.
pub(super) fn popular_90d(cx: RequestCx, k: usize) -> Result<Vec<Found>> {
    Ok(vec![popular(cx, Window::Quarter, k)?])
}

/// The most popular items that the request admits, with their decayed counts as of the request (to 8 %: the list is in
/// steps).
fn popular(cx: RequestCx, window: Window, k: usize) -> Result<Found> {
    let view = cx.snapshot.catalog.view();
    let mass = |key: ItemKey| Ok(cx.snapshot.signals(key)?.map(|signals| signals.mass(window)));
    let count = |mass: f64| window.count(mass, cx.understood.now) as f32;
    if let Some(keys) = few_allowed(cx.understood) {
        let mut scored = Vec::new();
        for key in keys {
            if cx.admits(key) {
                scored.extend(mass(key)?.map(|mass| (key, count(mass))));
            }
        }
        return Ok(top_k(scored, k));
    }
    let mut found = Vec::with_capacity(k);
    // What was logged a moment ago is in no list yet.
    let recent: HashSet<ItemKey> = cx.snapshot.events.newest_items(k.max(RECENT)).into_iter().collect();
    for key in &recent {
        if cx.snapshot.catalog.head(*key)?.is_some() && cx.admits(*key) {
            found.extend(mass(*key)?.map(|mass| (*key, count(mass))));
        }
    }
    let mut listed = 0;
    for row in view.popular(window)?.take(k.saturating_mul(ROWS_PER_ITEM)) {
        let (key, step) = row?;
        if !recent.contains(&key) && cx.admits(key) {
            found.push((key, count(step)));
            listed += 1;
        }
        if listed == k {
            break;
        }
    }
    Ok(top_k(found, k))
}

/// The items that are most popular in the segments of the request and its user, with that popularity, 0 to 1.
pub(super) fn segment(cx: RequestCx, k: usize) -> Result<Vec<Found>> {
    let mut scored = Vec::new();
    for key in cx.understood.segments.items() {
        // Segments count what was logged: an item may be gone, or never have been put.
        if cx.admits(key) && cx.snapshot.catalog.head(key)?.is_some() {
            scored.push((key, cx.understood.segments.of(key)));
        }
    }
    Ok(vec![top_k(scored, k)])
}

/// Items that rise: of the most popular of the last 7 days, those that have the largest part of their 90 days in them.
pub(super) fn trending(cx: RequestCx, k: usize) -> Result<Vec<Found>> {
    let mut scored = Vec::new();
    for (key, week) in popular(cx, Window::Week, k.saturating_mul(TREND_POOL))? {
        let quarter = cx
            .snapshot
            .signals(key)?
            .map_or(0.0, |s| Window::Quarter.count(s.mass(Window::Quarter), cx.understood.now));
        // Two events more on either side: one event lately and none before is no trend.
        scored.push((key, (week + 1.0) / (quarter as f32 + 4.0)));
    }
    Ok(vec![top_k(scored, k)])
}

/// The newest items that the request admits, with their time in seconds since the Unix epoch.
pub(super) fn fresh(cx: RequestCx, k: usize) -> Result<Vec<Found>> {
    let view = cx.snapshot.catalog.view();
    if let Some(keys) = few_allowed(cx.understood) {
        let mut scored = Vec::new();
        for key in keys {
            let head = cx.snapshot.catalog.head(key)?.filter(|head| head.available <= cx.understood.now);
            if let (true, Some(head)) = (cx.admits(key), head) {
                scored.push((key, head.available.seconds() as f32));
            }
        }
        return Ok(vec![top_k(scored, k)]);
    }
    let mut found = Vec::with_capacity(k);
    for row in view.fresh(cx.understood.now)?.take(k.saturating_mul(ROWS_PER_ITEM)) {
        let (key, time) = row?;
        if cx.admits(key) {
            found.push((key, time.seconds() as f32));
        }
        if found.len() == k {
            break;
        }
    }
    Ok(vec![found])
}

/// The items that the request allows, when they are few.
pub(super) fn few_allowed(understood: &Understood) -> Option<impl Iterator<Item = ItemKey> + '_> {
    match &understood.allowed {
        Allowed::Only(keys) if keys.len() <= LOOK_UP => Some(keys.iter().map(ItemKey)),
        _ => None,
    }
}

//! Sources that are sorted lists in the catalog: popular and fresh.

use std::collections::HashSet;

use crate::api::candidate::Source;
use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::base::score::top_k;
use crate::catalog::Window;
use crate::store::snapshot::Snapshot;
use crate::understand::{Allowed, Intent};

/// Rows of a list that are read for each item wanted, before the list is given up: the rest is excluded or seen.
const ROWS_PER_ITEM: usize = 50;
/// Items of the newest events that are looked at beside a list, at least.
const RECENT: usize = 64;
/// Popular items that are looked at for each that rises.
const TREND_POOL: usize = 5;
/// Allowed items up to this many are looked up one by one instead of reading the list.
const LOOK_UP: u64 = 2_000;

/// The window of a popular source.
fn window(source: Source) -> Window {
    match source {
        Source::Popular7 => Window::Week,
        _ => Window::Quarter,
    }
}

/// The most popular items that the request admits, with their decayed counts as of the request (to 8 %: the list is in
/// steps).
pub(super) fn popular(snapshot: &Snapshot, intent: &Intent, source: Source, k: usize) -> Result<Vec<(ItemKey, f32)>> {
    let (window, view) = (window(source), snapshot.catalog.view());
    let mass = |key: ItemKey| Ok(snapshot.signals(key)?.map(|signals| signals.mass(window)));
    let count = |mass: f64| window.count(mass, intent.now) as f32;
    if let Some(keys) = few_allowed(intent) {
        let mut scored = Vec::new();
        for key in keys {
            if intent.admits(snapshot, key) {
                scored.extend(mass(key)?.map(|mass| (key, count(mass))));
            }
        }
        return Ok(top_k(scored, k));
    }
    let mut found = Vec::with_capacity(k);
    // What was logged a moment ago is in no list yet.
    let recent: HashSet<ItemKey> = snapshot.events.newest_items(k.max(RECENT)).into_iter().collect();
    for key in &recent {
        if snapshot.catalog.head(*key)?.is_some() && intent.admits(snapshot, *key) {
            found.extend(mass(*key)?.map(|mass| (*key, count(mass))));
        }
    }
    let mut listed = 0;
    for row in view.popular(window)?.take(k.saturating_mul(ROWS_PER_ITEM)) {
        let (key, step) = row?;
        if !recent.contains(&key) && intent.admits(snapshot, key) {
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
pub(super) fn segment(snapshot: &Snapshot, intent: &Intent, k: usize) -> Result<Vec<(ItemKey, f32)>> {
    let mut scored = Vec::new();
    for key in intent.segments.items() {
        // Segments count what was logged: an item may be gone, or never have been put.
        if intent.admits(snapshot, key) && snapshot.catalog.head(key)?.is_some() {
            scored.push((key, intent.segments.of(key)));
        }
    }
    Ok(top_k(scored, k))
}

/// Items that rise: of the most popular of the last 7 days, those that have the largest part of their 90 days in them.
pub(super) fn trending(snapshot: &Snapshot, intent: &Intent, k: usize) -> Result<Vec<(ItemKey, f32)>> {
    let mut scored = Vec::new();
    for (key, week) in popular(snapshot, intent, Source::Popular7, k.saturating_mul(TREND_POOL))? {
        let quarter =
            snapshot.signals(key)?.map_or(0.0, |s| Window::Quarter.count(s.mass(Window::Quarter), intent.now));
        // Two events more on either side: one event lately and none before is no trend.
        scored.push((key, (week + 1.0) / (quarter as f32 + 4.0)));
    }
    Ok(top_k(scored, k))
}

/// The newest items that the request admits, with their time in seconds since the Unix epoch.
pub(super) fn fresh(snapshot: &Snapshot, intent: &Intent, k: usize) -> Result<Vec<(ItemKey, f32)>> {
    let view = snapshot.catalog.view();
    if let Some(keys) = few_allowed(intent) {
        let mut scored = Vec::new();
        for key in keys {
            let head = snapshot.catalog.head(key)?.filter(|head| head.available <= intent.now);
            if let (true, Some(head)) = (intent.admits(snapshot, key), head) {
                scored.push((key, head.available.seconds() as f32));
            }
        }
        return Ok(top_k(scored, k));
    }
    let mut found = Vec::with_capacity(k);
    for row in view.fresh(intent.now)?.take(k.saturating_mul(ROWS_PER_ITEM)) {
        let (key, time) = row?;
        if intent.admits(snapshot, key) {
            found.push((key, time.seconds() as f32));
        }
        if found.len() == k {
            break;
        }
    }
    Ok(found)
}

/// The items that the request allows, when they are few.
pub(super) fn few_allowed(intent: &Intent) -> Option<impl Iterator<Item = ItemKey> + '_> {
    match &intent.allowed {
        Allowed::Only(keys) if keys.len() <= LOOK_UP => Some(keys.iter().map(ItemKey)),
        _ => None,
    }
}

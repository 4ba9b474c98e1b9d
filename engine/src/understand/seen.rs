//! What the user interacted with, when only some actions or a time count.

use std::collections::HashSet;

use super::lookup::known_items;
use crate::api::controls::SeenWhen;
use crate::api::event::Action;
use crate::api::request::Request;
use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::base::limits;
use crate::base::time::Timestamp;
use crate::store::snapshot::{Person, Snapshot};

const DAY: f64 = 86_400.0;

/// The items of the events that satisfy `when`: those of the request, the user's newest [`limits::MAX_SEEN_EVENTS`] up to
/// `now`, and, for any action or purchases, those that retention has removed.
pub(super) fn seen_when(
    snapshot: &Snapshot,
    request: &Request,
    when: &SeenWhen,
    (person, now): (Option<&Person>, Timestamp),
    warnings: &mut Vec<String>,
) -> Result<HashSet<ItemKey>> {
    let recent = |time: Timestamp| when.within_days.is_none_or(|days| now.seconds_since(time) <= days * DAY);
    let counts = |action: &Action, time: Timestamp| {
        recent(time) && (when.actions.is_empty() || when.actions.iter().any(|wanted| wanted.is_same(action)))
    };
    let given = request.history.iter().filter(|event| counts(&event.action, event.time.unwrap_or(now)));
    let given = known_items(snapshot, given.map(|event| event.item.as_str()))?;
    let mut seen: HashSet<ItemKey> = given.into_iter().collect();
    let Some(person) = person else { return Ok(seen) };
    let stored = snapshot.history(person, now, limits::MAX_SEEN_EVENTS)?;
    let oldest_counts = stored
        .last()
        .is_some_and(|event| when.within_days.is_none_or(|days| now.seconds_since(event.time) <= days * DAY));
    if stored.len() == limits::MAX_SEEN_EVENTS && oldest_counts {
        warnings.push(format!("`exclude_seen` looked at the newest {} events of the user", limits::MAX_SEEN_EVENTS));
    }
    // Of events that are removed it is known when the last was, and the last purchase.
    for (item, done) in snapshot.removed_of(person)? {
        let any = when.actions.is_empty().then_some(done.last);
        let bought = done.bought.filter(|_| when.actions.iter().any(|wanted| wanted.is_same(&Action::Buy)));
        seen.extend(any.or(bought).filter(|time| recent(*time)).map(|_| item));
    }
    seen.extend(stored.into_iter().filter(|event| counts(&event.action, event.time)).filter_map(|event| event.item));
    Ok(seen)
}

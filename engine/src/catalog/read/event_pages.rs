//! Which events satisfy conditions: for reading them a page at a time, and for deleting them.

use std::collections::BTreeMap;

use crate::api::stored_events::EventPlace;
use crate::base::error::{Error, Result};
use crate::base::id::{Seq, UserKey};
use crate::base::time::Timestamp;
use crate::catalog::rows::events::StoredEvent;
use crate::catalog::rows::key_parts::EventMatch;
use crate::catalog::rows::keys::{self, EventKey};
use crate::catalog::rows::lmdb_error::storage;

use super::view::View;

impl EventMatch {
    /// Whether the key of an event satisfies what a key tells.
    fn has_key(&self, key: &[u8]) -> bool {
        let time = keys::event_time(key);
        self.since.is_none_or(|since| time >= Some(since)) && self.until.is_none_or(|until| time < Some(until))
    }

    /// Whether an event is to be read to tell.
    fn needs_row(&self) -> bool {
        self.item.is_some() || self.action.is_some() || self.batch.is_some()
    }

    /// Whether an event satisfies the rest.
    fn has_row(&self, event: &StoredEvent) -> bool {
        self.item.is_none_or(|item| event.item == Some(item))
            && self.action.as_ref().is_none_or(|action| action.name() == event.action.name())
            && self.batch.as_ref().is_none_or(|batch| event.batch.as_ref() == Some(batch))
    }
}

impl View<'_> {
    /// Calls `each` with the keys of the events that match, by user and time, until it says no. `step` is asked
    /// at every row.
    pub(crate) fn each_matching(
        &self,
        matched: &EventMatch,
        mut step: impl FnMut() -> Result<()>,
        mut each: impl FnMut(EventKey) -> bool,
    ) -> Result<()> {
        let (first, last) = bounds(matched);
        for row in self.tables.people.range(self.txn, &keys::between(&first, &last)).map_err(storage)? {
            step()?;
            let (key, value) = row.map_err(storage)?;
            if keys::event_user(key).is_none() || !matched.has_key(key) {
                continue;
            }
            if matched.needs_row() && !matched.has_row(&StoredEvent::read((key, value))?) {
                continue;
            }
            if !each(EventKey::try_from(key).map_err(|_| Error::damaged("event key", "another length"))?) {
                break;
            }
        }
        Ok(())
    }

    /// The keys of a page: of a user's events by time, of all others in the order of logging; `most` of them after (or
    /// before, from the newest on) a place, and whether there are more.
    pub(crate) fn event_page(
        &self,
        matched: &EventMatch,
        (after, newest_first): (Option<EventPlace>, bool),
        most: usize,
        step: impl FnMut() -> Result<()>,
    ) -> Result<(Vec<EventKey>, bool)> {
        // The `most` first of what follows: of a log of any length no more than a page is in memory.
        let mut page: BTreeMap<(Option<Timestamp>, (Seq, u32)), EventKey> = BTreeMap::new();
        let after = after.map(|place| (place.time, place.order));
        let mut more = false;
        self.each_matching(matched, step, |key| {
            let order = keys::event_order(&key).unwrap_or_default();
            let place = (matched.user.and(keys::event_time(&key)), order);
            if after.is_some_and(|after| if newest_first { place >= after } else { place <= after }) {
                return true;
            }
            page.insert(place, key);
            if page.len() > most {
                more = true;
                if newest_first {
                    page.pop_first()
                } else {
                    page.pop_last()
                };
            }
            true
        })?;
        let keys = page.into_values();
        Ok((if newest_first { keys.rev().collect() } else { keys.collect() }, more))
    }

    /// The event of a key, when it is still there.
    pub(crate) fn event(&self, key: &EventKey) -> Result<Option<(UserKey, StoredEvent)>> {
        let row = self.tables.people.get(self.txn, key).map_err(storage)?;
        let Some((row, user)) = row.zip(keys::event_user(key)) else { return Ok(None) };
        Ok(Some((user, StoredEvent::read((key, row))?)))
    }
}

/// The first and the last key that may match.
fn bounds(matched: &EventMatch) -> (EventKey, EventKey) {
    let (from, to) = match matched.user {
        Some(user) => (user, user),
        None => (UserKey(0), UserKey(u64::MAX)),
    };
    let since = matched.since.filter(|_| matched.user.is_some()).unwrap_or(Timestamp::MIN);
    let until = matched.until.filter(|_| matched.user.is_some()).unwrap_or(Timestamp::MAX);
    (keys::event(from, since, Seq(0), 0), keys::event(to, until, Seq(u64::MAX), u32::MAX))
}

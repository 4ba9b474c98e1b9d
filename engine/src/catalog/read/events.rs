//! Events by user and by time.

use std::collections::HashMap;

use crate::base::error::{Error, Result};
use crate::base::id::{Seq, UserKey};
use crate::base::time::Timestamp;
use crate::base::watch;
use crate::catalog::rows::entries::LoggedEvent;
use crate::catalog::rows::events::StoredEvent;
use crate::catalog::rows::lmdb_error::storage;
use crate::catalog::rows::{codec, keys};

use super::view::View;

impl<'t> View<'t> {
    /// The events of a user up to `until`, newest first.
    pub(crate) fn history(
        &self,
        user: UserKey,
        until: Timestamp,
    ) -> Result<impl Iterator<Item = Result<StoredEvent>> + use<'t>> {
        let first = keys::event(user, Timestamp::MIN, Seq(0), 0);
        let last = keys::event(user, until, Seq(u64::MAX), u32::MAX);
        let rows = self.tables.people.rev_range(self.txn, &keys::between(&first, &last)).map_err(storage)?;
        Ok(rows.map(|row| StoredEvent::read(row.map_err(storage)?)))
    }

    /// The events of a user from `from` on, oldest first.
    pub(in crate::catalog) fn history_from(
        &self,
        user: UserKey,
        from: Timestamp,
    ) -> Result<impl Iterator<Item = Result<StoredEvent>> + use<'t>> {
        let first = keys::event(user, from, Seq(0), 0);
        let last = keys::event(user, Timestamp::MAX, Seq(u64::MAX), u32::MAX);
        let rows = self.tables.people.range(self.txn, &keys::between(&first, &last)).map_err(storage)?;
        Ok(rows.map(|row| StoredEvent::read(row.map_err(storage)?)))
    }

    /// Whether an event is in the tables already.
    pub(crate) fn has_logged(&self, logged: &LoggedEvent) -> Result<bool> {
        let Some(user) = self.user_key(&logged.event.user)? else { return Ok(false) };
        let item = logged.event.item.as_deref().map(|id| self.item_key(id)).transpose()?.flatten();
        // An item without a key has no events.
        if item.is_none() && logged.event.item.is_some() {
            return Ok(false);
        }
        self.has_event(user, &StoredEvent::of(logged, (Seq(0), 0), item))
    }

    /// Whether the user already has this event.
    pub(in crate::catalog) fn has_event(&self, user: UserKey, event: &StoredEvent) -> Result<bool> {
        let first = keys::event(user, event.time, Seq(0), 0);
        let last = keys::event(user, event.time, Seq(u64::MAX), u32::MAX);
        for found in self.tables.people.range(self.txn, &keys::between(&first, &last)).map_err(storage)? {
            if StoredEvent::read(found.map_err(storage)?)?.repeats(event) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// All events, by user and time.
    pub(crate) fn events_by_user(&self) -> Result<impl Iterator<Item = Result<(UserKey, StoredEvent)>> + use<'t>> {
        let rows = self.tables.people.iter(self.txn).map_err(storage)?;
        Ok(rows.filter_map(|row| match row.map_err(storage) {
            Ok((key, value)) => {
                let user = keys::event_user(key)?;
                let event = watch::check().and_then(|()| StoredEvent::read((key, value)));
                Some(event.map(|event| (user, event)))
            }
            Err(error) => Some(Err(error)),
        }))
    }

    /// All applied events in order of time; events of equal time in the order of logging.
    pub(crate) fn all_events(&self) -> Result<Vec<(UserKey, StoredEvent)>> {
        let mut events = self.events_by_user()?.collect::<Result<Vec<_>>>()?;
        events.sort_unstable_by_key(|(_, event)| (event.time, event.order));
        Ok(events)
    }

    /// The ids of all users.
    pub(crate) fn all_users(&self) -> Result<HashMap<UserKey, String>> {
        let rows = self.tables.users.iter(self.txn).map_err(storage)?;
        rows.map(|row| {
            watch::check()?;
            let (_, value) = row.map_err(storage)?;
            let (key, id): (u64, String) = codec::decode("id", value)?;
            if id.is_empty() {
                return Err(Error::damaged("user id", "no id"));
            }
            Ok((UserKey(key), id))
        })
        .collect()
    }
}

//! Reading everything that was logged, to replay it elsewhere.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::event::Action;
use crate::id::{ItemKey, UserKey};
use crate::time::Timestamp;

use super::events::EventRow;
use super::read::View;
use super::store::storage;
use super::{codec, keys};

/// An event with its user.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ExportedEvent {
    pub user: UserKey,
    pub time: Timestamp,
    pub item: Option<ItemKey>,
    pub action: Action,
    pub query: Option<String>,
    pub value: Option<f64>,
}

impl View<'_> {
    /// Every event, in order of time; events of one time in order of logging.
    pub(crate) fn all_events(&self) -> Result<Vec<ExportedEvent>> {
        let mut events = Vec::new();
        for row in self.tables.people.iter(self.txn).map_err(storage)? {
            let (key, value) = row.map_err(storage)?;
            let Some((user, time, logged)) = keys::event_parts(key) else { continue };
            let row: EventRow = codec::decode("event", value)?;
            let EventRow { item, action, query, value, rank_id: _ } = row;
            events.push((time, logged, ExportedEvent { user, time, item, action, query, value }));
        }
        events.sort_unstable_by_key(|(time, logged, _)| (*time, *logged));
        Ok(events.into_iter().map(|(_, _, event)| event).collect())
    }

    /// The ids of all users.
    pub(crate) fn all_users(&self) -> Result<HashMap<UserKey, String>> {
        let rows = self.tables.users.iter(self.txn).map_err(storage)?;
        rows.map(|row| {
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

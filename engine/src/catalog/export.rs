//! Reading everything that was logged, to replay it elsewhere.

use std::collections::HashMap;

use crate::base::error::{Error, Result};
use crate::base::id::UserKey;

use super::codec;
use super::events::StoredEvent;
use super::read::View;
use super::store::storage;

impl View<'_> {
    /// Every applied event with its user, in order of time; events of one time in order of logging.
    pub(crate) fn all_events(&self) -> Result<Vec<(UserKey, StoredEvent)>> {
        let mut events = self.events_by_user()?.collect::<Result<Vec<_>>>()?;
        events.sort_unstable_by_key(|(_, event)| (event.time, event.order));
        Ok(events)
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

//! The ids behind keys, and users in order of id.

use std::collections::HashMap;

use crate::base::error::Result;
use crate::base::id::{ItemKey, KeyMap, Seq, UserKey};
use crate::base::time::Timestamp;
use crate::catalog::rows::lmdb_error::storage;
use crate::catalog::rows::tables::Table;
use crate::catalog::rows::{codec, keys};

use super::view::View;

/// How many events a user has, and the times of the first and the last.
pub(crate) type Summary = (u64, Option<Timestamp>, Option<Timestamp>);

impl<'t> View<'t> {
    /// The ids of users. Reads the list of users until all are found.
    pub(crate) fn user_ids(&self, wanted: impl IntoIterator<Item = UserKey>) -> Result<HashMap<UserKey, String>> {
        let wanted: KeyMap<u64, ()> = wanted.into_iter().map(|key| (key.0, ())).collect();
        let found = self.ids_of(self.tables.users, &wanted)?;
        Ok(found.into_iter().map(|(key, id)| (UserKey(key), id)).collect())
    }

    /// The ids of items, also of those that are not live. Reads the list of ids until all are found.
    pub(crate) fn item_ids(&self, wanted: impl IntoIterator<Item = ItemKey>) -> Result<HashMap<ItemKey, String>> {
        let wanted: KeyMap<u64, ()> = wanted.into_iter().map(|key| (key.0, ())).collect();
        let found = self.ids_of(self.tables.ids, &wanted)?;
        Ok(found.into_iter().map(|(key, id)| (ItemKey(key), id)).collect())
    }

    fn ids_of(&self, table: Table, wanted: &KeyMap<u64, ()>) -> Result<HashMap<u64, String>> {
        let mut found = HashMap::with_capacity(wanted.len());
        if wanted.is_empty() {
            return Ok(found);
        }
        for row in table.iter(self.txn).map_err(storage)? {
            let (key, id): (u64, String) = codec::decode("id", row.map_err(storage)?.1)?;
            if wanted.contains_key(&key) {
                found.insert(key, id);
            }
            if found.len() == wanted.len() {
                break;
            }
        }
        Ok(found)
    }

    /// Users with their keys, in order of id (those of more than 480 bytes last, in no meaningful order): those after an
    /// id, which need not exist, or all.
    pub(crate) fn users_after(
        &self,
        after: Option<&str>,
    ) -> Result<impl Iterator<Item = Result<(UserKey, String)>> + use<'t>> {
        // No key is a prefix of this but itself: it is the least that is greater.
        let first = after.map_or(vec![0], |id| [keys::external(id), vec![0]].concat());
        let rows = self.tables.users.range(self.txn, &keys::from(&first)).map_err(storage)?;
        Ok(rows.map(|row| {
            let (key, id): (u64, String) = codec::decode("id", row.map_err(storage)?.1)?;
            Ok((UserKey(key), id))
        }))
    }

    /// How many events a user has, and when.
    pub(crate) fn summary(&self, user: UserKey) -> Result<Summary> {
        let first = keys::event(user, Timestamp::MIN, Seq(0), 0);
        let last = keys::event(user, Timestamp::MAX, Seq(u64::MAX), u32::MAX);
        let mut summary = (0, None, None);
        for row in self.tables.people.range(self.txn, &keys::between(&first, &last)).map_err(storage)? {
            let time = keys::event_time(row.map_err(storage)?.0);
            summary = (summary.0 + 1, summary.1.or(time), time);
        }
        Ok(summary)
    }
}

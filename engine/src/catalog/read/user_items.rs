//! What users did with items.

use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, KeyMap, UserKey};
use crate::base::watch;
use crate::catalog::rows::lmdb_error::storage;
use crate::catalog::rows::user_items::UserItem;
use crate::catalog::rows::{codec, keys};

use super::view::View;

/// The name of these records in errors.
const WHAT: &str = "user and item";

impl<'t> View<'t> {
    /// What a user did with an item.
    pub(crate) fn user_item(&self, user: UserKey, item: ItemKey) -> Result<Option<UserItem>> {
        let bytes = self.tables.people.get(self.txn, &keys::user_item(user, item)).map_err(storage)?;
        bytes.map(|bytes| codec::decode(WHAT, bytes)).transpose()
    }

    /// What a user did with each item; `None` when there are more than `most` items.
    pub(crate) fn user_items_of(&self, user: UserKey, most: usize) -> Result<Option<KeyMap<ItemKey, UserItem>>> {
        let (first, last) = (keys::user_item(user, ItemKey(0)), keys::user_item(user, ItemKey(u64::MAX)));
        let mut found = KeyMap::default();
        for row in self.tables.people.range(self.txn, &keys::between(&first, &last)).map_err(storage)? {
            let (key, value) = row.map_err(storage)?;
            if found.len() == most {
                return Ok(None);
            }
            let item = keys::last_item(key).ok_or_else(|| Error::damaged(WHAT, "a short key"))?;
            found.insert(item, codec::decode(WHAT, value)?);
        }
        Ok(Some(found))
    }

    /// What every user did with every item, in order of key.
    pub(in crate::catalog) fn user_items(
        &self,
    ) -> Result<impl Iterator<Item = Result<(UserKey, ItemKey, UserItem)>> + use<'t>> {
        let rows = self.tables.people.iter(self.txn).map_err(storage)?;
        Ok(rows.filter_map(|row| match row.map_err(storage) {
            Ok((key, value)) => {
                let (user, item) = keys::user_item_parts(key)?;
                let pair = watch::check().and_then(|()| codec::decode(WHAT, value));
                Some(pair.map(|pair| (user, item, pair)))
            }
            Err(error) => Some(Err(error)),
        }))
    }

    /// What a user did with items, by events that retention has removed.
    pub(crate) fn removed_of(&self, user: UserKey) -> Result<Vec<(ItemKey, UserItem)>> {
        let (first, last) = (keys::removed(user, ItemKey(0)), keys::removed(user, ItemKey(u64::MAX)));
        let rows = self.tables.people.range(self.txn, &keys::between(&first, &last)).map_err(storage)?;
        rows.map(|row| removed_row(row.map_err(storage)?).map(|(_, item, pair)| (item, pair))).collect()
    }

    /// What a user did with an item, by events that retention has removed.
    pub(in crate::catalog) fn removed_pair(&self, user: UserKey, item: ItemKey) -> Result<UserItem> {
        let bytes = self.tables.people.get(self.txn, &keys::removed(user, item)).map_err(storage)?;
        Ok(bytes.map(|bytes| codec::decode(WHAT, bytes)).transpose()?.unwrap_or_default())
    }

    /// What every user did with items, by events that retention has removed.
    pub(in crate::catalog) fn removed(&self) -> Result<Vec<(UserKey, ItemKey, UserItem)>> {
        let rows = self.tables.people.iter(self.txn).map_err(storage)?;
        let removed = rows.filter(|row| row.as_ref().map_or(true, |(key, _)| keys::removed_parts(key).is_some()));
        removed.map(|row| removed_row(row.map_err(storage)?)).collect()
    }
}

fn removed_row((key, value): (&[u8], &[u8])) -> Result<(UserKey, ItemKey, UserItem)> {
    let (user, item) = keys::removed_parts(key).ok_or_else(|| Error::damaged(WHAT, "a short key"))?;
    Ok((user, item, codec::decode(WHAT, value)?))
}

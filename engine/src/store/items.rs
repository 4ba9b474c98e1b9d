//! Reading items back, by id or in the order of their first `put`.

use super::Stores;
use crate::api::item::Item;
use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, check_id};

/// Items by id, in the order of `ids`; `None` for those that are not there.
pub(crate) fn get<T: AsRef<str>>(stores: &Stores, ids: &[T]) -> Result<Vec<Option<Item>>> {
    let catalog = stores.catalog.read()?;
    let view = catalog.view();
    let read = |id: &T| {
        check_id("item", id.as_ref())?;
        let record = view.item_key(id.as_ref())?.map(|key| view.item(key)).transpose()?.flatten();
        Ok(record.map(|record| record.item))
    };
    ids.iter().map(read).collect()
}

/// At most `limit` items after the item `after`, or from the first, in the order of their first `put`.
///
/// # Errors
/// [`Error::InvalidArgument`] when `after` was never put.
pub(crate) fn scan(stores: &Stores, after: Option<&str>, limit: usize) -> Result<Vec<Item>> {
    let catalog = stores.catalog.read()?;
    let view = catalog.view();
    let from = match after {
        None => ItemKey(0),
        Some(id) => match view.item_key(id)? {
            Some(key) => ItemKey(key.0 + 1),
            None => return Err(Error::argument("after", "the id of an item that was put", "an unknown id")),
        },
    };
    view.items(from)?.take(limit).map(|row| row.map(|(_, record)| record.item)).collect()
}

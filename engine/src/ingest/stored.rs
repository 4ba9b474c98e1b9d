//! What is stored already: an item that is put again as it is costs nothing, and one with the text that it had is not embedded
//! again.

use crate::api::item::Item;
use crate::base::error::{Error, Result};
use crate::base::time::Timestamp;
use crate::catalog::{ItemRecord, View};
use crate::store::Stores;
use crate::store::item_space::ItemSpace;
use crate::vector;

use super::prepared::{Known, Placed, PreparedItem};

/// Compares an item with the version that is stored. `None`: the text is another one, or nothing is known of its vector.
pub(super) fn compare(
    stores: &Stores,
    stored: Option<&ItemRecord>,
    item: &Item,
    available: Option<Timestamp>,
) -> Option<Known> {
    let stored = stored?;
    // Older versions may have been embedded from other fields than the configuration names now.
    if stored.generation <= stores.embedded_since {
        return None;
    }
    let same = stored.item.fields == item.fields && available.unwrap_or(stored.first_put) == stored.available;
    if !same && stored.item.content(&stores.config) != item.content(&stores.config) {
        return None;
    }
    Some(Known { generation: stored.generation, unchanged: same })
}

/// Settles in the transaction what was known of the items before it: those that are unchanged are left out, those with the
/// same text get the vector that is stored, and those that another writer changed meanwhile are to be embedded.
pub(super) fn settle(view: &View<'_>, space: &ItemSpace, items: &mut Vec<PreparedItem>) -> Result<()> {
    let mut failed = None;
    items.retain_mut(|prepared| match settle_one(view, space, prepared) {
        Ok(kept) => kept,
        Err(error) => {
            failed.get_or_insert(error);
            true
        }
    });
    failed.map_or(Ok(()), Err)
}

/// False for an item that need not be written.
fn settle_one(view: &View<'_>, space: &ItemSpace, prepared: &mut PreparedItem) -> Result<bool> {
    let Some(known) = prepared.known.take() else { return Ok(true) };
    let key = view.item_key(&prepared.item.id)?;
    let head = key.map(|key| view.head(key)).transpose()?.flatten();
    let Some(key) = key.filter(|_| head.is_some_and(|head| head.generation == known.generation)) else {
        prepared.be_embedded();
        return Ok(true);
    };
    if known.unchanged {
        return Ok(false);
    }
    prepared.space = space.id.as_str().into();
    prepared.placed = match (view.vector(space.number, key)?, view.sid(space.number, key)?) {
        (Some(bytes), Some(sid)) => {
            Some(Placed { vector: vector::from_bytes(bytes, bytes.len() / 2)?, sid, error: None })
        }
        (None, None) => None,
        // A store from before there were semantic ids gets them in the background.
        _ => {
            prepared.be_embedded();
            None
        }
    };
    Ok(true)
}

/// Changes an item anew whose stored version is another one than the change was prepared with. True when it was.
pub(super) fn update_again(view: &View<'_>, prepared: &mut PreparedItem) -> Result<bool> {
    let Some((update, generation)) = &prepared.update else { return Ok(false) };
    let key = view.item_key(&update.id)?;
    let record = key.map(|key| view.item(key)).transpose()?.flatten();
    let Some(record) = record else { return Err(Error::UnknownItem { id: update.id.clone() }) };
    if record.generation == *generation {
        return Ok(false);
    }
    let mut item = record.item;
    update.apply(&mut item.fields);
    prepared.item = item;
    (prepared.known, prepared.placed) = (None, None);
    prepared.be_embedded();
    Ok(true)
}

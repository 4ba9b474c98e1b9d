//! Semantic ids for the items of a store that was created before they existed.

use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::store::item_space::{self, ItemSpace};
use crate::store::{Stores, lock_watched};

/// Items that are read and embedded at a time.
const CHUNK: usize = 1_000;

/// Gives semantic ids to the items of a store that was created before they existed, in steps.
pub(crate) fn fill_sids(stores: &Stores) -> Result<()> {
    if item_space::sids_are_complete(stores.catalog.read()?.view())? {
        return Ok(());
    }
    let _no_flip_meanwhile = lock_watched(&stores.fitting)?;
    let current = stores.item_space()?;
    let mut from = ItemKey(0);
    while let Some(next) = fill_some(stores, &current, from)? {
        stores.check_open()?;
        from = next;
    }
    let mut write = stores.catalog.write()?;
    item_space::complete_sids(&mut write)?;
    write.commit_bookkeeping()
}

/// Fills in the next items with a vector, and returns where to continue.
fn fill_some(stores: &Stores, space: &ItemSpace, from: ItemKey) -> Result<Option<ItemKey>> {
    let catalog = stores.catalog.read()?;
    let view = catalog.view();
    let keys = view.vectors(space.number, from)?.take(CHUNK).map(|row| row.map(|(key, _)| key));
    let keys = keys.collect::<Result<Vec<_>>>()?;
    let Some(next) = keys.last().map(|key| ItemKey(key.0 + 1)) else { return Ok(None) };
    let mut missing = Vec::new();
    for key in keys {
        if view.sid(space.number, key)?.is_none()
            && let Some(record) = view.item(key)?
        {
            missing.push((key, record.generation, record.item.content(&stores.config)));
        }
    }
    let texts: Vec<String> = missing.iter().map(|(_, _, text)| text.clone()).collect();
    let embedded = stores.model().embed(space.tensors(), &texts)?;
    let mut write = stores.catalog.write()?;
    for ((key, generation, _), vectors) in missing.into_iter().zip(embedded) {
        // A newer version of the item has a semantic id of its own.
        let same = write.view().head(key)?.is_some_and(|head| head.generation == generation);
        if let (true, Some(vectors)) = (same, vectors) {
            write.set_sid(space.number, key, Some(vectors.sid))?;
        }
    }
    write.commit_bookkeeping()?;
    Ok(Some(next))
}

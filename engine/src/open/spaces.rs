//! Opening the vector spaces: each from the newest file that is sound.

use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::catalog::CatalogRead;
use crate::model::Model;
use crate::store::follow_log::{self, CHECKPOINTS};
use crate::store::item_space::{ItemSpace, ItemSpaces};
use crate::store::{SpaceRow, Stores};
use crate::vector::{Space, SpaceSpec, VectorCheckpoint};

/// Opens every space that a commit knows.
pub(super) fn open(stores: &Stores, read: &CatalogRead) -> Result<()> {
    let rows = stores.spaces.load();
    for row in rows.0.iter().filter(|row| !row.is_items()) {
        open_one(stores, read, &row.spec())?;
    }
    let items = open_items(stores, read, &stores.model())?;
    stores.item_spaces.store(Some(Arc::new(ItemSpaces::of(Arc::new(items)))));
    Ok(())
}

/// Opens the space of items that is current in a commit.
pub(super) fn open_items(stores: &Stores, read: &CatalogRead, model: &Model) -> Result<ItemSpace> {
    let rows = stores.spaces.load();
    let row: &SpaceRow = rows.items().ok_or_else(|| Error::internal("the item space has no row"))?;
    ItemSpace::read(read.view(), row, model, |spec| open_one(stores, read, spec))
}

/// Opens a space in place of one of its name that is open.
pub(super) fn open_one(stores: &Stores, read: &CatalogRead, spec: &SpaceSpec) -> Result<Arc<Space>> {
    let checkpoints: Vec<VectorCheckpoint> = read.view().meta(CHECKPOINTS)?.unwrap_or_default();
    let at = stores.vectors.open_space(spec, &checkpoints)?;
    let space = stores.vectors.space(&spec.name).ok_or_else(|| Error::internal("a space did not open"))?;
    match at {
        Some(at) if !follow_log::oplog_covers(read, at)? => space.clear()?,
        _ => {}
    }
    Ok(space)
}

//! The flip: one commit after which another space is current.

use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::catalog::CatalogWrite;
use crate::model::Model;
use crate::store::active_model::ActiveModel;
use crate::store::item_space::{self, FittedSpace, ItemSpace, ItemSpaces};
use crate::store::{SPACES, Spaces, Stores};

/// The model that becomes active with the flip, when the new space is the one that another model ships with.
pub(super) struct Successor<'a> {
    /// The model with its weights and adapters.
    pub active: Arc<ActiveModel>,
    /// Records in the commit of the flip that it is active.
    pub record: &'a dyn Fn(&mut CatalogWrite<'_>) -> Result<()>,
}

/// Commits that a space is current.
///
/// IMPORTANT: the order. Both spaces, and the model that works in the new one, are registered before the commit, so a reader
/// finds the space of whichever commit it pins. Background work follows the new space after the commit. Both stay
/// registered when the commit fails, because it is then unknown what reached the disk.
pub(super) fn make_current(
    stores: &Stores,
    mut write: CatalogWrite<'_>,
    model: &Model,
    space: ItemSpace,
    successor: Option<Successor<'_>>,
) -> Result<()> {
    let fit = space.fit.clone().ok_or_else(missing)?;
    let space = Arc::new(space);
    let before = stores.item_spaces()?;
    let all: Vec<Arc<ItemSpace>> = before.all.iter().cloned().chain([space.clone()]).collect();
    stores.item_spaces.store(Some(Arc::new(ItemSpaces { current: before.current.clone(), all: all.clone() })));
    let mut rows = Spaces::clone(&stores.spaces.load());
    rows.set_items(model);
    write.set_meta(SPACES, &rows)?;
    stores.spaces.store(Arc::new(rows));
    if let Some(Successor { active, record }) = &successor {
        record(&mut write)?;
        stores.announce_active(active.clone());
    }
    fit.make_live(&mut write)?;
    write.commit_bookkeeping()?;
    stores.vectors.replace_space(space.graph.clone());
    stores.item_spaces.store(Some(Arc::new(ItemSpaces { current: space, all })));
    if let Some(Successor { active, .. }) = successor {
        stores.set_active(active);
    }
    stores.progress.ring();
    Ok(())
}

/// Makes an empty store work in the space of another one, for a copy of its items.
pub(crate) fn adopt(stores: &Stores, source: &ItemSpace) -> Result<()> {
    let (Some(fit), Some(tensors)) = (&source.fit, source.tensors()) else { return Ok(()) };
    let model = stores.model();
    let graph = stores.vectors.prepare_space(&item_space::spec(&model, &fit.id))?;
    let space = ItemSpace::new(fit.clone(), Some(tensors.clone()), graph);
    let mut write = stores.catalog.write()?;
    write.set_meta(&FittedSpace::tensors(fit.number), tensors)?;
    make_current(stores, write, &model, space, None)
}

pub(super) fn missing() -> Error {
    Error::internal("the item space is missing")
}

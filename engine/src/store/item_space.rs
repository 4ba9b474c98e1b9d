//! The vector space of items as a store has it: what ships with the model, or constants that were fitted to the catalog.
//!
//! Vectors and semantic ids of a fit, and those of another model that the items were moved to, under a number of their own in the catalog and in a graph of their own. One
//! record names the space that is current, so a commit of that record is the flip. A request reads the record of the commit
//! that it pins, and with it vectors, codes and graph of one space.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::api::stats::SpaceStats;
use crate::base::error::{Error, Result};
use crate::catalog::{CatalogWrite, SpaceNumber, View};
use crate::model::{Model, SpaceTensors};
use crate::store::spaces::{ITEM_SPACE, SpaceRow};
use crate::vector::{Space, SpaceSpec};

/// The meta records: the current space, whether its semantic ids are all made, and how well new items fit into it.
pub(crate) const LIVE: &str = "item_space";
const COMPLETE: &str = "semantic_ids";
const DRIFT: &str = "item_space_drift";
/// The numbers that item vectors are stored under, by turns: one is current, the other is being made or about to be deleted.
/// Spaces of fields count up from 1 and cannot reach the second.
const NUMBERS: [SpaceNumber; 2] = [SpaceNumber(0), SpaceNumber(u16::MAX)];
/// Rows that are deleted at a time.
const ROWS: usize = 10_000;
/// New items that drift looks back at, about.
const DRIFT_ITEMS: u64 = 1_000;

/// What is known of a space that a store did not begin with: a fit, or the space that another model ships with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FittedSpace {
    /// Whose vectors these are: no two generations have the same.
    pub id: String,
    /// The space that its model ships with: under a model of another one the vectors mean nothing.
    pub base: String,
    /// Where its vectors and codes are in the catalog.
    pub number: SpaceNumber,
    /// How many fits there were under this model, this one included; 0 for the space that the model ships with.
    pub fits: u64,
    /// Items with content when it was fitted.
    pub items: u64,
    /// Mean squared distance of vectors of some of them, which the codebook was not fitted to, from their centres.
    pub error: f64,
}

impl FittedSpace {
    /// The space that a model ships with, as the next generation of a store that lives in another one.
    pub(crate) fn shipped_with(model: &Model, number: SpaceNumber) -> FittedSpace {
        let base = model.space_id().to_owned();
        FittedSpace { id: generation_id(&base), base, number, fits: 0, items: 0, error: 0.0 }
    }

    /// The record of the current fit; `None` for the space that ships with the model.
    pub(crate) fn current(view: View<'_>) -> Result<Option<FittedSpace>> {
        Ok(view.meta::<Option<FittedSpace>>(LIVE)?.flatten())
    }

    /// Makes it the current one, with all its semantic ids in place. IMPORTANT: in the commit that makes its vectors whole.
    pub(crate) fn make_live(&self, write: &mut CatalogWrite<'_>) -> Result<()> {
        write.set_meta(LIVE, &Some(self))?;
        write.set_meta(COMPLETE, &true)
    }

    /// The meta record of its constants.
    pub(crate) fn tensors(number: SpaceNumber) -> String {
        format!("item_space:{}", number.0)
    }
}

/// The name of a new generation of a base space.
pub(crate) fn generation_id(base: &str) -> String {
    format!("{base}+{}", crate::base::random::hex_id())
}

/// Forgets what belongs to another base space than the store's: the store has no items.
pub(crate) fn settle(write: &mut CatalogWrite<'_>, base: &str, empty: bool) -> Result<()> {
    if FittedSpace::current(write.view())?.is_some_and(|fit| fit.base != base) {
        write.set_meta(LIVE, &None::<FittedSpace>)?;
        for number in NUMBERS {
            while write.view().has_space(number)? {
                write.clear_space(number, ROWS)?;
            }
        }
    }
    if empty { write.set_meta(COMPLETE, &true) } else { Ok(()) }
}

/// Whether every item with content has its semantic id: not so in a store that is older than they are.
pub(crate) fn sids_are_complete(view: View<'_>) -> Result<bool> {
    Ok(view.meta(COMPLETE)?.unwrap_or(false))
}

/// Notes that every item with content has its semantic id.
pub(crate) fn complete_sids(write: &mut CatalogWrite<'_>) -> Result<()> {
    write.set_meta(COMPLETE, &true)
}

/// One vector space of items, in use.
pub(crate) struct ItemSpace {
    /// Whose vectors these are: no two generations have the same.
    pub id: String,
    /// The space that its model ships with; no model of another one can place anything in it.
    pub base: String,
    /// Where its vectors and codes are in the catalog.
    pub number: SpaceNumber,
    pub graph: Arc<Space>,
    /// `None` for the space that the store began with.
    pub fit: Option<FittedSpace>,
    tensors: Option<SpaceTensors>,
}

impl ItemSpace {
    /// A generation around its graph, with its constants where it is a fit.
    pub(crate) fn new(fit: FittedSpace, tensors: Option<SpaceTensors>, graph: Arc<Space>) -> ItemSpace {
        let (id, base, number) = (fit.id.clone(), fit.base.clone(), fit.number);
        ItemSpace { id, base, number, graph, fit: Some(fit), tensors }
    }

    /// The current space as the store's records have it, around the graph that `open` finds for it. `row` names the base
    /// space, which is another one than the model's when the items are about to be moved.
    pub(crate) fn read(
        view: View<'_>,
        row: &SpaceRow,
        model: &Model,
        open: impl FnOnce(&SpaceSpec) -> Result<Arc<Space>>,
    ) -> Result<ItemSpace> {
        let spec = |id: &str| SpaceSpec { id: id.to_owned(), ..row.spec() };
        let Some(fit) = FittedSpace::current(view)? else {
            let (id, base, number) = (row.id.clone(), row.id.clone(), NUMBERS[0]);
            return Ok(ItemSpace { graph: open(&spec(&id))?, id, base, number, fit: None, tensors: None });
        };
        let graph = open(&spec(&fit.id))?;
        if fit.fits == 0 || fit.base != model.space_id() {
            return Ok(ItemSpace::new(fit, None, graph));
        }
        let tensors: Option<SpaceTensors> = view.meta(&FittedSpace::tensors(fit.number))?;
        let tensors = tensors.ok_or_else(|| Error::damaged("fitted vector space", "no constants"))?;
        model.check_space(&tensors)?;
        Ok(ItemSpace::new(fit, Some(tensors), graph))
    }

    /// What makes vectors comparable with those of another store: the model's own name for the space, unless it was fitted.
    pub(crate) fn name(&self) -> &str {
        match &self.fit {
            Some(fit) if fit.fits > 0 => &self.id,
            _ => &self.base,
        }
    }

    /// What the model is fed to work in this space; `None` for its defaults.
    pub(crate) fn tensors(&self) -> Option<&SpaceTensors> {
        self.tensors.as_ref()
    }

    /// The number that the next fit lives under.
    pub(crate) fn other_number(&self) -> SpaceNumber {
        if self.number == NUMBERS[0] { NUMBERS[1] } else { NUMBERS[0] }
    }
}

/// What the graph of a space of items is.
pub(crate) fn spec(model: &Model, id: &str) -> SpaceSpec {
    SpaceSpec { name: ITEM_SPACE.to_owned(), dimensions: model.width(), id: id.to_owned() }
}

/// The spaces of items that requests may be reading.
#[derive(Clone)]
pub(crate) struct ItemSpaces {
    /// The one that background work follows.
    pub current: Arc<ItemSpace>,
    /// All of them, the newest last: while a flip is committed, a reader may pin either.
    pub all: Vec<Arc<ItemSpace>>,
}

impl ItemSpaces {
    /// Of one space.
    pub(crate) fn of(current: Arc<ItemSpace>) -> ItemSpaces {
        ItemSpaces { all: vec![current.clone()], current }
    }

    /// The space that is current in a commit; `None` when that has been followed by a flip and is forgotten.
    pub(crate) fn at(&self, view: View<'_>) -> Result<Option<Arc<ItemSpace>>> {
        let fit = FittedSpace::current(view)?;
        Ok(self.all.iter().find(|space| space.fit.as_ref().map(|f| &f.id) == fit.as_ref().map(|f| &f.id)).cloned())
    }
}

/// How new items fit into a space: the running mean of their distance from the centres of their semantic ids.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Drift {
    /// The space that it is about.
    space: String,
    /// Items put since it is current.
    items: u64,
    error: f64,
}

impl Drift {
    /// What is known of a space.
    pub(crate) fn read(view: View<'_>, space: &ItemSpace) -> Result<Drift> {
        let known: Option<Drift> = view.meta(DRIFT)?;
        Ok(known
            .filter(|drift| drift.space == space.id)
            .unwrap_or(Drift { space: space.id.clone(), ..Drift::default() }))
    }

    /// Counts a new item.
    pub(crate) fn add(&mut self, error: f32) {
        self.items += 1;
        self.error += (f64::from(error) - self.error) / self.items.min(DRIFT_ITEMS) as f64;
    }

    /// Notes it.
    pub(crate) fn write(&self, write: &mut CatalogWrite<'_>) -> Result<()> {
        write.set_meta(DRIFT, self)
    }
}

/// What `stats()` says about the current space.
pub(crate) fn stats(space: &ItemSpace, view: View<'_>) -> Result<SpaceStats> {
    let drift = Drift::read(view, space)?;
    let id = space.name().to_owned();
    let Some(fit) = &space.fit else { return Ok(SpaceStats { id, ..SpaceStats::default() }) };
    let known = drift.items > 0 && fit.error > 0.0;
    Ok(SpaceStats { id, fits: fit.fits, fitted_items: fit.items, drift: known.then(|| drift.error / fit.error) })
}

//! Fitting the vector space of items to the catalog, and moving every item into another space while requests go on.
//!
//! | file | what it does |
//! |---|---|
//! | `whitening`, `eigen` | mean and projection of content vectors |
//! | `codebook` | centres of the semantic ids |
//! | `generation` | vectors, codes and graph of the new space beside the live ones, and the flip |

mod codebook;
mod eigen;
mod generation;
mod whitening;

use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;
use crate::catalog::{CatalogWrite, SpaceNumber};
use crate::model::{Model, SpaceTensors};
use crate::store::active_model::Live;
use crate::store::item_space::{self, FittedSpace, ItemSpace};
use crate::store::{Stores, lock};

use generation::{Generation, Successor};
pub(crate) use generation::{adopt, forget_old};

/// Items with content from which a fit is worth its while, and how many times as many there must be for the next one.
const LEAST_ITEMS: u64 = 1_000;
const GROWTH: u64 = 10;
/// Items with content that a fit needs at all: with fewer it would say nothing that the shipped space does not.
const FEWEST_ITEMS: u64 = 100;
/// Items whose content a fit reads, at most.
const SAMPLE: u64 = 20_000;
/// Items that are read and placed at a time.
const CHUNK: usize = 1_000;

/// Fits the space when the configuration asks for it and the catalog has grown enough.
pub(crate) fn fit_if_due(stores: &Stores) -> Result<()> {
    let Ok(_one_at_a_time) = stores.fitting.try_lock() else { return Ok(()) };
    if stores.config.fit_space && is_due(stores)? {
        fit_now(stores)?;
    }
    Ok(())
}

fn is_due(stores: &Stores) -> Result<bool> {
    let space = stores.item_space()?;
    let vectors = space.graph.stats();
    let fitted = space.fit.as_ref().map_or(0, |fit| fit.items);
    Ok(vectors.indexed + vectors.tail >= LEAST_ITEMS.max(fitted.saturating_mul(GROWTH)))
}

/// Fits the space and moves every item into it. False when there is too little content, and then nothing is changed.
///
/// # Errors
/// [`Error::Closed`] when the engine closes meanwhile, and what reading and writing answers; the live space stays.
pub(crate) fn fit_space(stores: &Stores) -> Result<bool> {
    let _one_at_a_time = lock(&stores.fitting);
    fit_now(stores)
}

/// The caller holds the lock.
fn fit_now(stores: &Stores) -> Result<bool> {
    let live = stores.item_space()?;
    let Some(sample) = Sample::read(stores, live.number)? else { return Ok(false) };
    let model = stores.model();
    let (tensors, error) = fit(stores, &model, &sample)?;
    let fits = live.fit.as_ref().map_or(0, |fit| fit.fits) + 1;
    let fit = FittedSpace {
        id: item_space::generation_id(model.space_id()),
        base: model.space_id().to_owned(),
        number: live.other_number(),
        fits,
        items: sample.items,
        error,
    };
    Generation::begin(stores, model, fit, Some(tensors))?.fill(None)?;
    Ok(true)
}

/// Places every item in the space that another model ships with, and lets that model answer: in one commit, together with
/// what `note` writes. Until then the one that is live answers. The caller holds [`Stores::change`], or owns the store.
///
/// # Errors
/// [`Error::Closed`] when the engine closes meanwhile, and what reading, embedding and writing answer; nothing changes then.
pub(crate) fn move_to(
    stores: &Stores,
    live: Arc<Live>,
    note: &dyn Fn(&mut CatalogWrite<'_>) -> Result<()>,
) -> Result<()> {
    let _one_at_a_time = lock(&stores.fitting);
    let model = live.model.clone();
    let space = FittedSpace::shipped_with(&model, stores.item_space()?.other_number());
    Generation::begin(stores, model, space, None)?.fill(Some(Successor { live, note }))
}

/// The constants of a space fitted to a sample, and the mean squared distance of vectors from centres not fitted to them.
fn fit(stores: &Stores, model: &Model, sample: &Sample) -> Result<(SpaceTensors, f64)> {
    let shipped = model.shipped_space();
    let (mean, projection) = whitening::fit(&sample.contents, shipped);
    let mut tensors = SpaceTensors { mean, projection, ..shipped.clone() };
    stores.check_open()?;
    let placed = model.project(Some(&tensors), &sample.contents)?;
    let (fitted, _) = hold_out(&placed);
    let step = fitted.len().div_ceil(codebook::MOST_VECTORS).max(1);
    let vectors: Vec<f32> = fitted.iter().step_by(step).flat_map(|(vector, _)| vector.iter().copied()).collect();
    tensors.codebook = codebook::fit(&vectors, &tensors, shipped);
    stores.check_open()?;
    let placed = model.project(Some(&tensors), &sample.contents)?;
    let (_, held_out) = hold_out(&placed);
    let errors = held_out.iter().map(|(vector, sid)| f64::from(tensors.error(vector, *sid)));
    let error = errors.sum::<f64>() / held_out.len().max(1) as f64;
    Ok((tensors, error))
}

/// Four fifths to fit centres to, and one to measure on: what centres were fitted to lies nearer to them than any new item
/// can, the more so in a small catalog.
fn hold_out<T>(sample: &[T]) -> (Vec<&T>, Vec<&T>) {
    let (fitted, held_out): (Vec<_>, Vec<_>) = sample.iter().enumerate().partition(|(place, _)| place % 5 != 4);
    let of = |part: Vec<(usize, _)>| part.into_iter().map(|(_, one)| one).collect();
    (of(fitted), of(held_out))
}

/// Content of items from all over the catalog.
struct Sample {
    /// Items with content in the catalog.
    items: u64,
    /// Content vectors, n x De.
    contents: Vec<f32>,
}

impl Sample {
    /// `None` when there is too little content.
    fn read(stores: &Stores, number: SpaceNumber) -> Result<Option<Sample>> {
        let catalog = stores.catalog.read()?;
        let view = catalog.view();
        let keys = view.vectors(number, ItemKey(0))?.map(|row| row.map(|(key, _)| key)).collect::<Result<Vec<_>>>()?;
        let items = keys.len() as u64;
        if items < FEWEST_ITEMS {
            return Ok(None);
        }
        let step = items.div_ceil(SAMPLE).max(1) as usize;
        let mut contents = Vec::new();
        for keys in keys.into_iter().step_by(step).collect::<Vec<_>>().chunks(CHUNK) {
            stores.check_open()?;
            let records = keys.iter().map(|key| view.item(*key)).collect::<Result<Vec<_>>>()?;
            let texts: Vec<String> = records.iter().flatten().map(|r| r.item.content(&stores.config)).collect();
            // Token weights are not fitted, so these are the content vectors of every space.
            let embedded = stores.model().embed(None, &texts)?;
            contents.extend(embedded.into_iter().flatten().flat_map(|vectors| vectors.content));
        }
        Ok(Some(Sample { items, contents }))
    }
}

/// Gives semantic ids to items of a store that is older than they are, a portion after the other.
pub(crate) fn fill_sids(stores: &Stores) -> Result<()> {
    if item_space::sids_are_complete(stores.catalog.read()?.view())? {
        return Ok(());
    }
    let _no_flip_meanwhile = lock(&stores.fitting);
    let live = stores.item_space()?;
    let mut from = ItemKey(0);
    while let Some(next) = fill_some(stores, &live, from)? {
        stores.check_open()?;
        from = next;
    }
    let mut write = stores.catalog.write()?;
    item_space::complete_sids(&mut write)?;
    write.commit_bookkeeping()
}

/// Looks at the next items with a vector, and answers where to go on.
fn fill_some(stores: &Stores, live: &ItemSpace, from: ItemKey) -> Result<Option<ItemKey>> {
    let catalog = stores.catalog.read()?;
    let view = catalog.view();
    let keys = view.vectors(live.number, from)?.take(CHUNK).map(|row| row.map(|(key, _)| key));
    let keys = keys.collect::<Result<Vec<_>>>()?;
    let Some(next) = keys.last().map(|key| ItemKey(key.0 + 1)) else { return Ok(None) };
    let mut missing = Vec::new();
    for key in keys {
        if view.sid(live.number, key)?.is_none()
            && let Some(record) = view.item(key)?
        {
            missing.push((key, record.generation, record.item.content(&stores.config)));
        }
    }
    let texts: Vec<String> = missing.iter().map(|(_, _, text)| text.clone()).collect();
    let embedded = stores.model().embed(live.tensors(), &texts)?;
    let mut write = stores.catalog.write()?;
    for ((key, generation, _), vectors) in missing.into_iter().zip(embedded) {
        // A newer version of the item brought its own.
        let same = write.view().head(key)?.is_some_and(|head| head.generation == generation);
        if let (true, Some(vectors)) = (same, vectors) {
            write.set_sid(live.number, key, Some(vectors.sid))?;
        }
    }
    write.commit_bookkeeping()?;
    Ok(Some(next))
}

/// What long work answers when the engine closes under it: that is no failure.
pub(crate) fn unless_closed(result: Result<()>) -> Result<()> {
    match result {
        Err(Error::Closed) => Ok(()),
        other => other,
    }
}

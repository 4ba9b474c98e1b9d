//! Fitting the space: when it is due, the sample, the constants, and the move of every item into it.

use crate::base::error::Result;
use crate::model::{Model, SpaceTensors};
use crate::store::item_space::{self, FittedSpace};
use crate::store::{Stores, lock_watched};

use super::generation::Generation;
use super::sample::Sample;
use super::{codebook, whitening};

/// Items with content from which the space is fitted, and the growth of their number after which it is fitted again.
const MIN_ITEMS: u64 = 1_000;
const GROWTH: u64 = 10;

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
    Ok(vectors.indexed + vectors.tail >= MIN_ITEMS.max(fitted.saturating_mul(GROWTH)))
}

/// Fits the space and moves every item into it. False, with nothing changed, when there is too little content.
///
/// # Errors
/// [`crate::Error::Closed`] when the engine closes meanwhile, and errors of reading and writing; the current space stays.
pub(crate) fn fit_space(stores: &Stores) -> Result<bool> {
    let _one_at_a_time = lock_watched(&stores.fitting)?;
    fit_now(stores)
}

/// The caller holds the lock.
fn fit_now(stores: &Stores) -> Result<bool> {
    let current = stores.item_space()?;
    let Some(sample) = Sample::read(stores, current.number)? else { return Ok(false) };
    let model = stores.model();
    let (tensors, error) = fit(stores, &model, &sample)?;
    let fits = current.fit.as_ref().map_or(0, |fit| fit.fits) + 1;
    let fit = FittedSpace {
        id: item_space::generation_id(model.space_id()),
        base: model.space_id().to_owned(),
        number: current.other_number(),
        fits,
        items: sample.items,
        error,
    };
    Generation::begin(stores, model, fit, Some(tensors))?.fill(None)?;
    Ok(true)
}

/// The constants of a space fitted to a sample, and the mean squared distance of vectors from centres not fitted to them.
fn fit(stores: &Stores, model: &Model, sample: &Sample) -> Result<(SpaceTensors, f64)> {
    let shipped = model.shipped_space();
    let (mean, projection) = whitening::fit(&sample.contents, shipped);
    let mut tensors = SpaceTensors { mean, projection, ..shipped.clone() };
    stores.check_open()?;
    let placed = model.project(Some(&tensors), &sample.contents)?;
    let (fitted, _) = hold_out(&placed);
    let step = fitted.len().div_ceil(codebook::MAX_VECTORS).max(1);
    let vectors: Vec<f32> = fitted.iter().step_by(step).flat_map(|(vector, _)| vector.iter().copied()).collect();
    stores.check_open()?;
    tensors.codebook = codebook::fit(&vectors, &tensors, shipped);
    stores.check_open()?;
    let placed = model.project(Some(&tensors), &sample.contents)?;
    let (_, held_out) = hold_out(&placed);
    let errors = held_out.iter().map(|(vector, sid)| f64::from(tensors.error(vector, *sid)));
    let error = errors.sum::<f64>() / held_out.len().max(1) as f64;
    Ok((tensors, error))
}

/// Four fifths to fit centres to, and one to measure on: vectors that the centres were fitted to lie nearer to them than new
/// items do, above all in a small catalog.
fn hold_out<T>(sample: &[T]) -> (Vec<&T>, Vec<&T>) {
    let (fitted, held_out): (Vec<_>, Vec<_>) = sample.iter().enumerate().partition(|(place, _)| place % 5 != 4);
    let of = |part: Vec<(usize, _)>| part.into_iter().map(|(_, one)| one).collect();
    (of(fitted), of(held_out))
}

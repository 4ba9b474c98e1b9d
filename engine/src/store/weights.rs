//! The weights in force: those that ship with the model, and what calibration has put in their place.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::api::calibration::{Calibration, Situation, WeightSet};
use crate::base::error::{Error, Result};
use crate::base::time::Timestamp;
use crate::catalog::View;
use crate::model::Model;
use crate::store::Stores;
use crate::store::active_model::Live;

/// The meta records: the calibrations that are kept, the version in force for each model (by its hash), and how many events there were when one was
/// last tried.
const KEPT: &str = "calibrations";
const LIVE: &str = "calibrations_live";
const TRIED: &str = "calibration_tried";
/// Calibrations that are kept; those in force for models that do not answer, and may again, come on top, up to the other.
const MOST: usize = 8;
const MOST_IN_FORCE: usize = 64;

/// A row of weights for each situation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LiveWeights {
    /// The version: 0 is what ships.
    pub version: u64,
    /// The model's own rows, cell by cell.
    shipped: Vec<Vec<f32>>,
    /// Whole matrices, one for each situation that has weights of its own: what the model is fed.
    fitted: Vec<(Situation, Vec<f32>)>,
}

impl LiveWeights {
    /// What the model ships, in force everywhere.
    pub(crate) fn shipped(model: &Model) -> LiveWeights {
        let width = model.all_features().len().max(1);
        let shipped = model.shipped_weights().chunks(width).map(<[f32]>::to_vec).collect();
        LiveWeights { version: 0, shipped, fitted: Vec::new() }
    }

    /// What the store has in force; what ships when that was fitted for another model.
    pub(crate) fn read(view: View<'_>, model: &Model) -> Result<LiveWeights> {
        let shipped = LiveWeights::shipped(model);
        let live = in_force(view)?.get(&model.stats().sha256).copied().unwrap_or_default();
        let kept: Vec<Calibration> = view.meta(KEPT)?.unwrap_or_default();
        let fitting = kept.into_iter().find(|calibration| calibration.version == live);
        Ok(match fitting.filter(|calibration| fits(calibration, model)) {
            Some(calibration) => shipped.with(calibration.version, &calibration.sets),
            None => shipped,
        })
    }

    /// Ones everywhere, under which a score is the sum of its features: what samples are noted with.
    pub(crate) fn ones(model: &Model) -> LiveWeights {
        let mut live = LiveWeights::shipped(model);
        live.shipped.iter_mut().for_each(|row| row.fill(1.0));
        let matrix = live.shipped.concat();
        live.fitted = Situation::ALL.into_iter().map(|situation| (situation, matrix.clone())).collect();
        live
    }

    /// These rows in place of the shipped ones, where they are in force.
    pub(crate) fn with(mut self, version: u64, sets: &[WeightSet]) -> LiveWeights {
        self.version = version;
        self.fitted = sets.iter().map(|set| (set.situation, self.matrix(set))).collect();
        self
    }

    /// The model reads a row by the cell of the grid, so the fitted row stands in its cell.
    fn matrix(&self, set: &WeightSet) -> Vec<f32> {
        let mut rows = self.shipped.clone();
        if let Some(row) = rows.get_mut(set.situation.cell()) {
            row.clone_from(&set.weights);
        }
        rows.concat()
    }

    /// What to feed the model in a situation; `None` for its own weights.
    pub(crate) fn feed(&self, situation: Situation) -> Option<&[f32]> {
        let fitted = self.fitted.iter().find(|(of, _)| *of == situation);
        fitted.map(|(_, matrix)| matrix.as_slice())
    }

    /// The row in force in a situation.
    pub(crate) fn row(&self, situation: Situation) -> Vec<f32> {
        let shipped = || self.shipped.get(situation.cell()).cloned().unwrap_or_default();
        let width = self.shipped.first().map_or(1, Vec::len);
        match self.feed(situation) {
            Some(matrix) => matrix.chunks(width).nth(situation.cell()).map(<[f32]>::to_vec).unwrap_or_default(),
            None => shipped(),
        }
    }
}

/// Versions by the hash of the model that they are in force for: a model that answers again has its own again.
type InForce = BTreeMap<String, u64>;

fn in_force(view: View<'_>) -> Result<InForce> {
    Ok(view.meta(LIVE)?.unwrap_or_default())
}

fn fits(calibration: &Calibration, model: &Model) -> bool {
    let width = model.all_features().len();
    let whole = |set: &WeightSet| set.weights.len() == width && set.weights.iter().all(|weight| weight.is_finite());
    calibration.model == model.stats().sha256
        && calibration.features == model.all_features()
        && calibration.sets.iter().all(whole)
}

/// Keeps a calibration and puts it in force, durably. Without a set that is better, what was in force stays; without any
/// set, nothing is kept, and the answer has the version in force. The version in force is never dropped.
///
/// `live` is what the samples were taken with; `events` were fitted to; `tried` is the number of all events ever logged then, which
/// [`is_due`] compares with.
pub(crate) fn add(stores: &Stores, live: &Live, events: u64, tried: u64, sets: Vec<WeightSet>) -> Result<Calibration> {
    let mut write = stores.catalog.write()?;
    let mut kept: Vec<Calibration> = write.view().meta(KEPT)?.unwrap_or_default();
    let mut in_force = in_force(write.view())?;
    let newest = kept.iter().map(|kept| kept.version).chain(in_force.values().copied()).max();
    let version = match sets.is_empty() {
        true => live.weights.version,
        false => newest.unwrap_or_default() + 1,
    };
    let model = live.model.stats().sha256;
    let features = live.model.all_features().to_vec();
    let calibration = Calibration { version, time: Timestamp::now(), events, model, features, sets };
    let better = calibration.sets.iter().any(|set| set.kept);
    if better {
        in_force.insert(calibration.model.clone(), version);
        write.set_meta(LIVE, &in_force)?;
    }
    if !calibration.sets.is_empty() {
        kept.push(calibration.clone());
        drop_oldest(&mut kept, &in_force);
        write.set_meta(KEPT, &kept)?;
    }
    write.set_meta(TRIED, &tried)?;
    write.commit_bookkeeping()?;
    reload(stores)?;
    Ok(calibration)
}

/// Drops the oldest calibrations beyond [`MOST`], but none that is in force for its model; of those the oldest beyond
/// [`MOST_IN_FORCE`], but none of the model that was calibrated last.
fn drop_oldest(kept: &mut Vec<Calibration>, in_force: &InForce) {
    while kept.len() > MOST
        && let Some(place) = kept.iter().position(|old| in_force.get(&old.model) != Some(&old.version))
    {
        kept.remove(place);
    }
    while kept.len() > MOST_IN_FORCE
        && let Some(last) = kept.last()
        && let Some(place) = kept.iter().position(|old| old.model != last.model)
    {
        kept.remove(place);
    }
}

/// Whether the log has grown by a factor since the last calibration, to `least` events or more.
pub(crate) fn is_due(stores: &Stores, least: u64, growth: f64) -> Result<bool> {
    let catalog = stores.catalog.read()?;
    let tried: u64 = catalog.view().meta(TRIED)?.unwrap_or_default();
    let counters = catalog.counters();
    Ok(counters.events >= least && catalog.view().has_grown(&counters, tried, growth)?)
}

/// The calibrations that are kept, oldest first, and the version in force.
pub(crate) fn all(stores: &Stores) -> Result<(Vec<Calibration>, u64)> {
    let kept = stores.catalog.read()?.view().meta(KEPT)?.unwrap_or_default();
    Ok((kept, stores.weights().version))
}

/// Puts a kept version in force; 0 is what ships.
pub(crate) fn use_version(stores: &Stores, version: u64) -> Result<()> {
    let model = stores.model();
    let mut write = stores.catalog.write()?;
    let kept: Vec<Calibration> = write.view().meta(KEPT)?.unwrap_or_default();
    let found = kept.iter().find(|calibration| calibration.version == version);
    if version != 0 && !found.is_some_and(|calibration| fits(calibration, &model)) {
        let versions: Vec<String> = kept.iter().filter(|c| fits(c, &model)).map(|c| c.version.to_string()).collect();
        let expected = format!("0 or one of the kept versions for this model ({})", versions.join(", "));
        return Err(Error::argument("version", expected, version.to_string()));
    }
    let mut in_force = in_force(write.view())?;
    in_force.insert(model.stats().sha256, version);
    write.set_meta(LIVE, &in_force)?;
    write.commit_bookkeeping()?;
    reload(stores)
}

fn reload(stores: &Stores) -> Result<()> {
    let _one_at_a_time = stores.change();
    let weights = LiveWeights::read(stores.catalog.read()?.view(), &stores.model())?;
    stores.set_weights(Arc::new(weights));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_in_force_is_never_dropped() {
        let one = |version| Calibration {
            version,
            time: Timestamp::MIN,
            events: 0,
            model: if version == 2 { "other" } else { "model" }.to_owned(),
            features: Vec::new(),
            sets: Vec::new(),
        };
        let mut kept: Vec<Calibration> = (1..=10).map(one).collect();
        let in_force = InForce::from([("model".to_owned(), 1), ("other".to_owned(), 2)]);
        drop_oldest(&mut kept, &in_force);
        assert_eq!(kept.iter().map(|one| one.version).collect::<Vec<_>>(), [1, 2, 5, 6, 7, 8, 9, 10]);
        drop_oldest(&mut kept, &InForce::new());
        assert_eq!(kept.len(), MOST);
    }
}

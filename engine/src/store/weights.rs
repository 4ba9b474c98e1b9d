//! The weights in force: those that ship with the model, and what calibration has put in their place.

use std::collections::BTreeMap;

use crate::api::calibration::{Calibration, Situation, WeightSet};
use crate::api::feature::Feature;
use crate::base::error::Result;
use crate::catalog::View;
use crate::model::Model;

/// The meta records: the calibrations that are kept, and the version in force for each model (by its hash).
pub(super) const KEPT: &str = "calibrations";
pub(super) const IN_FORCE: &str = "calibrations_live";

/// A row of weights for each situation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ActiveWeights {
    /// The version: 0 is what ships.
    pub version: u64,
    /// The model's own rows, cell by cell.
    shipped: Vec<Vec<f32>>,
    /// Whole matrices, one for each situation that has weights of its own: what the model is fed.
    fitted: Vec<(Situation, Vec<f32>)>,
}

impl ActiveWeights {
    /// What the model ships, in force everywhere.
    pub(crate) fn shipped(model: &Model) -> ActiveWeights {
        let width = model.all_features().len().max(1);
        let shipped = model.shipped_weights().chunks(width).map(<[f32]>::to_vec).collect();
        ActiveWeights { version: 0, shipped, fitted: Vec::new() }
    }

    /// What the store has in force; what ships when that was fitted for another model.
    pub(crate) fn read(view: View<'_>, model: &Model) -> Result<ActiveWeights> {
        let shipped = ActiveWeights::shipped(model);
        let live = in_force(view)?.get(&model.stats().sha256).copied().unwrap_or_default();
        let fitting = kept(view)?.into_iter().find(|calibration| calibration.version == live);
        Ok(match fitting.filter(|calibration| fits(calibration, model)) {
            Some(calibration) => shipped.with(calibration.version, &calibration.sets),
            None => shipped,
        })
    }

    /// Ones everywhere, under which a score is the sum of its features: what samples are noted with.
    pub(crate) fn ones(model: &Model) -> ActiveWeights {
        let mut live = ActiveWeights::shipped(model);
        live.shipped.iter_mut().for_each(|row| row.fill(1.0));
        let matrix = live.shipped.concat();
        live.fitted = Situation::ALL.into_iter().map(|situation| (situation, matrix.clone())).collect();
        live
    }

    /// These rows in place of the shipped ones, where they are in force.
    pub(crate) fn with(mut self, version: u64, sets: &[WeightSet]) -> ActiveWeights {
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
pub(super) type InForce = BTreeMap<String, u64>;

pub(super) fn in_force(view: View<'_>) -> Result<InForce> {
    Ok(view.meta(IN_FORCE)?.unwrap_or_default())
}

/// The calibrations that are kept, oldest first. Those written before 0.2 call some features by other names.
pub(super) fn kept(view: View<'_>) -> Result<Vec<Calibration>> {
    let mut kept: Vec<Calibration> = view.meta(KEPT)?.unwrap_or_default();
    for name in kept.iter_mut().flat_map(|calibration| &mut calibration.features) {
        if let Some(feature) = Feature::of(name) {
            *name = feature.name().to_owned();
        }
    }
    Ok(kept)
}

/// Whether weights were fitted for a model.
pub(super) fn fits(calibration: &Calibration, model: &Model) -> bool {
    let width = model.all_features().len();
    let whole = |set: &WeightSet| set.weights.len() == width && set.weights.iter().all(|weight| weight.is_finite());
    calibration.model == model.stats().sha256
        && calibration.features == model.all_features()
        && calibration.sets.iter().all(whole)
}

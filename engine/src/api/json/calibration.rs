//! Calibrations to JSON.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::write::{Written, to_string};
use crate::api::calibration::{Calibration, Situation, WeightSet};
use crate::base::error::Result;

/// Writes a calibration: `version`, `time` (seconds since 1970, UTC), `events`, `model` (SHA-256), and `sets`, each with
/// `situation` (`name`, `query`, `history`, `exclude_seen`, `in_visit`), `samples`, `held_out`, `ndcg_before`, `ndcg_after`,
/// `kept`, and `weights` by the name of the feature.
///
/// # Errors
/// [`Error::Internal`](crate::Error::Internal), which would be a defect.
pub fn calibration_to_json(calibration: &Calibration) -> Result<String> {
    to_string(&CalibrationForm(calibration))
}

/// Writes the answer of [`Engine::calibrations`](crate::Engine::calibrations): `in_force`, a version (0 is what ships),
/// and `calibrations`, oldest first.
///
/// # Errors
/// [`Error::Internal`](crate::Error::Internal), which would be a defect.
pub fn calibrations_to_json(calibrations: &[Calibration], in_force: u64) -> Result<String> {
    let calibrations = calibrations.iter().map(CalibrationForm).collect();
    to_string(&CalibrationsForm { in_force, calibrations })
}

#[derive(serde::Serialize)]
struct CalibrationsForm<'a> {
    in_force: u64,
    calibrations: Vec<CalibrationForm<'a>>,
}

struct CalibrationForm<'a>(&'a Calibration);

impl Serialize for CalibrationForm<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Written<S> {
        let Calibration { version, time, events, model, features, sets } = self.0;
        let mut map = to.serialize_map(Some(5))?;
        map.serialize_entry("version", version)?;
        map.serialize_entry("time", &time.seconds())?;
        map.serialize_entry("events", events)?;
        map.serialize_entry("model", model)?;
        map.serialize_entry("sets", &sets.iter().map(|set| SetForm { set, features }).collect::<Vec<_>>())?;
        map.end()
    }
}

struct SetForm<'a> {
    set: &'a WeightSet,
    features: &'a [String],
}

impl Serialize for SetForm<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Written<S> {
        let WeightSet { situation, samples, held_out, ndcg_before, ndcg_after, kept, weights } = self.set;
        let Situation { query, history, exclude_seen, in_visit } = *situation;
        let name = situation.name();
        let mut map = to.serialize_map(Some(7))?;
        map.serialize_entry("situation", &SituationForm { name: &name, query, history, exclude_seen, in_visit })?;
        map.serialize_entry("samples", samples)?;
        map.serialize_entry("held_out", held_out)?;
        map.serialize_entry("ndcg_before", ndcg_before)?;
        map.serialize_entry("ndcg_after", ndcg_after)?;
        map.serialize_entry("kept", kept)?;
        map.serialize_entry("weights", &ByName(self.features, weights))?;
        map.end()
    }
}

struct ByName<'a>(&'a [String], &'a [f32]);

impl Serialize for ByName<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Written<S> {
        to.collect_map(self.0.iter().zip(self.1))
    }
}

#[derive(serde::Serialize)]
struct SituationForm<'a> {
    name: &'a str,
    query: bool,
    history: bool,
    exclude_seen: bool,
    in_visit: bool,
}

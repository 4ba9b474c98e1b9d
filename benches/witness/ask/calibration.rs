//! Weights fitted to the log: which ones, and what they do to lists.

use onelist::{Timestamp, Tuning, json};
use serde_json::json;

use super::super::renamed::{CALIBRATION, FEATURES, keys};
use super::super::requests::{CELLS, in_cell};
use super::super::{Result, given};
use super::Asking;
use super::catalog::without;

/// Calibrates on a part of the log and on all of it, asks under both, and goes back to what ships.
pub fn ask(asking: &mut Asking) -> Result<()> {
    let part = Timestamp::from_seconds(asking.world.now - 200.0 * 86_400.0);
    let first = asking.db.tune_until(part)?;
    add(asking, "part", &first)?;
    let second = asking.db.tune()?;
    add(asking, "whole", &second)?;
    for (version, name) in [(second.version, "whole"), (first.version, "part"), (0, "shipped")] {
        asking.db.use_tuning(version)?;
        rank(asking, name)?;
    }
    let (all, in_force) = asking.db.tunings()?;
    asking.add(
        "calibration",
        "kept",
        json!({ "versions": all.iter().map(|one| one.version).collect::<Vec<_>>(), "in_force": in_force }),
    )
}

/// Without the clock and the hash of the model; names of situations are words.
fn add(asking: &mut Asking, name: &str, fitted: &Tuning) -> Result<()> {
    let mut calibration = given::answered(CALIBRATION, json::tuning_to_json(fitted))?;
    without(&mut calibration, &["time", "model"]);
    let mut words = Vec::new();
    for set in calibration["sets"].as_array_mut().into_iter().flatten() {
        words.extend(set["situation"].as_object_mut().and_then(|situation| situation.remove("name")));
        if let Some(weights) = set["weights"].as_object_mut() {
            keys(FEATURES, weights);
        }
    }
    asking.add("calibration", name, calibration)?;
    asking.add("calibration-text", name, json!({ "names": words, "text": fitted.to_text() }))
}

fn rank(asking: &mut Asking, name: &str) -> Result<()> {
    for (nth, cell) in CELLS.iter().enumerate() {
        for turn in 0..4 {
            let mut request = in_cell(asking.world, cell, nth + 7 * turn);
            request.insert("explain".to_owned(), true.into());
            request.insert("exclude_seen".to_owned(), (turn % 2 == 1).into());
            let ranking = given::rank(&asking.db, &request.into())?;
            asking.add_ranking("calibrated", &format!("{name}.{cell}.{turn}"), &ranking)?;
        }
    }
    Ok(())
}

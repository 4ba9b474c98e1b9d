//! The trained model that a store was left with: compared, promoted, with its adapter, and rolled back. It was loaded by the
//! version that built the store.

use onelist::{Request, json};
use serde_json::Value as Json;

use super::super::build::ADAPTER;
use super::super::renamed::MODELS;
use super::super::requests::{CELLS, in_cell};
use super::super::{Result, given};
use super::Asking;
use super::catalog::without;

/// Walks through the life of a model.
pub fn ask(asking: &mut Asking) -> Result<()> {
    let version = asking.db.models()?.versions.last().map_or(0, |model| model.version);
    let requests = requests(asking)?;
    let compared = asking.db.shadow_model(version, &requests)?;
    let mut compared = given::answered(MODELS, json::shadow_to_json(&compared))?;
    without(&mut compared, &["live_us", "shadow_us"]);
    asking.add("model", "shadow", compared)?;
    asking.db.promote_model(version)?;
    rank(asking, "trained", None)?;
    rank(asking, "adapted", Some(ADAPTER))?;
    add_models(asking, "promoted")?;
    let back = asking.db.roll_back_model()?;
    asking.add("model", "rolled-back", back.into())?;
    asking.db.unload_adapter(ADAPTER)?;
    rank(asking, "shipped", None)?;
    add_models(asking, "left")
}

/// Without hashes of files, which have the names of features in them, and the clock.
fn add_models(asking: &mut Asking, name: &str) -> Result<()> {
    let mut models = given::answered(MODELS, json::models_to_json(&asking.db.models()?))?;
    without(&mut models, &["sha256", "base", "loaded"]);
    asking.add("model", name, models)
}

fn requests(asking: &Asking) -> Result<Vec<Request>> {
    let turns = CELLS.iter().flat_map(|cell| (0..5).map(move |turn| (*cell, turn)));
    let read = |(cell, turn): (&str, usize)| given::request(&in_cell(asking.world, cell, turn * 11).into());
    Ok(turns.map(read).collect::<onelist::Result<_>>()?)
}

fn rank(asking: &mut Asking, name: &str, adapter: Option<&str>) -> Result<()> {
    for cell in CELLS {
        for turn in 0..5 {
            let mut request = in_cell(asking.world, cell, turn * 11);
            request.insert("explain".to_owned(), turn.is_multiple_of(2).into());
            request.insert("adapter".to_owned(), adapter.map_or(Json::Null, Json::from));
            let ranking = given::rank(&asking.db, &request.into())?;
            asking.add_ranking("model-rank", &format!("{name}.{cell}.{turn}"), &ranking)?;
        }
    }
    Ok(())
}

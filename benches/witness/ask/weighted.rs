//! Weights that the configuration fixes: ones, under which what a feature adds is the feature. So features are compared that
//! the shipped weights pass over.

use onelist::Engine;
use serde_json::json;

use super::super::requests::{CELLS, in_cell};
use super::super::{Result, given};
use super::Asking;

/// Features of the model that ships.
const FEATURES: usize = 26;

/// Opens the copy once more with other weights, and asks.
pub fn ask(asking: &mut Asking) -> Result<()> {
    let mut config = asking.world.config.clone();
    config["weights"] = json!(vec![vec![1.0; FEATURES]; CELLS.len()]);
    asking.db.close()?;
    asking.db = Engine::open(asking.path, given::config(&config)?)?;
    for cell in CELLS {
        for turn in 0..8 {
            let mut request = in_cell(asking.world, cell, turn * 5);
            request.insert("explain".to_owned(), true.into());
            let ranking = given::rank(&asking.db, &request.into())?;
            asking.add_ranking("weighted", &format!("{cell}.{turn}"), &ranking)?;
        }
    }
    Ok(())
}

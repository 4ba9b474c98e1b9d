//! Writes the stores.

use std::fs;
use std::path::Path;

use onelist::{Engine, json};
use onelist_tests::adapter;
use onelist_tests::trained::Trained;

use super::worlds::{World, all, lines};
use super::{Result, files, given};

/// What the adapter is called that a store is left with.
pub const ADAPTER: &str = "winter";
/// Width of item vectors.
const WIDTH: usize = 192;

/// Writes the store of every world into a folder.
///
/// # Errors
/// When the data is not there, and what the engine answers.
pub fn build(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir)?;
    for world in all()? {
        let path = dir.join(world.name);
        files::remove(&path)?;
        write(&world, &path)?;
        println!("{}: {} items, {} events", world.name, world.items.len(), world.events.len());
    }
    Ok(())
}

/// Puts all items in one call and waits for the indexes, then logs all events in one: so the background never decides which
/// items enter a graph together, or up to which commit. What is fitted in the background is fitted once more to the whole log.
fn write(world: &World, path: &Path) -> Result<()> {
    let db = Engine::open(path, given::config(&world.config)?)?;
    db.put(json::items_from_json(&lines(&world.items))?)?;
    db.flush()?;
    db.log(json::events_from_json(&lines(&world.events))?)?;
    for (name, rules) in &world.scenarios {
        db.set_scenario(name, &given::rules(rules)?)?;
    }
    db.flush()?;
    db.rebuild_cooccurrence()?;
    if world.is_calibrated {
        db.tune()?;
    }
    if world.has_model {
        leave_model(&db)?;
    }
    Ok(db.close()?)
}

/// Loads a trained model and an adapter of it, and goes back to the model that ships.
fn leave_model(db: &Engine) -> Result<()> {
    let folder = tempfile::tempdir()?;
    Trained::new("witness", 0.5).write(&folder.path().join("model"))?;
    let model = db.load_model(folder.path().join("model"))?;
    db.promote_model(model.version)?;
    let written = adapter::write(folder.path(), ADAPTER, &model.sha256, &adapter::tensors(WIDTH, 7))?;
    db.load_adapter(ADAPTER, written)?;
    db.roll_back_model()?;
    Ok(())
}

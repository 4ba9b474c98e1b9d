//! Writes the stores.

use std::fs;
use std::path::Path;

use onelist::{Engine, json};

use super::worlds::{World, all, lines};
use super::{Result, files, given};

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
    Ok(db.close()?)
}

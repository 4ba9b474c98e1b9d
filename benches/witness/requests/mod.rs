//! What is asked of a world: the four cells of the grid, each plainly for many users and queries, and with every control.

mod controls;

use serde_json::{Map, Value as Json, json};

use super::worlds::World;

/// The cells of the grid.
pub const CELLS: [&str; 4] = ["neither", "query", "history", "query-and-history"];

/// Plain requests of each cell that has a query or a user.
const PLAIN: usize = 50;

/// A request with its name.
pub struct Asked {
    /// Unique in its world.
    pub name: String,
    /// With the old names.
    pub request: Json,
}

/// Every request of a world whose answer does not depend on chance.
pub fn all(world: &World) -> Vec<Asked> {
    let mut asked = plain(world);
    let filters = world.filters.iter().map(|(name, filter)| (format!("filter-{name}"), json!({ "filter": filter })));
    let controls: Vec<(String, Json)> = controls::all(world).into_iter().chain(filters).collect();
    for (nth_cell, cell) in CELLS.iter().enumerate() {
        for (place, (name, control)) in controls.iter().enumerate() {
            // Another user and another query each time; what is explained is two in three.
            let nth = nth_cell + 3 * place;
            let mut request = in_cell(world, cell, nth);
            request.insert("explain".to_owned(), (nth % 3 > 0).into());
            merge(&mut request, control);
            asked.push(Asked { name: format!("{cell}.{name}"), request: request.into() });
        }
    }
    asked
}

fn plain(world: &World) -> Vec<Asked> {
    let mut asked = Vec::new();
    for cell in &CELLS[1..] {
        for nth in 0..PLAIN {
            let mut request = in_cell(world, cell, nth);
            request.insert("explain".to_owned(), nth.is_multiple_of(2).into());
            asked.push(Asked { name: format!("{cell}.plain-{nth:02}"), request: request.into() });
        }
    }
    asked
}

/// The request of a cell, with the user and the query of a turn.
pub fn in_cell(world: &World, cell: &str, nth: usize) -> Map<String, Json> {
    let mut request = Map::new();
    request.insert("now".to_owned(), world.now.into());
    // Impressions are kept under names that are random, and change what later requests know.
    request.insert("log_impression".to_owned(), false.into());
    request.insert("limit".to_owned(), 8.into());
    request.insert("fields".to_owned(), json!(["title", world.tags]));
    if cell.starts_with("query") {
        request.insert("query".to_owned(), query(world, nth).into());
    }
    if cell.ends_with("history") {
        request.insert("user".to_owned(), user(world, nth).into());
    }
    request
}

/// Puts the parts of a control into a request; `null` takes one away.
pub fn merge(request: &mut Map<String, Json>, control: &Json) {
    for (key, value) in control.as_object().into_iter().flatten() {
        match value {
            Json::Null => request.remove(key),
            value => request.insert(key.clone(), value.clone()),
        };
    }
}

fn query(world: &World, nth: usize) -> &str {
    world.queries.get(nth % world.queries.len().max(1)).map_or("", String::as_str)
}

/// From those with the most events to those with the fewest, by turns.
fn user(world: &World, nth: usize) -> &str {
    let count = world.users.len().max(1);
    world.users.get(nth * 37 % count).map_or("", String::as_str)
}

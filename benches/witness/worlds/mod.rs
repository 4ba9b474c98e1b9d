//! What the stores hold, and what is asked about: three real data sets, cut down so that a run takes minutes.
//!
//! Nothing here depends on the clock or on chance: what the data lacks (a colour, a place, a picture) is drawn from the
//! SHA-256 of an id. Every item has a date, because an item without one is as old as its first `put`.

mod movies;
mod retail;
mod scifact;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::Result;
use super::data::{self, text};

/// One store: what is in it, and what is asked of it.
pub struct World {
    /// Names its folder and its lines.
    pub name: &'static str,
    /// How it is opened.
    pub config: Json,
    /// What is put, in one call.
    pub items: Vec<Json>,
    /// What is logged, in one call, in order of time.
    pub events: Vec<Json>,
    /// Rules by the name of their scenario.
    pub scenarios: Vec<(&'static str, Json)>,
    /// What is searched for.
    pub queries: Vec<String>,
    /// Filters by name, over the fields of this world.
    pub filters: Vec<(&'static str, Json)>,
    /// The field of tags that caps and mixes are about.
    pub tags: &'static str,
    /// Users: those with the most events first.
    pub users: Vec<String>,
    /// Items: those with the most events first.
    pub popular: Vec<String>,
    /// The time of requests, in seconds: an hour after the last event.
    pub now: f64,
    /// Whether weights are fitted to the log when the store is built, so that they are read by the version that opens it.
    pub is_calibrated: bool,
    /// Whether a trained model and an adapter are left in the store.
    pub has_model: bool,
}

/// Makes a world from the folder with the data.
type Make = fn(&Path) -> Result<World>;

/// All worlds, in the order in which they are built and asked.
const ALL: [Make; 3] = [movies::world, retail::world, scifact::world];

/// Reads all worlds from the folder that `ONELIST_DATA` names.
///
/// # Errors
/// When the data is not there, or not what it should be.
pub fn all() -> Result<Vec<World>> {
    let folder = data::folder()?;
    ALL.iter().map(|make| make(&folder)).collect()
}

impl World {
    /// A world with its items and events; the rest is to be filled in.
    fn new(name: &'static str, settings: Json, items: Vec<Json>, mut events: Vec<Json>) -> World {
        events.sort_by(|a, b| seconds(a).total_cmp(&seconds(b)));
        let now = events.last().map_or(0.0, seconds) + 3600.0;
        let mut config = json!({
            // One thread each, so that what is built and added up does not depend on which thread was first.
            "index_threads": 1, "sessions": 1, "threads_per_session": 1,
        });
        if let (Json::Object(config), Json::Object(settings)) = (&mut config, settings) {
            config.extend(settings);
        }
        let (users, popular) = (busiest(&events, "user"), busiest(&events, "item"));
        let (scenarios, queries, filters) = (Vec::new(), Vec::new(), Vec::new());
        World {
            name,
            config,
            items,
            events,
            scenarios,
            queries,
            filters,
            tags: "",
            users,
            popular,
            now,
            is_calibrated: false,
            has_model: false,
        }
    }
}

/// A number that depends on nothing but the text.
pub fn draw(text: &str) -> u64 {
    Sha256::digest(text).iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// One of several, drawn by a text.
pub fn one_of<'a>(all: &[&'a str], by: &str) -> &'a str {
    all.get((draw(by) % all.len().max(1) as u64) as usize).copied().unwrap_or_default()
}

/// Rows as the engine reads them in a batch: one a line.
pub fn lines(rows: &[Json]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

fn seconds(event: &Json) -> f64 {
    event["time"].as_f64().unwrap_or_default()
}

/// The values of a field of events: the most frequent first, of equal ones by name.
fn busiest(events: &[Json], field: &str) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let named = events.iter().map(|event| text(event, field)).filter(|name| !name.is_empty());
    named.for_each(|name| *counts.entry(name).or_default() += 1);
    let mut names: Vec<(&str, usize)> = counts.into_iter().collect();
    names.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    names.into_iter().map(|(name, _)| name.to_owned()).collect()
}

//! The real data sets, read from the folder that `ONELIST_DATA` names (default: ../shared/data beside the repository).

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use onelist::{Action, Event, Item, Timestamp, Value};
use serde_json::Value as Json;

use super::Result;

/// The folder with the data sets.
pub fn folder() -> Result<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = std::env::var_os("ONELIST_DATA").map_or(default, PathBuf::from);
    match folder.join("scifact/items.jsonl.gz").is_file() {
        true => Ok(folder),
        false => Err(format!(
            "no data in {}: set ONELIST_DATA to the folder with scifact, movies and retail",
            folder.display()
        )
        .into()),
    }
}

/// The rows of a gzipped JSON lines file.
pub fn rows(path: &Path) -> Result<Vec<Json>> {
    let file = std::fs::File::open(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let lines = BufReader::new(GzDecoder::new(file)).lines();
    lines.map(|line| Ok(serde_json::from_str(&line?)?)).collect()
}

/// A string field of a row.
pub fn text<'j>(row: &'j Json, field: &str) -> &'j str {
    row.get(field).and_then(Json::as_str).unwrap_or_default()
}

/// Items with the named text fields; a list of strings becomes tags, a time field the date of availability.
pub fn items(rows: &[Json], texts: &[&str], tags: Option<&str>, date: Option<&str>) -> Vec<Item> {
    let item = |row: &Json| {
        let mut item = Item::new(text(row, "id"));
        for name in texts {
            if !text(row, name).is_empty() {
                item = item.text(*name, text(row, name));
            }
        }
        if let Some(list) = tags.and_then(|name| row.get(name)).and_then(Json::as_array) {
            item = item.tags("tags", list.iter().filter_map(Json::as_str));
        }
        if let Some(time) = date.and_then(|name| row.get(name)).and_then(Json::as_f64) {
            item = item.with("available", Value::Date(Timestamp::from_seconds(time)));
        }
        item
    };
    rows.iter().map(item).collect()
}

/// Events in order of time; those of equal time keep their order.
pub fn events(rows: &[Json]) -> Vec<Event> {
    let mut events: Vec<Event> = rows
        .iter()
        .map(|row| {
            let mut event = Event::new(text(row, "user"), Action::named(text(row, "action"))).item(text(row, "item"));
            event.basket = row.get("basket").and_then(Json::as_str).map(str::to_owned);
            event.value = row.get("value").and_then(Json::as_f64);
            // In retail, the country of the customer.
            if let Some(country) = row.get("country").and_then(Json::as_str).filter(|country| !country.is_empty()) {
                event = event.segment("country", country);
            }
            event.time = row.get("time").and_then(Json::as_f64).map(Timestamp::from_seconds);
            event
        })
        .collect();
    events.sort_by_key(|event| event.time);
    events
}

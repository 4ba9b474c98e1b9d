//! Scientific abstracts: a strict schema, places, long texts, and few events.

use std::path::Path;

use serde_json::{Value as Json, json};

use super::super::Result;
use super::super::data::{rows, text};
use super::{World, draw, one_of};

const JOURNALS: [&str; 5] = ["Cell Letters", "Acta Medica", "Open Genetics", "Lancet Notes", "Annals of Trials"];
const TOPICS: [&str; 6] = ["cancer", "genes", "immunity", "neurons", "metabolism", "infection"];
const START: f64 = 1.6e9;

/// All abstracts, and a reader for each query that found one.
pub fn world(folder: &Path) -> Result<World> {
    let folder = folder.join("scifact");
    let items = rows(&folder.join("items.jsonl.gz"))?.iter().enumerate().map(paper).collect();
    let asked = rows(&folder.join("queries.jsonl.gz"))?;
    let events = asked.iter().enumerate().flat_map(found).collect();
    let queries = asked.iter().step_by(6).map(|row| text(row, "query").to_owned()).collect();
    let settings = json!({
        "strict": true,
        "date_field": "published",
        "fields": {
            "title": { "kind": "text", "boost": 2 }, "text": { "kind": "text" },
            "journal": { "kind": "text", "embed": false, "boost": 0 }, "topics": { "kind": "tags", "embed": false },
            "pages": { "kind": "number" }, "open": { "kind": "bool" }, "published": { "kind": "date" },
            "lab": { "kind": "geo" },
        },
        "rating_scale": [0, 10],
    });
    let world = World::new("scifact", settings, items, events);
    Ok(World { queries, tags: "topics", filters: filters(), scenarios: scenarios(), is_calibrated: true, ..world })
}

fn paper((place, row): (usize, &Json)) -> Json {
    let id = text(row, "id");
    let number = draw(id);
    let mut paper = json!({
        "id": id, "title": text(row, "title"), "text": text(row, "text"), "journal": one_of(&JOURNALS, id),
        "topics": [one_of(&TOPICS, id), one_of(&TOPICS, text(row, "title"))],
        "pages": 4 + number % 20, "open": number.is_multiple_of(2),
        "published": { "date": START - (place as f64 * 6.0) * 3600.0 },
    });
    if !number.is_multiple_of(4) {
        paper["lab"] =
            json!({ "lat": (number % 1200) as f64 / 10.0 - 60.0, "lon": (number / 7 % 3600) as f64 / 10.0 - 180.0 });
    }
    paper
}

/// A reader searches, opens what is relevant, and rates some of it. Twelve queries make one reader.
fn found((place, row): (usize, &Json)) -> Vec<Json> {
    let (user, time) = (format!("reader {}", place / 12), START + place as f64 * 1800.0);
    let relevant = row["relevant"].as_array().into_iter().flatten().take(3);
    let mut events = vec![json!({ "user": user, "action": "search", "query": row["query"], "time": time })];
    for (nth, item) in relevant.enumerate() {
        let time = time + 30.0 * (nth + 1) as f64;
        events.push(json!({ "user": user, "item": item, "action": "click", "query": row["query"], "time": time }));
        if (place + nth).is_multiple_of(3) {
            let value = draw(&item.to_string()) % 11;
            events.push(json!({ "user": user, "item": item, "action": "rate", "value": value, "time": time + 20.0 }));
        }
    }
    events
}

fn filters() -> Vec<(&'static str, Json)> {
    vec![
        ("near", json!({ "lab": { "near": { "lat": 48.8, "lon": 2.3, "meters": 3_000_000 } } })),
        ("no-place", json!({ "lab": { "exists": false } })),
        ("journal", json!({ "journal": "Open Genetics", "open": true })),
        ("topics", json!({ "topics": { "in": ["cancer", "neurons"] }, "pages": { "<": 10 } })),
        ("match", json!({ "text": { "match": "mice" } })),
        ("date", json!({ "published": { "<": { "date": 1_550_000_000 } } })),
        ("not-near", json!({ "not": { "lab": { "near": { "lat": 0, "lon": 0, "meters": 9_000_000 } } } })),
    ]
}

fn scenarios() -> Vec<(&'static str, Json)> {
    vec![("open access", json!([{ "rule": "require", "filter": { "open": true } }]))]
}

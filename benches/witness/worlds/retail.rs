//! A gift shop: purchases in baskets from several countries, with views, carts and pictures beside them.

use std::path::Path;

use serde_json::{Value as Json, json};

use super::super::Result;
use super::super::data::{rows, text};
use super::{World, draw};

const COLOURS: [&str; 8] = ["RED", "WHITE", "PINK", "BLUE", "GREEN", "BLACK", "IVORY", "SILVER"];
/// Dimensions of a picture.
const PICTURE: usize = 12;

/// All items, and a twelfth of the customers.
pub fn world(folder: &Path) -> Result<World> {
    let folder = folder.join("retail");
    let items: Vec<Json> = rows(&folder.join("items.jsonl.gz"))?.iter().map(thing).collect();
    let bought = rows(&folder.join("events.jsonl.gz"))?;
    let in_it = bought.iter().filter(|row| draw(text(row, "user")).is_multiple_of(12));
    let events = in_it.flat_map(|row| [before(row), Some(purchase(row))]).flatten().collect();
    let queries = items.iter().step_by(97).map(|item| words(text(item, "title"))).collect();
    let settings = json!({
        "date_field": "available",
        "fields": { "title": { "boost": 1.5 }, "shelf": { "embed": false, "boost": 0.5 } },
        "session_gap": 3600,
        "candidates": 250,
    });
    let world = World::new("retail", settings, items, events);
    Ok(World { queries, tags: "colours", filters: filters(), scenarios: scenarios(), has_model: true, ..world })
}

/// Two or three words of a title, as somebody would type them.
fn words(title: &str) -> String {
    let skipped = (draw(title) % 2) as usize;
    let words: Vec<String> = title.split_whitespace().skip(skipped).take(3).map(str::to_lowercase).collect();
    words.join(" ")
}

fn thing(row: &Json) -> Json {
    let (id, title) = (text(row, "id"), text(row, "title"));
    let colours: Vec<&str> = title.split_whitespace().filter(|word| COLOURS.contains(word)).collect();
    let mut thing = json!({
        "id": id, "title": title, "price": row["price"], "available": { "date": row["first_sold"] },
        "shelf": title.split_whitespace().last().unwrap_or_default(), "fragile": draw(id).is_multiple_of(3),
    });
    if !colours.is_empty() {
        thing["colours"] = json!(colours);
    }
    if !draw(id).is_multiple_of(5) {
        thing["picture"] = json!(picture(title));
    }
    thing
}

/// A sum of one direction for each word: things of like titles look alike.
pub fn picture(title: &str) -> Vec<f64> {
    let mut picture = vec![0.0; PICTURE];
    for word in title.split_whitespace() {
        for (place, component) in picture.iter_mut().enumerate() {
            *component += (draw(&format!("{word} {place}")) % 2001) as f64 / 1000.0 - 1.0;
        }
    }
    picture
}

fn purchase(row: &Json) -> Json {
    let mut event = row.clone();
    if let Json::Object(event) = &mut event
        && let Some(country) = event.remove("country")
    {
        event.insert("segments".to_owned(), json!({ "country": country }));
    }
    event
}

/// What some customers did before they bought, or after: without a basket.
fn before(row: &Json) -> Option<Json> {
    let by = draw(&format!("{} {} {}", text(row, "user"), text(row, "item"), row["time"]));
    let (action, seconds) = match by % 24 {
        0 | 1 => ("view", -120.0),
        2 => ("cart", -60.0),
        3 => ("click", -90.0),
        4 => ("dislike", 86_400.0),
        5 => ("skip", -3_000.0),
        _ => return None,
    };
    let time = row["time"].as_f64().unwrap_or_default() + seconds;
    Some(json!({ "user": row["user"], "item": row["item"], "action": action, "time": time }))
}

fn filters() -> Vec<(&'static str, Json)> {
    vec![
        ("price", json!({ "price": { ">=": 1, "<": 3 } })),
        ("cheap-red", json!({ "price": { "<=": 0.85 }, "colours": "RED" })),
        ("colours-in", json!({ "colours": { "in": ["PINK", "BLUE"] } })),
        ("colour-not", json!({ "colours": { "!=": "WHITE" } })),
        ("no-colour", json!({ "colours": { "exists": false } })),
        ("shelf", json!({ "shelf": "BAG" })),
        ("match", json!({ "title": { "match": "christmas" } })),
        ("picture", json!({ "picture": { "exists": true }, "fragile": true })),
        ("date", json!({ "available": { ">=": { "date": 1_275_350_400 } } })),
        ("or", json!({ "or": [{ "shelf": "MUG" }, { "shelf": "TIN" }, { "price": { ">": 15 } }] })),
    ]
}

fn scenarios() -> Vec<(&'static str, Json)> {
    let rules = json!([
        { "rule": "boost", "filter": { "title": { "match": "christmas" } }, "amount": 0.3 },
        { "rule": "exclude", "ids": ["85123A"] },
        { "rule": "cap", "field": "shelf", "most": 2 },
        { "rule": "pin", "item": "22423", "position": 1 },
    ]);
    vec![("december", rules)]
}

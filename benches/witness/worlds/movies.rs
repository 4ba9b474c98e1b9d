//! Movies: ratings, likes and searches that ended at a movie. More than 5,000 items, so its vectors are searched by graph.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::super::Result;
use super::super::data::{rows, text};
use super::{World, draw};

const DAY: f64 = 86_400.0;

/// All movies, and the people whose number leaves 1 when divided by 4.
pub fn world(folder: &Path) -> Result<World> {
    let folder = folder.join("movies");
    let items = rows(&folder.join("items.jsonl.gz"))?.iter().map(movie).collect();
    let rated = rows(&folder.join("events.jsonl.gz"))?;
    let mut events: Vec<Json> =
        rated.iter().filter(|row| is_in(row)).flat_map(|row| [Some(rating(row)), also(row)]).flatten().collect();
    let tagged = rows(&folder.join("tags.jsonl.gz"))?;
    events.extend(tagged.iter().filter(|row| is_in(row)).map(search));
    let settings = json!({
        "date_field": "released",
        "fields": { "title": { "boost": 2 }, "genres": { "embed": true } },
        "actions": {
            "trailer": { "meaning": "positive", "weight": 0.7 },
            "reported": { "meaning": "negative", "weight": 1 },
            "scrolled": { "meaning": "neutral", "weight": 1 },
        },
    });
    let judged = rows(&folder.join("judgments.jsonl.gz"))?;
    let mut queries: Vec<String> = judged.iter().map(|row| text(row, "query").to_owned()).collect();
    queries.dedup();
    let tags: BTreeSet<String> = tagged.iter().map(|row| text(row, "tag").to_owned()).collect();
    queries.extend(tags.into_iter().step_by(25));
    let world = World::new("movies", settings, items, events);
    Ok(World { queries, tags: "genres", filters: filters(), scenarios: scenarios(), ..world })
}

fn is_in(row: &Json) -> bool {
    text(row, "user").parse::<u64>().is_ok_and(|user| user % 4 == 1)
}

fn movie(row: &Json) -> Json {
    let id = text(row, "id");
    let year = row["year"].as_f64().unwrap_or(1970.0);
    let released = ((year - 1970.0) * 365.2425 + (draw(id) % 365) as f64) * DAY;
    let mut movie = json!({
        "id": id, "title": text(row, "title"), "genres": row["genres"], "year": year,
        "released": { "date": released.floor() }, "classic": year < 1980.0,
    });
    if !text(row, "overview").is_empty() {
        movie["overview"] = text(row, "overview").into();
    }
    movie
}

fn rating(row: &Json) -> Json {
    json!({ "user": row["user"], "item": row["item"], "action": "rate", "value": row["value"], "time": row["time"] })
}

/// What some people did beside rating: every kind of action, those of the configuration included.
fn also(row: &Json) -> Option<Json> {
    let by = draw(&format!("{} {}", text(row, "user"), text(row, "item")));
    let value = row["value"].as_f64().unwrap_or_default();
    let action = match by % 20 {
        0 if value >= 4.0 => "like",
        0 if value <= 2.0 => "dislike",
        1 if value <= 2.0 => "hide",
        2 => "trailer",
        3 => "skip",
        4 => "scrolled",
        5 if value >= 4.5 => "share",
        6 if value <= 1.5 => "reported",
        7 => "watched twice",
        _ => return None,
    };
    let time = row["time"].as_f64().unwrap_or_default() + 60.0;
    Some(json!({ "user": row["user"], "item": row["item"], "action": action, "time": time }))
}

fn search(row: &Json) -> Json {
    json!({ "user": row["user"], "item": row["item"], "action": "click", "query": row["tag"], "time": row["time"] })
}

fn filters() -> Vec<(&'static str, Json)> {
    vec![
        ("tag", json!({ "genres": "Comedy" })),
        ("tags-in", json!({ "genres": { "in": ["War", "Western", "Musical"] } })),
        ("year-range", json!({ "year": { ">=": 1980, "<": 1990 } })),
        ("year-equal", json!({ "year": 1999 })),
        ("not", json!({ "genres": { "!=": "Drama" }, "not": { "year": { "<": 1970 } } })),
        ("or", json!({ "or": [{ "genres": "Horror" }, { "classic": true, "genres": "Sci-Fi" }] })),
        ("match", json!({ "title": { "match": "king return" } })),
        ("match-overview", json!({ "overview": { "match": "young woman" } })),
        ("exists", json!({ "overview": { "exists": false } })),
        ("flag", json!({ "classic": true })),
        ("date", json!({ "released": { ">": { "date": 1_000_000_000 }, "<=": { "date": 1_100_000_000 } } })),
        ("text-equal", json!({ "title": "Toy Story" })),
        ("nothing", json!({ "year": { ">": 3000 } })),
        (
            "deep",
            json!({ "and": [{ "or": [{ "year": { ">": 2000 } }, { "not": { "classic": false } }] }, { "genres": { "exists": true } }] }),
        ),
    ]
}

fn scenarios() -> Vec<(&'static str, Json)> {
    let rules = json!([
        { "rule": "pin", "item": "260", "position": 2 },
        { "rule": "boost", "filter": { "genres": "Animation" }, "amount": 0.2 },
        { "rule": "bury", "ids": ["1", "2", "3"], "amount": 0.4 },
        { "rule": "exclude", "filter": { "genres": "Horror" } },
        { "rule": "cap", "field": "year", "most": 2 },
    ]);
    vec![("family night", rules), ("classics", json!([{ "rule": "require", "filter": { "classic": true } }]))]
}

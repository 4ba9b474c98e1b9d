//! Search: queries with judged items.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use onelist::{Config, Engine, Item, Request, Timestamp};
use serde_json::Value as Json;

use super::data::{self, text};
use super::measures::ndcg;
use super::{Half, Result, Results, only};

/// A query with the grades of its items.
type Judged = (String, HashMap<String, f64>);

/// Scientific claims over abstracts: 809 queries, 5,183 items.
pub fn scifact(folder: &Path, half: Half) -> Result<()> {
    let items = data::items(&data::rows(&folder.join("scifact/items.jsonl.gz"))?, &["title", "text"], None, None);
    let judged = data::rows(&folder.join("scifact/queries.jsonl.gz"))?
        .iter()
        .map(|row| {
            let relevant = row.get("relevant").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
            (text(row, "query").to_owned(), relevant.map(|id| (id.to_owned(), 1.0)).collect())
        })
        .filter(|(query, _): &Judged| half.takes(query))
        .collect::<Vec<Judged>>();
    compare("SciFact: claims over abstracts", items, &judged, None)
}

/// Movie queries with grades 0 to 4, over a catalog of 9,742 movies with its ratings logged.
pub fn judgments(folder: &Path, half: Half) -> Result<()> {
    let rows = data::rows(&folder.join("movies/items.jsonl.gz"))?;
    let items = data::items(&rows, &["title", "overview"], Some("genres"), None);
    let mut judged: BTreeMap<String, HashMap<String, f64>> = BTreeMap::new();
    for row in data::rows(&folder.join("movies/judgments.jsonl.gz"))? {
        let grade = row.get("grade").and_then(Json::as_f64).unwrap_or_default();
        judged.entry(text(&row, "query").to_owned()).or_default().insert(text(&row, "item").to_owned(), grade);
    }
    let judged: Vec<Judged> = judged.into_iter().filter(|(query, _)| half.takes(query)).collect();
    let events = data::events(&data::rows(&folder.join("movies/events.jsonl.gz"))?);
    compare("Movies: judged queries", items, &judged, Some(events))
}

/// rank() against BM25 alone and the vector alone: the same engine, candidates and text, other weights.
fn compare(title: &str, items: Vec<Item>, judged: &[Judged], events: Option<Vec<onelist::Event>>) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut now = Timestamp::now();
    let db = Engine::open(dir.path(), Config::default())?;
    db.put(items)?;
    if let Some(events) = events {
        now = events.last().and_then(|event| event.time).unwrap_or(now);
        db.log(events)?;
    }
    db.close()?;
    let mut systems = Vec::new();
    for (name, config) in
        [("rank", Config::default()), ("BM25 alone", only("bm25")), ("vector alone", only("cos_query"))]
    {
        let db = Engine::open(dir.path(), config)?;
        let mut values = Vec::with_capacity(judged.len());
        for (query, grades) in judged {
            let hits = db.rank(&Request::new().query(query.as_str()).now(now))?.hits;
            values.push(ndcg(&hits.into_iter().map(|hit| hit.id).collect::<Vec<_>>(), grades));
        }
        db.close()?;
        systems.push((name.to_owned(), values));
    }
    Results { title: title.to_owned(), measure: "nDCG@10", systems }.print();
    Ok(())
}

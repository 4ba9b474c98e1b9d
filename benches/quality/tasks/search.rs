//! Queries with known answers.

use std::collections::BTreeMap;
use std::path::Path;

use onelist::evaluation::JudgedQuery;
use onelist::{Config, Plan, Timestamp};
use serde_json::Value as Json;

use super::Setup;
use super::movies::small;
use crate::Result;
use crate::data::{self, text};
use crate::half::Half;

/// Scientific claims over abstracts: 809 queries, 5,183 items.
pub fn scifact(folder: &Path, half: Half) -> Result<Setup> {
    let items = data::items(&data::rows(&folder.join("scifact/items.jsonl.gz"))?, &["title", "text"], None, None);
    let rows = data::rows(&folder.join("scifact/queries.jsonl.gz"))?;
    let queries = rows.iter().filter(|row| half.takes(text(row, "query"))).map(|row| {
        let relevant = row.get("relevant").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
        judged(text(row, "query"), relevant.map(|id| (id.to_owned(), 1.0)).collect())
    });
    let plan = searches(queries.collect());
    Ok(Setup { config: Config::default(), items, events: Vec::new(), plan })
}

/// Movie queries with grades 0 to 4, over a catalog of 9,742 movies with its ratings logged.
pub fn judgments(folder: &Path, half: Half) -> Result<Setup> {
    let mut grades: BTreeMap<String, BTreeMap<String, f64>> = BTreeMap::new();
    for row in data::rows(&folder.join("movies/judgments.jsonl.gz"))? {
        let grade = row.get("grade").and_then(Json::as_f64).unwrap_or_default();
        grades.entry(text(&row, "query").to_owned()).or_default().insert(text(&row, "item").to_owned(), grade);
    }
    let queries =
        grades.into_iter().filter(|(query, _)| half.takes(query)).map(|(query, grades)| judged(&query, grades));
    let plan = searches(queries.collect());
    Ok(Setup { plan, ..small(folder)? })
}

/// Search and recommendation at once: a user's history up to the moment of a tag, the tag as the query, the tagged
/// movie as the target.
pub fn tags(folder: &Path, half: Half) -> Result<Setup> {
    let rows = data::rows(&folder.join("movies/tags.jsonl.gz"))?;
    let queries = rows.iter().filter(|row| half.takes(text(row, "tag"))).map(|row| {
        let mut query = judged(text(row, "tag"), BTreeMap::from([(text(row, "item").to_owned(), 1.0)]));
        query.user = Some(text(row, "user").to_owned());
        query.time = row.get("time").and_then(Json::as_f64).map(Timestamp::from_seconds);
        query
    });
    let plan = searches(queries.collect());
    Ok(Setup { plan, ..small(folder)? })
}

fn judged(query: &str, grades: BTreeMap<String, f64>) -> JudgedQuery {
    JudgedQuery { query: query.to_owned(), grades, user: None, time: None }
}

fn searches(queries: Vec<JudgedQuery>) -> Plan {
    let mut plan = Plan::default();
    plan.next_item = false;
    plan.queries = queries;
    plan
}

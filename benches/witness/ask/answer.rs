//! A ranking as two values: its numbers, and its words.

use onelist::{Ranking, json};
use serde_json::{Map, Value as Json};

use super::super::renamed::{FEATURES, RANKING, SOURCES, keys, old};
use super::super::{Result, given};

/// The numbers and names of a ranking, and what it says in words.
///
/// Left out is what differs from call to call: the `rank_id`, the times, and the token of the next page, which is a hash of
/// how this version prints the request (that there is one stays).
pub fn split(ranking: &Ranking) -> Result<(Json, Json)> {
    let written = given::answered(&[], json::ranking_to_json(ranking))?;
    let Json::Object(mut ranking) = written else { return Err("a ranking is no object".into()) };
    keys(RANKING, &mut ranking);
    ranking.remove("rank_id");
    ranking.remove("took");
    let next = ranking.remove("next").unwrap_or_default();
    ranking.insert("has_next".to_owned(), next.is_string().into());
    let mut words = Map::new();
    let degraded = ranking.remove("degraded").unwrap_or_default();
    ranking.insert("degraded".to_owned(), degraded.as_array().map_or(0, Vec::len).into());
    words.insert("degraded".to_owned(), degraded);
    let mut lines = Vec::new();
    for hit in ranking.get_mut("hits").and_then(Json::as_array_mut).into_iter().flatten() {
        lines.push(split_hit(hit));
    }
    words.insert("hits".to_owned(), lines.into());
    Ok((ranking.into(), words.into()))
}

/// Gives features and sources of a hit their old names, and takes its words out of it.
fn split_hit(hit: &mut Json) -> Json {
    for source in hit["sources"].as_array_mut().into_iter().flatten() {
        let name = old(SOURCES, source["source"].as_str().unwrap_or_default()).to_owned();
        source["source"] = name.into();
    }
    let Some(why) = hit.get_mut("why").and_then(Json::as_object_mut) else { return Json::Null };
    if let Some(contributions) = why.get_mut("contributions").and_then(Json::as_object_mut) {
        keys(FEATURES, contributions);
    }
    let line = why.remove("line").unwrap_or_default();
    let by = why.get_mut("moved").and_then(Json::as_object_mut).and_then(|moved| moved.remove("by"));
    serde_json::json!({ "line": line, "moved_by": by })
}

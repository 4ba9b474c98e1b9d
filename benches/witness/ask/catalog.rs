//! What a store says of itself: items, scenarios, statistics, checks.

use onelist::json;
use serde_json::{Value as Json, json};

use super::super::renamed::{IMPRESSIONS, MODELS, RULES, STATS};
use super::super::{Result, given};
use super::Asking;

/// Reads the store.
pub fn ask(asking: &mut Asking) -> Result<()> {
    let ids: Vec<String> =
        asking.world.popular.iter().step_by(40).cloned().chain(["no such item".to_owned()]).collect();
    let got = asking.db.get(&ids)?;
    asking.add("catalog", "get", given::answered(&[], json::items_to_json(got.iter().map(Option::as_ref)))?)?;
    let scanned = asking.db.scan(ids.first().map(String::as_str), 25)?;
    asking.add("catalog", "scan", given::answered(&[], json::items_to_json(scanned.iter().map(Some)))?)?;
    let scenarios = given::answered(RULES, json::scenarios_to_json(&asking.db.scenarios()?))?;
    asking.add("catalog", "scenarios", scenarios)?;
    let exposure = given::answered(IMPRESSIONS, json::new_item_exposure_to_json(&asking.db.new_item_exposure()?))?;
    asking.add("catalog", "exposure", exposure)?;
    let stats = stats(asking)?;
    asking.add("catalog", "stats", stats)?;
    let checked = asking.db.verify_vectors()?;
    let checked = json!({ "vectors": checked.vectors, "semantic_ids": checked.semantic_ids, "wrong": checked.wrong });
    asking.add("catalog", "check-space", checked)?;
    let counted = asking.db.verify_signals()?;
    // Digests over what is counted: they are those of the stored rows.
    asking.add("catalog", "recount", json!({ "before": counted.before, "after": counted.after }))?;
    let mut models = given::answered(MODELS, json::models_to_json(&asking.db.models()?))?;
    without(&mut models, &["sha256", "loaded", "base"]);
    asking.add("catalog", "models", models)
}

/// Statistics, without what depends on the machine (paths, bytes), on how far the background has come (the op log), on chance
/// (the id of a fitted space) or on the model's file, whose manifest has the names of features in it.
pub fn stats(asking: &Asking) -> Result<Json> {
    let mut stats = given::answered(STATS, json::stats_to_json(&asking.db.stats()?))?;
    without(&mut stats, &["disk_bytes", "memory_bytes", "onnxruntime", "oplog", "sha256", "id"]);
    Ok(stats)
}

/// Takes keys away, wherever they are.
pub fn without(value: &mut Json, keys: &[&str]) {
    match value {
        Json::Object(map) => {
            map.retain(|key, _| !keys.contains(&key.as_str()));
            map.values_mut().for_each(|value| without(value, keys));
        }
        Json::Array(values) => values.iter_mut().for_each(|value| without(value, keys)),
        _ => {}
    }
}

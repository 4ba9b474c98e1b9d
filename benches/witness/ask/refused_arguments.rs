//! Texts that readers of JSON refuse, and plans that a store refuses.

use onelist::{Engine, json};
use serde_json::{Value as Json, json};

use super::super::given;

type Read = fn(&str) -> onelist::Result<()>;
type Plan = fn(&Engine, &Json) -> onelist::Result<()>;

/// Texts by name, with what reads them.
pub fn texts() -> Vec<(&'static str, &'static str, Read)> {
    let request: Read = |text| json::request_from_json(text).map(drop);
    let items: Read = |text| json::items_from_json(text).map(drop);
    let config: Read = |text| json::config_from_json(text)?.validate();
    let rules: Read = |text| json::rules_from_json(text).map(drop);
    let external: Read = |text| json::external_from_json(text).map(drop);
    vec![
        ("syntax", "{\"query\": ", request),
        ("twice", "{\"query\": \"a\", \"query\": \"b\"}", request),
        ("after", "{} {}", request),
        ("array", "[]", request),
        ("number", "{\"limit\": 1e400}", request),
        ("whole", "{\"limit\": 2.5}", request),
        ("second-item", "[{\"id\": \"a\"}, {\"id\": 5}]", items),
        ("second-line", "{\"id\": \"a\"}\n{\"id\": \"b\", \"price\": {}}", items),
        ("config-key", "{\"candidate\": 5}", config),
        ("config-kind", "{\"fields\": {\"title\": {\"kind\": \"string\"}}}", config),
        ("config-candidates", "{\"candidates\": 0}", config),
        ("config-boost", "{\"fields\": {\"title\": {\"boost\": 1001}}}", config),
        ("config-scale", "{\"rating_scale\": [5, 1]}", config),
        ("config-gap", "{\"session_gap\": 0}", config),
        ("config-action", "{\"actions\": {\"wave\": {\"meaning\": \"friendly\"}}}", config),
        ("config-weights", "{\"weights\": [[1, \"two\"]]}", config),
        ("config-retention", "{\"retention\": {\"per_user\": 0}}", config),
        ("rules-object", "{\"rule\": \"pin\"}", rules),
        ("rules-foreign", "[{\"rule\": \"pin\", \"item\": \"a\", \"position\": 1, \"amount\": 2}]", rules),
        ("external", "{\"name\": \"x\", \"targets_hash\": \"y\", \"answers\": {\"one\": []}}", external),
    ]
}

/// Plans by name, with what takes them.
pub fn plans() -> Vec<(&'static str, Json, Plan)> {
    let evaluate: Plan = |db, plan| db.evaluate(&given::plan(plan)?).map(drop);
    let export: Plan = |db, plan| db.export_training("/nowhere/at/all", &given::training_plan(plan)?).map(drop);
    vec![
        ("protocol", json!({ "protocol": "random" }), evaluate),
        ("unused", json!({ "protocol": "leave_last_out", "share": 0.2 }), evaluate),
        ("both", json!({ "at_share": 0.5, "at_time": 1.3e9 }), evaluate),
        ("share", json!({ "protocol": "item_cold", "share": 0.9 }), evaluate),
        ("ks", json!({ "ks": [] }), evaluate),
        ("resamples", json!({ "resamples": 5 }), evaluate),
        ("nothing", json!({ "next_item": false }), evaluate),
        ("grade", json!({ "queries": [{ "query": "a", "grades": { "b": 11 } }] }), evaluate),
        ("targets", json!({ "targets": "all" }), evaluate),
        ("no-targets", json!({ "at_time": 4e9 }), evaluate),
        ("category", json!({ "category": "shelf" }), evaluate),
        ("training-requests", json!({ "requests": 0 }), export),
        ("training-key", json!({ "rows": 5 }), export),
    ]
}

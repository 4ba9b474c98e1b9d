//! The controls of a request, each alone and some together.

use serde_json::{Value as Json, json};

use super::super::worlds::World;

const DAY: f64 = 86_400.0;

/// Every control by name, as what it adds to a request.
pub fn all(world: &World) -> Vec<(String, Json)> {
    let groups =
        [pages(world), history(world), mixture(world), items(world), rules(world), words(world), together(world)];
    groups.into_iter().flatten().map(|(name, control)| (name.to_owned(), control)).collect()
}

type Controls = Vec<(&'static str, Json)>;

/// Some items by their place among the popular ones.
fn some<const N: usize>(world: &World, places: [usize; N]) -> Vec<&str> {
    let popular = |place: usize| world.popular.get(place).map(String::as_str);
    places.into_iter().filter_map(popular).collect()
}

/// Items from all over the list, popular and not.
fn spread(world: &World, count: usize) -> Vec<&str> {
    let step = (world.items.len() / count.max(1)).max(1);
    world.items.iter().step_by(step).take(count).filter_map(|item| item["id"].as_str()).collect()
}

fn pages(_: &World) -> Controls {
    vec![
        ("limit-0", json!({ "limit": 0 })),
        ("limit-1", json!({ "limit": 1 })),
        ("limit-60", json!({ "limit": 60 })),
        ("offset", json!({ "offset": 12, "limit": 6 })),
        ("offset-far", json!({ "offset": 500, "limit": 5 })),
        ("candidates-few", json!({ "candidates": 15 })),
        ("candidates-many", json!({ "candidates": 900, "limit": 25 })),
        ("fields-all", json!({ "fields": null, "limit": 3 })),
        ("fields-none", json!({ "fields": [] })),
    ]
}

fn history(world: &World) -> Controls {
    let [a, b, c] = [3, 17, 40].map(|place| world.popular.get(place).map_or("", String::as_str));
    let ago = |days: f64| world.now - days * DAY;
    let past = json!([
        { "item": a, "action": "buy", "time": ago(40.0) }, { "item": "no such item" },
        { "item": b, "action": "rate", "value": 1, "time": ago(20.0) }, { "item": c, "action": "like", "time": ago(1.0) },
        { "item": a, "action": "view", "time": ago(0.01) }, { "item": b, "action": "some action", "value": 3.5 },
    ]);
    vec![
        ("history-ids", json!({ "history": [a, b, c] })),
        ("history-events", json!({ "history": past })),
        ("history-long", json!({ "history": spread(world, 250) })),
        ("user-unknown", json!({ "user": "never seen before" })),
        ("earlier", json!({ "now": ago(150.0) })),
        ("later", json!({ "now": world.now + 400.0 * DAY })),
        ("exclude-seen", json!({ "exclude_seen": true })),
        ("exclude-seen-actions", json!({ "exclude_seen": { "actions": ["like", "buy", "click"] } })),
        ("exclude-seen-days", json!({ "exclude_seen": { "within_days": 30 }, "history": [a] })),
        ("personalization-off", json!({ "personalization": "off" })),
        ("personalization-low", json!({ "personalization": "low" })),
        ("personalization-high", json!({ "personalization": "high" })),
        ("segment", json!({ "segments": { "country": "France" } })),
        ("segments", json!({ "segments": { "country": "Germany", "plan": "none" }, "personalization": "off" })),
    ]
}

fn mixture(world: &World) -> Controls {
    let tags = world.tags;
    vec![
        ("diversity-low", json!({ "diversity": 0.3 })),
        ("diversity-high", json!({ "diversity": 0.9, "limit": 12 })),
        ("cap-tags", json!({ "caps": [{ "field": tags, "most": 1 }] })),
        ("cap-semantic", json!({ "caps": [{ "field": "semantic_id:1", "most": 1 }] })),
        ("caps", json!({ "caps": [{ "field": tags, "most": 3 }, { "field": "semantic_id:2", "most": 1 }] })),
        ("mix", json!({ "calibrate_mix": { "field": tags, "strength": 0.5 } })),
        ("mix-semantic", json!({ "calibrate_mix": { "field": "semantic_id:1", "strength": 1 } })),
        ("mix-diversity", json!({ "calibrate_mix": { "field": tags, "strength": 0.3 }, "diversity": 0.4 })),
    ]
}

fn items(world: &World) -> Controls {
    vec![
        ("like", json!({ "like": some(world, [5]) })),
        ("like-three", json!({ "like": some(world, [8, 30, 90]) })),
        ("like-unknown", json!({ "like": ["no such item"] })),
        ("unlike", json!({ "unlike": some(world, [0, 1]) })),
        ("like-unlike", json!({ "like": some(world, [2]), "unlike": some(world, [6, 11]) })),
        ("among", json!({ "among": spread(world, 40) })),
        ("among-few", json!({ "among": some(world, [4, 9, 14]), "limit": 10 })),
        ("among-none", json!({ "among": [] })),
        ("exclude", json!({ "exclude": some(world, [0, 1, 2, 3, 4, 5, 6, 7]) })),
        // Nothing fits so well, so no place is drawn; the source of new items proposes all the same.
        (
            "new-items-unfit",
            json!({ "new_items": { "share": 0.3, "days": 200, "events_below": 3, "least_fit": 1 }, "limit": 150, "fields": [] }),
        ),
        ("new-items-none", json!({ "new_items": { "share": 0, "shown_below": 2 } })),
        // A cold draw keeps the order: what is drawn at random is looked at elsewhere.
        ("explore-cold", json!({ "explore": { "share": 1, "temperature": 0 } })),
    ]
}

fn rules(world: &World) -> Controls {
    let filter = world.filters.first().map(|(_, filter)| filter).cloned().unwrap_or_default();
    let (first, second) = (some(world, [20, 21]), some(world, [0, 2, 4]));
    let rules = json!([
        { "rule": "pin", "item": first.first(), "position": 3 },
        { "rule": "boost", "ids": first, "amount": 0.25 },
        { "rule": "bury", "filter": filter, "amount": 0.15 },
        { "rule": "cap", "field": world.tags, "most": 2 },
        { "rule": "pin", "item": "no such item", "position": 1 },
    ]);
    let scenario = world.scenarios.first().map(|(name, _)| *name);
    vec![
        ("rule-pin", json!({ "rules": [{ "rule": "pin", "item": second.first(), "position": 4 }] })),
        ("rule-boost", json!({ "rules": [{ "rule": "boost", "filter": filter, "amount": 0.5 }] })),
        ("rule-bury", json!({ "rules": [{ "rule": "bury", "ids": second, "amount": 2 }] })),
        ("rule-require", json!({ "rules": [{ "rule": "require", "filter": filter }] })),
        (
            "rule-exclude",
            json!({ "rules": [{ "rule": "exclude", "filter": filter }, { "rule": "exclude", "ids": second }] }),
        ),
        ("rules", json!({ "rules": rules })),
        ("scenario", json!({ "scenario": scenario })),
        ("scenario-rules", json!({ "scenario": scenario, "rules": rules, "offset": 2 })),
    ]
}

fn words(world: &World) -> Controls {
    let long = world.queries.iter().cycle().take(400).map(String::as_str).collect::<Vec<_>>().join(" ");
    vec![
        ("query-odd", json!({ "query": "!!! ??? ()" })),
        ("query-empty", json!({ "query": "" })),
        ("query-common", json!({ "query": "the and of a" })),
        ("query-unknown", json!({ "query": "zzyzxq wvuttr" })),
        ("query-long", json!({ "query": long, "limit": 4 })),
        ("query-accents", json!({ "query": "CAFÉ naïve Œuvre 東京 war" })),
    ]
}

fn together(world: &World) -> Controls {
    let filter = world.filters.get(1).map(|(_, filter)| filter).cloned().unwrap_or_default();
    let mixed = json!({
        "filter": filter, "exclude_seen": true, "diversity": 0.2, "unlike": some(world, [1]),
        "caps": [{ "field": world.tags, "most": 3 }], "exclude": some(world, [3, 4]), "limit": 12,
    });
    let strong = json!({
        "personalization": "high", "history": some(world, [7, 8, 9]), "like": some(world, [12]),
        "calibrate_mix": { "field": world.tags, "strength": 0.4 }, "candidates": 400, "offset": 3,
    });
    let mut all = vec![("mixed", mixed), ("strong", strong)];
    if let Some(item) = world.items.iter().find(|item| item["picture"].is_array()) {
        let picture = &item["picture"];
        all.push(("vector", json!({ "vectors": { "picture": picture } })));
        all.push(("vector-filter", json!({ "vectors": { "picture": picture }, "filter": filter, "fields": null })));
        all.push(("vector-like", json!({ "vectors": { "picture": picture }, "like": some(world, [10]) })));
    }
    all
}

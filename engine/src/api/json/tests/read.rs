//! What is read, as documented; what is wrong is a typed error that names the place.

use crate::api::exploration::{Exploration, Impressions, NewItems};
use crate::api::filter::Filter;
use crate::api::item::{Item, Kind, Value};
use crate::api::json::*;
use crate::base::error::Error;
use crate::base::time::Timestamp;
use crate::{Action, Config, Event, HistoryEvent, Personalization, Provider, Request, Rule, TrainingPlan};

#[test]
fn items_are_guessed_as_documented() {
    let item = item_from_json(
        r#"{"id": "sku-9", "title": "Red shoes", "price": 9.5, "ok": true, "tags": ["a", "b"], "none": [], "gone": null,
            "place": {"lon": 2.3, "lat": 48.8}, "released": {"date": 1.5}, "image": [0.1, -2],
            "t": {"text": "x"}, "g": {"tags": ["y"]}, "v": {"vector": [1]}}"#,
    )
    .expect("reads");
    let expected = Item::new("sku-9")
        .text("title", "Red shoes")
        .number("price", 9.5)
        .with("ok", Value::Bool(true))
        .tags("tags", ["a", "b"])
        .tags("none", Vec::<String>::new())
        .with("place", Value::Geo { lat: 48.8, lon: 2.3 })
        .with("released", Value::Date(Timestamp::from_millis(1500)))
        .with("image", Value::Vector(vec![0.1, -2.0]))
        .text("t", "x")
        .tags("g", ["y"])
        .with("v", Value::Vector(vec![1.0]));
    assert_eq!(item, expected);
    assert_eq!(ids_from_json(r#"["a", "b\u0000"]"#).expect("reads"), ["a", "b\0"]);
    assert!(items_from_json(" \n").expect("reads").is_empty() && items_from_json("[]").expect("reads").is_empty());
}

#[test]
fn events_read_as_documented() {
    let events = events_from_json(
        r#"{"user": "u", "action": "purchase", "item": "a", "value": 2, "time": -0.5, "rank_id": "r", "query": null}
           {"user": "u", "action": "wave", "query": "red"}"#,
    );
    let mut bought =
        Event::new("u", Action::Other("purchase".to_owned())).item("a").value(2.0).at(Timestamp::from_millis(-500));
    bought.rank_id = Some("r".to_owned());
    let waved = Event::new("u", Action::Other("wave".to_owned())).query("red");
    assert_eq!(events.expect("reads"), [bought, waved]);
}

#[test]
fn requests_read_as_documented() {
    let given = r#"{"query": "q", "user": "u", "history": ["a", {"item": "b", "action": "rate", "value": 5, "time": 9}],
            "like": ["l"], "among": ["m"], "vectors": {"image": [1, 0]}, "filter": {"price": {"<": 9}}, "exclude": ["x"],
            "exclude_seen": true, "limit": 3, "offset": 1, "candidates": 50, "fields": ["title"], "explain": true, "now": 60,
            "unlike": ["n"], "personalization": "high", "diversity": 0.5, "caps": [{"field": "brand", "max": 2}],
            "match_history_mix": {"field": "genres", "strength": 0.25}, "rules": [{"rule": "pin", "item": "p", "position": 1}],
            "scenario": "s", "adapter": "shoes", "segments": {"country": "UK"}, "page_token": "token", "explore": {"fraction": 0.5, "temperature": 0.25, "swaps": 0.125},
            "new_items": {"fraction": 0.2, "days": 7, "shown_below": 3, "events_below": 2, "min_fit": 0.5}, "log_impression": false}"#;
    let rated = HistoryEvent {
        action: Action::Rate,
        value: Some(5.0),
        time: Some(Timestamp::from_seconds(9.0)),
        ..HistoryEvent::new("b")
    };
    let mut expected = Request::new().query("q").user("u").like(["l"]).among(["m"]).vector("image", vec![1.0, 0.0]);
    expected = expected.filter(Filter::less("price", 9.0)).exclude_seen().limit(3).offset(1).explain();
    expected = expected.now(Timestamp::from_seconds(60.0));
    expected = expected.unlike(["n"]).personalization(Personalization::High).diversity(0.5).cap("brand", 2);
    expected = expected.match_history_mix("genres", 0.25).rule(Rule::Pin { item: "p".to_owned(), position: 1 });
    expected = expected.scenario("s").adapter("shoes").segment("country", "UK").page_token("token").unlogged();
    expected = expected.explore(Exploration { fraction: 0.5, temperature: 0.25, swaps: 0.125 });
    expected = expected.new_items(NewItems {
        fraction: 0.2,
        days: Some(7.0),
        shown_below: Some(3.0),
        events_below: Some(2.0),
        min_fit: Some(0.5),
    });
    expected.history = vec![HistoryEvent::new("a"), rated];
    expected.exclude = vec!["x".to_owned()];
    expected.candidates = Some(50);
    expected.fields = Some(vec!["title".to_owned()]);
    assert_eq!(request_from_json(given).expect("reads"), expected);
    let when = r#"{"exclude_seen": {"actions": ["buy", "wave"], "within_days": 30}}"#;
    let bought = [Action::Buy, Action::Other("wave".to_owned())];
    assert_eq!(request_from_json(when).expect("reads"), Request::new().exclude_seen_when(bought, Some(30.0)));
    let nothing_given = r#"{"query": null, "limit": null, "history": null, "filter": null, "among": null}"#;
    assert_eq!(request_from_json(nothing_given).expect("reads"), Request::new());
    assert_eq!(requests_from_json("[{}, {}]").expect("reads").len(), 2);
}

#[test]
fn filters_have_a_shorthand() {
    let read = |text: &str| filter_from_json(text).expect("reads");
    assert_eq!(read("{}"), Filter::And(vec![]));
    assert_eq!(read(r#"{"g": "Comedy"}"#), Filter::equal("g", "Comedy"));
    assert_eq!(read(r#"{"d": {"date": 2}}"#), Filter::equal("d", Timestamp::from_seconds(2.0)));
    assert_eq!(read(r#"{"p": {"!=": 3}}"#), Filter::equal("p", 3.0).not());
    assert_eq!(read(r#"{"p": {"exists": false}}"#), Filter::exists("p").not());
    let decade = Filter::at_least("year", 1990.0).and(Filter::less("year", 2000.0));
    assert_eq!(read(r#"{"year": {">=": 1990, "<": 2000}}"#), decade);
}

#[test]
fn errors_name_the_place_and_the_known_keys() {
    let message = |result: Result<(), Error>| result.expect_err("must be refused").to_string();
    let items = |text: &str| message(items_from_json(text).map(drop));
    let request = |text: &str| message(request_from_json(text).map(drop));
    let filter = |text: &str| message(filter_from_json(text).map(drop));
    let config = |text: &str| message(config_from_json(text).map(drop));

    let three = r#"[{"id": "a"}, {"id": "b"}, {"id": "c"}, {"id": "d", "price": {"amount": 5}}]"#;
    assert!(items(three).starts_with("items[3].price: expected {\"lat\": .., "), "{}", items(three));
    assert!(items(r#"{"id": "a"} {"id": 5}"#).starts_with("items[1].id: expected a string, found 5"));
    assert!(items(r#"[{"title": "x"}]"#).contains("items[0]") && items(r#"[{"title": "x"}]"#).contains("`id`"));
    assert!(items(r#"[{"id": "a", "v": [1, "x"]}]"#).starts_with("items[0].v[1]: expected a number, found \"x\""));
    assert!(items(r#"[{"id": "a"},"#).contains("EOF") && items("[{\"id\": 1e400}]").contains("number out of range"));
    assert!(items(r#"[{"id": "a", "id": "b"}]"#).contains("key `id` stands twice"));
    assert!(request(r#"{"qurey": "x"}"#).starts_with("unknown field `request.qurey`: known fields are query, user,"));
    assert!(request(r#"{"limit": -1}"#).starts_with("request.limit: expected a whole number, 0 or more, found -1"));
    assert!(request(r#"{"limit": 2.5}"#).contains("2.5") && request(r#"{"now": 1.7e12}"#).contains("milliseconds"));
    assert!(request(r#"{"history": ["a", {"item": "b", "actoin": "x"}]}"#).contains("`request.history[1].actoin`"));
    assert!(
        request(r#"{"filter": {"or": [{"a": {"=>": 1}}]}}"#)
            .contains("`request.filter.or[0].a.=>`: known fields are =")
    );
    assert!(filter(r#"{"a": ["x"]}"#).contains("{\"in\": [..]}") && filter(r#"{"a": null}"#).contains("exists"));
    assert!(
        filter(r#"{"a": {"near": {"lat": 1, "lon": 2}}}"#)
            .starts_with("filter.a.near: expected an object with the key `meters`")
    );
    assert!(config(r#"{"fields": {"t": {"kind": "string"}}}"#).contains("one of text, number, bool"));
    assert!(request(&format!("{{\"{}\": 1}}", "x".repeat(5000))).len() < 500);
    assert!(request(r#"{"personalization": "loud"}"#).contains("off, low, medium, high"));
    assert!(request(r#"{"exclude_seen": {"action": "buy"}}"#).contains("known fields are actions, within_days"));
    assert!(
        request(r#"{"caps": [{"field": "brand"}]}"#)
            .starts_with("request.caps[0]: expected an object with the key `max`")
    );
    let mix = request(r#"{"match_history_mix": {"field": "brand"}}"#);
    assert!(mix.starts_with("request.match_history_mix: expected an object with the key `strength`"), "{mix}");
    assert!(
        request(r#"{"rules": [{"rule": "pin", "item": 3}]}"#).starts_with("request.rules[0].item: expected a string")
    );
}

#[test]
fn limits_are_typed_and_quick() {
    let name = |result: Result<(), Error>| result.expect_err("must be refused").name();
    let deep = |open: &str, close: &str, n: usize| format!("{}{{}}{}", open.repeat(n), close.repeat(n));
    assert_eq!(name(filter_from_json(&deep("{\"not\":", "}", 40)).map(drop)), "LimitExceeded");
    assert_eq!(name(filter_from_json(&deep("{\"not\":", "}", 100_000)).map(drop)), "InvalidArgument");
    assert_eq!(name(items_from_json(&"[".repeat(1_000_000)).map(drop)), "InvalidArgument");
    let many = format!("{{\"id\": \"a\", \"x\": [{}0]}}", "0,".repeat(9 << 20));
    assert_eq!(name(item_from_json(&many).map(drop)), "LimitExceeded");
    assert_eq!(name(requests_from_json(&format!("[{}{{}}]", "{},".repeat(1024))).map(drop)), "LimitExceeded");
    assert_eq!(name(item_from_json(&" ".repeat(crate::base::limits::MAX_JSON_BYTES + 1)).map(drop)), "LimitExceeded");
    assert_eq!(name(item_from_json(r#"{"id": "a", "v": [1, 1e39]}"#).map(drop)), "NonFinite");
    assert_eq!(request_from_json(r#"{"limit": 1e300}"#).expect("reads").limit, usize::MAX);
}

#[test]
fn configurations_read_as_documented() {
    let given = r#"{"fields": {"title": {"kind": "text", "boost": 2, "embed": false}}, "strict": true, "date_field": "released",
            "onnxruntime": "/lib", "model": "/m", "provider": "tensorrt", "provider_fallback": true, "precision": "reduced",
            "engine_cache": "/e", "sessions": 2,
            "threads_per_session": 3, "index_threads": 4, "candidates": 5, "weights": [[1, 0.5], []],
            "tune": true, "fit_space": true, "re_embed": true, "actions": {"wish": {"meaning": "neutral", "weight": 3}}, "rating_scale": [0, 10], "session_gap": 60, "retention": {"per_user": 5, "total": 6, "days": 0.5}, "max_bytes": 1073741824, "force_network_fs": true,
            "impressions": {"enabled": false, "fraction": 0.5, "max": 9}, "explore": {"fraction": 0.1}, "new_items": {"days": 3}}"#;
    let config = config_from_json(given).expect("reads");
    let mut expected = Config::default().field("title", Kind::Text).boost("title", 2.0);
    if let Some(field) = expected.fields.get_mut("title") {
        field.embed = Some(false);
    }
    expected.strict = true;
    expected.date_field = Some("released".to_owned());
    expected.onnxruntime = Some("/lib".into());
    expected.model = Some("/m".into());
    expected.provider = Provider::TensorRt;
    expected.provider_fallback = true;
    (expected.precision, expected.engine_cache) = (crate::Precision::Reduced, Some("/e".into()));
    (expected.sessions, expected.threads_per_session, expected.index_threads) = (2, 3, 4);
    expected.candidates = 5;
    expected.weights = vec![vec![1.0, 0.5], vec![]];
    expected.tune = true;
    expected.fit_space = true;
    expected.re_embed = true;
    expected = expected.action("wish", crate::api::config::Meaning::Neutral, 3.0);
    expected.rating_scale = (0.0, 10.0);
    expected.session_gap = 60.0;
    expected.retention = crate::api::retention::Retention { per_user: Some(5), total: Some(6), days: Some(0.5) };
    expected.max_bytes = 1 << 30;
    expected.force_network_fs = true;
    expected.impressions = Impressions { enabled: false, fraction: 0.5, max: 9 };
    expected.explore = Some(Exploration { fraction: 0.1, ..Exploration::default() });
    expected.new_items = Some(NewItems { days: Some(3.0), ..NewItems::default() });
    assert_eq!(config, expected);
    assert_eq!(config_from_json("{}").expect("reads"), Config::default());
    let impressions = |json| config_from_json(json).expect("reads").impressions;
    assert_eq!(impressions(r#"{"impressions": false}"#), Impressions::off());
    assert_eq!(impressions(r#"{"impressions": true}"#), Impressions::default());
}

#[test]
fn answers_from_elsewhere_are_read_and_wrong_ones_name_the_place() {
    use crate::api::evaluation::ExternalAnswer::{Ranked, Scored};
    let text = r#"{"name": "x", "targets_hash": "ab", "answers": {"0": ["a", "b"], "12": {"a": 0.5}, "3": []}}"#;
    let read = external_from_json(text).expect("reads");
    assert_eq!((read.name.as_str(), read.targets_hash.as_str(), read.answers.len()), ("x", "ab", 3));
    assert_eq!(read.answers[&0], Ranked(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(read.answers[&12], Scored([("a".to_owned(), 0.5)].into()));
    let plan = plan_from_json(&format!(r#"{{"external": [{text}]}}"#)).expect("reads");
    assert_eq!(plan.external, [read]);
    let refused = |answers: &str| {
        let json = format!(r#"{{"name": "x", "targets_hash": "ab", "answers": {answers}}}"#);
        external_from_json(&json).expect_err("must be refused").to_string()
    };
    assert!(refused(r#"{"first": []}"#).starts_with("external.answers: expected whole numbers as keys, found `first`"));
    assert!(refused(r#"{"1": [], "01": []}"#).contains("`01`"), "two keys are never one number");
    assert!(refused(r#"{"1": {"a": "high"}}"#).starts_with("external.answers.1.a"));
    assert!(refused(r#"{"1": 5}"#).starts_with("external.answers.1"));
    assert!(external_from_json(r#"{"name": "x"}"#).is_err_and(|e| e.to_string().contains("targets_hash")));
}

#[test]
fn plans_are_read_and_wrong_ones_name_the_place() {
    use crate::api::evaluation::{Protocol, SplitAt, Targets};
    let plan = plan_from_json(
        r#"{"protocol": "item_cold", "fraction": 0.2, "targets": "every", "ks": [10, 50], "exclude_seen": null,
            "queries": [{"query": "q", "grades": {"a": 3}}, {"query": "r", "grades": ["b"], "user": "u", "time": 5}],
            "variants": [{"name": "v", "weights": [[1, 2]]}]}"#,
    )
    .expect("reads");
    assert_eq!((plan.protocol, plan.targets), (Protocol::ItemCold { fraction: 0.2 }, Targets::Every));
    assert_eq!((plan.ks.as_slice(), plan.exclude_seen), (&[10, 50][..], true));
    assert_eq!((plan.queries[0].grades["a"], plan.queries[1].grades["b"]), (3.0, 1.0));
    assert_eq!(plan.variants[0].weights, [[1.0, 2.0]]);
    assert_eq!(plan_from_json("{}").expect("reads"), crate::Plan::default());
    let split = plan_from_json(r#"{"at_time": 60}"#).expect("reads").protocol;
    assert_eq!(split, Protocol::GlobalTimeSplit { at: SplitAt::Time(crate::Timestamp::from_seconds(60.0)) });

    let refused = |json: &str| plan_from_json(json).expect_err("must be refused").to_string();
    assert!(refused(r#"{"protocol": "tomorrow"}"#).starts_with("plan.protocol: expected one of time_split"));
    assert!(refused(r#"{"fraction": 0.5}"#).contains("`fraction`"), "a time split has at_fraction");
    assert!(refused(r#"{"protocol": "item_cold", "at_time": 5}"#).contains("`at_time`"));
    assert!(refused(r#"{"at_time": 5, "at_fraction": 0.5}"#).contains("both"));
    assert!(refused(r#"{"queries": [{"grades": {}}]}"#).starts_with("plan.queries[0]"));
    assert!(refused(r#"{"targets": 3}"#).starts_with("plan.targets"));
    assert!(refused(r#"{"seeds": 3}"#).contains("plan.seeds"));
}

#[test]
fn plans_of_training_files_are_read() {
    let plan = training_plan_from_json(r#"{"requests": 7, "negatives": 0, "until": 1.5}"#).expect("reads");
    assert_eq!((plan.requests, plan.negatives, plan.until), (7, Some(0), Some(Timestamp::from_millis(1_500))));
    assert!(!plan.stratified && training_plan_from_json(r#"{"stratified": true}"#).expect("reads").stratified);
    let plan = training_plan_from_json(r#"{"negatives": null}"#).expect("reads");
    assert_eq!(plan, TrainingPlan::default());
    for wrong in [r#"{"request": 7}"#, r#"{"requests": -1}"#, r#"{"until": "now"}"#, r#"{"stratified": 1}"#, "[]", ""] {
        assert!(training_plan_from_json(wrong).is_err(), "{wrong}");
    }
}

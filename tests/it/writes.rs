//! put, delete, get, scan, log: what they promise.

use onelist::{Action, Config, Engine, Event, Item, Kind, Request, Source, Value};
use onelist_tests::{empty, goods, ids, shop};

#[test]
fn what_was_put_is_read_back_and_ranked_at_once() {
    let shop = empty().expect("opens");
    for item in goods() {
        shop.db.put(vec![item.clone()]).expect("puts");
        let id = item.id.clone();
        assert_eq!(shop.db.get(&[&id]).expect("reads"), [Some(item.clone())]);
        let Some(Value::Text(title)) = item.fields.get("title") else { panic!("goods have titles") };
        let found = ids(&shop.db, &Request::new().query(title.as_str()).limit(1)).expect("ranks");
        assert_eq!(found, [id], "read your writes, in text and in vectors");
    }
}

#[test]
fn an_upsert_replaces_the_whole_item_in_every_index() {
    let shop = shop().expect("opens");
    shop.db.put(vec![Item::new("teapot").text("title", "Garden hose with brass fittings")]).expect("puts");
    let first = |query: &str| ids(&shop.db, &Request::new().query(query).limit(1)).expect("ranks");
    assert_eq!(first("garden hose"), ["teapot"]);
    let old_words = shop.db.rank(&Request::new().query("porcelain flowers")).expect("ranks");
    let by_words = |hit: &onelist::Hit| hit.sources.iter().any(|p| p.source == Source::Lexical);
    assert!(!old_words.hits.iter().any(by_words), "the old version's words are gone: {old_words:?}");
    let item = shop.db.get(&["teapot"]).expect("reads").remove(0).expect("is there");
    assert_eq!(item.fields.len(), 1, "fields of the old version are gone");
    let with_image = Request::new().vector("image", vec![0.0, 0.0, 1.0]).limit(1);
    assert_eq!(ids(&shop.db, &with_image).expect("ranks"), ["kettle"], "the old version's vector is gone");
}

#[test]
fn deleted_items_are_nowhere() {
    let shop = shop().expect("opens");
    assert_eq!(shop.db.delete(&["red-shoes", "no such item"]).expect("deletes"), 1);
    assert_eq!(shop.db.delete(&["red-shoes"]).expect("deletes"), 0);
    for request in [
        Request::new(),
        Request::new().query("red running shoes"),
        Request::new().user("someone"),
        Request::new().among(["red-shoes", "boots"]),
        Request::new().like(["blue-shoes"]),
    ] {
        let found = ids(&shop.db, &request).expect("ranks");
        assert!(!found.is_empty() && !found.contains(&"red-shoes".to_owned()), "{request:?}: {found:?}");
    }
    assert_eq!(shop.db.get(&["red-shoes"]).expect("reads"), [None]);
    // Its events are still there when it comes back.
    shop.db.put(vec![goods().remove(0)]).expect("puts");
    assert_eq!(ids(&shop.db, &Request::new().limit(1)).expect("ranks"), ["red-shoes"]);
}

#[test]
fn a_refused_batch_leaves_no_trace() {
    let shop = shop().expect("opens");
    let before = shop.db.stats().expect("counts");
    let bad = vec![
        Item::new("new").text("title", "New").text("brand_new_field", "x"),
        Item::new("bad").text("price", "a word"),
    ];
    let error = shop.db.put(bad).expect_err("refused");
    assert_eq!(error.name(), "FieldType");
    assert!(error.to_string().contains("`bad`") && error.to_string().contains("`price`"), "{error}");
    let after = shop.db.stats().expect("counts");
    assert_eq!((before.items, before.seq), (after.items, after.seq));
    assert_eq!(shop.db.get(&["new"]).expect("reads"), [None]);
    // The refused batch taught the schema nothing.
    shop.db.put(vec![Item::new("n").number("brand_new_field", 1.0)]).expect("the field is still free");
    let events = vec![Event::new("u", Action::View).item("boots"), Event::new("", Action::View).item("boots")];
    assert_eq!(shop.db.log(events).expect_err("refused").name(), "InvalidId");
    assert_eq!(shop.db.stats().expect("counts").events, before.events);
}

#[test]
fn the_last_of_one_id_in_a_batch_counts() {
    let shop = empty().expect("opens");
    let item = |price: f64| Item::new("same").number("price", price);
    shop.db.put(vec![item(1.0), Item::new("other"), item(2.0)]).expect("puts");
    assert_eq!(shop.db.stats().expect("counts").items, 2);
    assert_eq!(shop.db.get(&["same"]).expect("reads"), [Some(item(2.0))]);
}

#[test]
fn a_scan_walks_all_items_page_by_page() {
    let shop = shop().expect("opens");
    shop.db.delete(&["bag"]).expect("deletes");
    let mut seen = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = shop.db.scan(after.as_deref(), 2).expect("scans");
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        seen.extend(page.into_iter().map(|item| item.id));
    }
    assert_eq!(seen, ["red-shoes", "blue-shoes", "boots", "backpack", "teapot", "kettle"]);
    assert_eq!(shop.db.scan(Some("never put"), 2).expect_err("unknown").name(), "InvalidArgument");
    assert!(shop.db.scan(None, 0).expect("scans").is_empty());
}

#[test]
fn an_event_is_felt_by_the_next_rank() {
    let shop = shop().expect("opens");
    let list = || ids(&shop.db, &Request::new().user("newcomer").exclude_seen()).expect("ranks");
    assert!(list().contains(&"kettle".to_owned()));
    shop.db.log(vec![Event::new("newcomer", Action::Buy).item("kettle")]).expect("logs");
    assert!(!list().contains(&"kettle".to_owned()));
    let ranking = shop.db.rank(&Request::new().user("newcomer").explain()).expect("ranks");
    let teapot = ranking.hits.iter().find(|hit| hit.id == "teapot").expect("is ranked");
    let why = teapot.why.as_ref().expect("was asked for");
    assert!(why.contributions.iter().any(|c| c.feature == "cos_history" && c.amount != 0.0), "{why:?}");
}

#[test]
fn an_event_on_an_item_that_is_not_put_yet_counts_later() {
    let shop = shop().expect("opens");
    let views = (0..50).map(|n| Event::new(format!("u{n}"), Action::View).item("early")).collect();
    shop.db.log(views).expect("logs");
    assert!(!ids(&shop.db, &Request::new()).expect("ranks").contains(&"early".to_owned()));
    shop.db.put(vec![Item::new("early").text("title", "Early bird")]).expect("puts");
    assert_eq!(ids(&shop.db, &Request::new().limit(1)).expect("ranks"), ["early"]);
}

#[test]
fn a_configured_schema_is_kept() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut config = Config::default().field("price", Kind::Number);
    config.strict = true;
    let db = Engine::open(dir.path(), config.clone()).expect("opens");
    assert_eq!(db.put(vec![Item::new("a").text("price", "1")]).expect_err("type").name(), "FieldType");
    let unknown = db.put(vec![Item::new("a").text("titel", "x")]).expect_err("misspelt");
    assert!(unknown.to_string().contains("known fields are price"), "{unknown}");
    db.put(vec![Item::new("a").number("price", 1.0)]).expect("fits");
    db.close().expect("closes");
    let other = Config::default().field("price", Kind::Text);
    let Err(error) = Engine::open(dir.path(), other) else { panic!("another type must be refused") };
    assert_eq!(error.name(), "InvalidArgument");
    Engine::open(dir.path(), config).expect("opens again after the refusal").close().expect("closes");
}

#[test]
fn boosts_and_left_out_fields_change_the_order() {
    let dir = tempfile::tempdir().expect("a folder");
    let items = vec![
        Item::new("in-title").text("title", "zither").text("body", "an old thing"),
        Item::new("in-body").text("title", "an old thing").text("body", "zither"),
    ];
    let mut config = Config::default().boost("title", 5.0);
    let db = Engine::open(dir.path().join("a"), config.clone()).expect("opens");
    db.put(items.clone()).expect("puts");
    assert_eq!(ids(&db, &Request::new().query("zither").limit(1)).expect("ranks"), ["in-title"]);
    config = Config::default().boost("title", 0.0);
    let db = Engine::open(dir.path().join("b"), config).expect("opens");
    db.put(items).expect("puts");
    let ranking = db.rank(&Request::new().query("zither").limit(1)).expect("ranks");
    assert_eq!(ranking.hits[0].id, "in-body");
}

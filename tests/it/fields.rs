//! The schema: what it shows, and fields that are renamed, dropped and retyped while others write.

use std::sync::atomic::{AtomicBool, Ordering};

use onelist::{Config, Engine, Error, Filter, Item, Kind, Number, OnUnfit, Request, Value};
use onelist_tests::{empty, ids, shop};

fn item(db: &Engine, id: &str) -> Item {
    db.get(&[id]).expect("reads").remove(0).expect("is there")
}

fn found(db: &Engine, filter: Filter) -> usize {
    ids(db, &Request::new().filter(filter).limit(10_000)).expect("ranks").len()
}

#[test]
fn the_schema_tells_type_items_options_and_age() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut config = Config::default().boost("title", 2.5).field("size", Kind::Numbers);
    config.fields.entry("sku".to_owned()).or_default().embed = Some(false);
    let db = Engine::open(dir.path(), config).expect("opens");
    let look = |n: usize| Value::Vector(vec![1.0, n as f32]);
    db.put((0..5).map(|n| Item::new(format!("i{n}")).text("title", "x").with("look", look(n))).collect())
        .expect("puts");
    db.put(vec![Item::new("i0").text("title", "y").text("sku", "z").integer("price", 3)]).expect("puts");
    for _ in 0..2 {
        let schema = db.schema().expect("reads");
        let kinds: Vec<_> = schema.iter().map(|(name, field)| (name.as_str(), field.kind, field.items)).collect();
        let (look, price) = (("look", Kind::Vector, 4), ("price", Kind::Number, 1));
        assert_eq!(kinds, [look, price, ("size", Kind::Numbers, 0), ("sku", Kind::Text, 1), ("title", Kind::Text, 5)]);
        assert_eq!(
            (schema["title"].boost, schema["title"].embed, schema["sku"].embed),
            (Some(2.5), Some(true), Some(false))
        );
        assert_eq!((schema["look"].dimensions, schema["price"].boost), (Some(2), None));
        assert!(schema.values().all(|field| field.since.is_some()), "{schema:?}");
        db.flush().expect("flushes");
    }
    let since = db.schema().expect("reads")["price"].since;
    db.close().expect("closes");
    // Options stay without being given again; others replace them.
    let db = Engine::open(dir.path(), Config::default().boost("sku", 0.5)).expect("opens again");
    let schema = db.schema().expect("reads");
    assert_eq!((schema["title"].boost, schema["sku"].boost, schema["sku"].embed), (Some(2.5), Some(0.5), Some(false)));
    assert_eq!(schema["price"].since, since);
}

#[test]
fn a_renamed_field_is_searched_and_filtered_by_its_new_name() {
    let shop = shop().expect("opens");
    let changed = shop.db.rename_field("tags", "labels").expect("renames");
    assert_eq!((changed.changed, changed.dropped), (7, 0));
    assert_eq!(found(&shop.db, Filter::equal("labels", "shoes")), 3);
    let unknown = shop.db.rank(&Request::new().filter(Filter::equal("tags", "shoes"))).expect_err("no such field");
    assert_eq!(unknown.name(), "UnknownField");
    assert_eq!(ids(&shop.db, &Request::new().query("kitchen").limit(2)).expect("ranks").len(), 2);
    shop.db.rename_field("image", "picture").expect("renames a vector");
    let near = Request::new().vector("picture", vec![0.0, 0.0, 1.0]).limit(1);
    assert_eq!(ids(&shop.db, &near).expect("ranks"), ["teapot"]);
    assert!(shop.db.verify_vectors().expect("verifies").wrong == 0);
    // The old name is free, for any type.
    shop.db.put(vec![Item::new("teapot").integer("tags", 1)]).expect("puts");
    for (from, to) in [("nothing", "x"), ("title", "labels"), ("title", ""), ("title", "id"), ("title", "and")] {
        assert_eq!(shop.db.rename_field(from, to).expect_err(to).kind(), onelist::ErrorKind::Input, "{from} to {to}");
    }
    shop.db.close().expect("closes");
    let db = Engine::open(shop.dir.path().join("shop.onelist"), Config::default()).expect("opens again");
    assert_eq!(found(&db, Filter::equal("labels", "shoes")), 3);
}

#[test]
fn a_dropped_field_is_gone_and_its_name_is_free() {
    let shop = shop().expect("opens");
    assert_eq!(shop.db.drop_field("title").expect("drops").changed, 7);
    assert!(!shop.db.schema().expect("reads").contains_key("title"));
    assert!(!item(&shop.db, "boots").fields.contains_key("title"));
    shop.db.flush().expect("flushes");
    shop.db.put(vec![Item::new("boots").integer("title", 5)]).expect("another type");
    assert_eq!(found(&shop.db, Filter::at_least("title", 5)), 1);
    // A text field that comes later is not found by the words of the one that was dropped.
    shop.db.put(vec![Item::new("new").text("note", "porcelain cup")]).expect("puts");
    assert_eq!(found(&shop.db, Filter::matches_text("note", "porcelain")), 1);
    shop.db.drop_field("image").expect("drops a vector");
    assert_eq!(
        shop.db.put(vec![Item::new("x").with("image", Value::Vector(vec![1.0; 9]))]).expect_err("other width").name(),
        "DimMismatch"
    );
    shop.db.put(vec![Item::new("x").with("image", Value::Vector(vec![1.0; 3]))]).expect("the width it had");
    assert_eq!(shop.db.drop_field("nothing").expect_err("unknown").name(), "UnknownField");
}

#[test]
fn a_field_is_retyped_when_every_value_fits() {
    let shop = empty().expect("opens");
    let texts = ["11", "12.5", "9007199254740993", "-3", "0"];
    shop.db.put(texts.iter().map(|text| Item::new(*text).text("price", *text)).collect()).expect("puts");
    assert_eq!(shop.db.retype_field("price", Kind::Number, OnUnfit::Refuse).expect("fits").changed, 5);
    assert_eq!(item(&shop.db, "9007199254740993").fields["price"], Value::Integer(9_007_199_254_740_993));
    assert_eq!((found(&shop.db, Filter::less("price", 12)), found(&shop.db, Filter::equal("price", 12.5))), (3, 1));
    assert_eq!(shop.db.put(vec![Item::new("x").text("price", "1")]).expect_err("a number now").name(), "FieldType");
    assert_eq!(shop.db.retype_field("price", Kind::Text, OnUnfit::Refuse).expect("and back").changed, 5);
    assert_eq!(item(&shop.db, "12.5").fields["price"], Value::Text("12.5".to_owned()));
    assert_eq!(found(&shop.db, Filter::matches_text("price", "11")), 1);
    assert_eq!(shop.db.retype_field("price", Kind::Text, OnUnfit::Refuse).expect("nothing to do").changed, 0);
}

#[test]
fn lists_become_vectors_and_vectors_lists() {
    let shop = empty().expect("opens");
    let list = |a: i128, b: i128| Value::Numbers(vec![Number::Integer(a), Number::Integer(b)]);
    shop.db.put(vec![Item::new("a").with("v", list(1, 0)), Item::new("b").with("v", list(0, 1))]).expect("puts");
    shop.db.retype_field("v", Kind::Vector, OnUnfit::Refuse).expect("fits");
    assert_eq!(ids(&shop.db, &Request::new().vector("v", vec![0.1, 1.0]).limit(1)).expect("ranks"), ["b"]);
    shop.db.retype_field("v", Kind::Numbers, OnUnfit::Refuse).expect("fits");
    assert_eq!(item(&shop.db, "a").fields["v"], list(1, 0));
    assert_eq!(found(&shop.db, Filter::equal("v", 1)), 2);
    shop.db.put(vec![Item::new("c").with("v", Value::Numbers(vec![Number::Integer(5)]))]).expect("puts");
    let refused = shop.db.retype_field("v", Kind::Vector, OnUnfit::Refuse).expect_err("another width");
    assert!(refused.to_string().contains("`c`"), "{refused}");
}

#[test]
fn values_that_do_not_fit_are_named_or_dropped() {
    let shop = empty().expect("opens");
    let text = |n: usize| if n.is_multiple_of(3) { format!("about {n}") } else { n.to_string() };
    shop.db
        .put((0..90).map(|n| Item::new(format!("i{n}")).text("size", text(n)).text("title", "x")).collect())
        .expect("puts");
    let refused = shop.db.retype_field("size", Kind::Number, OnUnfit::Refuse).expect_err("thirty do not fit");
    let Error::BadRows { rows, total, .. } = &refused else { panic!("{refused}") };
    assert_eq!((rows.len(), *total), (20, 30));
    assert_eq!((rows[1].id.as_deref(), rows[1].field.as_deref(), rows[1].row), (Some("i3"), Some("size"), 3));
    assert!(rows[1].found.contains("about 3"), "{refused}");
    assert_eq!(item(&shop.db, "i1").fields["size"], Value::Text("1".to_owned()), "nothing is changed");
    let changed = shop.db.retype_field("size", Kind::Number, OnUnfit::Drop).expect("drops them");
    assert_eq!((changed.changed, changed.dropped, changed.dropped_ids.len()), (90, 30, 20));
    assert_eq!(
        (item(&shop.db, "i1").fields["size"].clone(), item(&shop.db, "i3").fields.len()),
        (Value::Integer(1), 1)
    );
    assert_eq!(found(&shop.db, Filter::exists("size")), 60);
}

#[test]
fn other_writes_go_on_while_a_field_is_renamed_and_none_keeps_the_old_name() {
    let shop = empty().expect("opens");
    let old = |n: usize| Item::new(format!("i{n}")).integer("old", n as i64).integer("other", 1);
    for batch in 0..6 {
        shop.db.put((batch * 1_000..(batch + 1) * 1_000).map(old).collect()).expect("puts");
    }
    let ended = AtomicBool::new(false);
    let written = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut written = 0;
            // It goes to an item that was renamed already, some of the time.
            while !ended.load(Ordering::Relaxed) && written < 60 {
                shop.db.put(vec![old(written * 97 % 6_000).integer("other", 2)]).expect("puts");
                written += 1;
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            written
        });
        let changed = shop.db.rename_field("old", "new");
        ended.store(true, Ordering::Relaxed);
        let written = writer.join().expect("writes");
        changed.expect("renames");
        written
    });
    assert!(written > 0, "a write came through meanwhile");
    // What was put after the end has the old name again, as a new field.
    let late = match shop.db.schema().expect("reads").get("old") {
        Some(field) => field.items,
        None => 0,
    };
    assert!(late <= 1, "{late}");
    assert_eq!(shop.db.schema().expect("reads")["new"].items + late, 6_000);
}

#[test]
fn a_change_that_was_interrupted_is_finished_by_calling_it_again() {
    let shop = empty().expect("opens");
    shop.db.put((0..2_000).map(|n| Item::new(format!("i{n}")).integer("old", n)).collect()).expect("puts");
    let path = shop.dir.path().join("shop.onelist");
    std::thread::scope(|scope| {
        let renaming = scope.spawn(|| shop.db.rename_field("old", "new"));
        std::thread::sleep(std::time::Duration::from_millis(30));
        shop.db.close().expect("closes");
        // Finished, or ended by the closing: both are allowed.
        let _ = renaming.join().expect("does not panic");
    });
    let db = Engine::open(&path, Config::default()).expect("opens again");
    if db.schema().expect("reads").contains_key("old") {
        let other = db.drop_field("old").expect_err("the other one first").to_string();
        assert!(other.contains("`old`"), "{other}");
        db.rename_field("old", "new").expect("goes on");
    }
    let schema = db.schema().expect("reads");
    assert_eq!((schema.get("old"), schema["new"].items), (None, 2_000));
}

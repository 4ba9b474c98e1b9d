//! Values as they are put: numbers that stay exact, lists that stay lists, dates as text, nothing where a value is absent, and
//! errors that name every bad row.

use onelist::{
    Action, Compare, Config, Engine, Error, Event, Filter, Item, Kind, Number, Request, Scalar, Timestamp, Value, json,
};
use onelist_tests::{Shop, empty, ids};

fn put(db: &Engine, items: &str) -> onelist::Result<()> {
    db.put_rows(json::item_rows_from_json(items)?)
}

fn found(db: &Engine, filter: &str) -> Vec<String> {
    let filter = json::filter_from_json(filter).expect("a filter");
    let mut found = ids(db, &Request::new().filter(filter).limit(1000)).expect("ranks");
    found.sort_unstable();
    found
}

fn item(db: &Engine, id: &str) -> Item {
    db.get(&[id]).expect("reads").remove(0).expect("is there")
}

fn open() -> Shop {
    empty().expect("opens")
}

#[test]
fn neighbours_beyond_the_doubles_are_told_apart_before_and_after_a_flush_and_a_reopening() {
    let shop = open();
    let edges =
        [1i128 << 53, (1 << 53) + 1, (1 << 62) - 1, (1 << 63) - 1, 1 << 63, (1 << 63) + 5, i128::from(u64::MAX) - 1];
    let negative = [-(1i128 << 53) - 1, i128::from(i64::MIN) + 1];
    let numbers: Vec<i128> = edges.iter().chain(&negative).flat_map(|n| [n - 1, *n, n + 1]).collect();
    let mut wanted = numbers.clone();
    wanted.sort_unstable();
    wanted.dedup();
    shop.db.put(wanted.iter().map(|n| Item::new(n.to_string()).integer("n", *n)).collect()).expect("puts");
    let check = |db: &Engine| {
        for n in &numbers {
            assert_eq!(found(db, &format!(r#"{{"n": {n}}}"#)), [n.to_string()]);
            assert_eq!(found(db, &format!(r#"{{"n": {{"in": [{n}]}}}}"#)), [n.to_string()]);
            let below = found(db, &format!(r#"{{"n": {{"<": {n}}}}}"#)).len();
            assert_eq!(below, wanted.iter().filter(|other| *other < n).count(), "{n}");
            assert_eq!(item(db, &n.to_string()).fields["n"], Value::Integer(*n));
        }
    };
    check(&shop.db);
    shop.db.flush().expect("flushes");
    check(&shop.db);
    shop.db.close().expect("closes");
    let db = Engine::open(shop.dir.path().join("shop.onelist"), Config::default()).expect("opens again");
    check(&db);
}

#[test]
fn whole_numbers_and_others_share_a_field() {
    let shop = open();
    put(
        &shop.db,
        r#"{"id": "a", "price": 10} {"id": "b", "price": 10.5} {"id": "c", "price": 10.0} {"id": "d", "price": -0.0}"#,
    )
    .expect("puts");
    assert_eq!(item(&shop.db, "a").fields["price"], Value::Integer(10));
    assert_eq!(item(&shop.db, "c").fields["price"], Value::Number(10.0));
    assert_eq!(found(&shop.db, r#"{"price": 10}"#), ["a", "c"]);
    assert_eq!(found(&shop.db, r#"{"price": 10.0}"#), ["a", "c"]);
    assert_eq!(found(&shop.db, r#"{"price": 0}"#), ["d"]);
    assert_eq!(found(&shop.db, r#"{"price": {">": 10, "<=": 10.5}}"#), ["b"]);
    let big = (1u64 << 53) + 1;
    shop.db
        .put(vec![Item::new("e").integer("price", big), Item::new("f").number("price", (1u64 << 53) as f64)])
        .expect("puts");
    assert_eq!(found(&shop.db, r#"{"price": 9007199254740993}"#), ["e"]);
    assert_eq!(found(&shop.db, r#"{"price": 9007199254740992}"#), ["f"]);
    assert_eq!(found(&shop.db, r#"{"price": {">": 9007199254740992.0}}"#), ["e"]);
}

#[test]
fn numbers_beyond_64_bits_are_refused_by_item_and_field() {
    let shop = open();
    for beyond in [i128::from(u64::MAX) + 1, i128::from(i64::MIN) - 1] {
        let refused = shop.db.put(vec![Item::new("a").integer("n", beyond)]).expect_err("beyond").to_string();
        assert!(refused.contains("`n`") && refused.contains("2^64"), "{refused}");
        let filter = Filter::Compare { field: "n".to_owned(), compare: Compare::Equal, value: Scalar::Integer(beyond) };
        assert_eq!(shop.db.rank(&Request::new().filter(filter)).expect_err("beyond").name(), "InvalidArgument");
    }
}

#[test]
fn lists_of_numbers_are_lists_of_any_length() {
    let shop = open();
    put(
        &shop.db,
        r#"[{"id": "a", "sizes": [38, 39, 40]}, {"id": "b", "sizes": [41, 42.5]}, {"id": "c", "sizes": []}, {"id": "d"},
        {"id": "e", "sizes": [18446744073709551615, 7]}]"#,
    )
    .expect("puts");
    let check = |db: &Engine| {
        assert_eq!(found(db, r#"{"sizes": 39}"#), ["a"]);
        assert_eq!(found(db, r#"{"sizes": {"in": [40, 42.5, 1, 2, 3, 4]}}"#), ["a", "b"]);
        assert_eq!(found(db, r#"{"sizes": {">": 40}}"#), ["b", "e"]);
        assert_eq!(found(db, r#"{"sizes": {"<": 39}}"#), ["a", "e"]);
        assert_eq!(found(db, r#"{"sizes": 18446744073709551615}"#), ["e"]);
        assert_eq!(found(db, r#"{"sizes": 18446744073709551614}"#), [] as [&str; 0]);
        assert_eq!(found(db, r#"{"sizes": {"!=": 39}}"#), ["b", "c", "d", "e"]);
        assert_eq!(found(db, r#"{"sizes": {"exists": true}}"#), ["a", "b", "c", "e"]);
    };
    check(&shop.db);
    shop.db.flush().expect("flushes");
    check(&shop.db);
    assert_eq!(json::item_to_json(&item(&shop.db, "b")).expect("writes"), r#"{"id":"b","sizes":[41,42.5]}"#);
    // One number is a list of one.
    put(&shop.db, r#"{"id": "f", "sizes": 39}"#).expect("puts");
    assert_eq!(item(&shop.db, "f").fields["sizes"], Value::Numbers(vec![Number::Integer(39)]));
    let vector = shop.db.put(vec![Item::new("g").with("sizes", Value::Vector(vec![1.0]))]).expect_err("a vector");
    assert!(vector.to_string().contains("expected numbers, found vector"), "{vector}");
    let wrong = shop.db.rank(&Request::new().vector("sizes", vec![1.0])).expect_err("no vectors").to_string();
    assert!(wrong.contains("sizes") && wrong.contains("vector"), "{wrong}");
}

#[test]
fn a_list_is_a_vector_where_the_field_is_one() {
    let dir = tempfile::tempdir().expect("a folder");
    let db = Engine::open(dir.path(), Config::default().field("declared", Kind::Vector)).expect("opens");
    put(&db, r#"{"id": "a", "declared": [1, 0.5], "said": {"vector": [1, 2, 3]}, "list": [1, 2]} {"id": "b", "said": [3, 2, 1]}"#).expect("puts");
    assert_eq!(item(&db, "a").fields["declared"], Value::Vector(vec![1.0, 0.5]));
    assert_eq!(item(&db, "b").fields["said"], Value::Vector(vec![3.0, 2.0, 1.0]));
    assert!(matches!(item(&db, "a").fields["list"], Value::Numbers(_)));
    let nearest = ids(&db, &Request::new().vector("said", vec![3.0, 2.0, 1.0]).limit(1)).expect("ranks");
    assert_eq!(nearest, ["b"]);
    for wrong in
        [r#"{"id": "c", "said": [1, 2]}"#, r#"{"id": "c", "said": [0, 0, 0]}"#, r#"{"id": "c", "said": ["x"]}"#]
    {
        assert_eq!(put(&db, wrong).expect_err(wrong).kind(), onelist::ErrorKind::Input);
    }
    put(&db, r#"{"id": "c", "said": []}"#).expect("an empty list is none");
    db.close().expect("closes");
    let db = Engine::open(dir.path(), Config::default()).expect("opens without the declaration");
    put(&db, r#"{"id": "d", "declared": [2, 2]}"#).expect("puts");
    assert_eq!(item(&db, "d").fields["declared"], Value::Vector(vec![2.0, 2.0]));
}

#[test]
fn dates_are_read_from_text_where_the_field_is_a_date() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut config = Config::default().field("opened", Kind::Date);
    config.date_field = Some("released".to_owned());
    let db = Engine::open(dir.path(), config).expect("opens");
    put(
        &db,
        r#"[{"id": "a", "opened": "1970-01-02", "released": "2020-05-05T12:00:00+02:00", "note": "1970-01-02"},
        {"id": "b", "opened": {"date": "1970-01-03T00:00:00Z"}, "released": {"date": 5}}]"#,
    )
    .expect("puts");
    assert_eq!(item(&db, "a").fields["opened"], Value::Date(Timestamp::from_seconds(86_400.0)));
    assert_eq!(item(&db, "a").fields["note"], Value::Text("1970-01-02".to_owned()));
    assert_eq!(found(&db, r#"{"opened": {">=": "1970-01-02T12:00"}}"#), ["b"]);
    assert_eq!(found(&db, r#"{"opened": "1970-01-02"}"#), ["a"]);
    // It is not there before its release.
    let before = Request::new().now(Timestamp::from_seconds(1_000_000_000.0));
    assert_eq!(ids(&db, &before).expect("ranks"), ["b"]);
    let refused = put(&db, r#"{"id": "c", "opened": "soon"}"#).expect_err("no date").to_string();
    assert!(refused.contains("`c`") && refused.contains("`opened`") && refused.contains("date"), "{refused}");
    let filter = json::filter_from_json(r#"{"opened": "soon"}"#).expect("reads");
    let refused = db.rank(&Request::new().filter(filter)).expect_err("no date").to_string();
    assert!(refused.contains("ISO 8601"), "{refused}");
    db.log_rows(
        json::event_rows_from_json(r#"{"user": "u", "action": "view", "item": "a", "time": "2021-01-05"}"#)
            .expect("reads"),
    )
    .expect("logs");
}

#[test]
fn forty_text_fields_are_searched_each() {
    let shop = open();
    let items =
        (0..40).map(|n| Item::new(format!("i{n}")).text(format!("f{n:02}"), format!("zither{n} common"))).collect();
    shop.db.put(items).expect("puts");
    let check = |db: &Engine| {
        for n in [0, 15, 16, 17, 39] {
            assert_eq!(
                ids(db, &Request::new().query(format!("zither{n}")).limit(1)).expect("ranks"),
                [format!("i{n}")]
            );
            assert_eq!(found(db, &format!(r#"{{"f{n:02}": {{"match": "common"}}}}"#)), [format!("i{n}")]);
        }
    };
    check(&shop.db);
    shop.db.flush().expect("flushes");
    check(&shop.db);
}

#[test]
fn every_bad_row_is_named_whatever_is_wrong_with_it() {
    let shop = open();
    put(&shop.db, r#"{"id": "a", "price": 1}"#).expect("puts");
    let refused = put(
        &shop.db,
        r#"[{"id": "r0", "price": 1}, {"id": "r1", "price": "x"}, {"id": "r2", "place": {"lat": "north"}}, {"price": 5},
        {"id": "r4", "price": 2}, 7, {"id": "", "price": 1}, {"id": "r7", "v": {"vector": [0, 0]}}]"#,
    )
    .expect_err("bad");
    let Error::BadRows { rows, total, .. } = &refused else { panic!("{refused}") };
    let told: Vec<_> = rows.iter().map(|row| (row.row, row.id.as_deref(), row.field.as_deref(), row.error)).collect();
    assert_eq!(
        told,
        [
            (1, Some("r1"), Some("price"), "FieldType"),
            (2, Some("r2"), Some("place"), "InvalidArgument"),
            (3, None, None, "InvalidArgument"),
            (5, None, None, "InvalidArgument"),
            (6, None, Some("id"), "InvalidId"),
            (7, Some("r7"), Some("v"), "ZeroNorm"),
        ]
    );
    let text = refused.to_string();
    assert!(*total == 6 && text.contains("items[1] `r1`, field `price`: expected number, found text"), "{text}");
    assert_eq!(shop.db.get(&["r0", "r4"]).expect("reads"), [None, None]);
    assert_eq!(shop.db.stats().expect("reads").items, 1);
}

#[test]
fn every_bad_event_is_named_and_none_is_counted() {
    let shop = open();
    let event =
        |n: usize| if n % 100 == 7 { Event::new("u", Action::View) } else { Event::new("u", Action::View).item("a") };
    let one = shop.db.log((0..100).map(event).collect()).expect_err("one is bad");
    assert!(one.name() == "InvalidArgument" && one.to_string().starts_with("events[7]"), "{one}");
    let many = shop.db.log((0..3000).map(event).collect()).expect_err("thirty are bad");
    let Error::BadRows { rows, total, .. } = &many else { panic!("{many}") };
    assert_eq!((rows.len(), *total, rows[1].row, rows[1].id.as_deref()), (20, 30, 107, Some("u")));
    assert!(many.to_string().ends_with("and 10 more"), "{many}");
    let mixed = r#"[{"user": "u", "item": "a", "action": "view", "time": "yesterday"}, {"user": "u", "action": "view", "item": ""}, {"item": "a"}]"#;
    let mixed = shop.db.log_rows(json::event_rows_from_json(mixed).expect("JSON")).expect_err("all are bad");
    let Error::BadRows { rows, .. } = &mixed else { panic!("{mixed}") };
    assert_eq!(rows.iter().map(|row| row.row).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(mixed.to_string().contains("ISO 8601"), "{mixed}");
    assert_eq!(shop.db.stats().expect("reads").events, 0);
}

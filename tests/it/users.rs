//! Records of users: read back, in segments, kept apart from events.

use onelist::{Action, Config, Engine, Event, EventFilter, EventQuery, Item, Request, Source, Timestamp, User, Value};

fn store(dir: &std::path::Path) -> Engine {
    let db = Engine::open(dir.join("store"), Config::default()).expect("opens");
    let items = ["umbrella", "tea", "sandals", "coffee"].map(|id| Item::new(id).text("title", id));
    db.put(items.to_vec()).expect("puts");
    db
}

/// Ten users of each country; those in the UK buy an umbrella or tea, those in Italy sandals or coffee.
fn with_events(dir: &std::path::Path) -> Engine {
    let db = store(dir);
    let users = (0..10).flat_map(|n| [("uk", "UK"), ("it", "IT")].map(|(id, country)| (format!("{id}{n}"), country)));
    db.put_users(users.map(|(id, country)| User::new(id).text("country", country)).collect()).expect("puts users");
    let bought = |id: &str, n: usize, items: [&str; 2]| Event::new(format!("{id}{n}"), Action::Buy).item(items[n % 2]);
    let events = (0..9).flat_map(|n| [bought("uk", n, ["umbrella", "tea"]), bought("it", n, ["sandals", "coffee"])]);
    db.log(events.collect()).expect("logs");
    db.flush().expect("flushes");
    db
}

/// What the segments of a request propose.
fn proposed(db: &Engine, request: Request) -> Vec<String> {
    let hits = db.rank(&request.unlogged()).expect("ranks").hits;
    let by_segment = |hit: &onelist::Hit| hit.sources.iter().any(|proposal| proposal.source == Source::Segment);
    let mut found: Vec<String> = hits.into_iter().filter(by_segment).map(|hit| hit.id).collect();
    found.sort();
    found
}

#[test]
fn records_are_read_back_replaced_and_removed() {
    let dir = tempfile::tempdir().expect("a folder");
    let db = store(dir.path());
    let date = Value::Date(Timestamp::from_seconds(1.6e9));
    let ada = User::new("ada").text("country", "SE").with("age", Value::Number(37.5)).with("since", date);
    let tags = Value::Tags(vec!["tea".to_owned()]);
    let bob = User::new("bob").with("pro", Value::Bool(true)).with("likes", tags);
    db.put_users(vec![User::new("ada").text("plan", "free"), bob.clone(), ada.clone()]).expect("puts");
    assert_eq!(db.stats().expect("counts").users, 2);
    let read = |db: &Engine| db.get_users(&["bob", "cy", "ada"]).expect("reads");
    assert_eq!(read(&db), [Some(bob.clone()), None, Some(ada.clone())], "the last of two counts");
    db.close().expect("closes");
    let db = Engine::open(dir.path().join("store"), Config::default()).expect("opens");
    assert_eq!(read(&db), [Some(bob), None, Some(ada.clone())]);
    assert_eq!(db.delete_users(&["bob", "cy"]).expect("deletes"), 1);
    assert_eq!(read(&db), [None, None, Some(ada)]);
    db.put_users(Vec::new()).expect("nothing to do");
}

#[test]
fn a_wrong_record_is_refused_with_its_batch() {
    let dir = tempfile::tempdir().expect("a folder");
    let db = store(dir.path());
    db.put_users(vec![User::new("ada").with("age", Value::Number(37.0))]).expect("puts");
    for wrong in [
        User::new(""),
        User::new("bob").text("age", "37"),
        User::new("bob").text("country", ""),
        User::new("bob").with("age", Value::Number(f64::INFINITY)),
        User::new("bob").with("home", Value::Geo { lat: 0.0, lon: 0.0 }),
        (0..9).fold(User::new("bob"), |user, n| user.text(format!("a{n}"), "x")),
    ] {
        let error = db.put_users(vec![User::new("cy").text("plan", "pro"), wrong]).expect_err("is refused");
        assert_eq!(error.kind(), onelist::ErrorKind::Input, "{error}");
    }
    assert_eq!(db.get_users(&["bob", "cy"]).expect("reads"), [None, None]);
    assert!(db.get_users(&[""]).is_err() && db.delete_users(&["x".repeat(513)]).is_err());
}

#[test]
fn a_text_attribute_is_a_segment_of_events_and_requests() {
    let dir = tempfile::tempdir().expect("a folder");
    let db = with_events(dir.path());
    assert_eq!(proposed(&db, Request::new().segment("country", "UK")), ["tea", "umbrella"]);
    assert_eq!(proposed(&db, Request::new().user("it9")), ["coffee", "sandals"], "a user without events");
    assert!(proposed(&db, Request::new().user("nobody")).is_empty());
    assert_eq!(proposed(&db, Request::new().user("it9").segment("country", "UK")), ["tea", "umbrella"]);
    // The user moves: requests go by what is known now.
    db.put_users(vec![User::new("it3").text("country", "UK")]).expect("puts");
    assert_eq!(proposed(&db, Request::new().user("it3")), ["tea", "umbrella"]);
    let check = db.verify_signals().expect("counts");
    assert_eq!(check.before, check.after, "events count in the segments that they were logged in");
    assert_eq!(proposed(&db, Request::new().segment("country", "IT")), ["coffee", "sandals"]);
    // What an event names itself comes first.
    db.log(vec![Event::new("it4", Action::View).item("tea").segment("country", "FR")]).expect("logs");
    db.flush().expect("flushes");
    assert_eq!(proposed(&db, Request::new().segment("country", "FR")), ["tea"]);
    let page = db.events(&EventQuery::of(EventFilter::default().user("it5"))).expect("reads");
    assert_eq!(page.events[0].event.segments.get("country").map(String::as_str), Some("IT"));
}

#[test]
fn a_record_is_forgotten_with_its_user_and_merged_with_another() {
    let dir = tempfile::tempdir().expect("a folder");
    let db = with_events(dir.path());
    db.forget("uk1").expect("forgets");
    assert_eq!(db.get_users(&["uk1"]).expect("reads"), [None]);
    db.put_users(vec![User::new("visitor").text("country", "IT")]).expect("puts");
    db.log(vec![Event::new("visitor", Action::View).item("tea"), Event::new("known", Action::View).item("tea")])
        .expect("logs");
    db.merge_users("visitor", "known").expect("merges");
    let records = db.get_users(&["visitor", "known"]).expect("reads");
    assert_eq!(records, [None, Some(User::new("known").text("country", "IT"))]);
    db.merge_users("it2", "uk2").expect("merges");
    let kept = db.get_users(&["it2", "uk2"]).expect("reads");
    assert_eq!(kept, [None, Some(User::new("uk2").text("country", "UK"))], "what is known of the second stays");
}

#[test]
fn bindings_reach_users_by_name() {
    let dir = tempfile::tempdir().expect("a folder");
    let db = store(dir.path());
    let users =
        r#"{"users": [{"id": "ada", "country": "SE", "since": {"date": 1600000000}, "likes": ["tea"], "none": null}]}"#;
    assert_eq!(db.call("put_users", users).expect("puts"), "null");
    let read = db.call("get_users", r#"{"ids": ["ada", "bob"]}"#).expect("reads");
    assert!(read.contains(r#""country":"SE""#) && read.ends_with("null]"), "{read}");
    assert_eq!(db.call("delete_users", r#"{"ids": ["ada", "bob"]}"#).expect("deletes"), "1");
    for wrong in [
        r#"{"users": [{"country": "SE"}]}"#,
        r#"{"users": [{"id": "x", "at": {"lat": 1, "lon": 2}}]}"#,
        r#"{"user": []}"#,
    ] {
        assert_eq!(db.call("put_users", wrong).expect_err("is refused").kind(), onelist::ErrorKind::Input, "{wrong}");
    }
}

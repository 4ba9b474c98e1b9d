//! A store of every format that was ever written opens, holds what it held, and goes on from there.
//!
//! `tests/fixtures/format-N.tar.gz` were written by the version of that format (`tests/src/fixture_store.rs` writes that of the
//! current one), and ended without being closed. `expected.json` says what is in them.

use std::path::{Path, PathBuf};
use std::process::Command;

use onelist::{Action, Config, Engine, Event, EventFilter, EventQuery, Item, Request, json};
use serde_json::Value as Json;

/// The newest format: there is a fixture of each from 2 to this.
const NEWEST: u32 = 6;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn unpack(format: u32, to: &Path) {
    std::fs::create_dir(to).expect("creates");
    let archive = fixtures().join(format!("format-{format}.tar.gz"));
    let done = Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(to).status().expect("runs tar");
    assert!(done.success(), "{}", archive.display());
}

/// Stores of formats 2 to 4 hold vectors of an earlier model.
fn open(path: &Path) -> Engine {
    let mut config = Config::default();
    match Engine::open(path, config.clone()) {
        Err(refused) if refused.name() == "ModelRefused" => {
            config.re_embed = true;
            Engine::open(path, config).expect("opens")
        }
        other => other.expect("opens"),
    }
}

/// Items, events and what else can be read, as JSON.
fn content(db: &Engine) -> Json {
    let items = json::items_to_json(db.scan(None, 100).expect("reads").iter().map(Some)).expect("JSON");
    let read = |method: &str, arguments: &str| -> Json {
        serde_json::from_str(&db.call(method, arguments).expect("answers")).expect("JSON")
    };
    let mut shown = read("impressions", "{}");
    // Names and times of rankings are those of the moment, and slates those of the model.
    for impression in shown.as_array_mut().expect("an array") {
        *impression = impression["query"].clone();
    }
    let mut events = read("events", "{}")["events"].take();
    events.as_array_mut().expect("an array").retain(|event| event["batch"].is_null());
    serde_json::json!({
        "items": serde_json::from_str::<Json>(&items).expect("JSON"),
        "events": events,
        "shown": shown,
        "scenarios": read("scenarios", "{}"),
    })
}

#[test]
fn a_store_of_every_format_opens_and_goes_on() {
    let expected: Json =
        serde_json::from_str(&std::fs::read_to_string(fixtures().join("expected.json")).expect("reads")).expect("JSON");
    for format in 2..=NEWEST {
        println!("format {format}");
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("store");
        unpack(format, &path);
        let written = std::fs::read_to_string(path.join("FORMAT")).expect("reads");
        assert!(written.contains(&format!("\"format\": {format},")), "{written}");
        let db = open(&path);
        assert_eq!(content(&db), expected, "format {format}");
        let imported = EventFilter::default().batch("import");
        assert_eq!(db.count_events(&imported).expect("counts"), u64::from(format >= 6));
        // The recount fills a list that a format did not have yet, and rounds counts that were stored as logarithms.
        let recount = db.verify_signals().expect("counts");
        assert!(format < 6 || recount.before == recount.after, "format {format}");
        let again = db.verify_signals().expect("counts");
        assert_eq!(again.before, again.after);
        check_rankings(&db, format);
        goes_on(&db, &path, &expected);
    }
    let next = fixtures().join(format!("format-{}.tar.gz", NEWEST + 1));
    assert!(!next.exists(), "NEWEST is the newest");
}

fn check_rankings(db: &Engine, format: u32) {
    let ids = |request: Request| onelist_tests::ids(db, &request).expect("ranks");
    assert_eq!(ids(Request::new().query("word3"))[0], "i3", "format {format}");
    assert_eq!(
        ids(Request::new().like(["i5"]).limit(20)).len(),
        10,
        "format {format}: all but itself and the deleted one"
    );
    assert_eq!(ids(Request::new().scenario("pinned"))[0], "i9", "format {format}");
    let near =
        db.rank(&Request::new().vector("image", vec![4.1, 1.0 / 3.0, -0.7]).limit(20).unlogged()).expect("ranks");
    let best =
        near.hits.iter().find(|hit| hit.sources.iter().any(|p| p.source == onelist::Source::Vector && p.rank == 1));
    assert_eq!(best.expect("is there").id, "i4", "format {format}");
    // u1 had the items of its events and no others.
    let mut unseen = ids(Request::new().user("u1").exclude_seen().limit(20));
    unseen.sort();
    let of_u1 = db.events(&EventQuery::of(EventFilter::default().user("u1"))).expect("reads").events;
    let seen: Vec<String> = of_u1.into_iter().filter_map(|record| record.event.item).collect();
    let mut wanted: Vec<String> = (0..11).map(|n| format!("i{n}")).filter(|id| !seen.contains(id)).collect();
    wanted.sort();
    assert_eq!(unseen, wanted, "format {format}");
}

fn goes_on(db: &Engine, path: &Path, expected: &Json) {
    db.put(vec![Item::new("new").text("title", "thing of today")]).expect("puts");
    db.log(vec![Event::new("u1", Action::Click).item("new").batch("later")]).expect("logs");
    db.close().expect("closes");
    let now = std::fs::read_to_string(path.join("FORMAT")).expect("reads");
    assert!(now.contains(&format!("\"format\": {NEWEST},")), "{now}");
    let db = open(path);
    assert_eq!(onelist_tests::ids(&db, &Request::new().query("today")).expect("ranks")[0], "new");
    assert_eq!(db.delete_events(&EventFilter::default().batch("later")).expect("deletes"), 1);
    db.forget_item("new").expect("forgets");
    assert_eq!(content(&db), *expected, "what was added is gone again");
}

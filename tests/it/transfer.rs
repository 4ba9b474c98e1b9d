//! Exports and imports: the store that comes out of an export is the store that went in.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use onelist::{
    Action, Config, Engine, Event, EventFilter, EventQuery, ExportFormat, Hit, Item, Meaning, Request, Retention, Rule,
    Timestamp, User, Value,
};

use crate::stored_events::{all, log};

const FORMATS: [ExportFormat; 2] = [ExportFormat::Jsonl, ExportFormat::Parquet];

fn config() -> Config {
    let mut config = Config::default().action("borrow", Meaning::Positive, 2.0);
    config.retention = Retention { total: Some(450), ..Retention::default() };
    config
}

fn open(path: &Path) -> Engine {
    Engine::open(path, config()).expect("opens")
}

/// A store with everything: fields of every type, deleted items, ids that were never put, events that retention removed,
/// impressions with choices, a forgotten user, scenarios.
fn everything(path: &Path) -> Engine {
    let db = open(path);
    let item = |n: usize| {
        let item = Item::new(format!("i{n}")).text("title", format!("thing number{n}")).number("price", 0.1 + n as f64);
        let item =
            item.with("sold", Value::Bool(n.is_multiple_of(2))).tags("tags", (0..n % 3).map(|k| format!("t{k}")));
        let item = item.with("made", Value::Date(Timestamp::from_millis(n as i64 * 1_234_567)));
        let item = item.with("place", Value::Geo { lat: n as f64 / 3.0, lon: -1.0 / (n + 1) as f64 });
        item.with("image", Value::Vector(vec![0.1 + n as f32, 1.0 / 3.0, -0.7]))
    };
    db.put((0..40).map(item).collect()).expect("puts");
    db.log(log(1, 500)).expect("logs");
    db.delete(&["i35", "i36"]).expect("deletes");
    db.put(vec![item(36)]).expect("puts");
    for n in 0..6 {
        let shown = db.rank(&Request::new().user(format!("u{n}")).query("thing").limit(5)).expect("ranks");
        let chose = Event::new(format!("u{n}"), Action::Click).item(&shown.hits[n % 5].id).answers(&shown.rank_id);
        db.log(vec![chose]).expect("logs");
    }
    let later = Timestamp::from_seconds(Timestamp::now().seconds() + 600.0);
    db.log(vec![Event::new("u1", Action::Buy).item("i2").at(later)]).expect("logs");
    // Two that nobody dated, in one millisecond, are two.
    let twice = || Event::new("u2", Action::View).item("i3");
    db.log(vec![twice(), twice()]).expect("logs");
    assert!(db.apply_retention().expect("removes") > 0);
    let record = |id: &str| User::new(id).text("country", "SE").with("age", Value::Number(37.5));
    db.put_users(vec![record("u3"), record("only a record")]).expect("puts");
    db.forget("u5").expect("forgets");
    db.forget_item("i7").expect("forgets");
    db.set_scenario("spring", &[Rule::Pin { item: "i9".to_owned(), position: 2 }]).expect("stores");
    db.rebuild_cooccurrence().expect("rebuilds");
    db
}

fn seen(db: &Engine) -> BTreeMap<String, Vec<Hit>> {
    let now = Timestamp::from_seconds(1.9e9);
    let ask = || Request::new().now(now).limit(40).unlogged().explain();
    let mut requests: Vec<(String, Request)> =
        (0..12).map(|n| (format!("user {n}"), ask().user(format!("u{n}")))).collect();
    requests.extend((0..12).map(|n| (format!("unseen {n}"), ask().user(format!("u{n}")).exclude_seen())));
    requests.extend((0..40).map(|n| (format!("like {n}"), ask().like([format!("i{n}")]))));
    requests.push(("search".to_owned(), ask().query("number3 thing")));
    requests.push(("picture".to_owned(), ask().vector("image", vec![1.0, 0.5, 0.1])));
    requests.push(("scenario".to_owned(), ask().scenario("spring")));
    requests.push(("first visit".to_owned(), ask()));
    requests.into_iter().map(|(name, request)| (name, db.rank(&request).expect("ranks").hits)).collect()
}

/// What of two lists of hits is not the same. Ranks and scores that sources gave are left out, and last digits are not
/// compared: a graph that was built in another order adds up in another order.
fn difference(before: &[Hit], after: &[Hit]) -> Option<String> {
    let near = |a: f32, b: f32| (a - b).abs() < 1e-5;
    let parts = |hit: &Hit| {
        let why = hit.why.as_ref().expect("is explained");
        let parts = why.contributions.iter().map(|part| (part.feature.clone(), part.amount));
        // Below this a feature may be left out of one explanation and not of the other.
        parts.filter(|(_, amount)| amount.abs() > 1e-5).collect::<BTreeMap<String, f32>>()
    };
    let sources = |hit: &Hit| hit.sources.iter().map(|proposal| proposal.source.name().to_owned()).collect::<Vec<_>>();
    let same = |(a, b): (&Hit, &Hit)| {
        let (left, right) = (parts(a), parts(b));
        (&a.id, &a.fields, sources(a)) == (&b.id, &b.fields, sources(b))
            && near(a.score, b.score)
            && left.len() == right.len()
            && left.iter().all(|(name, amount)| right.get(name).is_some_and(|other| near(*amount, *other)))
    };
    if before.len() != after.len() {
        return Some(format!("{} hits and {}", before.len(), after.len()));
    }
    before.iter().zip(after).find(|pair| !same(*pair)).map(|pair| format!("{pair:#?}"))
}

/// The files of a folder by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("reads").map(|entry| entry.expect("reads"));
    entries
        .map(|entry| (entry.file_name().into_string().expect("UTF-8"), fs::read(entry.path()).expect("reads")))
        .collect()
}

#[test]
fn an_imported_store_is_the_exported_one() {
    let dir = tempfile::tempdir().expect("a folder");
    let db = everything(&dir.path().join("store"));
    // Scores of a graph and of what it does not hold yet may differ in their last bit.
    db.flush().expect("flushes");
    let (before, digest) = (seen(&db), db.verify_signals().expect("counts"));
    assert_eq!(digest.before, digest.after);
    for format in FORMATS {
        let folder = dir.path().join(format!("export-{format:?}"));
        let done = db.export(&folder, format).expect("exports");
        let stats = db.stats().expect("counts");
        assert_eq!((done.items, done.users, done.events), (stats.items, stats.users, stats.events));
        assert_eq!((done.impressions, done.scenarios), (stats.impressions.kept, 1));
        let other = open(&dir.path().join(format!("other-{format:?}")));
        assert_eq!(other.import_from(&folder).expect("imports"), done);
        for name in ["i0", "i36", "i39"] {
            assert_eq!(other.get(&[name]).expect("reads"), db.get(&[name]).expect("reads"));
        }
        let scan = |db: &Engine| db.scan(None, 100).expect("reads");
        assert_eq!(scan(&other), scan(&db));
        let records = |db: &Engine| db.events(&EventQuery::default()).expect("reads").events;
        assert_eq!(records(&other), records(&db), "with their times of arrival");
        assert_eq!(other.users(None, 100).expect("lists"), db.users(None, 100).expect("lists"));
        let records = |db: &Engine| db.get_users(&["u3", "u4", "only a record"]).expect("reads");
        assert_eq!(records(&other), records(&db));
        assert_eq!(other.impressions(None, 100).expect("reads"), db.impressions(None, 100).expect("reads"));
        assert_eq!(other.scenarios().expect("reads"), db.scenarios().expect("reads"));
        assert_eq!(other.verify_signals().expect("counts"), digest);
        other.flush().expect("flushes");
        let after = seen(&other);
        for (name, hits) in &before {
            assert_eq!(difference(hits, &after[name]), None, "{format:?}: {name}");
        }
        assert_eq!(other.stats().expect("counts").events_removed, stats.events_removed);
        let again = dir.path().join(format!("again-{format:?}"));
        other.export(&again, format).expect("exports");
        assert!(files(&again) == files(&folder), "{format:?}: equal stores have equal exports");
        // An export over an earlier one, and nothing is left of either attempt.
        other.export(&again, format).expect("exports");
        assert!(files(&again) == files(&folder));
        other.close().expect("closes");
        let other = open(&dir.path().join(format!("other-{format:?}")));
        assert_eq!(other.verify_signals().expect("counts"), digest, "after reopening");
        // New ids get keys of their own.
        other.put(vec![Item::new("new").text("title", "thing unheard")]).expect("puts");
        other.log(vec![Event::new("newcomer", Action::Click).item("new")]).expect("logs");
        let found = onelist_tests::ids(&other, &Request::new().query("unheard")).expect("ranks");
        assert_eq!(found[0], "new");
    }
    let names: Vec<String> = fs::read_dir(dir.path())
        .expect("reads")
        .map(|entry| entry.expect("reads").file_name().into_string().expect("UTF-8"))
        .collect();
    assert!(names.iter().all(|name| !name.contains("tmp")), "{names:?}");
}

#[test]
fn an_import_into_a_store_with_data_adds_what_it_lacks() {
    let dir = tempfile::tempdir().expect("a folder");
    let db = everything(&dir.path().join("store"));
    db.export(dir.path().join("export"), ExportFormat::Jsonl).expect("exports");
    let other = Engine::open(dir.path().join("other"), Config::default().action("borrow", Meaning::Positive, 2.0))
        .expect("opens");
    other.put(vec![Item::new("own").number("price", 1.0), Item::new("i1").number("price", 7.0)]).expect("puts");
    let own = || Event::new("u1", Action::Click).item("own").at(Timestamp::from_seconds(1.0));
    let shared = all(&db, &EventQuery::default().limit(5));
    other.log([vec![own()], shared[..3].to_vec()].concat()).expect("logs");
    let wanted = |extra: u64| db.count_events(&EventFilter::default()).expect("counts") + extra;
    for _ in 0..2 {
        other.import_from(dir.path().join("export")).expect("imports");
        let items = other.stats().expect("counts").items;
        assert_eq!(items, db.stats().expect("counts").items + 1);
        assert_eq!(other.get(&["i1"]).expect("reads"), db.get(&["i1"]).expect("reads"), "items are replaced");
        // Of two equal events that nobody dated, one stays: they cannot be told from one that was read twice.
        assert_eq!(other.count_events(&EventFilter::default()).expect("counts"), wanted(1) - 1);
        let recount = other.verify_signals().expect("counts");
        assert_eq!(recount.before, recount.after);
    }
}

#[test]
fn an_empty_store_and_one_without_events_come_back() {
    let dir = tempfile::tempdir().expect("a folder");
    for (n, items) in [0usize, 3].into_iter().enumerate() {
        let db = open(&dir.path().join(format!("store-{n}")));
        db.put((0..items).map(|k| Item::new(format!("i{k}"))).collect()).expect("puts");
        for format in FORMATS {
            let folder = dir.path().join(format!("export-{n}-{format:?}"));
            let done = db.export(&folder, format).expect("exports");
            assert_eq!((done.items, done.events), (items as u64, 0));
            let other = open(&dir.path().join(format!("other-{n}-{format:?}")));
            other.import_from(&folder).expect("imports");
            assert_eq!(other.scan(None, 10).expect("reads"), db.scan(None, 10).expect("reads"));
        }
    }
}

#[test]
fn what_is_no_whole_export_is_refused_before_anything_is_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let db = everything(&dir.path().join("store"));
    let folder = dir.path().join("export");
    db.export(&folder, ExportFormat::Jsonl).expect("exports");
    let other = open(&dir.path().join("other"));
    let refused = |change: &dyn Fn(&Path)| {
        let damaged = dir.path().join("damaged");
        fs::create_dir(&damaged).expect("creates");
        for (name, bytes) in files(&folder) {
            fs::write(damaged.join(name), bytes).expect("writes");
        }
        change(&damaged);
        let error = other.import_from(&damaged).expect_err("refused");
        assert_eq!(other.stats().expect("counts").items, 0, "nothing was read");
        fs::remove_dir_all(&damaged).expect("removes");
        error
    };
    for file in ["items.jsonl", "events.jsonl", "histories.jsonl"] {
        let cut = refused(&|damaged| {
            let bytes = fs::read(damaged.join(file)).expect("reads");
            fs::write(damaged.join(file), &bytes[..bytes.len() / 2]).expect("writes");
        });
        assert!(cut.name() == "Damaged" && cut.to_string().contains(file), "{cut}");
        let changed = refused(&|damaged| {
            let mut bytes = fs::read(damaged.join(file)).expect("reads");
            bytes[40] ^= 1;
            fs::write(damaged.join(file), &bytes).expect("writes");
        });
        assert_eq!(changed.name(), "Damaged");
        let gone = refused(&|damaged| fs::remove_file(damaged.join(file)).expect("removes"));
        assert!(gone.to_string().contains(file), "{gone}");
    }
    let manifest =
        |text: &'static str| refused(&move |damaged| fs::write(damaged.join("manifest.json"), text).expect("writes"));
    for text in ["", "{}", "[1]", "\0"] {
        assert_eq!(manifest(text).name(), "InvalidArgument");
    }
    let newer = refused(&|damaged| {
        let text = fs::read_to_string(damaged.join("manifest.json")).expect("reads");
        fs::write(damaged.join("manifest.json"), text.replace("\"onelist_export\": 1", "\"onelist_export\": 9"))
            .expect("writes");
    });
    assert!(newer.to_string().contains("layout 9"), "{newer}");
    assert!(other.import_from(dir.path()).expect_err("refused").to_string().contains("no manifest.json"));
    assert!(other.import_from(dir.path().join("nowhere")).is_err());
}

#[test]
fn an_export_goes_nowhere_that_it_must_not() {
    let dir = tempfile::tempdir().expect("a folder");
    let shop = onelist_tests::shop().expect("opens");
    let store = shop.dir.path().join("shop.onelist");
    fs::create_dir(dir.path().join("folder")).expect("creates");
    fs::write(dir.path().join("folder/mine.txt"), "x").expect("writes");
    fs::write(dir.path().join("file"), "x").expect("writes");
    let taken =
        [store.clone(), store.join("export"), store.join("text"), dir.path().join("folder"), dir.path().join("file")];
    for path in taken {
        let error = shop.db.export(&path, ExportFormat::Jsonl).expect_err("refused");
        assert_eq!(error.name(), "InvalidArgument", "{}: {error}", path.display());
    }
    assert!(dir.path().join("folder/mine.txt").exists() && dir.path().join("file").exists());
    assert_eq!(
        shop.db.export(dir.path().join("missing/export"), ExportFormat::Jsonl).expect_err("refused").name(),
        "Io"
    );
    assert!(shop.db.call("export", r#"{"path": "x", "format": "csv"}"#).is_err());
    let path = dir.path().join("by-name");
    let arguments = serde_json::json!({ "path": path }).to_string();
    let done: serde_json::Value =
        serde_json::from_str(&shop.db.call("export", &arguments).expect("exports")).expect("JSON");
    assert_eq!((&done["items"], &done["events"]), (&7.into(), &5.into()));
    let other = onelist_tests::empty().expect("opens");
    let read: serde_json::Value =
        serde_json::from_str(&other.db.call("import_from", &arguments).expect("imports")).expect("JSON");
    assert_eq!(read, done);
    assert_eq!(shop.db.stats().expect("counts").items, 7, "the store is as it was");
}

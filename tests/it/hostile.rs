//! Hostile inputs: a typed error or a sensible answer, quickly, and nothing changed. Never a panic, an abort or a hang.

use onelist::{Action, Config, Engine, Error, Event, Filter, Item, Request, Timestamp, Value};
use onelist_tests::{empty, goods, ids, shop};

#[test]
fn ids_of_every_kind() {
    let shop = empty().expect("opens");
    let odd = ["a", "a\0b", "a/b/../c", "\u{202e}abc", "e\u{301}", "é", " ", "\n", &"x".repeat(511), &"x".repeat(512)];
    let items: Vec<Item> = odd.iter().map(|id| Item::new(*id).text("title", "thing")).collect();
    shop.db.put(items).expect("puts");
    assert_eq!(shop.db.stats().expect("counts").items, odd.len() as u64);
    assert!(
        shop.db.get(&odd).expect("reads").iter().zip(odd).all(|(item, id)| item.as_ref().is_some_and(|i| i.id == id))
    );
    for bad in [String::new(), "x".repeat(513), "x".repeat(65_536)] {
        assert_eq!(shop.db.put(vec![Item::new(bad.clone())]).expect_err("refused").name(), "InvalidId");
        assert_eq!(shop.db.get(&[&bad]).expect_err("refused").name(), "InvalidId");
        assert_eq!(shop.db.delete(&[&bad]).expect_err("refused").name(), "InvalidId");
        let event = Event::new(bad, Action::View).item("a");
        assert_eq!(shop.db.log(vec![event]).expect_err("refused").name(), "InvalidId");
    }
    assert_eq!(shop.db.delete(&odd).expect("deletes"), odd.len());
}

#[test]
fn texts_of_every_kind() {
    let shop = empty().expect("opens");
    let texts = [
        String::new(),
        "x".repeat(70_000),
        (0..100_000).map(|n| format!("w{n} ")).collect::<String>(),
        "\0\u{feff}\u{202e} \u{1f600}\u{200d}\u{1f680}".to_owned(),
        "word ".repeat(200_000),
    ];
    for (n, text) in texts.iter().enumerate() {
        shop.db.put(vec![Item::new(format!("i{n}")).text("title", text.clone())]).expect("puts");
    }
    let long = Item::new("long").text("title", "x".repeat((1 << 20) + 1));
    assert_eq!(shop.db.put(vec![long]).expect_err("refused").name(), "LimitExceeded");
    assert_eq!(ids(&shop.db, &Request::new().query("w99999")).expect("ranks")[0], "i2");
    shop.db.flush().expect("the indexes take them too");
}

#[test]
fn queries_of_every_kind() {
    let shop = shop().expect("opens");
    let queries = [
        "(".repeat(100_000),
        "*(a".to_owned(),
        "a OR ".repeat(10_000),
        "title:shoes AND -red^9999~5".to_owned(),
        "\"unclosed".to_owned(),
        "shoes\0boots".to_owned(),
        "\u{202e}seohs".to_owned(),
        "x".repeat(1_000_000),
        "é".repeat(3_000),
        "/(a+)+$/ [a TO z] {1 TO *}".to_owned(),
    ];
    for query in queries {
        let ranking = shop.db.rank(&Request::new().query(query.clone())).expect("ranks");
        assert_eq!(ranking.hits.len(), 7, "{}", &query[..query.floor_char_boundary(40)]);
        assert_eq!(!ranking.warnings.is_empty(), query.len() > 4096 || !query.contains(char::is_alphanumeric));
    }
}

#[test]
fn numbers_that_are_none() {
    let shop = shop().expect("opens");
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30] {
        let item = Item::new("bad").with("image", Value::Vector(vec![1.0, bad, 0.0]));
        assert_eq!(shop.db.put(vec![item]).expect_err("refused").name(), "NonFinite");
        let request = Request::new().vector("image", vec![bad, 0.0, 0.0]);
        assert_eq!(shop.db.rank(&request).expect_err("refused").name(), "NonFinite");
    }
    let zero = Item::new("zero").with("image", Value::Vector(vec![0.0, -0.0, 0.0]));
    assert_eq!(shop.db.put(vec![zero]).expect_err("refused").name(), "ZeroNorm");
    let tiny = Item::new("tiny").with("image", Value::Vector(vec![1e-20, 0.0, 0.0]));
    shop.db.put(vec![tiny]).expect("subnormal in f16 is still a direction");
    for bad in [f64::NAN, f64::INFINITY] {
        assert_eq!(shop.db.put(vec![Item::new("n").number("price", bad)]).expect_err("refused").name(), "NonFinite");
        let event = Event::new("u", Action::Rate).item("bag").value(bad);
        assert_eq!(shop.db.log(vec![event]).expect_err("refused").name(), "NonFinite");
        let filter = Request::new().filter(Filter::at_least("price", bad));
        assert_eq!(shop.db.rank(&filter).expect_err("refused").name(), "NonFinite");
    }
    for width in [0, 2, 4, 9000] {
        let item = Item::new("wide").with("image", Value::Vector(vec![1.0; width]));
        let name = shop.db.put(vec![item]).expect_err("refused").name();
        assert!(["DimMismatch", "ZeroNorm", "LimitExceeded"].contains(&name), "{name}");
        let request = Request::new().vector("image", vec![1.0; width]);
        let name = shop.db.rank(&request).expect_err("refused").name();
        assert!(["DimMismatch", "ZeroNorm", "LimitExceeded"].contains(&name), "{name}");
    }
    assert_eq!(shop.db.stats().expect("counts").items, 8);
}

#[test]
fn counts_and_sizes_beyond_reason() {
    let shop = shop().expect("opens");
    let refused = |request: Request| shop.db.rank(&request).expect_err("refused").name();
    assert_eq!(refused(Request::new().limit(usize::MAX)), "LimitExceeded");
    assert_eq!(refused(Request::new().limit(5).offset(usize::MAX)), "LimitExceeded");
    assert_eq!(refused(Request::new().limit(1_000_000)), "LimitExceeded");
    let mut greedy = Request::new();
    greedy.candidates = Some(1 << 40);
    assert_eq!(refused(greedy), "LimitExceeded");
    assert_eq!(refused(Request::new().like((0..1000).map(|n| n.to_string()))), "LimitExceeded");
    assert_eq!(refused(Request::new().vector("no such field", vec![1.0])), "UnknownField");
    assert_eq!(refused(Request::new().vector("title", vec![1.0])), "InvalidArgument");
    let mut many = Request::new();
    many.exclude = (0..1_000_000).map(|n| n.to_string()).collect();
    assert_eq!(ids(&shop.db, &many).expect("a million exclusions are fine").len(), 7);
    assert_eq!(ids(&shop.db, &Request::new().limit(10_000)).expect("ranks").len(), 7);
    assert_eq!(shop.db.rank_many(&vec![Request::new(); 1025]).expect_err("refused").name(), "LimitExceeded");
    let mut deep = Filter::exists("price");
    for _ in 0..100 {
        deep = deep.not();
    }
    assert_eq!(refused(Request::new().filter(deep)), "LimitExceeded");
}

#[test]
fn a_history_of_a_hundred_thousand_events_is_read_in_bounded_time() {
    let shop = shop().expect("opens");
    let items: Vec<String> = goods().into_iter().map(|item| item.id).collect();
    let events = (0..100_000).map(|n| Event::new("bot", Action::View).item(items[n % 7].clone())).collect();
    shop.db.log(events).expect("logs");
    let ranking = shop.db.rank(&Request::new().user("bot").query("shoes")).expect("ranks");
    assert_eq!(ranking.hits.len(), 7);
    let stateless = Request::new().history((0..100_000).map(|n| items[n % 7].clone()));
    assert_eq!(ids(&shop.db, &stateless).expect("ranks").len(), 7);
    assert!(ids(&shop.db, &Request::new().user("bot").exclude_seen()).expect("ranks").is_empty());
}

#[test]
fn times_of_every_kind() {
    let shop = shop().expect("opens");
    for seconds in [f64::NEG_INFINITY, -1e30, -6.2e10, -1.0, 0.0, 1e18, f64::INFINITY, f64::NAN] {
        let time = Timestamp::from_seconds(seconds);
        let logged = shop.db.log(vec![Event::new("u", Action::View).item("bag").at(time)]);
        let put = shop.db.put(vec![Item::new("dated").with("released", Value::Date(time))]);
        // Events from 1970 on, which a time that is no number becomes; the value of an item may be any date.
        assert_eq!((logged.is_ok(), put.is_ok()), (seconds == 0.0 || seconds.is_nan(), true), "{seconds}");
        assert!([logged, put].into_iter().filter_map(Result::err).all(|e| e.kind() == onelist::ErrorKind::Input));
        for now in [Timestamp::MIN, time, Timestamp::MAX] {
            let ranking = shop.db.rank(&Request::new().user("u").now(now)).expect("ranks");
            assert!(!ranking.hits.is_empty() && ranking.hits.iter().all(|hit| hit.score.is_finite()));
        }
    }
}

#[test]
fn events_that_say_nothing_are_refused() {
    let shop = shop().expect("opens");
    assert_eq!(shop.db.log(vec![Event::new("u", Action::View)]).expect_err("refused").name(), "InvalidArgument");
    let long = Event::new("u", Action::Search).query("x".repeat(5000));
    assert_eq!(shop.db.log(vec![long]).expect_err("refused").name(), "LimitExceeded");
    let custom = Event::new("u", Action::Other("x".repeat(500))).item("bag");
    assert_eq!(shop.db.log(vec![custom]).expect_err("refused").name(), "LimitExceeded");
    let own = Event::new("u", Action::Other("gift-wrapped".into())).item("bag");
    assert_eq!(shop.db.log(vec![own]).expect_err("is not declared").name(), "InvalidArgument");
    shop.db.log(vec![Event::new("u", Action::Other("Wishlist".into())).item("bag")]).expect("is a standard one");
    shop.db.log(vec![Event::new("u", Action::Search).query("bags")]).expect("a search is an event");
    shop.db.log(Vec::new()).expect("nothing is fine");
    shop.db.put(Vec::new()).expect("nothing is fine");
}

#[test]
fn directories_of_every_kind() {
    let dir = tempfile::tempdir().expect("a folder");
    let open = |path: &std::path::Path| Engine::open(path, Config::default());
    let name = |path: &std::path::Path| open(path).map(|_| "opened").unwrap_or_else(|e| e.name());
    let file = dir.path().join("file");
    std::fs::write(&file, "not a directory").expect("writes");
    assert_eq!(name(&file), "NotADatabase");
    let foreign = dir.path().join("photos");
    std::fs::create_dir(&foreign).expect("creates");
    std::fs::write(foreign.join("holiday.jpg"), "x").expect("writes");
    assert_eq!(name(&foreign), "NotADatabase");
    assert_eq!(std::fs::read_dir(&foreign).expect("lists").count(), 1, "nothing was left in it");
    assert_eq!(name(&dir.path().join("a\0b")), "Io");
    let long = dir.path().join("x".repeat(4096));
    assert_eq!(name(&long), "Io");
    let nested = dir.path().join("a/b/c");
    open(&nested).expect("missing parents are made").close().expect("closes");
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&nested, &link).expect("links");
    let db = open(&nested).expect("opens");
    // With other settings; equal ones share what is open.
    let mut strict = Config::default();
    strict.strict = true;
    match Engine::open(&link, strict) {
        Err(Error::AlreadyOpen { pid, .. }) => assert_eq!(pid, std::process::id()),
        other => panic!("expected AlreadyOpen, found {:?}", other.map(|_| ())),
    }
    let shared = open(&link).expect("shares");
    db.close().expect("closes");
    assert_eq!(db.stats().map(|_| ()).expect_err("is closed").name(), "Closed");
    shared.put(vec![Item::new("a")]).expect("goes on");
    shared.close().expect("closes");
    open(&link).expect("free again").close().expect("closes");
}

#[test]
fn a_closed_engine_says_so() {
    let shop = shop().expect("opens");
    shop.db.close().expect("closes");
    shop.db.close().expect("closing again is fine");
    assert_eq!(shop.db.rank(&Request::new()).expect_err("closed").name(), "Closed");
    assert_eq!(shop.db.put(goods()).expect_err("closed").name(), "Closed");
    assert_eq!(shop.db.stats().expect_err("closed").name(), "Closed");
    assert_eq!(shop.db.flush().expect_err("closed").name(), "Closed");
}

#[test]
fn settings_out_of_range_are_refused_before_anything_is_made() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("new");
    let mut config = Config::default();
    config.candidates = 0;
    let bad = [config, Config::default().boost("title", f32::NAN), Config::default().boost("title", -1.0)];
    for config in bad {
        let Err(error) = Engine::open(&path, config) else { panic!("must be refused") };
        assert_eq!(error.name(), "InvalidArgument");
    }
    let mut config = Config::default();
    config.weights = vec![vec![1.0; 3]];
    let Err(error) = Engine::open(&path, config) else { panic!("must be refused") };
    assert!(error.to_string().contains("4 rows of 26"), "{error}");
}

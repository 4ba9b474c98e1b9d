//! Weights that are fitted to a store's own log.

use std::time::{Duration, Instant};

use onelist::evaluation::{SplitAt, Targets};
use onelist::{Action, Config, Engine, Event, Item, Plan, Protocol, Request, Timestamp};
use onelist_tests::{Shop, empty, ids};

const ITEMS: usize = 80;
const START: f64 = 1.7e9;

/// A number that looks drawn, the same for the same place.
fn drawn(place: usize, below: usize) -> usize {
    let mixed = (place as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 33) as usize % below
}

/// Items whose words mislead: what comes next never has the same ones.
fn items() -> Vec<Item> {
    let words = ["red running shoes", "porcelain teapot", "hiking backpack", "electric kettle", "leather bag"];
    (0..ITEMS).map(|n| Item::new(format!("i{n}")).text("title", format!("{} {n}", words[n % 5]))).collect()
}

/// People who go from an item to the one behind it, two steps in three; the third step leads to one of eight that are
/// looked at by many, and by nobody for a reason.
fn events(people: usize) -> Vec<Event> {
    let mut events = Vec::new();
    for person in 0..people {
        let (start, mut item) = (START + person as f64 * 3_600.0, drawn(person, ITEMS));
        for step in 0..4 {
            let place = person * 4 + step;
            let shown = if drawn(place * 7, 3) == 0 { drawn(place * 13, 8) } else { item };
            item = (item + 1) % ITEMS;
            let time = Timestamp::from_seconds(start + step as f64 * 60.0);
            events.push(Event::new(format!("u{person}"), Action::Click).item(format!("i{shown}")).at(time));
        }
    }
    events
}

fn logged(people: usize) -> Shop {
    let shop = empty().expect("opens");
    shop.db.put(items()).expect("puts");
    shop.db.log(events(people)).expect("logs");
    shop
}

fn split() -> Timestamp {
    Timestamp::from_seconds(START + 320.0 * 3_600.0)
}

#[test]
fn tuned_weights_are_better_on_what_came_later() {
    let shop = logged(400);
    let tuning = shop.db.tune_until(split()).expect("tunes");
    assert_eq!((tuning.version, tuning.events), (1, 1_280));
    assert!(tuning.sets.iter().any(|set| set.kept && set.context.in_visit), "{}", tuning.to_text());
    assert_eq!(shop.db.stats().expect("has stats").weights_version, 1);
    let mut plan = Plan::default();
    plan.protocol = Protocol::GlobalTimeSplit { at: SplitAt::Time(split()) };
    (plan.targets, plan.exclude_seen, plan.resamples) = (Targets::Every, false, 100);
    let report = shop.db.evaluate(&plan).expect("measures");
    let ndcg = |name: &str| {
        let found = report.tasks[0].systems.iter().find(|system| system.name == name);
        found.unwrap_or_else(|| panic!("no {name} in {}", report.text())).measures[0].value.mean
    };
    assert!(ndcg("rank") > ndcg("model zero") + 0.02, "{}", report.text());
}

#[test]
fn a_tuning_stays_in_force_and_can_be_rolled_back() {
    let Shop { db, dir } = logged(300);
    // So that nothing but the weights changes what is answered.
    db.rebuild_cooccurrence().expect("fits");
    let now = Timestamp::from_seconds(START + 299.0 * 3_600.0 + 200.0);
    let request = Request::new().user("u299").now(now).limit(40).unlogged();
    let shipped = db.rank(&request).expect("ranks");
    assert_eq!(shipped.weights_version, 0);
    let first = db.tune().expect("tunes");
    let second = db.tune().expect("tunes again");
    assert_eq!((first.version, second.version), (1, 2));
    db.use_tuning(1).expect("is kept");
    let tuned = db.rank(&request).expect("ranks");
    assert_eq!(tuned.weights_version, 1);
    let order = |ranking: &onelist::Ranking| ranking.hits.iter().map(|hit| hit.id.clone()).collect::<Vec<_>>();
    assert_ne!(order(&shipped), order(&tuned));
    db.close().expect("closes");

    let db = Engine::open(dir.path().join("shop.onelist"), Config::default()).expect("opens again");
    assert_eq!(ids(&db, &request).expect("ranks"), order(&tuned), "in force after opening");
    let (kept, in_force) = db.tunings().expect("lists");
    assert_eq!((kept, in_force), (vec![first, second], 1));
    db.use_tuning(0).expect("rolls back");
    let back = db.rank(&request).expect("ranks");
    assert_eq!((order(&back), back.weights_version), (order(&shipped), 0));
    let unknown = db.use_tuning(7).expect_err("was never fitted");
    assert_eq!(unknown.name(), "InvalidArgument");
    assert!(unknown.to_string().contains("(1, 2)"), "{unknown}");
}

#[test]
fn a_small_log_changes_nothing() {
    let shop = logged(10);
    let tuning = shop.db.tune().expect("tunes");
    assert!(tuning.sets.is_empty() && tuning.version == 0, "{tuning:?}");
    assert!(tuning.to_text().contains("too few"));
    assert_eq!(shop.db.tunings().expect("lists"), (Vec::new(), 0));
    let nothing = empty().expect("opens");
    assert!(nothing.db.tune().expect("tunes").sets.is_empty());
}

#[test]
fn weights_of_the_configuration_are_the_last_word() {
    let Shop { db, dir } = logged(10);
    db.close().expect("closes");
    let mut config = Config::default();
    config.weights = vec![vec![1.0; 26]; 4];
    let path = dir.path().join("shop.onelist");
    let db = Engine::open(&path, config.clone()).expect("opens");
    assert_eq!(db.tune().expect_err("they are fixed").name(), "InvalidArgument");
    db.close().expect("closes");
    config.tune = true;
    assert_eq!(Engine::open(&path, config).err().expect("one or the other").name(), "InvalidArgument");
}

#[test]
fn the_background_tunes_to_a_log_that_has_grown() {
    let dir = tempfile::tempdir().expect("makes a directory");
    let mut config = Config::default();
    config.tune = true;
    let db = Engine::open(dir.path().join("shop.onelist"), config).expect("opens");
    db.put(items()).expect("puts");
    db.log(events(300)).expect("logs");
    let late = Instant::now() + Duration::from_secs(120);
    while db.stats().expect("has stats").weights_version == 0 && Instant::now() < late {
        std::thread::sleep(Duration::from_millis(50));
    }
    let stats = db.stats().expect("has stats");
    assert_eq!((stats.weights_version, stats.tuning_error), (1, None));
    assert_eq!(db.tunings().expect("lists").0[0].events, 1_200);
    db.close().expect("closes");
}

#[test]
fn the_gap_that_ends_a_visit_is_configured() {
    let contexts = |gap: f64| {
        let dir = tempfile::tempdir().expect("a folder");
        let mut config = Config::default();
        config.session_gap = gap;
        let db = Engine::open(dir.path().join("store"), config).expect("opens");
        db.put(items()).expect("puts");
        db.log(events(300)).expect("logs");
        let sets = db.tune().expect("tunes").sets;
        sets.iter().filter(|set| set.context.history).map(|set| set.context.in_visit).collect::<Vec<_>>()
    };
    // The steps of a visit are a minute apart, and nobody visits twice.
    let together = contexts(61.0);
    assert!(!together.is_empty() && together.iter().all(|in_visit| *in_visit), "{together:?}");
    let apart = contexts(59.0);
    assert!(!apart.is_empty() && apart.iter().all(|in_visit| !*in_visit), "{apart:?}");
    for gap in [0.0, -1.0, f64::NAN, 1e6] {
        let mut config = Config::default();
        config.session_gap = gap;
        assert_eq!(config.validate().expect_err("refused").name(), "InvalidArgument", "{gap}");
    }
}

#[test]
fn closing_gives_up_a_running_tuning() {
    let Shop { db, dir } = logged(1_500);
    let slow = std::thread::scope(|scope| {
        let work = scope.spawn(|| db.tune());
        // The scratch copy is there: the replay has begun.
        let scratch = dir.path().join("shop.onelist/scratch");
        let late = Instant::now() + Duration::from_secs(60);
        while !scratch.exists() && !work.is_finished() && Instant::now() < late {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(!work.is_finished(), "too quick to be closed");
        let start = Instant::now();
        db.close().expect("closes");
        let took = start.elapsed();
        assert_eq!(work.join().expect("ends").expect_err("was given up").name(), "Closed");
        took
    });
    assert!(slow < Duration::from_secs(5), "closing took {slow:?}");
    let db = Engine::open(dir.path().join("shop.onelist"), Config::default()).expect("opens again");
    assert_eq!(db.tunings().expect("lists"), (Vec::new(), 0));
}

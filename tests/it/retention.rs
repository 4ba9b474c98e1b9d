//! Retention: old events go, what they said of items goes with them, and what people had stays.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use onelist::{Action, Config, Engine, Event, Item, Request, Retention, Source, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const DAY: f64 = 86_400.0;

fn keeping(retention: Retention) -> Config {
    let mut config = Config::default();
    config.retention = retention;
    config
}

/// An event some days ago.
fn ago(days: f64, user: &str, action: Action, item: &str) -> Event {
    let now = Timestamp::now().seconds();
    Event::new(user, action).item(item).at(Timestamp::from_seconds(now - days * DAY))
}

fn store(path: &std::path::Path, retention: Retention) -> Engine {
    let db = Engine::open(path, keeping(retention)).expect("opens");
    db.put((0..40).map(|n| Item::new(format!("i{n}")).number("price", f64::from(n))).collect()).expect("puts");
    db
}

/// Ten people and a hundred days; some events are logged late.
fn log(seed: u64) -> Vec<Event> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut events: Vec<Event> = (0..2_000)
        .map(|n| {
            let actions = [Action::View, Action::Click, Action::Buy, Action::Dislike, Action::Skip];
            let action = actions[rng.random_range(0..actions.len())].clone();
            let user = format!("u{}", rng.random_range(0..10));
            let event = ago(100.0 - f64::from(n) / 20.0, &user, action, &format!("i{}", rng.random_range(0..40)));
            event.basket(format!("b{}", n / 5))
        })
        .collect();
    for n in 0..200 {
        events.swap(n * 10, rng.random_range(0..2_000));
    }
    events
}

fn check_counted(db: &Engine, what: &str) {
    let recount = db.verify_signals().expect("counts");
    assert_eq!(recount.before, recount.after, "{what}: the signals are those of the events that are kept");
}

#[test]
fn what_is_kept_is_bounded_and_counted_right() {
    let bounds = [
        Retention { per_user: Some(30), ..Retention::default() },
        Retention { total: Some(700), ..Retention::default() },
        Retention { days: Some(10.0), ..Retention::default() },
        Retention { per_user: Some(150), total: Some(900), days: Some(80.0) },
    ];
    for retention in bounds {
        let dir = tempfile::tempdir().expect("a folder");
        let db = store(dir.path(), retention);
        let left = kept(log(3), retention);
        for chunk in log(3).chunks(300) {
            db.log(chunk.to_vec()).expect("logs");
        }
        let seen = |db: &Engine| -> Vec<Vec<String>> {
            let list = |n: usize| Request::new().user(format!("u{n}")).exclude_seen().limit(40).unlogged();
            (0..10).map(|n| onelist_tests::ids(db, &list(n)).expect("ranks")).map(sorted).collect()
        };
        let before = seen(&db);
        let removed = db.apply_retention().expect("trims");
        let stats = db.stats().expect("has stats");
        assert_eq!((stats.events, stats.events_removed), (2_000 - removed, removed), "{retention:?}");
        // The clock goes on between two looks at it.
        assert!(stats.events.abs_diff(left.len() as u64) <= 1, "{retention:?} keeps {}", stats.events);
        assert_eq!(seen(&db), before, "{retention:?}: what was had stays had");
        check_counted(&db, "after a trim");
        // Late and repeated events, another trim, and another process.
        let more = log(5)[..400].to_vec();
        let left = kept(left.into_iter().chain(more.clone()).collect(), retention);
        db.log(more).expect("logs");
        db.flush().expect("flushes");
        check_counted(&db, "after more events");
        db.apply_retention().expect("trims");
        check_counted(&db, "after another trim");
        db.close().expect("closes");
        let db = Engine::open(dir.path(), keeping(retention)).expect("opens");
        let reopened = db.stats().expect("has stats");
        assert!(reopened.events.abs_diff(left.len() as u64) <= 2 && reopened.events + reopened.events_removed == 2_400);
        assert_eq!(db.apply_retention().expect("trims"), 0, "nothing is left to remove");
        check_counted(&db, "after reopening");
    }
}

/// What a store has to keep of events.
fn kept(mut events: Vec<Event>, retention: Retention) -> Vec<Event> {
    events.sort_by_key(|event| std::cmp::Reverse(event.time));
    let since = retention.days.map(|days| Timestamp::from_seconds(Timestamp::now().seconds() - days * DAY));
    let mut of_user: HashMap<String, usize> = HashMap::new();
    events.retain(|event| {
        let count = of_user.entry(event.user.clone()).or_default();
        *count += 1;
        event.time >= since && *count <= retention.per_user.unwrap_or(usize::MAX)
    });
    events.truncate(retention.total.map_or(usize::MAX, |total| total as usize));
    events
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

#[test]
fn a_removed_purchase_is_remembered_and_its_popularity_is_not() {
    let dir = tempfile::tempdir().expect("a folder");
    let db = store(dir.path(), Retention { days: Some(30.0), ..Retention::default() });
    let mut events: Vec<Event> = (0..20).map(|n| ago(60.0, &format!("p{n}"), Action::Buy, "i1")).collect();
    events.push(ago(61.0, "p0", Action::Buy, "i2"));
    events.push(ago(59.0, "p0", Action::View, "i3"));
    events.extend((0..5).map(|n| ago(1.0, &format!("p{n}"), Action::Click, "i4")));
    db.log(events).expect("logs");
    let popular = |id: &str| {
        let hits = db.rank(&Request::new().limit(40).unlogged()).expect("ranks").hits;
        let hit = hits.into_iter().find(|hit| hit.id == id).expect("is there");
        hit.sources.iter().any(|proposal| proposal.source == Source::Popular90)
    };
    assert!(popular("i1"));
    assert_eq!(db.apply_retention().expect("trims"), 22);
    assert!(!popular("i1") && popular("i4"), "what nobody did lately is not popular");
    let list = |request: Request| onelist_tests::ids(&db, &request.user("p0").limit(40)).expect("ranks");
    let has = |ids: &[String], id: &str| ids.iter().any(|other| other == id);
    let all = list(Request::new().exclude_seen());
    assert!(!has(&all, "i1") && !has(&all, "i2") && !has(&all, "i3") && !has(&all, "i4"), "{all:?}");
    let bought = list(Request::new().exclude_seen_when([Action::Buy], None));
    assert!(!has(&bought, "i1") && !has(&bought, "i2") && has(&bought, "i3") && has(&bought, "i4"), "{bought:?}");
    let lately = list(Request::new().exclude_seen_when([Action::Buy], Some(60.5)));
    assert!(!has(&lately, "i1") && has(&lately, "i2"), "{lately:?}");
    assert_eq!(list(Request::new().exclude_seen_when([Action::View], None)).len(), 40, "a removed view is forgotten");
}

#[test]
fn the_background_keeps_the_log_short() {
    let dir = tempfile::tempdir().expect("a folder");
    let db = store(dir.path(), Retention { total: Some(100), ..Retention::default() });
    let until = |done: &dyn Fn() -> bool| {
        let late = Instant::now() + Duration::from_secs(60);
        while !done() {
            assert!(Instant::now() < late, "{:?}", db.stats());
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    let events = || db.stats().expect("has stats").events;
    for round in 0..2 {
        db.log(log(round)[..500].to_vec()).expect("logs");
        until(&|| events() <= 110);
        check_counted(&db, "in the background");
    }
}

#[test]
fn bounds_that_keep_nothing_are_refused() {
    let refused = [
        Retention { per_user: Some(0), ..Retention::default() },
        Retention { total: Some(0), ..Retention::default() },
        Retention { days: Some(0.0), ..Retention::default() },
        Retention { days: Some(f64::NAN), ..Retention::default() },
        Retention { days: Some(1e9), ..Retention::default() },
    ];
    for retention in refused {
        let error = keeping(retention).validate().expect_err("refused");
        assert!(error.to_string().contains("retention."), "{error}");
    }
    let shop = onelist_tests::shop().expect("opens");
    assert_eq!(shop.db.apply_retention().expect("trims"), 0, "without a bound nothing is removed");
}

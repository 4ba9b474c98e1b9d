//! Events and users read back: complete, in order, in pages that neither repeat nor skip whatever happens meanwhile.

use onelist::{Action, Config, Engine, Event, EventFilter, EventQuery, EventRecord, Item, Meaning, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

fn at(seconds: f64) -> Timestamp {
    Timestamp::from_seconds(1.7e9 + seconds)
}

/// A log in random order of time, with ids that were never put, searches, segments and two imports.
pub fn log(seed: u64, count: usize) -> Vec<Event> {
    let mut rng = StdRng::seed_from_u64(seed);
    let actions = [Action::View, Action::Click, Action::Buy, Action::Dislike, Action::named("borrow")];
    let mut event = |n: usize| {
        let action = actions[rng.random_range(0..actions.len())].clone();
        // Every time is one of its own, so that an event can be told by it.
        let time = at((rng.random_range(0..1_000) * count + n) as f64);
        let mut event = Event::new(format!("u{}", rng.random_range(0..12)), action).at(time);
        event = match rng.random_range(0..10) {
            0 => event.query(format!("words {n}")),
            1 => event.item(format!("never-put-{}", n % 3)),
            _ => event.item(format!("i{}", rng.random_range(0..30))),
        };
        event = if n.is_multiple_of(3) { event.segment("country", format!("c{}", n % 5)) } else { event };
        event = if n.is_multiple_of(4) { event.basket(format!("b{}", n / 9)) } else { event };
        if n.is_multiple_of(2) { event.batch(format!("import-{}", n % 4 / 2)) } else { event }
    };
    (0..count).map(&mut event).collect()
}

fn store(dir: &std::path::Path) -> Engine {
    let config = Config::default().action("borrow", Meaning::Positive, 2.0);
    let db = Engine::open(dir.join("store"), config).expect("opens");
    db.put((0..30).map(|n| Item::new(format!("i{n}")).number("price", f64::from(n))).collect()).expect("puts");
    db
}

/// Every event of a query, page by page.
pub fn all(db: &Engine, query: &EventQuery) -> Vec<Event> {
    let (mut found, mut after) = (Vec::new(), query.after.clone());
    loop {
        let page = db.events(&EventQuery { after, ..query.clone() }).expect("reads");
        assert!(page.events.len() <= query.limit);
        found.extend(page.events.into_iter().map(|record: EventRecord| record.event));
        match page.next {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
}

pub fn matches(event: &Event, filter: &EventFilter) -> bool {
    filter.user.as_ref().is_none_or(|user| *user == event.user)
        && filter.item.as_ref().is_none_or(|item| Some(item) == event.item.as_ref())
        && filter.since.is_none_or(|since| event.time >= Some(since))
        && filter.until.is_none_or(|until| event.time < Some(until))
        && filter.action.as_ref().is_none_or(|action| *action == event.action)
        && filter.batch.as_ref().is_none_or(|batch| Some(batch) == event.batch.as_ref())
}

pub fn any_filter(rng: &mut StdRng, log: &[Event]) -> EventFilter {
    let some = &log[rng.random_range(0..log.len())];
    let mut filter = EventFilter::default();
    let mut maybe = |likely: f64| rng.random_bool(likely);
    filter.user = maybe(0.5).then(|| some.user.clone());
    filter.item = some.item.clone().filter(|_| maybe(0.3));
    filter.action = maybe(0.3).then(|| some.action.clone());
    filter.batch = some.batch.clone().filter(|_| maybe(0.3));
    filter.since = some.time.filter(|_| maybe(0.3));
    filter.until = filter.since.is_none().then_some(some.time).flatten().filter(|_| maybe(0.3));
    filter
}

#[test]
fn every_event_comes_back_whole_under_any_condition_in_either_order() {
    let dir = tempfile::tempdir().expect("a folder");
    let (db, logged) = (store(dir.path()), log(1, 1_500));
    for (n, part) in logged.chunks(100).enumerate() {
        db.log(part.to_vec()).expect("logs");
        if n % 4 == 0 {
            db.flush().expect("flushes");
        }
    }
    assert_eq!(all(&db, &EventQuery::default()), logged, "what was just logged is there, in the order of logging");
    let mut rng = StdRng::seed_from_u64(2);
    for round in 0..60 {
        let filter = if round == 0 { EventFilter::default() } else { any_filter(&mut rng, &logged) };
        let mut wanted: Vec<Event> = logged.iter().filter(|event| matches(event, &filter)).cloned().collect();
        if filter.user.is_some() {
            wanted.sort_by_key(|event| event.time);
        }
        assert_eq!(db.count_events(&filter).expect("counts"), wanted.len() as u64, "{filter:?}");
        let query = EventQuery::of(filter).limit([1_000, 7, 1][round % 3].max(wanted.len() / 20));
        assert_eq!(all(&db, &query), wanted, "{query:?}");
        wanted.reverse();
        assert_eq!(all(&db, &query.newest_first()), wanted);
    }
}

#[test]
fn pages_go_on_while_the_log_changes() {
    let dir = tempfile::tempdir().expect("a folder");
    let (db, logged) = (store(dir.path()), log(3, 300));
    db.log(logged.clone()).expect("logs");
    let first = db.events(&EventQuery::default().limit(100)).expect("reads");
    let more = Event::new("u1", Action::Click).item("i1").at(at(-5.0));
    db.log(vec![more.clone()]).expect("logs");
    let rest = all(&db, &EventQuery::default().limit(100).after(first.next.expect("there is more")));
    assert_eq!(rest, [&logged[100..], std::slice::from_ref(&more)].concat(), "what is logged later comes last");
    let of = EventQuery::of(EventFilter::default().user("u1")).limit(1);
    assert_eq!(db.events(&of).expect("reads").events[0].event, more, "and is first by time");
    db.close().expect("closes");
    let db = Engine::open(dir.path().join("store"), Config::default()).expect("opens");
    let token = first.events.len();
    assert_eq!(all(&db, &EventQuery::default()).len(), 301, "a token of {token} events is as good after reopening");
}

#[test]
fn an_event_of_the_future_says_when_it_came() {
    let shop = onelist_tests::shop().expect("opens");
    let later = Timestamp::from_seconds(Timestamp::now().seconds() + 3_600.0);
    shop.db.log(vec![Event::new("hiker", Action::Click).item("bag").at(later)]).expect("logs");
    let page = shop.db.events(&EventQuery::of(EventFilter::default().user("hiker")).newest_first()).expect("reads");
    assert_eq!(page.events[0].event.time, Some(later));
    assert!(page.events[0].arrived.is_some_and(|arrived| arrived < later));
    assert_eq!(page.events[1].arrived, None, "the others came when they happened");
}

#[test]
fn users_are_listed_in_order_with_what_they_did() {
    let dir = tempfile::tempdir().expect("a folder");
    let (db, logged) = (store(dir.path()), log(4, 400));
    assert!(db.users(None, 10).expect("reads").is_empty());
    let long = "x".repeat(500);
    db.log(logged.clone()).expect("logs");
    db.log(vec![Event::new(&long, Action::Click).item("i1").at(at(1.0))]).expect("logs");
    let mut ids: Vec<String> = logged.iter().map(|event| event.user.clone()).collect();
    ids.sort();
    ids.dedup();
    ids.push(long);
    let mut found = Vec::new();
    while let page = db.users(found.last().map(String::as_str), 5).expect("reads")
        && !page.is_empty()
    {
        for user in page {
            let of = |event: &&Event| event.user == user.user;
            let times: Vec<_> = logged.iter().filter(of).filter_map(|event| event.time).collect();
            if user.user.len() < 480 {
                assert_eq!((user.events, user.first), (times.len() as u64, times.iter().min().copied()));
                assert_eq!(user.last, times.iter().max().copied());
            }
            found.push(user.user);
        }
    }
    assert_eq!(found, ids);
    assert_eq!(db.stats().expect("counts").users, ids.len() as u64);
    assert_eq!(db.users(Some("u11x"), 1).expect("reads")[0].user, "u2", "an id that nobody has");
    assert_eq!(db.users(Some(""), 1).expect_err("refused").name(), "InvalidId");
}

#[test]
fn what_nobody_has_is_an_empty_page() {
    let shop = onelist_tests::shop().expect("opens");
    let none = |filter: EventFilter| {
        assert_eq!(shop.db.count_events(&filter).expect("counts"), 0);
        assert!(shop.db.events(&EventQuery::of(filter)).expect("reads").events.is_empty());
    };
    none(EventFilter::default().user("nobody"));
    none(EventFilter::default().item("nothing"));
    none(EventFilter::default().user("hiker").item("teapot"));
    none(EventFilter::default().batch("an import"));
    none(EventFilter::default().action(Action::named("never")));
    none(EventFilter::default().until(Timestamp::MIN));
    assert_eq!(shop.db.events(&EventQuery::default().limit(0)).expect("reads").events.len(), 0);
}

#[test]
fn the_same_event_of_two_imports_counts_once() {
    let shop = onelist_tests::empty().expect("opens");
    let event = || Event::new("u", Action::Click).item("a").at(at(1.0));
    shop.db.log(vec![event(), event().batch("one"), event().batch("two")]).expect("logs");
    shop.db.log(vec![event().batch("three")]).expect("logs");
    let found = all(&shop.db, &EventQuery::default());
    assert_eq!(found, [event()], "it belongs to the first");
    assert_eq!(shop.db.stats().expect("counts").events, 1);
}

#[test]
fn calls_by_name_read_the_log_too() {
    let shop = onelist_tests::shop().expect("opens");
    let call = |method: &str, arguments: &str| shop.db.call(method, arguments).expect("answers");
    let page: serde_json::Value =
        serde_json::from_str(&call("events", r#"{"user": "hiker", "newest_first": true, "limit": 1}"#)).expect("JSON");
    assert_eq!(page["events"][0]["item"], "backpack");
    assert!(page["events"][0]["time"].is_number() && page["events"][0]["batch"].is_null());
    let token = page["next"].as_str().expect("there is more");
    let next = call("events", &format!(r#"{{"user": "hiker", "newest_first": true, "after": "{token}"}}"#));
    assert!(next.contains("boots") && next.contains(r#""next":null"#), "{next}");
    assert_eq!(call("count_events", r#"{"action": "buy"}"#), "2");
    assert_eq!(call("count_events", ""), "5");
    let users: serde_json::Value = serde_json::from_str(&call("users", r#"{"limit": 2}"#)).expect("JSON");
    assert_eq!((&users[0]["user"], &users[1]["events"]), (&"another".into(), &1.into()));
    for (method, arguments) in [
        ("events", r#"{"usr": "hiker"}"#),
        ("events", r#"{"after": "?"}"#),
        ("events", r#"{"since": 2, "until": 1}"#),
        ("count_events", r#"{"user": ""}"#),
        ("users", r#"{"limit": 1000001}"#),
    ] {
        assert!(shop.db.call(method, arguments).is_err(), "{method} {arguments}");
    }
}

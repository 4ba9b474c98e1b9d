//! Deleting events, forgetting and merging: what is left is what a store would hold that never had the rest.

use std::collections::BTreeMap;
use std::path::Path;

use onelist::{
    Action, Config, Engine, Event, EventFilter, EventQuery, Hit, Item, Request, Retention, Rule, Timestamp, Which,
};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::stored_events::{all, any_filter, matches};

const ITEMS: usize = 30;
const USERS: usize = 9;

fn at(seconds: f64) -> Timestamp {
    Timestamp::from_seconds(1.7e9 + seconds)
}

fn open(dir: &Path, name: &str) -> Engine {
    let db = Engine::open(dir.join(name), Config::default()).expect("opens");
    let item = |n| Item::new(format!("i{n}")).text("title", format!("thing number{n}")).number("price", n as f64);
    db.put((0..ITEMS).map(item).collect()).expect("puts");
    db
}

/// One event of every user, by which all have their keys; none of the filters below meets them.
fn first_of_each() -> Vec<Event> {
    let first = |n| Event::new(format!("u{n}"), Action::Share).item("i0").at(at(-10_000.0));
    (0..USERS).map(first).collect()
}

/// A log with baskets, segments, imports, searches and some events that come late.
fn log(seed: u64, count: usize) -> Vec<Event> {
    let mut rng = StdRng::seed_from_u64(seed);
    let actions = [Action::View, Action::Click, Action::Buy, Action::Dislike, Action::Skip];
    let mut events: Vec<Event> = (0..count)
        .map(|n| {
            let mut event = Event::new(format!("u{}", rng.random_range(0..USERS)), actions[n % 5].clone());
            event = event.at(at(60.0 * n as f64)).batch(format!("import-{}", n % 3));
            event = match n % 11 {
                0 => event.query(format!("number{n}")),
                _ => event.item(format!("i{}", rng.random_range(1..ITEMS))),
            };
            event = if n.is_multiple_of(2) { event.basket(format!("b{}", n / 6)) } else { event };
            if n.is_multiple_of(3) { event.segment("country", format!("c{}", n % 4)) } else { event }
        })
        .collect();
    for n in 0..count / 10 {
        events.swap(n * 10, rng.random_range(0..count));
    }
    events
}

/// Everything that requests can see of the log.
fn seen(db: &Engine) -> BTreeMap<String, Vec<Hit>> {
    let mut requests: Vec<(String, Request)> = (0..USERS)
        .flat_map(|n| {
            let user = format!("u{n}");
            let ask = || Request::new().user(user.as_str()).now(at(1e6)).limit(ITEMS).unlogged().explain();
            [
                (format!("for {user}"), ask()),
                (format!("{user} searches"), ask().query("thing")),
                (format!("new to {user}"), ask().exclude_seen()),
            ]
        })
        .collect();
    for n in 0..ITEMS {
        requests.push((format!("like {n}"), Request::new().like([format!("i{n}")]).now(at(1e6)).unlogged().explain()));
    }
    for n in 0..4 {
        let request = Request::new().segment("country", format!("c{n}")).now(at(1e6)).unlogged().explain();
        requests.push((format!("country {n}"), request));
    }
    requests.push(("first visit".to_owned(), Request::new().now(at(1e6)).limit(ITEMS).unlogged().explain()));
    requests.into_iter().map(|(name, request)| (name, db.rank(&request).expect("ranks").hits)).collect()
}

/// Compares a store with one in which only `left` was ever logged.
fn check_equal(db: &Engine, dir: &Path, left: &[Event], what: &str) {
    let other = open(dir, &onelist_name(what));
    other.log(first_of_each()).expect("logs");
    other.log(left.to_vec()).expect("logs");
    db.rebuild_cooccurrence().expect("rebuilds");
    other.rebuild_cooccurrence().expect("rebuilds");
    let (mine, theirs) = (db.verify_signals().expect("counts"), other.verify_signals().expect("counts"));
    assert_eq!(mine.before, mine.after, "{what}: the signals are those of the events that are left");
    assert_eq!(mine.before, theirs.before, "{what}: and those of a store without the others");
    assert_eq!(all(db, &EventQuery::default()), all(&other, &EventQuery::default()), "{what}");
    let counts = |db: &Engine| db.stats().map(|stats| (stats.items, stats.users, stats.events)).expect("counts");
    assert_eq!(counts(db), counts(&other), "{what}");
    let (mine, theirs) = (seen(db), seen(&other));
    for (name, hits) in &mine {
        assert_eq!(hits, &theirs[name], "{what}: {name}");
    }
}

fn onelist_name(what: &str) -> String {
    what.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

#[test]
fn random_deletions_leave_the_store_that_never_had_the_events() {
    let dir = tempfile::tempdir().expect("a folder");
    for seed in 0..3 {
        println!("seed {seed}");
        let db = open(dir.path(), &format!("store-{seed}"));
        let mut left = log(seed, 400);
        db.log(first_of_each()).expect("logs");
        for part in left.chunks(70) {
            db.log(part.to_vec()).expect("logs");
        }
        if seed % 2 == 0 {
            db.rebuild_cooccurrence().expect("rebuilds");
        }
        let mut rng = StdRng::seed_from_u64(seed + 100);
        for round in 0..4 {
            let mut filter = any_filter(&mut rng, &left);
            // Not the events by which users have their keys.
            filter.since = filter.since.or(Some(at(-60.0)));
            let gone = left.iter().filter(|event| matches(event, &filter)).count();
            left.retain(|event| !matches(event, &filter));
            assert_eq!(db.delete_events(&filter).expect("deletes"), gone as u64, "{filter:?}");
            assert_eq!(db.delete_events(&filter).expect("deletes"), 0, "once is enough");
            let more = log(seed * 10 + round + 1_000, 30);
            let more: Vec<Event> = more.into_iter().map(|event| shifted(event, 1_000.0 * (round + 1) as f64)).collect();
            db.log(more.clone()).expect("logs");
            left.extend(more);
        }
        check_equal(&db, dir.path(), &left, &format!("seed {seed}"));
        db.close().expect("closes");
        let db = Engine::open(dir.path().join(format!("store-{seed}")), Config::default()).expect("opens");
        check_equal(&db, dir.path(), &left, &format!("seed {seed} reopened"));
    }
}

fn shifted(event: Event, minutes: f64) -> Event {
    let time = event.time.expect("has one").seconds() + 60.0 * minutes;
    event.at(Timestamp::from_seconds(time))
}

/// A store with a log, and the log.
fn logged(dir: &Path, name: &str, seed: u64) -> (Engine, Vec<Event>) {
    let (db, events) = (open(dir, name), log(seed, 300));
    db.log(first_of_each()).expect("logs");
    db.log(events.clone()).expect("logs");
    (db, events)
}

#[test]
fn each_condition_alone_deletes_what_it_names() {
    let dir = tempfile::tempdir().expect("a folder");
    let since = at(-60.0);
    let conditions = [
        ("user", EventFilter::default().user("u3").since(since)),
        ("item", EventFilter::default().item("i4")),
        ("action", EventFilter::default().action(Action::Buy)),
        ("import", EventFilter::default().batch("import-1")),
        ("since", EventFilter::default().since(at(9_000.0))),
        ("until", EventFilter::default().since(since).until(at(9_000.0))),
        ("range", EventFilter::default().since(at(3_000.0)).until(at(9_000.0))),
        ("all at once", EventFilter::default().user("u3").action(Action::View).batch("import-0").since(since)),
        ("nothing", EventFilter::default().user("nobody")),
        ("an item nobody has", EventFilter::default().item("nothing")),
    ];
    for (name, filter) in conditions {
        let (db, mut left) = logged(dir.path(), &format!("by {name}"), 5);
        let before = left.len();
        left.retain(|event| !matches(event, &filter));
        assert_eq!(db.delete_events(&filter).expect("deletes"), (before - left.len()) as u64, "{name}");
        check_equal(&db, dir.path(), &left, name);
        assert_eq!(db.stats().expect("counts").events_removed, (before - left.len()) as u64);
    }
}

#[test]
fn deleting_everything_must_be_said() {
    let dir = tempfile::tempdir().expect("a folder");
    let (db, events) = logged(dir.path(), "store", 6);
    let refused = db.delete_events(&EventFilter::default()).expect_err("refused");
    assert!(refused.to_string().contains("to delete every event, say so"), "{refused}");
    assert!(db.call("delete_events", "{}").is_err() && db.call("delete_events", r#"{"user": ""}"#).is_err());
    assert!(db.call("delete_events", r#"{"all": true, "user": "u1"}"#).is_err(), "all, or some");
    let count = (events.len() + USERS) as u64;
    assert_eq!(db.call("delete_events", r#"{"all": true}"#).expect("deletes"), count.to_string());
    let stats = db.stats().expect("counts");
    assert_eq!((stats.events, stats.users, stats.events_removed), (0, 0, count));
    let recount = db.verify_signals().expect("counts");
    let empty = open(dir.path(), "empty");
    assert_eq!([recount.before; 2], [recount.after, empty.verify_signals().expect("counts").before]);
    assert_eq!(db.delete_all_events().expect("deletes"), 0);
    // The log goes on.
    db.log(first_of_each()).expect("logs");
    assert_eq!(db.stats().expect("counts").users, USERS as u64);
}

#[test]
fn reading_and_writing_go_on_while_events_are_deleted() {
    let dir = tempfile::tempdir().expect("a folder");
    let (db, _) = logged(dir.path(), "store", 7);
    std::thread::scope(|scope| {
        let deleting = scope.spawn(|| {
            for n in 0..6 {
                let filter = EventFilter::default().item(format!("i{}", n + 1));
                db.delete_events(&filter).expect("deletes");
            }
        });
        let mut n = 0;
        while !deleting.is_finished() {
            // Small ones go to the journal; a large one is applied at once, and the deletion has to count anew.
            let count = if n % 5 == 4 { 1_500 } else { 3 };
            let event =
                |k: usize| Event::new(format!("w{}", k % 7), Action::Click).item("i20").at(at((n * 2_000 + k) as f64));
            db.log((0..count).map(event).collect()).expect("logs");
            db.put(vec![Item::new(format!("new{n}")).text("title", "new thing")]).expect("puts");
            assert!(!db.rank(&Request::new().user("u1").query("thing")).expect("ranks").hits.is_empty());
            n += 1;
        }
    });
    let recount = db.verify_signals().expect("counts");
    assert_eq!(recount.before, recount.after);
    let stats = db.stats().expect("counts");
    assert_eq!(stats.events, all(&db, &EventQuery::default()).len() as u64);
    let mut users = 0;
    let mut after = None;
    while let page = db.users(after.as_deref(), 3).expect("reads")
        && let Some(last) = page.last()
    {
        users += page.len() as u64;
        after = Some(last.user.clone());
    }
    assert_eq!(stats.users, users);
}

#[test]
fn a_choice_is_taken_back_with_its_last_event() {
    let shop = onelist_tests::shop().expect("opens");
    let shown = shop.db.rank(&Request::new().user("hiker").limit(4)).expect("ranks");
    let item = shown.hits[1].id.clone();
    let chose = |time: f64| Event::new("hiker", Action::Click).item(item.as_str()).answers(&shown.rank_id).at(at(time));
    shop.db.log(vec![chose(1.0), chose(2.0)]).expect("logs");
    let chosen = || shop.db.impressions(None, 10).expect("reads")[0].chosen.clone();
    assert_eq!(chosen(), [1]);
    shop.db.delete_events(&EventFilter::default().user("hiker").since(at(0.0)).until(at(1.5))).expect("deletes");
    assert_eq!(chosen(), [1], "another event answers it too");
    shop.db.delete_events(&EventFilter::default().user("hiker").since(at(0.0)).until(at(9.0))).expect("deletes");
    assert!(chosen().is_empty());
    let recount = shop.db.verify_signals().expect("counts");
    assert_eq!(recount.before, recount.after);
    shop.db.log(vec![chose(3.0)]).expect("logs");
    assert_eq!(chosen(), [1], "it can be chosen again");
}

#[test]
fn what_retention_kept_is_forgotten_too() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut config = Config::default();
    config.retention = Retention { days: Some(30.0), ..Retention::default() };
    let db = Engine::open(dir.path().join("store"), config).expect("opens");
    db.put((0..5).map(|n| Item::new(format!("i{n}")).number("price", f64::from(n))).collect()).expect("puts");
    let now = Timestamp::now().seconds();
    let ago = |days: f64, user: &str, item: &str| {
        Event::new(user, Action::Buy)
            .item(item)
            .at(Timestamp::from_seconds(now - 86_400.0 * days))
            .segment("plan", "old")
    };
    db.log(vec![ago(90.0, "ann", "i1"), ago(80.0, "ann", "i2"), ago(1.0, "ann", "i3"), ago(70.0, "bob", "i1")])
        .expect("logs");
    assert_eq!(db.apply_retention().expect("removes"), 3);
    let unseen = |user: &str| {
        let mut ids = onelist_tests::ids(&db, &Request::new().user(user).exclude_seen().limit(5)).expect("ranks");
        ids.sort();
        ids.join(" ")
    };
    assert_eq!((unseen("ann").as_str(), unseen("bob").as_str()), ("i0 i4", "i0 i2 i3 i4"));
    let day = |days: f64| Timestamp::from_seconds(now - 86_400.0 * days);
    let delete = |filter: EventFilter| db.delete_events(&filter).expect("deletes");
    assert_eq!(delete(EventFilter::default().user("ann").action(Action::Buy).until(day(20.0))), 0);
    assert_eq!(unseen("ann"), "i0 i4", "of which action it was is not known");
    assert_eq!(delete(EventFilter::default().user("ann").since(day(85.0)).until(day(75.0))), 0);
    assert_eq!(unseen("ann"), "i0 i2 i4", "all of it lay in the range");
    assert_eq!(delete(EventFilter::default().user("ann")), 1);
    assert_eq!((unseen("ann").as_str(), unseen("bob").as_str()), ("i0 i1 i2 i3 i4", "i0 i2 i3 i4"));
    let recount = db.verify_signals().expect("counts");
    assert_eq!(recount.before, recount.after);
    let forgotten = db.forget("bob").expect("forgets");
    assert!(forgotten.found);
    assert_eq!((unseen("bob").as_str(), db.stats().expect("counts").users), ("i0 i1 i2 i3 i4", 0));
}

#[test]
fn a_forgotten_user_was_never_there() {
    let dir = tempfile::tempdir().expect("a folder");
    let (db, mut left) = logged(dir.path(), "store", 8);
    // The last of all keys, so that those of the others stay.
    let secret =
        |n: usize| Event::new("secret", Action::Buy).item(format!("i{n}")).at(at(n as f64)).segment("country", "c9");
    db.log((1..9).map(secret).collect()).expect("logs");
    for user in ["u1", "secret", "u2"] {
        db.rank(&Request::new().user(user).query("secret words").limit(5)).expect("ranks");
    }
    let forgotten = db.forget("secret").expect("forgets");
    assert!(forgotten.found && forgotten.events == 8 && forgotten.impressions == 1, "{forgotten:?}");
    assert!(db.users(None, 100).expect("lists").iter().all(|user| user.user != "secret"));
    let shown = db.impressions(None, 10).expect("reads");
    assert_eq!(shown.iter().map(|shown| shown.user.as_deref()).collect::<Vec<_>>(), [Some("u1"), Some("u2")]);
    let again = db.forget("secret").expect("forgets");
    assert!(!again.found && again.events + again.pairs + again.impressions == 0, "{again:?}");
    assert!(!db.forget("never seen").expect("forgets").found);
    assert_eq!(db.forget("").expect_err("refused").name(), "InvalidId");
    // A user who was only shown something has no events, and impressions all the same.
    db.rank(&Request::new().user("looker").limit(5)).expect("ranks");
    assert_eq!(db.forget("looker").expect("forgets").impressions, 1);
    for user in ["u1", "u2"] {
        db.forget(user).expect("forgets");
        left.retain(|event| event.user != user);
    }
    let recount = db.verify_signals().expect("counts");
    assert_eq!(recount.before, recount.after);
    assert_eq!(db.stats().expect("counts").users, USERS as u64 - 2);
    assert_eq!(db.count_events(&EventFilter::default()).expect("counts"), (left.len() + USERS - 2) as u64);
    // Whoever is forgotten may come back, as somebody new.
    db.log(vec![secret(3)]).expect("logs");
    assert_eq!(all(&db, &EventQuery::of(EventFilter::default().user("secret"))), [secret(3)]);
}

#[test]
fn a_forgotten_item_was_never_there() {
    let dir = tempfile::tempdir().expect("a folder");
    let (db, mut left) = logged(dir.path(), "store", 9);
    let shown = db.rank(&Request::new().user("u1").limit(ITEMS)).expect("ranks");
    db.log(vec![Event::new("u1", Action::Click).item("i5").answers(&shown.rank_id).at(at(5.0))]).expect("logs");
    db.set_scenario(
        "pinned",
        &[Rule::Pin { item: "i5".to_owned(), position: 1 }, Rule::Exclude(Which::ids(["i5", "i6"]))],
    )
    .expect("stores");
    db.set_scenario("other", &[Rule::Exclude(Which::ids(["i6"]))]).expect("stores");
    db.rebuild_cooccurrence().expect("rebuilds");
    let forgotten = db.forget_item("i5").expect("forgets");
    let events = left.iter().filter(|event| event.item.as_deref() == Some("i5")).count() as u64 + 1;
    assert!(forgotten.found);
    assert_eq!((forgotten.events, forgotten.impressions, forgotten.scenarios), (events, 1, 1));
    left.retain(|event| event.item.as_deref() != Some("i5"));
    assert!(db.get(&["i5"]).expect("reads")[0].is_none());
    assert!(db.scan(Some("i5"), 1).is_err(), "its id is not known any more");
    let place = shown.hits.iter().position(|hit| hit.id == "i5").expect("was shown");
    let kept = &db.impressions(None, 1).expect("reads")[0];
    assert_eq!((kept.slate.len(), &kept.slate[place], kept.chosen.len()), (ITEMS, &None, 0));
    assert_eq!(db.scenarios().expect("reads")["pinned"], [Rule::Exclude(Which::ids(["i6"]))]);
    let recount = db.verify_signals().expect("counts");
    assert_eq!(recount.before, recount.after);
    assert_eq!(all(&db, &EventQuery::default()).split_off(USERS), left);
    for hits in seen(&db).values() {
        assert!(hits.iter().all(|hit| hit.id != "i5"));
    }
    assert!(!db.forget_item("i5").expect("forgets").found);
    // What only events named has an id too.
    db.log(vec![Event::new("u2", Action::Click).item("never-put")]).expect("logs");
    let forgotten = db.forget_item("never-put").expect("forgets");
    assert!(forgotten.found && forgotten.events == 1);
    // It may be put again, as something new.
    db.put(vec![Item::new("i5").text("title", "thing number5")]).expect("puts");
    let found = db.rank(&Request::new().query("number5").unlogged()).expect("ranks");
    assert_eq!(found.hits[0].id, "i5");
}

#[test]
fn merged_users_are_one_as_if_they_had_always_been() {
    let dir = tempfile::tempdir().expect("a folder");
    for (round, into_exists) in [(0, true), (1, false), (2, true)] {
        let (db, events) = logged(dir.path(), &format!("store-{round}"), 10 + round);
        let as_one = |from: &str, into: &str| -> Vec<Event> {
            let rename =
                |event: Event| Event { user: if event.user == from { into.to_owned() } else { event.user }, ..event };
            events.iter().cloned().map(rename).collect()
        };
        let (from, into) = if into_exists { ("u7", "u2") } else { ("u7", "known") };
        db.rank(&Request::new().user("u7").limit(3)).expect("ranks");
        let merged = db.merge_users(from, into).expect("merges");
        let own = events.iter().filter(|event| event.user == "u7").count() as u64;
        // The first event of `u7` is that of `u2` too.
        assert_eq!(
            (merged.events, merged.duplicates, merged.impressions),
            match into_exists {
                true => (own, 1, 1),
                false => (own + 1, 0, 1),
            }
        );
        let recount = db.verify_signals().expect("counts");
        assert_eq!(recount.before, recount.after, "round {round}");
        let users = db.users(None, 100).expect("lists");
        assert!(users.iter().all(|user| user.user != "u7"));
        assert_eq!(users.len() as u64, db.stats().expect("counts").users);
        let of = EventQuery::of(EventFilter::default().user(into));
        let mut wanted: Vec<Event> = as_one(from, into).into_iter().filter(|event| event.user == into).collect();
        wanted.sort_by_key(|event| event.time);
        assert_eq!(all(&db, &of)[1..], wanted);
        assert_eq!(db.impressions(None, 1).expect("reads")[0].user.as_deref(), Some(into));
        if into_exists {
            // In the order of logging it is the log of one.
            let other = open(dir.path(), &format!("other-{round}"));
            other.log(first_of_each()).expect("logs");
            other.log(as_one(from, into)).expect("logs");
            let ask = |db: &Engine| {
                let request = Request::new().user(into).now(at(1e6)).limit(ITEMS).unlogged().explain();
                db.rank(&request).expect("ranks").hits.iter().map(|hit| hit.id.clone()).collect::<Vec<_>>()
            };
            db.rebuild_cooccurrence().expect("rebuilds");
            other.delete_events(&EventFilter::default().user("u7")).expect("deletes");
            other.rebuild_cooccurrence().expect("rebuilds");
            // Without the impression.
            db.forget("nobody").expect("forgets");
            assert_eq!(ask(&db).len(), ask(&other).len());
        }
        assert_eq!(db.merge_users(from, into).expect("merges"), Default::default(), "nobody is left");
    }
    let db = open(dir.path(), "more");
    assert_eq!(db.merge_users("a", "a").expect_err("refused").name(), "InvalidArgument");
    assert_eq!(db.merge_users("", "a").expect_err("refused").name(), "InvalidId");
    assert_eq!(db.merge_users("a", "b").expect("merges"), Default::default());
    assert_eq!(db.stats().expect("counts").users, 0, "nobody is made");
}

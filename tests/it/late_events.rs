//! Events that arrive late, or in any order: every list is that of the order in time.

use onelist::{Action, Config, Engine, Event, Item, Request, Timestamp};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

const NOW: f64 = 1.7e9;

fn at(seconds: f64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

/// A store of so many items that takes events in batches.
fn store(dir: &std::path::Path, name: &str, items: usize, events: &[Event], batch: usize) -> Engine {
    let db = Engine::open(dir.join(name), Config::default()).expect("opens");
    db.put((0..items).map(|n| Item::new(format!("i{n}")).text("title", format!("thing {n}"))).collect()).expect("puts");
    for some in events.chunks(batch) {
        db.log(some.to_vec()).expect("logs");
    }
    db.rebuild_cooccurrence().expect("rebuilds");
    db.flush().expect("flushes");
    db
}

/// Visits of 120 users to a few of fifty items in a row, over two months.
fn visits(seed: u64) -> Vec<Event> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut events = Vec::new();
    for user in 0..120 {
        let (first, days) = (rng.random_range(0..50), rng.random_range(1.0..60.0));
        for step in 0..5 {
            let action = if rng.random_bool(0.5) { Action::Buy } else { Action::View };
            let event = Event::new(format!("p{user}"), action.clone()).item(format!("i{}", (first + step) % 50));
            let event = if action == Action::Buy { event.basket(format!("b{user}")) } else { event };
            events.push(
                event.at(at(NOW - days * 86_400.0 + 60.0 * step as f64)).segment("plan", format!("p{}", user % 3)),
            );
        }
    }
    events.sort_by_key(|event| event.time);
    events
}

fn lists(db: &Engine) -> Vec<Vec<String>> {
    let request = || Request::new().now(at(NOW)).limit(10).unlogged();
    let users = (0..40).map(|user| request().user(format!("p{user}")));
    let requests: Vec<Request> = users.chain([request(), request().segment("plan", "p1")]).collect();
    let rankings = db.rank_many(&requests).expect("ranks");
    rankings.into_iter().map(|ranking| ranking.hits.into_iter().map(|hit| hit.id).collect()).collect()
}

#[test]
fn an_import_in_any_order_gives_the_lists_of_the_order_in_time() {
    let dir = tempfile::tempdir().expect("a folder");
    let sorted = visits(3);
    let wanted = lists(&store(dir.path(), "sorted", 50, &sorted, 10));
    let mut shuffled = sorted.clone();
    shuffled.shuffle(&mut StdRng::seed_from_u64(4));
    let newest_first: Vec<Event> = sorted.iter().rev().cloned().collect();
    for (name, events, batch) in [
        ("newest first", &newest_first, usize::MAX),
        ("tens", &shuffled, 10),
        ("at once", &shuffled, usize::MAX),
        ("one by one, newest first", &newest_first, 7),
    ] {
        let db = store(dir.path(), name, 50, events, batch.min(events.len()));
        assert_eq!(lists(&db), wanted, "{name}");
        let check = db.verify_signals().expect("counts");
        assert_eq!(check.before, check.after, "{name}");
        assert_eq!(lists(&db), wanted, "{name}, after the count");
    }
}

/// What came next after i0 adds to i1, i2 and i3, when everybody had these items in the order of their numbers.
fn next(order: &[usize], batch: usize) -> Vec<f32> {
    let dir = tempfile::tempdir().expect("a folder");
    let event = |user: usize, item: usize| {
        Event::new(format!("q{user}"), Action::Click)
            .item(format!("i{item}"))
            .at(at(NOW - 86_400.0 + 60.0 * item as f64))
    };
    let events: Vec<Event> = order.iter().flat_map(|item| (0..20).map(move |user| event(user, *item))).collect();
    let db = store(dir.path(), "store", 5, &events, batch);
    let request = Request::new().history(["i0"]).now(at(NOW)).explain().unlogged();
    let hits = db.rank(&request).expect("ranks").hits;
    let amount = |id: &str| {
        let why = hits.iter().find(|hit| hit.id == id).and_then(|hit| hit.why.as_ref()).expect("is explained");
        why.contributions.iter().find(|part| part.feature == "covisit_next").map_or(0.0, |part| part.amount)
    };
    ["i1", "i2", "i3"].map(amount).to_vec()
}

#[test]
fn an_event_between_two_others_takes_their_weight_away() {
    let wanted = next(&[0, 1, 2, 3], 1_000);
    assert!(wanted[0] > wanted[1] && wanted[1] > wanted[2] && wanted[2] > 0.0, "{wanted:?}");
    for order in [[3, 2, 1, 0], [0, 2, 1, 3], [1, 0, 3, 2], [2, 0, 3, 1], [0, 3, 1, 2], [3, 0, 2, 1]] {
        for batch in [1_000, 3] {
            assert_eq!(next(&order, batch), wanted, "{order:?} in batches of {batch}");
        }
    }
}

#[test]
fn late_events_reach_what_is_known_of_a_user_and_survive_a_reopening() {
    let dir = tempfile::tempdir().expect("a folder");
    let sorted = visits(9);
    let (late, rest): (Vec<Event>, Vec<Event>) =
        sorted.iter().enumerate().fold(Default::default(), |mut parts, (n, event)| {
            if n % 7 == 0 {
                parts.0.push(event.clone())
            } else {
                parts.1.push(event.clone())
            }
            parts
        });
    let wanted = lists(&store(dir.path(), "sorted", 50, &sorted, 50));
    let db = store(dir.path(), "late", 50, &rest, 50);
    assert_ne!(lists(&db), wanted, "something is missing");
    db.close().expect("closes");
    let db = Engine::open(dir.path().join("late"), Config::default()).expect("opens");
    db.log(late).expect("logs what was late");
    db.rebuild_cooccurrence().expect("rebuilds");
    db.flush().expect("flushes");
    assert_eq!(lists(&db), wanted);
    let check = db.verify_signals().expect("counts");
    assert_eq!(check.before, check.after);
}

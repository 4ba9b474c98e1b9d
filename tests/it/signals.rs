//! Signals: the same whichever way events came in, and equal to what is counted anew from the stored events.

use onelist::{Action, Config, Engine, Event, Item, Meaning, Request, Source, Timestamp};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

const ACTIONS: [Action; 6] = [Action::View, Action::Click, Action::Buy, Action::Dislike, Action::Rate, Action::Share];

/// A log of people, items, actions and baskets, in order of time but for a tenth that comes late; some events twice.
fn log(seed: u64, count: usize) -> Vec<Event> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut events: Vec<Event> = (0..count)
        .map(|place| {
            let action = ACTIONS[rng.random_range(0..ACTIONS.len())].clone();
            let user = format!("u{}", rng.random_range(0..20));
            let mut event = Event::new(user, action.clone()).item(format!("i{}", rng.random_range(0..40)));
            if action == Action::Rate {
                event = event.value(f64::from(rng.random_range(1..=5)));
            }
            if action == Action::Buy {
                event = event.basket(format!("b{}", place / 7));
            }
            event.at(Timestamp::from_seconds(1.6e9 + 600.0 * place as f64))
        })
        .collect();
    for place in 0..count / 10 {
        let late = rng.random_range(0..count);
        events.swap(place * 10, late);
    }
    let twice = events[..count / 20].to_vec();
    events.extend(twice);
    events
}

fn store(dir: &std::path::Path, name: &str, config: Config) -> Engine {
    let db = Engine::open(dir.join(name), config).expect("opens");
    db.put((0..40).map(|n| Item::new(format!("i{n}")).number("price", f64::from(n))).collect()).expect("puts");
    db
}

#[test]
fn bulk_and_single_events_leave_the_same_signals() {
    let dir = tempfile::tempdir().expect("a folder");
    let events = log(7, 3_000);
    let bulk = store(dir.path(), "bulk", Config::default());
    bulk.log(events.clone()).expect("logs");
    let single = store(dir.path(), "single", Config::default());
    for (place, event) in events.iter().enumerate() {
        single.log(vec![event.clone()]).expect("logs");
        if place % 701 == 0 {
            single.flush().expect("flushes");
        }
    }
    let mixed = store(dir.path(), "mixed", Config::default());
    let mut rest = events.as_slice();
    let mut rng = StdRng::seed_from_u64(8);
    while !rest.is_empty() {
        let (now, later) = rest.split_at(rng.random_range(1..=1_500).min(rest.len()));
        mixed.log(now.to_vec()).expect("logs");
        rest = later;
    }
    let found: Vec<_> = [&bulk, &single, &mixed].iter().map(|db| db.verify_signals().expect("counts")).collect();
    for recount in &found {
        assert_eq!(recount.before, recount.after, "what is kept event by event is what is counted from the log");
        assert_eq!(recount.before, found[0].before, "and does not depend on how events came in");
    }
    assert_eq!(bulk.stats().expect("counts").events, 3_000, "what came twice counts once");
    let other = store(dir.path(), "other", Config::default());
    other.log(log(9, 3_000)).expect("logs");
    assert_ne!(other.verify_signals().expect("counts").before, found[0].before, "the digest tells logs apart");
}

#[test]
fn another_meaning_counts_once_signals_are_verified() {
    let dir = tempfile::tempdir().expect("a folder");
    let wishes = |db: &Engine| {
        let popular = db.rank(&Request::new().limit(40)).expect("ranks");
        popular.hits.iter().filter(|hit| hit.sources.iter().any(|p| p.source == Source::Popular90)).count()
    };
    let db = store(dir.path(), "store", Config::default().action("wish", Meaning::Neutral, 1.0));
    let wish = |n: usize| Event::new(format!("u{n}"), Action::named("wish")).item(format!("i{n}"));
    db.log((0..9).map(wish).collect()).expect("logs");
    assert_eq!(wishes(&db), 0, "a neutral action makes nothing popular");
    db.close().expect("closes");
    let db = Engine::open(dir.path().join("store"), Config::default().action("wish", Meaning::Positive, 2.0));
    let db = db.expect("opens");
    assert_eq!(wishes(&db), 0, "what was counted stays as it was counted");
    let recount = db.verify_signals().expect("counts");
    assert_ne!(recount.before, recount.after);
    assert_eq!(wishes(&db), 9);
}

#[test]
fn signals_do_not_know_the_future() {
    // Everything that a request at time t is told of its history is the same whatever is logged after t.
    let dir = tempfile::tempdir().expect("a folder");
    let events = log(11, 600);
    let (past, future) = events.split_at(400);
    let now = past.iter().filter_map(|event| event.time).max().expect("has times");
    let future: Vec<Event> = future.iter().filter(|event| event.time > Some(now)).cloned().collect();
    let alone = store(dir.path(), "alone", Config::default());
    alone.log(past.to_vec()).expect("logs");
    alone.flush().expect("flushes");
    let request = |user: usize| Request::new().user(format!("u{user}")).now(now).limit(40).explain().unlogged();
    let before: Vec<_> = (0..20).map(|user| alone.rank(&request(user)).expect("ranks").hits).collect();
    // A replay that goes on with any future has asked before: the answers at `now` are those of the past alone.
    for seed in 0..3 {
        let mut shuffled = future.clone();
        shuffled.shuffle(&mut StdRng::seed_from_u64(seed));
        let again = store(dir.path(), &format!("again-{seed}"), Config::default());
        again.log(past.to_vec()).expect("logs");
        again.flush().expect("flushes");
        let asked: Vec<_> = (0..20).map(|user| again.rank(&request(user)).expect("ranks").hits).collect();
        again.log(shuffled).expect("logs");
        assert_eq!(asked, before);
        let history = |hits: &[onelist::Hit]| -> Vec<String> {
            hits.iter()
                .filter(|h| h.sources.iter().any(|p| p.source == Source::Context))
                .map(|h| h.id.clone())
                .collect()
        };
        for (user, hits) in before.iter().enumerate() {
            assert_eq!(history(&again.rank(&request(user)).expect("ranks").hits), history(hits));
        }
    }
}

#[test]
fn what_comes_before_speaks_for_an_item_too() {
    let dir = tempfile::tempdir().expect("a folder");
    let db = store(dir.path(), "store", Config::default());
    let at = |user: String, item: &str, minute: f64| {
        Event::new(user, Action::Click).item(item).at(Timestamp::from_seconds(1.7e9 + 60.0 * minute))
    };
    let mut events: Vec<Event> =
        (0..30).flat_map(|n| [("i1", 0.0), ("i2", 1.0)].map(|(id, step)| at(format!("p{n}"), id, step))).collect();
    // Late: it belongs between the two, where it is found when it is looked for in time.
    events.extend((0..30).map(|n| at(format!("p{n}"), "i5", 0.5)));
    events.push(at("ann".to_owned(), "i2", 9.0));
    db.log(events).expect("logs");
    db.flush().expect("counts what others did");
    let hits = db.rank(&Request::new().user("ann").exclude_seen().explain()).expect("ranks").hits;
    let amount = |id: &str, feature: &str| {
        let why = hits.iter().find(|hit| hit.id == id).and_then(|hit| hit.why.as_ref()).expect("is explained");
        why.contributions.iter().find(|part| part.feature == feature).map_or(0.0, |part| part.amount)
    };
    let before = ["i5", "i1", "i7"].map(|id| amount(id, "covisit_previous"));
    assert!(before[0] > 0.0 && before[1] > 0.0 && before[2] == 0.0, "{before:?}");
    assert!(["i5", "i1"].iter().all(|id| amount(id, "covisit_next") == 0.0), "nothing came after i2");
}

#[test]
fn what_comes_next_is_proposed_and_what_was_disliked_moves_away() {
    let dir = tempfile::tempdir().expect("a folder");
    let db = store(dir.path(), "store", Config::default());
    let at = |user: String, item: &str, hour: f64, action: Action| {
        Event::new(user, action).item(item).at(Timestamp::from_seconds(1.7e9 + hour * 3_600.0))
    };
    let mut events = Vec::new();
    for n in 0..30 {
        events.push(at(format!("p{n}"), "i1", f64::from(n), Action::Click));
        events.push(at(format!("p{n}"), "i2", f64::from(n) + 0.1, Action::Click));
        events.push(at(format!("p{n}"), "i3", f64::from(n) + 0.2, Action::Buy).basket(format!("b{n}")));
        events.push(at(format!("p{n}"), "i4", f64::from(n) + 0.2, Action::Buy).basket(format!("b{n}")));
    }
    db.log(events).expect("logs");
    db.rebuild_cooccurrence().expect("fits");
    let now = Timestamp::from_seconds(1.7e9 + 200.0 * 3_600.0);
    let ask = |user: &str| db.rank(&Request::new().user(user).now(now).exclude_seen().explain()).expect("ranks").hits;
    db.log(vec![at("ann".to_owned(), "i1", 199.0, Action::Click)]).expect("logs");
    let next = ask("ann");
    assert_eq!(next[0].id, "i2", "{next:?}");
    assert!(
        next[0].sources.iter().any(|p| p.source == Source::Covisit)
            && next[0].sources.iter().any(|p| p.source == Source::Cooccurrence)
    );
    db.log(vec![at("bob".to_owned(), "i3", 199.0, Action::Buy)]).expect("logs");
    assert!(
        ask("bob").iter().find(|h| h.id == "i4").is_some_and(|h| h.sources.iter().any(|p| p.source == Source::Basket))
    );
    // Bob says that i4 is bad: it is the last thing to show him, in a list that leaves nothing out as well.
    db.log(vec![at("bob".to_owned(), "i4", 199.5, Action::Dislike)]).expect("logs");
    let all = db.rank(&Request::new().user("bob").now(now).limit(40).explain()).expect("ranks").hits;
    let place = |id: &str| all.iter().position(|hit| hit.id == id);
    let lines: Vec<_> = all.iter().map(|hit| (&hit.id, hit.score, hit.why.as_ref().map(|why| &why.line))).collect();
    assert!(place("i4") > place("i1") && place("i4") > place("i2"), "{lines:#?}");
}

/// A stranger's list when `lately` people had i1 within the last hour and `before` had i2 forty days ago.
fn strangers_list(lately: usize, before: usize) -> Vec<String> {
    let dir = tempfile::tempdir().expect("a folder");
    let (db, now) = (store(dir.path(), "store", Config::default()), 1.7e9);
    let had = |count: usize, item: &'static str, ago: f64| {
        (0..count).map(move |n| {
            Event::new(format!("{item} {n}"), Action::Click)
                .item(item)
                .at(Timestamp::from_seconds(now - ago - n as f64))
        })
    };
    db.log(had(lately, "i1", 1_800.0).chain(had(before, "i2", 40.0 * 86_400.0)).collect()).expect("logs");
    db.flush().expect("flushes");
    let hits = db.rank(&Request::new().now(Timestamp::from_seconds(now)).limit(2)).expect("ranks").hits;
    hits.into_iter().map(|hit| hit.id).collect()
}

#[test]
fn a_day_says_as_much_as_happens_in_it() {
    assert_eq!(strangers_list(1, 2), ["i2", "i1"], "one click within the hour is chance");
    assert_eq!(strangers_list(200, 400), ["i1", "i2"], "two hundred are not");
}

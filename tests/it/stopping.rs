//! Calls that are stopped: they end soon, nothing of them is done by half, and the engine goes on working.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use onelist::evaluation::Plan;
use onelist::{
    Action, Cancel, Config, Engine, Event, Item, Progress, Request, Result, Retention, Timestamp, TrainingPlan, Watch,
};
use onelist_tests::{ids, shop};

/// How long a call may go on after it was stopped. It is far less on an idle machine with an optimised build.
const SOON: Duration = Duration::from_secs(10);

fn thing(n: usize) -> Item {
    let words = ["red", "wooden", "boot", "lamp", "garden", "steel", "paper", "winter", "music", "kitchen"];
    let word = |place: usize| words[(n / place + n * place) % words.len()];
    Item::new(format!("thing-{n}")).text("title", format!("{} {} {} {n}", word(1), word(3), word(7)))
}

fn events(users: usize, each: usize) -> Vec<Event> {
    let event = |n: usize| {
        let (user, item) = (n % users, (n * n + n / users * 7) % 300);
        let time = Timestamp::from_seconds(1.7e9 + n as f64 * 60.0);
        Event::new(format!("u{user}"), Action::Click).item(format!("thing-{item}")).at(time)
    };
    (0..users * each).map(event).collect()
}

/// A store with a few hundred items and some thousand events.
fn store() -> (tempfile::TempDir, Engine) {
    let dir = tempfile::tempdir().expect("a folder");
    let mut config = Config::default();
    config.sessions = 1;
    config.retention = Retention { per_user: Some(60), ..Retention::default() };
    let db = Engine::open(dir.path().join("db"), config).expect("opens");
    db.put((0..300).map(thing).collect()).expect("puts");
    db.log(events(40, 50)).expect("logs");
    db.flush().expect("flushes");
    // Otherwise it is rebuilt in the background, and lists change.
    db.rebuild_cooccurrence().expect("rebuilds");
    (dir, db)
}

/// What a store is, as far as callers can tell.
fn state(db: &Engine) -> (u64, u64, Vec<Vec<String>>) {
    let stats = db.stats().expect("counts");
    let now = Timestamp::from_seconds(1.75e9);
    let ask = |request: Request| ids(db, &request.now(now).unlogged()).expect("ranks");
    let lists = [Request::new().query("wooden boot"), Request::new().user("u3"), Request::new().like(["thing-7"])];
    (stats.items, stats.events, lists.into_iter().map(ask).collect())
}

/// Gives a call more and more time until it is done, and checks after each time that it has changed nothing.
fn stopped_everywhere<T>(db: &Engine, what: &str, call: impl Fn() -> Result<T>) -> usize {
    let before = state(db);
    let mut limit = Duration::from_micros(200);
    for stopped in 0.. {
        let start = Instant::now();
        match Watch::new().timeout(limit).run(&call) {
            Ok(_) => return stopped,
            Err(error) => assert_eq!(error.name(), "DeadlineExceeded", "{what}: {error}"),
        }
        assert!(start.elapsed() < limit + SOON, "{what} took {:?} with {limit:?}", start.elapsed());
        assert_eq!(state(db), before, "{what} after {limit:?}");
        limit *= 3;
    }
    0
}

#[test]
fn long_calls_stop_anywhere_and_change_nothing() {
    let (dir, db) = store();
    let mut plan = Plan::default();
    plan.resamples = 200;
    plan.max_targets = 60;
    let requests: Vec<Request> = (0..200).map(|n| Request::new().user(format!("u{}", n % 40)).unlogged()).collect();
    let file = dir.path().join("rows.parquet");
    let mut stopped = Vec::new();
    let mut each = |what, count| stopped.push((what, count));
    each("verify_signals", stopped_everywhere(&db, "verify_signals", || db.verify_signals()));
    each("verify_vectors", stopped_everywhere(&db, "verify_vectors", || db.verify_vectors()));
    each("rank_many", stopped_everywhere(&db, "rank_many", || db.rank_many(&requests)));
    each("questions", stopped_everywhere(&db, "questions", || db.questions(&plan)));
    each("evaluate", stopped_everywhere(&db, "evaluate", || db.evaluate(&plan)));
    each("export", stopped_everywhere(&db, "export_training", || db.export_training(&file, &TrainingPlan::default())));
    each("shadow", stopped_everywhere(&db, "shadow_model", || db.shadow_model(0, &requests)));
    each("rebuild", stopped_everywhere(&db, "rebuild_cooccurrence", || db.rebuild_cooccurrence()));
    each("tune", stopped_everywhere(&db, "tune", || db.tune()));
    each("fit_space", stopped_everywhere(&db, "fit_space", || db.fit_space()));
    println!("{stopped:?}");
    assert!(stopped.iter().all(|(_, count)| *count > 0), "{stopped:?}");
    assert!(db.verify_vectors().expect("compares").wrong == 0 && db.stats().expect("counts").space.fits == 1);
    let found = db.verify_signals().expect("counts");
    assert_eq!(found.before, found.after);
}

#[test]
fn batches_that_are_stopped_are_not_written() {
    let (_dir, db) = store();
    let more: Vec<Item> = (300..2_400).map(thing).collect();
    let count = stopped_everywhere(&db, "put", || db.put(more.clone()));
    assert!(count > 0 && db.stats().expect("counts").items == 2_400);
    let ids: Vec<String> = (300..2_400).map(|n| format!("thing-{n}")).collect();
    stopped_everywhere(&db, "delete", || db.delete(&ids));
    assert_eq!(db.stats().expect("counts").items, 300);
    let many = events(500, 9);
    stopped_everywhere(&db, "log", || db.log(many.clone()));
    // Forty of them were logged before, and an event that is repeated exactly is one.
    assert_eq!(db.stats().expect("counts").events, 2_000 + 4_500 - 40);
    let found = db.verify_signals().expect("counts");
    assert_eq!(found.before, found.after, "nothing of the stopped batches was counted");
}

#[test]
fn retention_that_is_stopped_keeps_its_counts() {
    let (_dir, db) = store();
    db.log(events(40, 90)).expect("logs");
    let mut limit = Duration::from_micros(200);
    while Watch::new().timeout(limit).run(|| db.apply_retention()).is_err() {
        let found = db.verify_signals().expect("counts");
        assert_eq!(found.before, found.after, "{limit:?}");
        limit *= 2;
    }
    assert_eq!(db.stats().expect("counts").events, 40 * 60);
}

#[test]
fn another_thread_stops_a_call() {
    let (_dir, db) = store();
    let (cancel, heard) = (Cancel::new(), Arc::new(Mutex::new(Vec::<Progress>::new())));
    let to = heard.clone();
    let watch = Watch::new().cancel(&cancel).progress(move |at| to.lock().expect("locks").push(at));
    let stopped = std::thread::scope(|scope| {
        let call = scope.spawn(|| watch.run(|| (db.evaluate(&Plan::default()).map(|_| ()), Instant::now())));
        let begun = Instant::now();
        while heard.lock().expect("locks").is_empty() && begun.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let told = Instant::now();
        cancel.cancel();
        let (answer, ended) = call.join().expect("no panic");
        assert_eq!(answer.expect_err("stopped").name(), "Cancelled");
        ended.saturating_duration_since(told)
    });
    assert!(stopped < SOON, "{stopped:?}");
    assert!(!heard.lock().expect("locks").is_empty(), "it said how far it was");
    assert!(heard.lock().expect("locks").iter().all(|at| at.done <= at.total || at.total == 0));
    // A handle that has stopped calls stops the next ones at once; other calls go on.
    assert_eq!(watch.run(|| db.rank(&Request::new())).expect_err("stopped").name(), "Cancelled");
    assert_eq!(db.rank(&Request::new()).expect("ranks").hits.len(), 10);
}

#[test]
fn calls_of_a_binding_are_stopped_by_name() {
    let (_dir, db) = store();
    assert_eq!(db.cancel(), 0, "nothing runs");
    let answer = std::thread::scope(|scope| {
        let call = scope.spawn(|| db.stoppable(|db| db.call("evaluate", "{}")));
        let begun = Instant::now();
        while db.call("cancel", "").expect("cancels") == "0" && begun.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(5));
        }
        call.join().expect("no panic")
    });
    assert_eq!(answer.expect_err("stopped").name(), "Cancelled");
    // Those that come later go on.
    assert!(db.stoppable(|db| db.rank(&Request::new())).is_ok());
    assert_eq!(db.cancel(), 0, "a call that has ended is not counted");
}

#[test]
fn a_request_has_a_time_limit() {
    let shop = shop().expect("opens");
    let ask = |timeout: f64| shop.db.rank(&Request::new().query("boots").timeout(timeout));
    assert_eq!(ask(60.0).expect("ranks").hits.len(), 7);
    assert_eq!(ask(1e300).expect_err("no time").name(), "InvalidArgument");
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(ask(bad).expect_err("no time").name(), "InvalidArgument", "{bad}");
    }
    let error = ask(1e-9).expect_err("too short");
    assert_eq!((error.name(), error.kind()), ("DeadlineExceeded", onelist::ErrorKind::Busy));
    // Of several requests the shortest limit counts, and pages go on with another one.
    let both = [Request::new(), Request::new().timeout(1e-9)];
    assert_eq!(shop.db.rank_many(&both).expect_err("too short").name(), "DeadlineExceeded");
    let first = shop.db.rank(&Request::new().limit(3).timeout(60.0)).expect("ranks");
    let mut next = Request::new().limit(3);
    next.page_token = first.next_page_token;
    assert_eq!(shop.db.rank(&next).expect("goes on").hits.len(), 3);
}

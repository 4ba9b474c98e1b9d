//! Four processes and an importer on one store, with random calls, any of them killed at random: what was acknowledged is
//! never lost, and is seen by every process at once.
//!
//! `ONELIST_CREW_SECONDS` (15) and `ONELIST_CREW_KILLS` (12) make it longer.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::Worker;

const WORKERS: usize = 5;
/// How late what another process has written may be seen.
const LATE: Duration = Duration::from_millis(200);
/// Items of one batch of the importer.
const BATCH: u64 = 100;

/// What an item may be: a version, or nothing.
type State = Option<u64>;

/// What is known of one item.
#[derive(Clone, Default)]
struct Known {
    /// What it was when that was acknowledged last, and when.
    acknowledged: State,
    since: Option<Instant>,
    /// What it may be instead: a call that is under way, or whose process was killed.
    perhaps: Vec<State>,
    /// A process was killed over it: what it asked for may still be done, so nobody writes it again.
    left: bool,
}

impl Known {
    fn allows(&self, found: State) -> bool {
        self.acknowledged == found || self.perhaps.contains(&found)
    }
}

struct Crew {
    store: PathBuf,
    items: Mutex<HashMap<u64, Known>>,
    /// Process ids, to be killed.
    pids: Mutex<Vec<u32>>,
    ends: AtomicBool,
    events: AtomicU64,
    perhaps_events: AtomicU64,
    calls: AtomicU64,
    /// The latest that a write of another process was seen, in milliseconds.
    latest: AtomicU32,
    failures: Mutex<Vec<String>>,
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn nothing_is_lost_while_any_of_five_processes_is_killed() {
    let dir = tempfile::tempdir().expect("a folder");
    let (seconds, kills) = (setting("ONELIST_CREW_SECONDS", 15), setting("ONELIST_CREW_KILLS", 12));
    let crew = Crew::new(dir.path().join("shop.onelist"));
    let mut rng = StdRng::seed_from_u64(77);
    let mut killed = 0;
    std::thread::scope(|scope| {
        for number in 0..WORKERS {
            let crew = &crew;
            scope.spawn(move || crew.work(number));
        }
        let (start, pause) = (Instant::now(), Duration::from_secs(seconds) / (kills as u32 + 1));
        while start.elapsed() < Duration::from_secs(seconds) && lock(&crew.failures).is_empty() {
            std::thread::sleep(pause);
            let pid = lock(&crew.pids)[rng.random_range(0..WORKERS)];
            if pid != 0 && killed < kills {
                let pid = rustix::process::Pid::from_raw(pid as i32).expect("a process");
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
                killed += 1;
            }
        }
        crew.ends.store(true, Ordering::SeqCst);
    });
    assert!(lock(&crew.failures).is_empty(), "{:#?}", lock(&crew.failures));
    let found = crew.check();
    let calls = crew.calls.load(Ordering::SeqCst);
    println!("{killed} kills, {calls} calls, {found}; seen at latest after {:?} ms", crew.latest);
    assert!(calls > seconds * 3, "the processes must have done something: {calls}");
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Crew {
    fn new(store: PathBuf) -> Crew {
        Crew {
            store,
            items: Mutex::default(),
            pids: Mutex::new(vec![0; WORKERS]),
            ends: AtomicBool::new(false),
            events: AtomicU64::new(0),
            perhaps_events: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            latest: AtomicU32::new(0),
            failures: Mutex::default(),
        }
    }

    fn fail(&self, what: String) {
        lock(&self.failures).push(what);
        self.ends.store(true, Ordering::SeqCst);
    }

    /// Works with one process after another, until the end.
    fn work(&self, number: usize) {
        let mut rng = StdRng::seed_from_u64(number as u64);
        while !self.ends.load(Ordering::SeqCst) {
            let Some(mut worker) = start(&self.store) else { continue };
            lock(&self.pids)[number] = worker.child.id();
            while !self.ends.load(Ordering::SeqCst) {
                let going =
                    if number == 0 { self.import(&mut worker) } else { self.step(&mut worker, number, &mut rng) };
                if !going {
                    break;
                }
            }
            lock(&self.pids)[number] = 0;
        }
    }

    /// The answer, or `None` from a process that was killed.
    fn ask(&self, worker: &mut Worker, command: Value) -> Option<Value> {
        use std::io::Write;
        self.calls.fetch_add(1, Ordering::SeqCst);
        writeln!(worker.input, "{command}").ok()?;
        let answer = worker.answer();
        if answer.is_null() {
            return None;
        }
        match answer.get("ok") {
            Some(answer) => Some(answer.clone()),
            None => {
                self.fail(format!("{command}: {answer}"));
                None
            }
        }
    }

    /// One random call. False when the process is gone.
    fn step(&self, worker: &mut Worker, number: usize, rng: &mut StdRng) -> bool {
        let id = number as u64 * 1_000_000 + rng.random_range(0..200);
        let done = match rng.random_range(0..100) {
            0..30 => self.write(worker, id, Some(rng.random_range(1..1_000_000))),
            30..36 => self.write(worker, id, None),
            36..56 => self.read_other(worker, rng),
            56..70 => self.log(worker, number, id),
            70..86 => self.read_own(worker, id),
            86..92 => self.ask(worker, json!(["ask", format!("user{number}")])).map(|_| ()),
            92..95 => self.ask(worker, json!(["stats"])).map(|_| ()),
            95..97 => self.ask(worker, json!(["flush"])).map(|_| ()),
            97 => self.ask(worker, json!(["rebuild_cooccurrence"])).map(|_| ()),
            98 => self.ask(worker, json!(["impressions", {"limit": 5}])).map(|_| ()),
            _ => self.ask(worker, json!(["fit_space"])).map(|_| ()),
        };
        done.is_some()
    }

    /// Puts a version of an item that is this process's own, or deletes it.
    fn write(&self, worker: &mut Worker, id: u64, state: State) -> Option<()> {
        if !self.begin(&[id], state) {
            return Some(());
        }
        let done = self.ask(
            worker,
            match state {
                Some(version) => json!(["version", id, version]),
                None => json!(["delete", format!("item-{id}")]),
            },
        );
        self.end(&[id], state, done.is_some());
        done.map(|_| ())
    }

    fn import(&self, worker: &mut Worker) -> bool {
        let first = 9_000_000 + self.calls.load(Ordering::SeqCst) * BATCH;
        let ids: Vec<u64> = (first..first + BATCH).collect();
        self.begin(&ids, Some(1));
        let done = self.ask(worker, json!(["versions", first, first + BATCH, 1]));
        self.end(&ids, Some(1), done.is_some());
        std::thread::sleep(Duration::from_millis(100));
        done.is_some()
    }

    /// A call begins that will make these items so. False for one that a killed process has left.
    fn begin(&self, ids: &[u64], state: State) -> bool {
        let mut items = lock(&self.items);
        if ids.iter().any(|id| items.get(id).is_some_and(|known| known.left)) {
            return false;
        }
        ids.iter().for_each(|id| items.entry(*id).or_default().perhaps.push(state));
        true
    }

    fn end(&self, ids: &[u64], state: State, acknowledged: bool) {
        let mut items = lock(&self.items);
        for id in ids {
            let known = items.entry(*id).or_default();
            known.left |= !acknowledged;
            if acknowledged {
                *known = Known { acknowledged: state, since: Some(Instant::now()), ..Known::default() };
            }
        }
    }

    fn known(&self, id: u64) -> Known {
        lock(&self.items).get(&id).cloned().unwrap_or_default()
    }

    fn get(&self, worker: &mut Worker, id: u64) -> Option<State> {
        let found = self.ask(worker, json!(["get", format!("item-{id}")]))?;
        Some(found["version"]["Number"].as_f64().or_else(|| found["version"].as_f64()).map(|version| version as u64))
    }

    /// What this process has written is there at once, under its word too.
    fn read_own(&self, worker: &mut Worker, id: u64) -> Option<()> {
        let known = self.known(id);
        let found = self.get(worker, id)?;
        if !known.allows(found) {
            self.fail(format!("own item {id} is {found:?}, expected {:?} or {:?}", known.acknowledged, known.perhaps));
        }
        if let (Some(version), false) = (known.acknowledged, known.left) {
            let word = onelist_tests::journal::word(id, version);
            let found = self.ask(worker, json!(["rank", word]))?;
            if found != json!([format!("item-{id}")]) {
                self.fail(format!("{word} finds {found}"));
            }
        }
        Some(())
    }

    /// What others have written is there soon.
    fn read_other(&self, worker: &mut Worker, rng: &mut StdRng) -> Option<()> {
        let id = {
            let items = lock(&self.items);
            let all: Vec<u64> = items.keys().copied().collect();
            if all.is_empty() {
                return Some(());
            }
            all[rng.random_range(0..all.len())]
        };
        let before = self.known(id);
        let asked = Instant::now();
        let found = self.get(worker, id)?;
        // It may have been written meanwhile.
        let after = self.known(id);
        if before.allows(found) || after.allows(found) || after.since > before.since {
            return Some(());
        }
        let late = before.since.map(|since| asked.saturating_duration_since(since)).unwrap_or_default();
        self.latest.fetch_max(late.as_millis() as u32, Ordering::SeqCst);
        if late > LATE {
            self.fail(format!("item {id} is {found:?} after {late:?}, expected {:?}", before.acknowledged));
        }
        Some(())
    }

    fn log(&self, worker: &mut Worker, number: usize, id: u64) -> Option<()> {
        self.perhaps_events.fetch_add(1, Ordering::SeqCst);
        self.ask(worker, json!(["log", format!("user{number}"), format!("item-{id}")]))?;
        self.perhaps_events.fetch_sub(1, Ordering::SeqCst);
        self.events.fetch_add(1, Ordering::SeqCst);
        Some(())
    }

    /// Opens the store alone and compares it with what is known.
    fn check(&self) -> String {
        let mut worker = Worker::start(&self.store);
        let items = lock(&self.items);
        for (id, known) in &*items {
            let found = worker.ok(json!(["get", format!("item-{id}")]));
            let found = found["version"]["Number"].as_f64().or_else(|| found["version"].as_f64());
            let found = found.map(|version| version as u64);
            assert!(
                known.allows(found),
                "item {id} is {found:?}, expected {:?} or {:?}",
                known.acknowledged,
                known.perhaps
            );
        }
        let stats = worker.ok(json!(["stats"]));
        let events = stats["events"].as_u64().expect("a number");
        let (least, more) = (self.events.load(Ordering::SeqCst), self.perhaps_events.load(Ordering::SeqCst));
        assert!((least..=least + more).contains(&events), "{events} events, {least} acknowledged, {more} unknown");
        assert_eq!(worker.ok(json!(["verify_signals"])), json!(true));
        assert_eq!(worker.ok(json!(["verify_vectors"])), json!(true));
        worker.ok(json!(["flush"]));
        format!("{} items, {events} events", items.len())
    }
}

/// A process; `None` when it was killed before it was open.
fn start(store: &Path) -> Option<Worker> {
    let mut worker = Worker::starting(store, &[]);
    (worker.answer() == json!({"ok": "open"})).then_some(worker)
}

//! Several processes on one directory.

mod crew;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A process that works on a store; killed when it is dropped.
pub struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts a process that opens the store.
    pub fn start(store: &Path) -> Worker {
        let mut worker = Worker::starting(store, &[]);
        assert_eq!(worker.answer(), json!({"ok": "open"}));
        worker
    }

    fn starting(store: &Path, arguments: &[&str]) -> Worker {
        let mut child = Command::new(env!("CARGO_BIN_EXE_worker-child"))
            .arg(store)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let (input, output) = (child.stdin.take().expect("is piped"), child.stdout.take().expect("is piped"));
        Worker { child, input, output: BufReader::new(output) }
    }

    pub fn send(&mut self, command: &Value) {
        writeln!(self.input, "{command}").expect("is heard");
    }

    pub fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("reads");
        serde_json::from_str(&line).unwrap_or(Value::Null)
    }

    pub fn ask(&mut self, command: Value) -> Value {
        self.send(&command);
        self.answer()
    }

    /// The answer, which must be one.
    pub fn ok(&mut self, command: Value) -> Value {
        let answer = self.ask(command.clone());
        answer.get("ok").cloned().unwrap_or_else(|| panic!("{command}: {answer}"))
    }

    pub fn kill(mut self) {
        self.child.kill().expect("kills");
        self.child.wait().expect("reaps");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks until it is so.
fn soon(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(20), "not within 20 s: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn role(worker: &mut Worker) -> String {
    worker.ok(json!(["stats"]))["process"]["role"].as_str().expect("has one").to_owned()
}

fn store() -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    let store = dir.path().join("shop.onelist");
    (dir, store)
}

#[test]
fn every_process_sees_what_any_has_written_at_its_next_call() {
    let (_dir, store) = store();
    let mut workers: Vec<Worker> = (0..3).map(|_| Worker::start(&store)).collect();
    assert_eq!(role(&mut workers[0]), "writer");
    assert_eq!((role(&mut workers[1]), role(&mut workers[2])), ("follower".to_owned(), "follower".to_owned()));
    for round in 0..30 {
        let (by, id, word) = (round % 3, format!("id{round}"), format!("word{round}"));
        let token = workers[by].ok(json!(["put", id, word])).as_u64().expect("a token");
        for worker in &mut workers {
            assert_eq!(worker.ok(json!(["rank", word])), json!([id]), "round {round}");
            assert_eq!(worker.ok(json!(["wait", token, 0])), json!(true));
        }
        let by = (round + 1) % 3;
        workers[by].ok(json!(["log", format!("user{round}"), id]));
        for worker in &mut workers {
            assert_eq!(worker.ok(json!(["stats"]))["events"], json!(round + 1));
        }
    }
    workers[2].ok(json!(["put", "id3", "another"]));
    workers[1].ok(json!(["delete", "id4"]));
    for worker in &mut workers {
        assert_eq!(worker.ok(json!(["rank", "word3"])), json!([]));
        assert_eq!(worker.ok(json!(["rank", "word4"])), json!([]));
        assert_eq!(worker.ok(json!(["rank", "another"])), json!(["id3"]));
        assert_eq!(worker.ok(json!(["get", "id4"])), Value::Null);
        assert_eq!(worker.ok(json!(["stats"]))["items"], json!(29));
        assert_eq!(worker.ok(json!(["wait", 1_000_000, 5])), json!(false));
    }
}

#[test]
fn whoever_is_left_writes_when_the_writer_closes_or_dies() {
    let (_dir, store) = store();
    let mut workers: Vec<Worker> = (0..4).map(|_| Worker::start(&store)).collect();
    workers[0].ok(json!(["put_many", 0, 300]));
    workers[1].ok(json!(["log", "ada", "i7"]));
    let mut number = 0;
    while workers.len() > 1 {
        let place = workers.iter_mut().position(|one| role(one) == "writer").expect("one writes");
        let mut first = workers.remove(place);
        // The first time it closes, then it is killed.
        if number == 0 {
            first.ok(json!(["close"]));
        } else {
            first.kill();
        }
        // Nobody waits for the new one to be found.
        for worker in &mut workers {
            let id = format!("late{number}");
            worker.ok(json!(["put", id, format!("late thing w{number}")]));
            assert_eq!(worker.ok(json!(["rank", format!("w{number}")])), json!([id]));
            number += 1;
        }
        let writers = workers.iter_mut().map(role).filter(|role| role == "writer").count();
        assert_eq!(writers, 1);
        for worker in &mut workers {
            worker.ok(json!(["flush"]));
            assert_eq!(worker.ok(json!(["stats"]))["items"], json!(300 + number));
            assert_eq!(worker.ok(json!(["rank", "late"])).as_array().map(Vec::len), Some(number));
            assert_eq!(worker.ok(json!(["verify_signals"])), json!(true));
            assert_eq!(worker.ok(json!(["verify_vectors"])), json!(true));
        }
    }
    let stats = workers[0].ok(json!(["stats"]));
    assert_eq!((&stats["poisoned"], &stats["background_error"]), (&Value::Null, &Value::Null), "{stats}");
    workers[0].ok(json!(["close"]));
    let mut again = Worker::start(&store);
    assert_eq!(again.ok(json!(["stats"]))["items"], json!(300 + number));
}

#[test]
fn a_follower_writes_everything_that_a_writer_can() {
    let (_dir, store) = store();
    let (mut writer, mut other) = (Worker::start(&store), Worker::start(&store));
    other.ok(json!(["put_many", 0, 150]));
    assert_eq!(other.ok(json!(["log_twice", "ada", "i1"])), writer.ok(json!(["token"])));
    assert_eq!(writer.ok(json!(["stats"]))["events"], json!(2), "equal events without a time are two");
    let shown = other.ok(json!(["ask", "ada"]));
    other.ok(json!(["answer", "ada", "i2", shown]));
    for worker in [&mut writer, &mut other] {
        let kept = worker.ok(json!(["impressions"]));
        let kept = kept.as_array().expect("a list").iter().find(|one| one["rank_id"] == shown).expect("is kept");
        assert_eq!(kept["user"], json!("ada"));
    }
    other.ok(json!(["scenario", "pinned", "i149"]));
    assert!(writer.ok(json!(["scenarios"]))["pinned"].is_array());
    assert_eq!(other.ok(json!(["fit_space"])), json!(true));
    for method in ["rebuild_cooccurrence", "apply_retention", "verify_signals", "verify_vectors", "flush", "models"] {
        other.ok(json!([method]));
    }
    other.ok(json!(["promote_model", {"version": 0}]));
    for _ in 0..2 {
        for (place, word) in [("i3", "3"), ("i77", "77")] {
            let lists = [writer.ok(json!(["rank", word])), other.ok(json!(["rank", word]))];
            assert_eq!(lists[0], lists[1], "{word}: both answer alike in the fitted space");
            assert_eq!(lists[0][0], json!(place));
        }
        assert_eq!(writer.ok(json!(["recommend", "ada"])), other.ok(json!(["recommend", "ada"])));
        other.ok(json!(["put", "extra", "thing beyond"]));
    }
    let found = other.ask(json!(["promote_model", {"version": 7}]));
    assert_eq!(found["error"], json!("InvalidArgument"), "{found}");
    let text = writer.ask(json!(["promote_model", {"version": 7}]))["text"].clone();
    assert_eq!(found["text"], text, "errors are those of the writer");
    assert_eq!(other.ask(json!(["put", "", "x"]))["error"], json!("InvalidId"));
    assert_eq!(other.ask(json!(["use_tuning", {"version": 3}]))["error"], json!("InvalidArgument"));
}

#[test]
fn a_follower_finds_words_and_vectors_of_versions_whatever_is_indexed() {
    let (_dir, store) = store();
    let (mut writer, mut other) = (Worker::start(&store), Worker::start(&store));
    for round in 0..6_u64 {
        for id in 0..20_u64 {
            writer.ok(json!(["version", id, round]));
            if id % 5 == 0 {
                let name = json!([format!("item-{id}")]);
                assert_eq!(other.ok(json!(["rank", format!("w{id}v{round}")])), name);
                assert_eq!(other.ok(json!(["near", id, round]))[0], name[0]);
            }
        }
        if round % 2 == 1 {
            writer.ok(json!(["flush"]));
        }
        for id in 0..20_u64 {
            assert_eq!(other.ok(json!(["rank", format!("w{id}v{round}")])), json!([format!("item-{id}")]));
            if round > 0 {
                assert_eq!(other.ok(json!(["rank", format!("w{id}v{}", round - 1)])), json!([]), "the version before");
            }
        }
    }
    soon("the follower's overlays are short", || {
        let stats = other.ok(json!(["stats"]));
        stats["text_tail"] == json!(0) && stats["vectors"][0]["tail"] == json!(0)
    });
    assert_eq!(other.ok(json!(["stats"]))["background_error"], Value::Null);
}

#[cfg(unix)]
fn signal(worker: &Worker, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_child(&worker.child);
    rustix::process::kill_process(pid, signal).expect("signals");
}

#[test]
fn a_process_that_hangs_blocks_nobody_and_catches_up() {
    use rustix::process::Signal;
    let (_dir, store) = store();
    let (mut writer, mut hung, mut other) = (Worker::start(&store), Worker::start(&store), Worker::start(&store));
    writer.ok(json!(["put_many", 0, 50]));
    signal(&hung, Signal::STOP);
    let start = Instant::now();
    for n in 0..40 {
        other.ok(json!(["put", format!("x{n}"), format!("new w{n}")]));
        writer.ok(json!(["log", "ada", "i1"]));
    }
    writer.ok(json!(["flush"]));
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    signal(&hung, Signal::CONT);
    assert_eq!(hung.ok(json!(["rank", "new"])).as_array().map(Vec::len), Some(40));
    assert_eq!(hung.ok(json!(["stats"]))["events"], json!(40));
    // The one that writes hangs: reading goes on, writing says so.
    signal(&writer, Signal::STOP);
    assert_eq!(other.ok(json!(["rank", "w7"])), json!(["x7"]));
    let start = Instant::now();
    let found = other.ask(json!(["put", "y", "z"]));
    assert_eq!(found["error"], json!("Unanswered"), "{found}");
    assert!(start.elapsed() < Duration::from_secs(30));
    signal(&writer, Signal::CONT);
    other.ok(json!(["put", "y", "z"]));
    assert!(writer.ok(json!(["get", "y"])).is_object());
}

#[test]
fn a_lock_file_that_is_removed_lets_no_second_writer_in() {
    let (_dir, store) = store();
    let mut first = Worker::start(&store);
    first.ok(json!(["put", "a", "one"]));
    for what in [&["LOCK"][..], &["LOCK"], &["writer.sock"]] {
        what.iter().for_each(|name| std::fs::remove_file(store.join(name)).expect("removes"));
        if what[0] == "writer.sock" {
            soon("the socket is back", || store.join("writer.sock").exists());
        }
        let mut second = Worker::start(&store);
        assert_eq!((role(&mut first), role(&mut second)), ("writer".to_owned(), "follower".to_owned()));
        second.ok(json!(["put", "b", "two"]));
        first.ok(json!(["put", "c", "three"]));
        assert_eq!(second.ok(json!(["rank", "three"])), json!(["c"]));
        assert_eq!(first.ok(json!(["rank", "two"])), json!(["b"]));
    }
    soon("the lock file is back", || {
        std::fs::read_to_string(store.join("LOCK")).is_ok_and(|text| text.trim() == first.child.id().to_string())
    });
    assert_eq!(first.ok(json!(["stats"]))["poisoned"], Value::Null);
}

/// Every file with its length and the time of its last change, but for what LMDB writes in its lock file.
fn listing(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("lists").flatten() {
        let meta = entry.metadata().expect("is there");
        if meta.is_dir() {
            found.extend(listing(&entry.path()));
        } else if entry.file_name() != "lock.mdb" && !entry.file_name().to_string_lossy().ends_with(".lock") {
            found.push(format!("{} {} {:?}", entry.path().display(), meta.len(), meta.modified()));
        }
    }
    found.sort();
    found
}

#[test]
fn a_reader_changes_nothing_and_sees_what_a_writer_does() {
    let (_dir, store) = store();
    let missing = Worker::starting(&store, &["read"]).answer();
    assert_eq!(missing["error"], json!("NotADatabase"), "{missing}");
    assert!(!store.exists(), "a reader makes nothing");
    let mut writer = Worker::start(&store);
    writer.ok(json!(["put_many", 0, 40]));
    writer.ok(json!(["log", "ada", "i1"]));
    writer.ok(json!(["close"]));
    drop(writer);
    let before = listing(&store);
    let mut reader = Worker::starting(&store, &["read"]);
    assert_eq!(reader.answer(), json!({"ok": "open"}));
    assert_eq!(role(&mut reader), "reader");
    assert_eq!(reader.ok(json!(["rank", "17"])), json!(["i17"]));
    assert_eq!(reader.ok(json!(["scan"])).as_array().map(Vec::len), Some(40));
    reader.ok(json!(["ask", "ada"]));
    for refused in [
        json!(["put", "a", "b"]),
        json!(["delete", "i1"]),
        json!(["log", "ada", "i2"]),
        json!(["scenario", "s", "i1"]),
        json!(["fit_space"]),
        json!(["flush"]),
        json!(["promote_model", {"version": 0}]),
        json!(["apply_retention"]),
        json!(["verify_signals"]),
    ] {
        assert_eq!(reader.ask(refused.clone())["error"], json!("ReadOnly"), "{refused}");
    }
    assert_eq!(listing(&store), before);
    // Beside a process that writes.
    let mut writer = Worker::start(&store);
    assert_eq!(role(&mut writer), "writer", "a reader holds no lock");
    for n in 0..10 {
        writer.ok(json!(["put", format!("n{n}"), format!("new w{n}")]));
        assert_eq!(reader.ok(json!(["rank", format!("w{n}")])), json!([format!("n{n}")]));
    }
    writer.ok(json!(["fit_space"]));
    writer.ok(json!(["put_many", 100, 300]));
    assert_eq!(writer.ok(json!(["fit_space"])), json!(true));
    writer.ok(json!(["flush"]));
    assert_eq!(reader.ok(json!(["rank", "250"])), json!(["i250"]));
    writer.kill();
    assert_eq!(reader.ok(json!(["rank", "250"])), json!(["i250"]), "and after it is gone");
    assert_eq!(role(&mut reader), "reader");
}

#[test]
fn a_process_that_hangs_is_named() {
    use rustix::process::Signal;
    let (_dir, store) = store();
    let (mut writer, mut hung) = (Worker::start(&store), Worker::start(&store));
    writer.ok(json!(["put", "a", "x"]));
    hung.ok(json!(["get", "a"]));
    soon("the follower is known", || writer.ok(json!(["stats"]))["process"]["followers"] == json!(1));
    signal(&hung, Signal::STOP);
    soon("it is named", || {
        let found = writer.ok(json!(["stats"]))["process"]["hung"].clone();
        found[0]["pid"] == json!(hung.child.id()) && found[0]["seconds"].as_u64() >= Some(10)
    });
    signal(&hung, Signal::CONT);
    soon("it goes on", || writer.ok(json!(["stats"]))["process"]["hung"] == json!([]));
    hung.kill();
    soon("it is gone", || writer.ok(json!(["stats"]))["process"]["followers"] == json!(0));
}

/// Readers that die with pinned transactions leave nothing behind: the file does not grow by rewriting the same items.
#[test]
fn readers_that_are_killed_do_not_let_the_file_grow() {
    let (_dir, store) = store();
    let mut writer = Worker::start(&store);
    let length = || std::fs::metadata(store.join("data.mdb")).expect("is there").len();
    writer.ok(json!(["put_many", 0, 400]));
    for round in 0..6 {
        let mut readers: Vec<Worker> = (0..2).map(|_| Worker::start(&store)).collect();
        readers.iter_mut().for_each(|reader| reader.send(&json!(["scan"])));
        writer.ok(json!(["put_many", 0, 400]));
        readers.into_iter().for_each(Worker::kill);
        if round == 2 {
            // What the first rounds needed is there now.
            writer.ok(json!(["flush"]));
            std::thread::sleep(Duration::from_millis(1500));
        }
    }
    let before = length();
    for _ in 0..6 {
        Worker::start(&store).kill();
        writer.ok(json!(["put_many", 0, 400]));
        std::thread::sleep(Duration::from_millis(1100));
    }
    assert!(length() <= before + before / 4, "{before} bytes became {}", length());
}

/// Bytes of `data.mdb`.
fn data_size(store: &Path) -> u64 {
    std::fs::metadata(store.join("data.mdb")).expect("is there").len()
}

#[test]
fn every_process_goes_on_in_the_file_that_a_compaction_leaves() {
    let (_dir, store) = store();
    let mut workers: Vec<Worker> = (0..3).map(|_| Worker::start(&store)).collect();
    let mut reader = Worker::starting(&store, &["read"]);
    assert_eq!(reader.answer(), json!({"ok": "open"}));
    workers[0].ok(json!(["put_many", 0, 400]));
    for round in 0..6 {
        // Whoever is asked: the process that writes does it.
        let word = format!("word{round}");
        for n in 0..5 {
            workers[1].ok(json!(["delete", format!("i{}", round * 5 + n)]));
        }
        assert_eq!(workers[2].ok(json!(["rank", "399"])), json!(["i399"]));
        let compacted = workers[round % 3].ok(json!(["compact"]));
        assert!(compacted["after"].as_u64() > Some(0), "{compacted}");
        let token = workers[(round + 1) % 3].ok(json!(["put", format!("id{round}"), word])).as_u64().expect("a token");
        workers[(round + 2) % 3].ok(json!(["log", format!("user{round}"), "i399"]));
        for worker in workers.iter_mut().chain([&mut reader]) {
            assert_eq!(worker.ok(json!(["wait", token, 0])), json!(true), "round {round}");
            assert_eq!(worker.ok(json!(["rank", word])), json!([format!("id{round}")]));
            assert_eq!(worker.ok(json!(["stats"]))["events"], json!(round + 1));
            assert_eq!(worker.ok(json!(["stats"]))["items"], json!(400 - (round + 1) * 5 + round + 1));
        }
    }
    // Who takes the writing over takes the new file.
    let place = workers.iter_mut().position(|one| role(one) == "writer").expect("one writes");
    workers.remove(place).kill();
    for (n, word) in [(0, "late"), (1, "later")] {
        workers[n].ok(json!(["put", word, word]));
        workers[1 - n].ok(json!(["compact"]));
        for worker in workers.iter_mut().chain([&mut reader]) {
            assert_eq!(worker.ok(json!(["rank", word])), json!([word]));
        }
    }
    assert_eq!(reader.ask(json!(["compact"]))["error"], json!("ReadOnly"));
    for worker in &mut workers {
        assert_eq!(worker.ok(json!(["verify_signals"])), json!(true));
        assert_eq!(worker.ok(json!(["verify_vectors"])), json!(true));
    }
    drop((workers, reader));
    let mut alone = Worker::start(&store);
    assert_eq!(alone.ok(json!(["stats"]))["items"], json!(400 - 30 + 6 + 2));
    let before = data_size(&store);
    alone.ok(json!(["put_many", 0, 400]));
    assert!(data_size(&store) >= before);
    let names = listing(&store);
    assert!(names.iter().all(|name| !name.contains("fork-")), "no name is left behind: {names:?}");
}

#[test]
fn requests_of_a_follower_go_on_while_another_process_compacts() {
    let (_dir, store) = store();
    let (mut writer, mut other) = (Worker::start(&store), Worker::start(&store));
    writer.ok(json!(["put_many", 0, 300]));
    for round in 0..5 {
        writer.send(&json!(["compact"]));
        for n in 0..20 {
            let id = format!("i{}", (round * 20 + n) % 300);
            assert_eq!(other.ok(json!(["rank", &id[1..]])), json!([id]));
        }
        let answer = writer.answer();
        assert!(answer["ok"].is_object(), "{answer}");
        other.ok(json!(["put", format!("new{round}"), format!("fresh{round}")]));
        assert_eq!(writer.ok(json!(["rank", format!("fresh{round}")])), json!([format!("new{round}")]));
        assert_eq!(other.ok(json!(["rank", format!("fresh{round}")])), json!([format!("new{round}")]));
    }
}

#[test]
fn a_follower_has_a_copy_made_where_it_says() {
    let (dir, store) = store();
    let (mut writer, mut other) = (Worker::start(&store), Worker::start(&store));
    writer.ok(json!(["put_many", 0, 50]));
    let copy = dir.path().join("copy.onelist");
    assert!(other.ok(json!(["backup", {"path": copy}]))["bytes"].as_u64() > Some(0));
    assert_eq!(other.ask(json!(["backup", {"path": copy}]))["error"], json!("InvalidArgument"), "the path is taken");
    let inside = other.ask(json!(["backup", {"path": store.join("copy")}]));
    assert_eq!(inside["error"], json!("InvalidArgument"), "{inside}");
    let mut restored = Worker::start(&copy);
    assert_eq!(restored.ok(json!(["rank", "17"])), json!(["i17"]));
}

//! Several processes on one directory.

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

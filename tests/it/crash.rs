//! kill -9, two hundred times, at random moments: every acknowledged write is there, nothing is half there, and text
//! and vectors agree with the catalog. Everything is deleted now and then, the space is fitted, and models change.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use onelist_tests::journal::{Operation, State};
use onelist_tests::trained::Trained;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const KILLS: usize = 200;

#[test]
fn no_acknowledged_write_is_lost_in_two_hundred_kills() {
    let seed = 20_261;
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let dir = tempfile::tempdir().expect("a folder");
    let expected = dir.path().join("expected.json");
    Trained::new("first", 0.25).write(&dir.path().join("first")).expect("writes");
    // Of another vector space, so that it moves every item.
    Trained::elsewhere("second", 0.5).write(&dir.path().join("second")).expect("writes");
    let mut possible = vec![State::default()];
    let mut acknowledged = 0;
    for kill in 0..KILLS {
        let states: Vec<_> = possible.iter().map(State::to_json).collect();
        std::fs::write(&expected, serde_json::Value::from(states).to_string()).expect("writes");
        // Three in ten die while they open and replay; the next one then finds the same states.
        let while_opening = kill > 0 && rng.random_bool(0.3);
        let mut child = Killed::start(dir.path(), kill);
        if while_opening {
            std::thread::sleep(Duration::from_millis(rng.random_range(1..150)));
        } else {
            child.wait_until_verified(kill);
            std::thread::sleep(Duration::from_millis(rng.random_range(1..250)));
        }
        let lines = child.kill();
        // A process that died before it had verified may have been in any of the states.
        if let Some((which, operations)) = found(&lines) {
            (possible, acknowledged) = follow(&possible[which], operations, acknowledged);
        }
    }
    println!("{KILLS} kills, {acknowledged} acknowledged operations");
    assert!(acknowledged > KILLS, "the processes must have written something: {acknowledged}");
}

/// Which of the states the process found, and what it did then.
fn found(lines: &[String]) -> Option<(usize, &[String])> {
    assert!(!lines.iter().any(|line| line.starts_with("failed")), "{lines:?}");
    let (first, rest) = lines.split_first()?;
    let which = first.strip_prefix("verified ").unwrap_or_else(|| panic!("expected a verdict, found {first}"));
    Some((which.parse().expect("a number"), rest))
}

/// The states that a store may be in after these lines: the last operation may have been committed without its
/// acknowledgement being heard.
fn follow(start: &State, lines: &[String], acknowledged: usize) -> (Vec<State>, usize) {
    let tries = lines.iter().filter_map(|line| Operation::from_line(line.strip_prefix("try ")?));
    let operations: Vec<Operation> = tries.collect();
    let done = lines.iter().filter(|line| *line == "ok").count();
    let state = operations.iter().take(done).fold(start.clone(), |state, operation| state.after(operation));
    let running = operations.get(done).map(|running| state.after(running));
    (std::iter::once(state).chain(running).collect(), acknowledged + done)
}

struct Killed {
    child: Child,
    out: BufReader<ChildStdout>,
    lines: Vec<String>,
}

impl Killed {
    fn start(dir: &std::path::Path, kill: usize) -> Killed {
        let mut child = Command::new(env!("CARGO_BIN_EXE_crash-child"))
            .args(["store", "expected.json", &kill.to_string(), if kill % 10 == 9 { "whole" } else { "sample" }])
            .current_dir(dir)
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let out = BufReader::new(child.stdout.take().expect("is piped"));
        Killed { child, out, lines: Vec::new() }
    }

    fn wait_until_verified(&mut self, kill: usize) {
        let start = Instant::now();
        let mut line = String::new();
        self.out.read_line(&mut line).expect("reads");
        assert!(line.starts_with("verified "), "kill {kill}, after {:?}: {line}", start.elapsed());
        self.lines.push(line.trim().to_owned());
    }

    /// Kills with SIGKILL and returns every whole line that was written.
    fn kill(mut self) -> Vec<String> {
        self.child.kill().expect("kills");
        self.child.wait().expect("reaps");
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).expect("reads");
        let whole = rest.rfind('\n').map_or("", |end| &rest[..end]);
        self.lines.extend(whole.lines().map(str::to_owned));
        self.lines
    }
}

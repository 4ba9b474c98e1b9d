//! The process that the crash test kills: checks that the store holds what it must, then writes until it dies.
//!
//! Arguments: directory, file with the states that the store may be in, seed, and whether to check the indexes whole.
//! Prints which state it found, `try OPERATION` before each operation and `ok` after its acknowledgement.

use std::io::Write;
use std::path::Path;

use onelist::{Config, Engine, Request, Source};
use onelist_tests::journal::{self, Operation, State};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() {
    if let Err(error) = run() {
        say(&format!("failed {error}"));
        std::process::exit(1);
    }
}

fn run() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, expected, seed, whole] = arguments.as_slice() else { return Err("four arguments".into()) };
    let mut config = Config::default();
    config.sessions = 1;
    let seed: u64 = seed.parse()?;
    match seed % 3 {
        0 => config.retention.days = Some(30.0),
        _ => (config.retention.total, config.retention.per_user) = (Some(200), Some(50)),
    }
    config.impressions.max = 100;
    let db = Engine::open(directory, config)?;
    let (which, mut state) = verify(&db, &std::fs::read_to_string(expected)?, whole == "whole")?;
    say(&format!("verified {which}"));
    let mut rng = StdRng::seed_from_u64(seed);
    loop {
        let operation = next(&mut rng, &state);
        say(&format!("try {}", operation.to_line()));
        operation.execute(&db, Path::new("."))?;
        say("ok");
        state = state.after(&operation);
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // A parent that is gone has nothing to hear.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// A random operation over 300 ids.
fn next(rng: &mut StdRng, state: &State) -> Operation {
    let id = |rng: &mut StdRng| rng.random_range(0..300);
    match rng.random_range(0..100) {
        0..50 => {
            let count = if rng.random_bool(0.2) { 60 } else { rng.random_range(1..4) };
            let mut items: Vec<(u64, u64)> = (0..count).map(|_| (id(rng), rng.random_range(0..1_000_000))).collect();
            items.sort_unstable();
            items.dedup_by_key(|item| item.0);
            Operation::Put(items)
        }
        50..64 => {
            let known: Vec<u64> = state.items.keys().copied().collect();
            Operation::Delete(known.choose_multiple(rng, 2).copied().collect())
        }
        64..66 => Operation::Delete(state.items.keys().copied().collect()),
        66..84 => Operation::Log(rng.random_range(1..20)),
        84..86 => Operation::Log(600),
        86..89 => Operation::Rank(rng.random_range(1..60)),
        89..91 => Operation::Trim,
        91 => Operation::DeleteEvents(rng.random_range(0..1_000)),
        92 => match rng.random_range(0..3) {
            0 => Operation::Forget(rng.random_range(0..7)),
            1 => Operation::ForgetItem(id(rng)),
            _ => Operation::Merge(rng.random_range(0..7)),
        },
        93 => Operation::DeleteEvents(2),
        94..96 => Operation::Rebuild,
        96..98 => Operation::Fit,
        _ => Operation::Model(rng.random_range(0..3)),
    }
}

/// The store must hold one of the expected states: with or without the operation that was running at the kill.
fn verify(db: &Engine, expected: &str, whole: bool) -> Result<(usize, State)> {
    let expected: Vec<serde_json::Value> = serde_json::from_str(expected)?;
    let found = State::of(db)?;
    let states: Vec<State> = expected.iter().filter_map(State::from_json).collect();
    let which = states.iter().position(|state| *state == found);
    let which = which.ok_or_else(|| format!("found {found:?}, expected one of {states:?}"))?;
    let versions: Vec<(&u64, &u64)> = found.items.iter().collect();
    let step = if whole { 1 } else { 7 };
    for (id, version) in versions.iter().step_by(step) {
        agrees(db, **id, **version)?;
    }
    let space = db.verify_vectors()?;
    if space.wrong > 0 || space.semantic_ids != found.items.len() as u64 {
        return Err(format!("{} items, {space:?}", found.items.len()).into());
    }
    if whole {
        db.flush()?;
        let recount = db.verify_signals()?;
        if recount.before != recount.after {
            return Err(
                format!("signals {:x} are {:x} when counted from the log", recount.before, recount.after).into()
            );
        }
        let stats = db.stats()?;
        let held: Vec<u64> = stats.vectors.iter().map(|v| v.indexed + v.tail).collect();
        if stats.items != found.items.len() as u64
            || held.iter().any(|count| *count != stats.items)
            || stats.text_tail > 0
        {
            return Err(format!("{} items, vectors {held:?}, text tail {}", stats.items, stats.text_tail).into());
        }
    }
    Ok((which, found))
}

/// Text and vectors agree with the catalog: this version is found by its word and by its direction, another is not.
fn agrees(db: &Engine, id: u64, version: u64) -> Result<()> {
    let name = format!("item-{id}");
    let by_word = |version| {
        let found = db.rank(&Request::new().query(journal::word(id, version)).limit(200))?;
        Ok::<bool, onelist::Error>(
            found
                .hits
                .iter()
                .any(|hit| hit.id == name && hit.sources.iter().any(|p| p.source == Source::Lexical && p.rank == 1)),
        )
    };
    if !by_word(version)? || by_word(version + 1)? {
        return Err(format!("the text index does not agree on {name} version {version}").into());
    }
    let near = db.rank(&Request::new().vector("place", journal::direction(id, version)).limit(200))?;
    let exact =
        |hit: &onelist::Hit| hit.sources.iter().any(|p| p.source == Source::Vector && p.rank == 1 && p.score > 0.999);
    if !near.hits.iter().any(|hit| hit.id == name && exact(hit)) {
        return Err(format!("the vector index does not agree on {name} version {version}").into());
    }
    Ok(())
}

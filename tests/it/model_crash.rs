//! kill -9 while models are loaded, promoted, rolled back and unloaded: the store opens with one whole model, which is the
//! one that was acknowledged last, or the one that was being promoted, and every item stands where that model places it.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use onelist::{Config, Engine, HistoryEvent, Item, Request, Source};
use onelist_tests::trained::Trained;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const KILLS: u64 = 50;
/// The only text of an item, so that a search in these words is where the item is.
const PLAIN: &str = "a blue umbrella for two";
const STRENGTHS: [f32; 2] = [0.25, 0.5];

#[test]
fn a_crash_leaves_one_whole_model_live() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = dir.path().join("store");
    Trained::new("first", STRENGTHS[0]).write(&dir.path().join("first")).expect("writes");
    // Of another vector space, so that promoting it moves every item.
    Trained::elsewhere("second", STRENGTHS[1]).write(&dir.path().join("second")).expect("writes");
    let db = open(&store);
    db.put(onelist_tests::goods()).expect("puts");
    db.put(vec![Item::new("plain").text("title", PLAIN)]).expect("puts");
    db.close().expect("closes");
    let mut rng = StdRng::seed_from_u64(20_261);
    let (mut live, mut changes, mut seen) = (0, 0, BTreeSet::new());
    for kill in 0..KILLS {
        let after = (rng.random_range(0..8), Duration::from_millis(rng.random_range(0..300)));
        let lines = killed(dir.path(), kill, after);
        assert!(!lines.iter().any(|line| line.starts_with("failed")), "{lines:?}");
        let mut possible = vec![live];
        for line in &lines {
            if let Some(acknowledged) = line.strip_prefix("ok ").or(line.strip_prefix("live ")) {
                let now = acknowledged.parse().expect("a version");
                changes += usize::from(now != possible[0]);
                possible = vec![now];
            } else if let Some(tried) = line.strip_prefix("try promote ") {
                possible.push(tried.parse().expect("a version"));
            }
        }
        live = verified(&store);
        assert!(possible.contains(&live), "kill {kill}: {live} is live, expected one of {possible:?}");
        seen.insert(live);
    }
    println!("{KILLS} kills, {changes} acknowledged changes, {} versions seen live", seen.len());
    assert!(changes > 20 && seen.len() > 2, "the processes must have done something: {changes}, {seen:?}");
}

fn open(store: &Path) -> Engine {
    let mut config = Config::default();
    config.sessions = 1;
    Engine::open(store, config).expect("opens")
}

/// Starts the child, kills it so long after it has said so much, however slow the machine is, and returns the whole lines
/// that it wrote.
fn killed(dir: &Path, seed: u64, (said, after): (usize, Duration)) -> Vec<String> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_model-child"))
        .args(["store", "first", "second", &seed.to_string()])
        .current_dir(dir)
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut out = BufReader::new(child.stdout.take().expect("is piped"));
    let mut text = String::new();
    // The first line says that it is open.
    for _ in 0..=said {
        out.read_line(&mut text).expect("reads");
    }
    std::thread::sleep(after);
    child.kill().expect("kills");
    child.wait().expect("reaps");
    out.read_to_string(&mut text).expect("reads");
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(str::to_owned).collect()
}

/// Opens the store, and checks that records, folders and the model that answers agree. Returns the live version.
fn verified(store: &Path) -> u64 {
    let db = open(store);
    let models = db.models().expect("lists");
    let live = models.versions.iter().find(|version| version.active).expect("one is live");
    assert_eq!(live.version, models.active);
    let stats = db.stats().expect("counts").model;
    assert_eq!((&stats.sha256, &stats.name), (&live.sha256, &live.name));
    assert_eq!(db.stats().expect("counts").space.id, live.space_id);
    assert_eq!(db.verify_vectors().expect("checks").wrong, 0);
    let found = db.rank(&Request::new().query(PLAIN).unlogged()).expect("ranks").hits;
    let plain = found.iter().find(|hit| hit.id == "plain").expect("is found by its words");
    let near = plain.sources.iter().find(|place| place.source == Source::Semantic).expect("and by its meaning");
    assert!(near.score > 0.99, "{near:?}: {live:?}");
    // The network's part of a score says which model it was.
    let mut request = Request::new().explain().unlogged();
    request.history = vec![HistoryEvent::new("boots")];
    let hits = db.rank(&request).expect("ranks").hits;
    let part = |hit: &onelist::Hit| {
        let parts = hit.why.iter().flat_map(|why| &why.contributions);
        parts.filter(|part| part.feature == "network").map(|part| part.amount.abs()).sum::<f32>()
    };
    let largest = hits.iter().map(part).fold(0.0, f32::max);
    let strength = match live.name.rsplit(' ').next() {
        Some("first") => STRENGTHS[0],
        Some("second") => STRENGTHS[1],
        _ => 0.0,
    };
    assert!(largest <= strength && (strength == 0.0 || largest > strength / 4.0), "{largest} of {strength}: {live:?}");
    let folder = store.join("models");
    let folders = folder.read_dir().map_or(0, |entries| entries.count());
    let loaded = models.versions.iter().filter(|version| version.version > 0);
    assert_eq!(folders, loaded.clone().count(), "every folder has a record");
    models.active
}

//! The process that the crash test of models kills: loads, promotes, rolls back and unloads models until it dies.
//!
//! Arguments: directory, two folders of models, seed. Prints `live VERSION` when it is open, `try OPERATION` before each
//! operation, and `ok VERSION`, the version that answers, after its acknowledgement.

use std::io::Write;

use onelist::{Config, Engine};
use rand::rngs::StdRng;
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
    let [directory, first, second, seed] = arguments.as_slice() else { return Err("four arguments".into()) };
    let mut config = Config::default();
    config.sessions = 1;
    let db = Engine::open(directory, config)?;
    say(&format!("live {}", db.models()?.active));
    let mut rng = StdRng::seed_from_u64(seed.parse()?);
    loop {
        step(&db, [first, second], &mut rng)?;
        say(&format!("ok {}", db.models()?.active));
    }
}

fn step(db: &Engine, folders: [&String; 2], rng: &mut StdRng) -> Result<()> {
    let models = db.models()?;
    let versions: Vec<u64> = models.versions.iter().map(|version| version.version).collect();
    let one = versions.get(rng.random_range(0..versions.len())).copied().unwrap_or_default();
    match rng.random_range(0..10) {
        0..4 => {
            say("try load");
            db.load_model(folders[rng.random_range(0..2)])?;
        }
        4..8 => {
            say(&format!("try promote {one}"));
            db.promote_model(one)?;
        }
        8 if models.before.is_some() => {
            say(&format!("try promote {}", models.before.unwrap_or_default()));
            db.roll_back_model()?;
        }
        _ if one != models.active && models.before != Some(one) => {
            say("try unload");
            db.unload_model(one)?;
        }
        _ => say("try nothing"),
    }
    Ok(())
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // A parent that is gone has nothing to hear.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

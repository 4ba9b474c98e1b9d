//! Asking the stores: each part opens a copy of its own, so that none depends on what another one did.

mod answer;
mod calibration;
mod catalog;
mod chance;
mod draws;
mod evaluation;
mod fit;
mod models;
mod pages;
mod parquet_file;
mod rankings;
mod refused;
mod refused_arguments;
mod shown;
mod tables;
mod training;
mod weighted;
mod writes;

use std::path::Path;

use onelist::Engine;

use super::record::Record;
use super::worlds::{World, all};
use super::{Result, files, given};

pub use tables::print_rows;

/// A copy of a store, open, and where its answers go.
pub struct Asking<'a> {
    /// What the store holds.
    pub world: &'a World,
    /// The copy.
    pub db: Engine,
    /// Its folder.
    pub path: &'a Path,
    /// Where the answers go.
    pub record: &'a mut Record,
}

/// What one part asks.
type Part = fn(&mut Asking) -> Result<()>;

/// The parts, and the worlds that they are asked of; none named: all of them.
const PARTS: [(&str, Part, &[&str]); 13] = [
    ("rankings", rankings::ask, &[]),
    ("pages", pages::ask, &[]),
    ("weighted", weighted::ask, &[]),
    ("chance", chance::ask, &[]),
    ("catalog", catalog::ask, &[]),
    ("refused", refused::ask, &["retail"]),
    ("evaluation", evaluation::ask, &[]),
    ("training", training::ask, &[]),
    ("calibration", calibration::ask, &["retail", "scifact"]),
    ("models", models::ask, &["retail"]),
    ("fit", fit::ask, &["retail"]),
    ("shown", shown::ask, &["movies"]),
    ("writes", writes::ask, &[]),
];

/// Asks every store of a folder: everything, or one part. A part that fails is an answer too, in the section `failed`: the
/// others are asked all the same.
///
/// # Errors
/// When a store or the data is not there, and what the engine answers.
pub fn ask(dir: &Path, only: Option<&str>) -> Result<Record> {
    let mut record = Record::default();
    let scratch = tempfile::tempdir()?;
    for world in all()? {
        let (store, copy) = (dir.join(world.name), scratch.path().join(world.name));
        tables::ask(&store, world.name, "built", &mut record)?;
        let of_this_world = |(name, _, worlds): &&(&str, Part, &[&str])| {
            (worlds.is_empty() || worlds.contains(&world.name)) && only.is_none_or(|only| only == *name)
        };
        for (name, part, _) in PARTS.iter().filter(of_this_world) {
            let start = std::time::Instant::now();
            files::copy(&store, &copy)?;
            if let Err(error) = ask_part(&world, &copy, *part, &mut record) {
                eprintln!("{} {name} FAILED: {error}", world.name);
                record.add("failed", format!("{}.{name}", world.name), error.to_string().into())?;
            }
            eprintln!("{:8} {name:12} {:6.1} s", world.name, start.elapsed().as_secs_f64());
        }
    }
    record.counts().iter().for_each(|(section, count)| println!("{section:<20} {count:>5}"));
    Ok(record)
}

/// Opens a copy, and asks one part of it.
fn ask_part(world: &World, copy: &Path, part: Part, record: &mut Record) -> Result<()> {
    let db = Engine::open(copy, given::config(&world.config)?)?;
    let mut asking = Asking { world, db, path: copy, record };
    part(&mut asking)?;
    Ok(asking.db.close()?)
}

impl Asking<'_> {
    /// Records an answer of this world.
    fn add(&mut self, section: &str, name: &str, value: serde_json::Value) -> Result<()> {
        self.record.add(section, format!("{}.{name}", self.world.name), value)
    }

    /// Records a ranking: its numbers, and apart from them its words.
    fn add_ranking(&mut self, section: &str, name: &str, ranking: &onelist::Ranking) -> Result<()> {
        let (numbers, words) = answer::split(ranking)?;
        self.add(section, name, numbers)?;
        self.add(&format!("{section}-text"), name, words)
    }
}

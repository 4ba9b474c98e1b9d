//! How good the lists are, on real data: one table for each task, with 95 % bootstrap intervals and paired differences.
//!
//!     make quality
//!
//! docs/MODEL.md quotes it. Arguments: names of tasks (scifact, judgments, retail, movies, tags); none runs all.
//! `--validation` scores the halves on which weights are chosen instead of those that are reported.

mod data;
mod measures;
mod next_item;
mod search;

use comfy_table::{Table, presets};
use onelist::Config;
use sha2::{Digest, Sha256};

use measures::Interval;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Features of the model's linear part, in the order of the manifest.
const FEATURES: [&str; 24] = [
    "bm25",
    "popular_1d",
    "popular_7d",
    "popular_90d",
    "popular_ever",
    "trend",
    "fresh",
    "next",
    "together",
    "basket",
    "chosen",
    "seen",
    "had",
    "had_lately",
    "shown",
    "disliked",
    "vector",
    "content_missing",
    "vector_missing",
    "cos_query",
    "cos_history",
    "cos_last",
    "cos_nearest",
    "cos_disliked",
];

fn main() {
    if let Err(error) = run() {
        eprintln!("quality: {error}");
        std::process::exit(1);
    }
}

fn run() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let half = if arguments.iter().any(|a| a == "--validation") { Half::Validation } else { Half::Report };
    let tasks: Vec<&str> = arguments.iter().map(String::as_str).filter(|a| !a.starts_with("--")).collect();
    let wanted = |task: &str| tasks.is_empty() || tasks.contains(&task);
    let folder = data::folder()?;
    if wanted("scifact") {
        search::scifact(&folder, half)?;
    }
    if wanted("judgments") {
        search::judgments(&folder, half)?;
    }
    if wanted("retail") {
        next_item::retail(&folder, half)?;
    }
    if wanted("movies") {
        next_item::movies(&folder, half)?;
    }
    if wanted("tags") {
        next_item::tags(&folder, half)?;
    }
    Ok(())
}

/// Which part of the data is scored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// The part on which weights were chosen.
    Validation,
    /// The part that is reported.
    Report,
}

impl Half {
    /// Whether a query belongs to this half: the report takes all of them where the issue asks for all.
    pub fn takes(self, query: &str) -> bool {
        // The split of the exporter's figures (`model_zero/figures/data.py`): the first byte of SHA-256 is even.
        self == Half::Report || Sha256::digest(query.as_bytes())[0] % 2 == 0
    }
}

/// A configuration whose score is one feature and nothing else: the baseline of that name, in the engine's own words.
pub fn only(feature: &str) -> Config {
    let row: Vec<f32> = FEATURES.iter().map(|name| if *name == feature { 1.0 } else { 0.0 }).collect();
    let mut config = Config::default();
    config.weights = vec![row; 4];
    config
}

/// Scores by system, in the order of the table; the first is the one that the others are compared with.
pub struct Results {
    /// What was measured.
    pub title: String,
    /// Name of the measure.
    pub measure: &'static str,
    /// Values of each query or user, by system.
    pub systems: Vec<(String, Vec<f64>)>,
}

impl Results {
    /// Prints the table.
    pub fn print(&self) {
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED);
        table.set_header(["", &format!("{} [95 %]", self.measure), "rank minus this [95 %]"]);
        let first = self.systems.first().map(|(_, values)| values.clone()).unwrap_or_default();
        for (place, (name, values)) in self.systems.iter().enumerate() {
            let difference =
                if place == 0 { String::new() } else { Interval::of_difference(&first, values).show_signed() };
            table.add_row([name.clone(), Interval::of(values).show(), difference]);
        }
        println!("\n{} ({} scored)\n{table}", self.title, first.len());
    }
}

//! `make bench`: the engine's numbers beside those of the libraries it is made of, called directly, in one table.
//!
//! No number is asserted: a machine that is busy makes every one of them worse, so each run prints its load and the
//! ratio to the direct calls, which are measured in turns with the engine's.

mod arguments;
mod bar;
mod cell;
mod data;
mod direct;
mod engine_side;
mod measure;
mod run;
mod side;
mod table;
mod words;

use std::time::Instant;

use arguments::{Arguments, USAGE};
use data::Dataset;
use direct::DirectSide;
use engine_side::EngineSide;

/// Errors end the program with their text.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
/// Results of this program.
pub type Result<T> = std::result::Result<T, Error>;

fn main() {
    if std::env::args().skip(1).any(|argument| argument == "--help" || argument == "-h") {
        println!("{USAGE}");
        return;
    }
    let done = Arguments::read(std::env::args().skip(1)).and_then(|arguments| match &arguments.side {
        Some(side) => serve(side, &arguments),
        None => compare(&arguments),
    });
    if let Err(error) = done {
        eprintln!("bench: {error}");
        std::process::exit(1);
    }
}

/// One side, in a process of its own.
fn serve(side: &str, arguments: &Arguments) -> Result<()> {
    let items = arguments.items.first().copied().ok_or("a side needs a number of items")?;
    let data = Dataset::new(items, &arguments.data)?;
    let folder = arguments.scratch.clone();
    match side {
        "engine" => side::serve(&mut EngineSide::new(data, folder, arguments.onnxruntime.clone())),
        "direct" => {
            let library = arguments.onnxruntime.clone().ok_or("the direct side needs --onnxruntime")?;
            side::serve(&mut DirectSide::new(data, folder, library))
        }
        other => Err(format!("--side: expected engine or direct, found {other}").into()),
    }
}

/// The whole run.
fn compare(arguments: &Arguments) -> Result<()> {
    let start = Instant::now();
    let scratch = tempfile::Builder::new().prefix("onelist-bench-").tempdir_in(&arguments.scratch)?;
    let has_retail = words::retail_titles(&arguments.data)?.is_some();
    let before = measure::load();
    let (mut rows, mut budgets) = (Vec::new(), Vec::new());
    for items in &arguments.items {
        eprintln!("{items} items");
        let folder = scratch.path().join(items.to_string());
        let report = run::size(*items, &folder, arguments)?;
        rows.extend(report.rows);
        budgets.extend(report.budgets);
        // Room for the next size.
        std::fs::remove_dir_all(&folder)?;
    }
    println!("{}", measure::machine());
    println!("load {before} before, {} after; {:.0} s", measure::load(), start.elapsed().as_secs_f64());
    match has_retail {
        true => println!("titles: half of a Zipf vocabulary, half of a real shop with a third of the words replaced"),
        false => println!("titles: all of a Zipf vocabulary (no retail data in {})", arguments.data.display()),
    }
    println!("{}", table::table(&rows));
    println!("{}", table::budgets(&budgets));
    Ok(())
}

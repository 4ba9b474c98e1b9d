//! How good the lists are on real data: `Engine::evaluate` on each set, as text, as pages, and as docs/RESULTS.md.
//!
//!     make quality
//!     make quality ARGS="--help"
//!
//! | file | what it does |
//! |---|---|
//! | [`arguments`] | the command line |
//! | [`half`] | which part of the data is scored: validation or report |
//! | [`data`] | reads the data sets |
//! | [`tasks`] | what is measured on which of them |
//! | [`run`] | one task: a store, its log, the evaluation |
//! | [`external`] | files for external systems, and their answers |
//! | [`report`] | docs/RESULTS.md, section by section |
//! | [`provenance`] | commit and date of a measurement |

mod arguments;
mod data;
mod external;
mod half;
// The demo reads the same files, and more of them.
#[allow(dead_code)]
#[path = "../../examples/demo/movielens.rs"]
mod movielens;
mod provenance;
mod report;
mod run;
mod tasks;

use arguments::Arguments;
use provenance::Provenance;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() {
    if let Err(error) = quality() {
        eprintln!("quality: {error}");
        std::process::exit(1);
    }
}

fn quality() -> Result<()> {
    let Some(arguments) = Arguments::read(lexopt::Parser::from_env())? else {
        println!("{}\nTasks: {}", arguments::USAGE, tasks::names());
        return Ok(());
    };
    let folder = data::folder()?;
    // Looked up before the first measurement: the sources may change while it runs.
    let provenance = Provenance::now();
    for task in tasks::ALL.iter().filter(|task| arguments.wants(task.name)) {
        let setup = (task.setup)(&folder, arguments.run.half)?;
        let Some(measured) = run::run(task, setup, &arguments)? else { continue };
        println!("\n== {} ==\n{}", task.title, measured.text());
        if arguments.reports() {
            report::write(task, &measured, &provenance)?;
        }
    }
    Ok(())
}

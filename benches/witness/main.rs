//! Proves that a restructuring changed nothing: stores built from real data, and digests of what they answer.
//!
//!     witness build DIR                        writes the stores
//!     witness ask DIR --out FILE [--dump FILE] [--only PART]
//!                                              asks copies of them, and writes a line for each answer
//!     witness compare A B [--except SECTIONS] [--dumps A B]
//!                                              names the lines that differ; exits 1 if there is one
//!     witness rows STORE                       prints every row of a closed store, to read a difference of tables
//!
//! `build` and `ask` may be run by different binaries: so a store that an older version wrote is asked by a newer one.
//! A line is `section name digest`. Numbers and words are in sections of their own, because words are reworded on purpose:
//! a section whose name ends in `-text` holds nothing but words. Names that changed are brought back to the old ones by
//! the tables in `renamed`. With `--dump`, the JSON behind each digest is written too.
//!
//! | file | what it is for |
//! |---|---|
//! | `worlds` | what the stores hold: movies, retail, scifact |
//! | `requests` | what is asked of every world |
//! | `ask` | asking, and everything else that a store answers |
//! | `given`, `renamed` | requests that old and new versions read; old names for new ones |
//! | `canonical`, `record`, `compare` | JSON in one form, the lines, and two files of them side by side |

mod ask;
mod build;
mod canonical;
mod compare;
// `quality` reads the same files, and more of them.
#[allow(dead_code)]
#[path = "../quality/data.rs"]
mod data;
mod files;
mod given;
mod record;
mod renamed;
mod requests;
mod worlds;

use std::path::{Path, PathBuf};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const USAGE: &str = "usage: witness build DIR
       witness ask DIR --out FILE [--dump FILE] [--only PART]
       witness compare A B [--except SECTION,SECTION] [--dumps A B]
       witness rows STORE";

fn main() {
    let code = run().unwrap_or_else(|error| {
        eprintln!("witness: {error}");
        2
    });
    std::process::exit(code);
}

/// The exit status.
fn run() -> Result<i32> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let out = option(&mut arguments, "--out", 1)?.pop();
    let dump = option(&mut arguments, "--dump", 1)?.pop();
    let only = option(&mut arguments, "--only", 1)?.pop();
    let except = option(&mut arguments, "--except", 1)?.pop().unwrap_or_default();
    let dumps = option(&mut arguments, "--dumps", 2)?;
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match (arguments.as_slice(), out) {
        (["build", dir], None) => build::build(Path::new(dir)).map(|()| 0),
        (["ask", dir], Some(out)) => {
            let record = ask::ask(Path::new(dir), only.as_deref())?;
            record.write(Path::new(&out), dump.as_deref().map(Path::new))?;
            Ok(0)
        }
        (["compare", a, b], None) => {
            let except: Vec<&str> = except.split(',').filter(|section| !section.is_empty()).collect();
            let dumps: Vec<PathBuf> = dumps.iter().map(PathBuf::from).collect();
            let same = compare::compare((Path::new(a), Path::new(b)), &except, &dumps)?;
            Ok(if same { 0 } else { 1 })
        }
        (["rows", store], None) => ask::print_rows(Path::new(store)).map(|()| 0),
        _ => Err(USAGE.into()),
    }
}

/// Takes an option with so many values out of the arguments; nothing when it is not there.
fn option(arguments: &mut Vec<String>, name: &str, values: usize) -> Result<Vec<String>> {
    let Some(at) = arguments.iter().position(|argument| argument == name) else { return Ok(Vec::new()) };
    if at + values >= arguments.len() {
        return Err(format!("{name} takes {values} values\n{USAGE}").into());
    }
    Ok(arguments.drain(at..=at + values).skip(1).collect())
}

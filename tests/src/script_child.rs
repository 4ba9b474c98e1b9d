//! The process that runs operations from a file and then waits to be killed.
//!
//! Arguments: directory, and file with one operation a line. Prints `done` after the last acknowledgement.

use std::io::Read;
use std::path::Path;

use onelist::Engine;
use onelist_tests::journal::{Operation, script_config};

fn main() {
    if let Err(error) = run() {
        println!("failed {error}");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, script] = arguments.as_slice() else { return Err("two arguments".into()) };
    let db = Engine::open(directory, script_config())?;
    for line in std::fs::read_to_string(script)?.lines() {
        Operation::from_line(line).ok_or("not an operation")?.execute(&db, Path::new("."))?;
    }
    println!("done");
    // The other end is never written to, and closes when the parent is gone.
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

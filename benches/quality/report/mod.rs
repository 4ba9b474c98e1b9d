//! docs/RESULTS.md: a section for each task, replaced one by one, under an overview.
//!
//! | file | what it does |
//! |---|---|
//! | `results.md`, `section.md` | the words around the figures |
//! | [`document`] | takes the file apart and puts it together again |
//! | [`section`] | the section of one task |

mod document;
mod section;

use std::fs;
use std::path::Path;

use onelist::evaluation::Report;

use super::Result;
use super::provenance::Provenance;
use super::tasks::{self, Task};
use document::Document;

/// Replaces the section of a task in docs/RESULTS.md.
pub fn write(task: &Task, report: &Report, provenance: &Provenance) -> Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/RESULTS.md");
    let mut document = match fs::read_to_string(&path) {
        Ok(text) => Document::read(&text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Document::default(),
        Err(error) => return Err(format!("{}: {error}", path.display()).into()),
    };
    document.replace(task.name, section::section(task, report, provenance));
    Ok(fs::write(&path, document.text(&tasks::ALL.map(|task| task.name)))?)
}

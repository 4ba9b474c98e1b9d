//! The lines of a run: a digest for each answer, by section and name.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::{Value as Json, json};

use super::{Result, canonical};

/// What was answered, by section and name.
#[derive(Default)]
pub struct Record(BTreeMap<(String, String), Json>);

impl Record {
    /// Adds an answer.
    ///
    /// # Errors
    /// When the section has one of this name: each name stands for one answer.
    pub fn add(&mut self, section: &str, name: impl Into<String>, value: Json) -> Result<()> {
        let name = name.into().replace(char::is_whitespace, "_");
        match self.0.insert((section.to_owned(), name.clone()), value) {
            Some(_) => Err(format!("two answers are called {section} {name}").into()),
            None => Ok(()),
        }
    }

    /// Writes the lines `section name digest`, and to `dump` the values, one a line.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&self, out: &Path, dump: Option<&Path>) -> Result<()> {
        let mut lines = BufWriter::new(File::create(out)?);
        let mut values = dump.map(File::create).transpose()?.map(BufWriter::new);
        for ((section, name), value) in &self.0 {
            writeln!(lines, "{section} {name} {}", canonical::digest(canonical::text(value).as_bytes()))?;
            if let Some(values) = &mut values {
                let line = json!({ "section": section, "name": name, "value": value });
                writeln!(values, "{}", canonical::text(&line))?;
            }
        }
        lines.flush()?;
        values.map_or(Ok(()), |mut values| Ok(values.flush()?))
    }

    /// How many answers each section has.
    pub fn counts(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        self.0.keys().for_each(|(section, _)| *counts.entry(section.as_str()).or_default() += 1);
        counts
    }
}

//! One file of an export, written and read line by line in bounded memory.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::lines::Sheet;
use super::manifest::FileRow;
use crate::api::transfer::ExportFormat;
use crate::base::error::{Error, Result};
use crate::base::limits::{MAX_RECORD_BYTES, at_most};
use crate::offline::export::{SheetFile, SheetRows};

/// A record of the catalog is bounded; written as JSON with every letter escaped it has at most six times its bytes.
const LONGEST_LINE: usize = 8 * MAX_RECORD_BYTES;

/// A file that is being written.
pub(super) struct Writer {
    path: PathBuf,
    rows: u64,
    to: To,
}

enum To {
    Lines(BufWriter<File>),
    Columns(Box<SheetFile>),
}

impl Writer {
    pub(super) fn create(folder: &Path, sheet: &'static Sheet, format: ExportFormat) -> Result<Writer> {
        let path = path(folder, sheet, format);
        let to = match format {
            ExportFormat::Jsonl => {
                To::Lines(BufWriter::new(File::create_new(&path).map_err(|e| Error::io("create", &path, e))?))
            }
            ExportFormat::Parquet => To::Columns(Box::new(SheetFile::create(&path, sheet.columns)?)),
        };
        Ok(Writer { path, rows: 0, to })
    }

    pub(super) fn add(&mut self, line: &impl Serialize) -> Result<()> {
        let internal = |e: serde_json::Error| Error::internal(format!("writing JSON: {e}"));
        self.rows += 1;
        match &mut self.to {
            To::Lines(file) => {
                let mut text = serde_json::to_string(line).map_err(internal)?;
                text.push('\n');
                file.write_all(text.as_bytes()).map_err(|e| Error::io("write", &self.path, e))
            }
            To::Columns(file) => file.add(&serde_json::to_value(line).map_err(internal)?),
        }
    }

    /// Waits until all of it is on disk, and says what it is.
    pub(super) fn finish(self) -> Result<FileRow> {
        match self.to {
            To::Lines(file) => {
                let synced = file.into_inner().map_err(|e| e.into_error()).and_then(|file| file.sync_all());
                synced.map_err(|e| Error::io("write", &self.path, e))?;
            }
            To::Columns(file) => file.finish()?,
        }
        FileRow::of(&self.path, self.rows)
    }
}

/// The lines of a file, in order. The name of the file and the number of the line are in every error.
pub(super) fn read<T: DeserializeOwned>(
    folder: &Path,
    sheet: &'static Sheet,
    format: ExportFormat,
    mut each: impl FnMut(T) -> Result<()>,
) -> Result<u64> {
    let path = path(folder, sheet, format);
    let mut rows = 0;
    let mut take = |line: std::result::Result<T, serde_json::Error>| {
        rows += 1;
        let place = format!("{}, line {rows}", path.display());
        let line = line.map_err(|e| Error::argument(place, "a line as `export` writes it", e.to_string()))?;
        each(line)
    };
    match format {
        ExportFormat::Jsonl => each_line(&path, |text| take(serde_json::from_str(text)))?,
        ExportFormat::Parquet => {
            let mut rows = SheetRows::open(&path, sheet.columns)?;
            rows.try_for_each(|row| take(serde_json::from_value(row?)))?;
        }
    }
    Ok(rows)
}

fn each_line(path: &Path, mut each: impl FnMut(&str) -> Result<()>) -> Result<()> {
    let failed = |e| Error::io("read", path, e);
    let mut file = BufReader::new(File::open(path).map_err(failed)?);
    let mut line = String::new();
    loop {
        line.clear();
        let read = file.by_ref().take(LONGEST_LINE as u64 + 1).read_line(&mut line).map_err(failed)?;
        at_most("bytes of a line of an export", LONGEST_LINE, read)?;
        match line.trim() {
            _ if read == 0 => return Ok(()),
            "" => {}
            text => each(text)?,
        }
    }
}

/// Where a file of an export lies.
pub(super) fn path(folder: &Path, sheet: &Sheet, format: ExportFormat) -> PathBuf {
    let ending = match format {
        ExportFormat::Jsonl => "jsonl",
        ExportFormat::Parquet => "parquet",
    };
    folder.join(format!("{}.{ending}", sheet.name))
}

//! A Parquet file that has its name once it is whole, and on disk.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result as Written};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::columns::{Cell, Column, Shape, Values};
use super::row::{Answer, Candidate};
use crate::base::error::{Error, Result};

/// Rows of one row group, and places of its longest column, at which it is written: about 100 MB of memory.
const GROUP_ROWS: usize = 32_768;
const GROUP_PLACES: usize = 1 << 20;
/// Columns before those of the features.
const FIXED: usize = 15;

/// A file that is being written. Dropped before [`TrainingFile::finish`] it leaves nothing behind.
pub(crate) struct TrainingFile {
    path: PathBuf,
    unfinished: Unfinished,
    writer: SerializedFileWriter<File>,
    columns: Vec<Column>,
}

/// The file under its temporary name, removed when dropped.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After the renaming there is none.
        let _ = fs::remove_file(&self.0);
    }
}

impl TrainingFile {
    /// Begins a file beside its final place. `features` name the last columns; `facts` are kept in the file's metadata.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be created.
    pub(crate) fn create(path: &Path, features: &[String], facts: &[(&str, String)]) -> Result<TrainingFile> {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{}.tmp", crate::base::random::hex_id()));
        let temporary = PathBuf::from(name);
        let file = File::create_new(&temporary).map_err(|e| Error::io("create", &temporary, e))?;
        let unfinished = Unfinished(temporary);
        let columns = columns(features);
        let writer = begin(file, &columns, facts).map_err(|e| failed(path, e))?;
        Ok(TrainingFile { path: path.to_owned(), unfinished, writer, columns })
    }

    /// Adds a request with its candidates.
    pub(crate) fn add(&mut self, answer: &Answer, candidates: &[Candidate]) -> Result<()> {
        let row = Rows::new(answer);
        for candidate in candidates {
            row.push(&mut self.columns, candidate).map_err(|e| failed(&self.path, e))?;
        }
        let rows = self.columns.first().map_or(0, Column::len);
        let places = self.columns.iter().map(Column::len).max().unwrap_or(0);
        if rows >= GROUP_ROWS || places >= GROUP_PLACES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        write_group(&mut self.writer, &mut self.columns).map_err(|e| failed(&self.path, e))
    }

    /// Writes the rest and the footer, waits until all of it is on disk, and gives the file its name. Returns its length.
    ///
    /// # Errors
    /// [`Error::Io`]; then a file that had the name before still has it.
    pub(crate) fn finish(mut self) -> Result<u64> {
        if self.columns.first().is_some_and(|column| column.len() > 0) {
            self.flush()?;
        }
        let file = self.writer.into_inner().map_err(|e| failed(&self.path, e))?;
        let io = |e| Error::io("write", &self.path, e);
        file.sync_all().map_err(io)?;
        let bytes = file.metadata().map_err(io)?.len();
        fs::rename(&self.unfinished.0, &self.path).map_err(|e| Error::io("rename to", &self.path, e))?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|e| Error::io("sync", folder, e))?;
        Ok(bytes)
    }
}

fn begin(file: File, columns: &[Column], facts: &[(&str, String)]) -> Written<SerializedFileWriter<File>> {
    let lines: Vec<String> = columns.iter().map(Column::notation).collect();
    let schema = Arc::new(parse_message_type(&format!("message training {{ {} }}", lines.join(" ")))?);
    let facts = facts.iter().map(|(name, value)| KeyValue::new(format!("onelist.{name}"), value.clone())).collect();
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(format!("onelist {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(facts))
        .build();
    SerializedFileWriter::new(file, schema, Arc::new(properties))
}

fn write_group(writer: &mut SerializedFileWriter<File>, columns: &mut [Column]) -> Written<()> {
    let mut group = writer.next_row_group()?;
    for column in columns {
        let Some(to) = group.next_column()? else {
            return Err(ParquetError::General("fewer columns in the schema".to_owned()));
        };
        column.write(to)?;
    }
    group.close().map(|_| ())
}

fn failed(path: &Path, error: ParquetError) -> Error {
    Error::io("write", path, std::io::Error::other(error))
}

fn columns(features: &[String]) -> Vec<Column> {
    let long = || Values::Long(Vec::new());
    let (text, double, flag) =
        (|| Values::Text(Vec::new()), || Values::Double(Vec::new()), || Values::Flag(Vec::new()));
    let mut columns = vec![
        Column::new("request", Shape::Required, long()),
        Column::new("user", Shape::Required, text()),
        Column::new("time", Shape::Required, long()),
        Column::new("request_context", Shape::Required, text()),
        Column::new("query", Shape::Optional, text()),
        Column::new("history_items", Shape::List, text()),
        Column::new("history_actions", Shape::List, text()),
        Column::new("history_rows", Shape::List, text()),
        Column::new("history_gaps", Shape::List, double()),
        Column::new("item", Shape::Required, text()),
        Column::new("label", Shape::Required, flag()),
        Column::new("action", Shape::Optional, text()),
        Column::new("value", Shape::Optional, double()),
        Column::new("retrieved", Shape::Required, flag()),
        Column::new("sources", Shape::List, text()),
    ];
    debug_assert_eq!(columns.len(), FIXED);
    columns.extend(features.iter().map(|name| Column::new(name.as_str(), Shape::Required, Values::Single(Vec::new()))));
    columns
}

/// The cells that all rows of a request share; their text is copied once.
struct Rows {
    shared: Vec<Option<Cell>>,
    history: [Vec<Cell>; 4],
    action: Cell,
    value: Option<Cell>,
}

impl Rows {
    fn new(answer: &Answer) -> Rows {
        Rows {
            shared: vec![
                Some(Cell::Long(answer.request as i64)),
                Some(text(answer.user)),
                Some(Cell::Long(answer.time.millis())),
                Some(text(&answer.context)),
                answer.query.map(text),
            ],
            history: [
                answer.history.iter().map(|past| text(past.item)).collect(),
                answer.history.iter().map(|past| text(past.action)).collect(),
                answer.history.iter().map(|past| text(past.row)).collect(),
                answer.history.iter().map(|past| Cell::Double(past.gap)).collect(),
            ],
            action: text(answer.action),
            value: answer.value.map(Cell::Double),
        }
    }

    /// Adds a row; the columns are in the order of [`columns`].
    fn push(&self, columns: &mut [Column], candidate: &Candidate) -> Written<()> {
        let mut columns = columns.iter_mut();
        let mut next = || columns.next().ok_or_else(|| ParquetError::General("more values than columns".to_owned()));
        for cell in &self.shared {
            next()?.push(cell.clone())?;
        }
        for list in &self.history {
            next()?.push_list(list.iter().cloned())?;
        }
        next()?.push(Some(text(candidate.item)))?;
        next()?.push(Some(Cell::Flag(candidate.taken)))?;
        next()?.push(candidate.taken.then(|| self.action.clone()))?;
        next()?.push(self.value.clone().filter(|_| candidate.taken))?;
        next()?.push(Some(Cell::Flag(!candidate.sources.is_empty())))?;
        next()?.push_list(candidate.sources.iter().map(|name| text(name)))?;
        for feature in candidate.features {
            next()?.push(Some(Cell::Single(*feature)))?;
        }
        if columns.next().is_some() {
            return Err(ParquetError::General("fewer features than columns".to_owned()));
        }
        Ok(())
    }
}

fn text(text: &str) -> Cell {
    Cell::Text(ByteArray::from(text.as_bytes().to_vec()))
}

#[cfg(test)]
mod tests;

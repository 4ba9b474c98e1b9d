//! Files of an exported store as Parquet: lines of JSON as rows of plain columns, and back.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::SerializedFileReader;
use parquet::file::writer::SerializedFileWriter;
use parquet::record::reader::RowIter;
use parquet::record::{Field, Row};
use parquet::schema::parser::parse_message_type;
use serde_json::{Map, Value};

use super::column_kind::Kind;
use super::columns::{Cell, Column, Shape, Values};
use crate::base::error::{Error, Result};
use crate::base::time::Timestamp;

/// Rows, and bytes of text, after which a row group is written.
const GROUP_ROWS: usize = 65_536;
const GROUP_BYTES: usize = 64 << 20;

/// A file that is being written.
pub(crate) struct SheetFile {
    path: PathBuf,
    kinds: &'static [(&'static str, Kind)],
    writer: SerializedFileWriter<File>,
    columns: Vec<Column>,
    bytes: usize,
}

impl SheetFile {
    /// Begins a file with these columns.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn create(path: &Path, kinds: &'static [(&'static str, Kind)]) -> Result<SheetFile> {
        let column = |(name, kind): &(&str, Kind)| {
            let values = match kind {
                Kind::Text | Kind::Json => Values::Text(Vec::new()),
                Kind::Whole | Kind::Time => Values::Long(Vec::new()),
                Kind::Number => Values::Double(Vec::new()),
            };
            Column::new(*name, Shape::Optional, values)
        };
        let columns: Vec<Column> = kinds.iter().map(column).collect();
        let lines: Vec<String> = columns.iter().map(Column::notation).collect();
        let file = File::create_new(path).map_err(|e| Error::io("create", path, e))?;
        let schema = parse_message_type(&format!("message onelist {{ {} }}", lines.join(" ")));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(format!("onelist {}", env!("CARGO_PKG_VERSION")))
            .build();
        let begun = schema.and_then(|schema| SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties)));
        let writer = begun.map_err(|e| failed(path, e))?;
        Ok(SheetFile { path: path.to_owned(), kinds, writer, columns, bytes: 0 })
    }

    /// Adds a line: what it has under the names of the columns.
    pub(crate) fn add(&mut self, line: &Value) -> Result<()> {
        for (column, (name, kind)) in self.columns.iter_mut().zip(self.kinds) {
            let cell = line.get(name).filter(|value| !value.is_null()).and_then(|value| cell(value, *kind));
            if let Some(Cell::Text(text)) = &cell {
                self.bytes += text.len();
            }
            column.push(cell).map_err(|e| failed(&self.path, e))?;
        }
        let rows = self.columns.first().map_or(0, Column::len);
        if rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        self.bytes = 0;
        let write = |writer: &mut SerializedFileWriter<File>, columns: &mut [Column]| {
            let mut group = writer.next_row_group()?;
            for column in columns {
                let Some(to) = group.next_column()? else {
                    return Err(ParquetError::General("fewer columns in the schema".to_owned()));
                };
                column.write(to)?;
            }
            group.close().map(drop)
        };
        write(&mut self.writer, &mut self.columns).map_err(|e| failed(&self.path, e))
    }

    /// Writes the rest and the footer, and waits until all of it is on disk.
    pub(crate) fn finish(mut self) -> Result<()> {
        if self.columns.first().is_some_and(|column| column.len() > 0) {
            self.flush()?;
        }
        let file = self.writer.into_inner().map_err(|e| failed(&self.path, e))?;
        file.sync_all().map_err(|e| Error::io("write", &self.path, e))
    }
}

fn cell(value: &Value, kind: Kind) -> Option<Cell> {
    let text = |text: &str| Cell::Text(ByteArray::from(text.as_bytes().to_vec()));
    match kind {
        Kind::Text => value.as_str().map(text),
        Kind::Json => Some(text(&value.to_string())),
        Kind::Whole => value.as_u64().map(|number| Cell::Long(number as i64)),
        Kind::Time => value.as_f64().map(|seconds| Cell::Long(Timestamp::from_seconds(seconds).millis())),
        Kind::Number => value.as_f64().map(Cell::Double),
    }
}

/// The rows of a file as lines of JSON.
pub(crate) struct SheetRows {
    path: PathBuf,
    kinds: &'static [(&'static str, Kind)],
    rows: RowIter<'static>,
}

impl SheetRows {
    /// Opens a file that [`SheetFile`] wrote with these columns.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn open(path: &Path, kinds: &'static [(&'static str, Kind)]) -> Result<SheetRows> {
        let file = File::open(path).map_err(|e| Error::io("open", path, e))?;
        let reader = SerializedFileReader::new(file).map_err(|e| failed(path, e))?;
        let rows = RowIter::from_file_into(Box::new(reader));
        Ok(SheetRows { path: path.to_owned(), kinds, rows })
    }

    fn line(&self, row: &Row) -> Result<Value> {
        let mut line = Map::new();
        for (name, field) in row.get_column_iter() {
            let kind = self.kinds.iter().find(|(known, _)| known == name).map(|(_, kind)| *kind);
            let value = kind.and_then(|kind| value(field, kind)).ok_or_else(|| {
                Error::argument(
                    self.path.display().to_string(),
                    "the columns that `export` writes",
                    format!("`{name}`"),
                )
            })?;
            if !value.is_null() {
                line.insert(name.clone(), value);
            }
        }
        Ok(Value::Object(line))
    }
}

impl Iterator for SheetRows {
    type Item = Result<Value>;

    fn next(&mut self) -> Option<Result<Value>> {
        let row = self.rows.next()?;
        Some(row.map_err(|e| failed(&self.path, e)).and_then(|row| self.line(&row)))
    }
}

fn value(field: &Field, kind: Kind) -> Option<Value> {
    let millis = |millis: i64| Value::from(Timestamp::from_millis(millis).seconds());
    match (field, kind) {
        (Field::Null, _) => Some(Value::Null),
        (Field::Str(text), Kind::Text) => Some(Value::from(text.as_str())),
        (Field::Str(text), Kind::Json) => serde_json::from_str(text).ok(),
        (Field::Long(number), Kind::Whole) => Some(Value::from(*number as u64)),
        (Field::Long(time) | Field::TimestampMillis(time), Kind::Time) => Some(millis(*time)),
        (Field::Double(number), Kind::Number) => Some(Value::from(*number)),
        _ => None,
    }
}

fn failed(path: &Path, error: ParquetError) -> Error {
    Error::io("read or write", path, std::io::Error::other(error))
}

//! The columns of a Parquet file as JSON.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use serde_json::Value as Json;

use super::super::Result;

/// The values of every column, by its name, in order of the rows.
///
/// # Errors
/// When the file cannot be read, or has a type that training files do not have.
pub fn columns(path: &Path) -> Result<BTreeMap<String, Vec<Json>>> {
    let reader = SerializedFileReader::new(File::open(path)?)?;
    let mut columns: BTreeMap<String, Vec<Json>> = BTreeMap::new();
    for row in reader.get_row_iter(None)? {
        for (name, field) in row?.get_column_iter() {
            columns.entry(name.clone()).or_default().push(value(field)?);
        }
    }
    Ok(columns)
}

fn value(field: &Field) -> Result<Json> {
    Ok(match field {
        Field::Null => Json::Null,
        Field::Bool(flag) => (*flag).into(),
        Field::Long(number) | Field::TimestampMillis(number) => (*number).into(),
        Field::Float(number) => (*number).into(),
        Field::Double(number) => (*number).into(),
        Field::Str(text) => text.as_str().into(),
        Field::ListInternal(list) => list.elements().iter().map(value).collect::<Result<_>>()?,
        other => return Err(format!("a value that no training file has: {other}").into()),
    })
}

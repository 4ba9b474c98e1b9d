//! The columns of a row group in memory: values, and the levels that say what is missing and where a list begins.

use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result};
use parquet::file::writer::SerializedColumnWriter;

/// What may stand in a column, in a row or in each place of a list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Shape {
    Required,
    Optional,
    List,
}

/// One column. What it holds is decided by its first value's kind, which [`Column::new`] fixes.
#[derive(Debug)]
pub(super) struct Column {
    pub name: String,
    pub shape: Shape,
    values: Values,
    /// 1 where there is a value, 0 where it is missing or the list is empty; unused when every row has one.
    definition: Vec<i16>,
    /// 0 where a row begins, 1 where its list goes on.
    repetition: Vec<i16>,
}

/// Values of one kind; text is shared between rows.
#[derive(Debug)]
pub(super) enum Values {
    Long(Vec<i64>),
    Flag(Vec<bool>),
    Single(Vec<f32>),
    Double(Vec<f64>),
    Text(Vec<ByteArray>),
}

/// One value.
#[derive(Debug, Clone)]
pub(super) enum Cell {
    Long(i64),
    Flag(bool),
    Single(f32),
    Double(f64),
    Text(ByteArray),
}

impl Values {
    /// The type in Parquet's notation. `name` is the column's, which decides for whole numbers.
    pub(super) fn notation(&self, is_time: bool) -> (&'static str, &'static str) {
        match self {
            Values::Long(_) if is_time => ("int64", " (TIMESTAMP(MILLIS,true))"),
            Values::Long(_) => ("int64", ""),
            Values::Flag(_) => ("boolean", ""),
            Values::Single(_) => ("float", ""),
            Values::Double(_) => ("double", ""),
            Values::Text(_) => ("binary", " (STRING)"),
        }
    }
}

impl Column {
    pub(super) fn new(name: impl Into<String>, shape: Shape, values: Values) -> Column {
        Column { name: name.into(), shape, values, definition: Vec::new(), repetition: Vec::new() }
    }

    /// The column as a line of a Parquet schema.
    pub(super) fn notation(&self) -> String {
        let (kind, logical) = self.values.notation(self.name == "time");
        let name = &self.name;
        match self.shape {
            Shape::Required => format!("required {kind} {name}{logical};"),
            Shape::Optional => format!("optional {kind} {name}{logical};"),
            Shape::List => format!(
                "required group {name} (LIST) {{ repeated group list {{ required {kind} element{logical}; }} }}"
            ),
        }
    }

    /// Adds a row; `None` for a missing value.
    pub(super) fn push(&mut self, cell: Option<Cell>) -> Result<()> {
        self.definition.push(i16::from(cell.is_some()));
        self.repetition.push(0);
        cell.map_or(Ok(()), |cell| self.add(cell))
    }

    /// Adds a row with a list.
    pub(super) fn push_list(&mut self, cells: impl Iterator<Item = Cell>) -> Result<()> {
        let begin = self.repetition.len();
        for cell in cells {
            self.definition.push(1);
            self.repetition.push(i16::from(self.repetition.len() > begin));
            self.add(cell)?;
        }
        if self.repetition.len() == begin {
            self.definition.push(0);
            self.repetition.push(0);
        }
        Ok(())
    }

    fn add(&mut self, cell: Cell) -> Result<()> {
        match (&mut self.values, cell) {
            (Values::Long(values), Cell::Long(value)) => values.push(value),
            (Values::Flag(values), Cell::Flag(value)) => values.push(value),
            (Values::Single(values), Cell::Single(value)) => values.push(value),
            (Values::Double(values), Cell::Double(value)) => values.push(value),
            (Values::Text(values), Cell::Text(value)) => values.push(value),
            _ => return Err(ParquetError::General(format!("a value of another kind in column {}", self.name))),
        }
        Ok(())
    }

    /// Places in memory, those of missing values included.
    pub(super) fn len(&self) -> usize {
        self.definition.len()
    }

    /// Writes what is held, and holds nothing afterwards.
    pub(super) fn write(&mut self, mut writer: SerializedColumnWriter<'_>) -> Result<()> {
        let definition = (self.shape != Shape::Required).then_some(self.definition.as_slice());
        let repetition = (self.shape == Shape::List).then_some(self.repetition.as_slice());
        match (&self.values, writer.untyped()) {
            (Values::Long(values), ColumnWriter::Int64ColumnWriter(to)) => {
                to.write_batch(values, definition, repetition)
            }
            (Values::Flag(values), ColumnWriter::BoolColumnWriter(to)) => {
                to.write_batch(values, definition, repetition)
            }
            (Values::Single(values), ColumnWriter::FloatColumnWriter(to)) => {
                to.write_batch(values, definition, repetition)
            }
            (Values::Double(values), ColumnWriter::DoubleColumnWriter(to)) => {
                to.write_batch(values, definition, repetition)
            }
            (Values::Text(values), ColumnWriter::ByteArrayColumnWriter(to)) => {
                to.write_batch(values, definition, repetition)
            }
            _ => Err(ParquetError::General(format!("column {} is of another type in the schema", self.name))),
        }?;
        writer.close()?;
        self.clear();
        Ok(())
    }

    fn clear(&mut self) {
        self.definition.clear();
        self.repetition.clear();
        match &mut self.values {
            Values::Long(values) => values.clear(),
            Values::Flag(values) => values.clear(),
            Values::Single(values) => values.clear(),
            Values::Double(values) => values.clear(),
            Values::Text(values) => values.clear(),
        }
    }
}

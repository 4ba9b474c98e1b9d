//! One row of a batch that was refused, and how several of them are told.

use std::fmt;

/// Rows that an error names; of more it says how many there are.
pub(crate) const NAMED_ROWS: usize = 20;

/// Why a row of a batch was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RowError {
    /// The number of the row in the batch, from 0.
    pub row: usize,
    /// The id of the item, or the user of the event, where there is one.
    pub id: Option<String>,
    /// The field, where it is one of them.
    pub field: Option<String>,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// What to do.
    pub advice: &'static str,
    /// The name of the error that the row alone would have been refused with.
    pub error: &'static str,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", self.row)?;
        if let Some(id) = &self.id {
            write!(f, " `{id}`")?;
        }
        if let Some(field) = &self.field {
            write!(f, ", field `{field}`")?;
        }
        write!(f, ": expected {}, found {}", self.expected, self.found)?;
        if self.advice.is_empty() { Ok(()) } else { write!(f, "; {}", self.advice) }
    }
}

/// The rows, one a line, and how many there are besides.
pub(crate) fn told(batch: &str, rows: &[RowError], total: usize) -> String {
    let mut text = format!("{total} {batch} were refused, and nothing was written:");
    for row in rows {
        text += &format!("\n  {batch}{row}");
    }
    if total > rows.len() {
        text += &format!("\n  and {} more", total - rows.len());
    }
    text
}

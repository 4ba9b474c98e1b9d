//! The rows of a batch: those that could be read, and why others could not.

use crate::base::error::{Error, Result};
use crate::base::row::{NAMED_ROWS, RowError};

/// The rows of a batch as they were read. Those that could not be read are kept as errors, so that one answer tells them
/// together with the rows that break a rule.
///
/// ```
/// let rows = onelist::Rows::from(vec![onelist::Item::new("a")]);
/// assert_eq!(rows.into_all()?.len(), 1);
/// # Ok::<(), onelist::Error>(())
/// ```
#[derive(Debug)]
pub struct Rows<T> {
    /// Those that could be read.
    pub(crate) read: Vec<T>,
    /// The numbers of the others, ascending.
    unread: Vec<usize>,
    pub(crate) refused: Refusals,
}

impl<T> Rows<T> {
    /// No rows yet; `batch` names them in errors.
    pub(crate) fn new(batch: &'static str) -> Rows<T> {
        Rows { read: Vec::new(), unread: Vec::new(), refused: Refusals::new(batch) }
    }

    /// How many rows there are, read or not.
    #[expect(clippy::len_without_is_empty, reason = "a count for limits")]
    pub fn len(&self) -> usize {
        self.read.len() + self.unread.len()
    }

    /// Whether some rows could not be read.
    pub fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    /// Adds a row that could not be read.
    pub(crate) fn refuse(&mut self, id: Option<String>, field: Option<String>, error: Error) {
        let row = self.len();
        self.unread.push(row);
        self.refused.add(row, id, field, error);
    }

    /// The rows, each with its number in the batch, and those refused so far.
    pub(crate) fn numbered(self) -> (Vec<(usize, T)>, Refusals) {
        let size = self.len();
        let (mut row, mut unread) = (0, self.unread.into_iter().peekable());
        let mut number = || {
            while unread.next_if_eq(&row).is_some() {
                row += 1;
            }
            row += 1;
            row - 1
        };
        let numbered = self.read.into_iter().map(|one| (number(), one)).collect();
        (numbered, Refusals { size, ..self.refused })
    }

    /// All rows.
    ///
    /// # Errors
    /// Why some could not be read.
    pub fn into_all(self) -> Result<Vec<T>> {
        let size = self.len();
        Refusals { size, ..self.refused }.none()?;
        Ok(self.read)
    }
}

impl<T> From<Vec<T>> for Rows<T> {
    fn from(read: Vec<T>) -> Self {
        Rows { read, ..Rows::new("rows") }
    }
}

/// The rows of a batch that are refused: the first twenty of them, and how many there are.
#[derive(Debug)]
pub(crate) struct Refusals {
    batch: &'static str,
    /// Rows of the whole batch.
    size: usize,
    rows: Vec<RowError>,
    total: usize,
    only: Option<Error>,
}

impl Refusals {
    fn new(batch: &'static str) -> Refusals {
        Refusals { batch, size: 0, rows: Vec::new(), total: 0, only: None }
    }

    /// The name of the batch.
    pub(crate) fn batch(&self) -> &'static str {
        self.batch
    }

    /// The same refusals under another name of the batch.
    pub(crate) fn of(self, batch: &'static str) -> Refusals {
        Refusals { batch, ..self }
    }

    /// Adds a row.
    pub(crate) fn add(&mut self, row: usize, id: Option<String>, field: Option<String>, error: Error) {
        self.total += 1;
        if self.rows.len() < NAMED_ROWS {
            self.rows.push(row_error(row, id, field, &error));
        }
        self.only.get_or_insert(error);
    }

    /// Nothing, when no row was refused.
    ///
    /// # Errors
    /// Of one row its own error, with the place in a batch of several; of several rows [`Error::BadRows`].
    pub(crate) fn none(mut self) -> Result<()> {
        match (self.total, self.only.take()) {
            (0, _) | (_, None) => Ok(()),
            (1, Some(error)) => {
                let place = self.rows.first().map(|row| self.place(row, &error)).unwrap_or_default();
                Err(if place.is_empty() { error } else { placed(&place, error) })
            }
            (total, _) => {
                self.rows.sort_by_key(|row| row.row);
                Err(Error::BadRows { batch: self.batch, rows: self.rows, total })
            }
        }
    }
}

impl Refusals {
    /// Where the only refused row stands: its number in a batch of several, and where a limit was exceeded, which the error alone
    /// does not tell, its id and field.
    fn place(&self, row: &RowError, error: &Error) -> String {
        let number = if self.size > 1 { format!("{}[{}]", self.batch, row.row) } else { String::new() };
        let (Some(id), true) = (&row.id, matches!(error, Error::LimitExceeded { .. })) else { return number };
        let row_name = if self.size > 1 { number } else { self.batch.trim_end_matches('s').to_owned() };
        match &row.field {
            Some(field) => format!("{row_name} `{id}`, field `{field}`"),
            None => format!("{row_name} `{id}`"),
        }
    }
}

/// The error with its place in front, unless it says that already.
fn placed(place: &str, error: Error) -> Error {
    if error.to_string().starts_with(place) {
        error
    } else {
        Error::BadRow { place: place.to_owned(), error: Box::new(error) }
    }
}

fn row_error(row: usize, id: Option<String>, field: Option<String>, error: &Error) -> RowError {
    let told = |field: Option<&str>, expected: &str, found: String, advice| {
        (field.map(str::to_owned), expected.to_owned(), found, advice)
    };
    let (told_field, expected, found, advice) = match error {
        Error::BadRow { error, .. } => {
            let inner = row_error(row, id.clone(), field.clone(), error);
            (inner.field, inner.expected, inner.found, inner.advice)
        }
        Error::InvalidId { what, limit, found } => {
            told(Some(what), &format!("1 to {limit} bytes of UTF-8"), format!("{found} bytes"), "give it an id")
        }
        Error::LimitExceeded { what, limit, found } => {
            told(None, &format!("at most {limit} {what}"), found.to_string(), "shorten or split it")
        }
        Error::NonFinite { index, .. } => {
            let found = format!("NaN or infinity at index {index}");
            told(None, "finite numbers", found, "leave the whole field out where a number is missing")
        }
        Error::ZeroNorm { .. } => {
            told(None, "a vector with a direction", "only zeros".to_owned(), "leave the field out")
        }
        Error::DimMismatch { space, expected, found } => {
            let (expected, found) = (format!("{expected} dimensions"), format!("{found}"));
            told(Some(space), &expected, found, "use one encoder for the field, or another field")
        }
        Error::FieldType { field, expected, found, .. } => told(
            Some(field),
            expected,
            found.clone(),
            "convert the value, use another field, or change this one with retype_field",
        ),
        Error::UnknownField { field, known } => {
            told(Some(field), &format!("one of {known}"), format!("`{field}`"), "correct the name")
        }
        Error::UnknownItem { id } => {
            told(None, "the id of an item that was put", format!("`{id}`"), "put it, or leave it out")
        }
        Error::InvalidArgument { expected, found, .. } | Error::InvalidType { expected, found, .. } => {
            told(None, expected, found.clone(), "")
        }
        other => told(None, "a row that can be written", other.to_string(), ""),
    };
    RowError { row, id, field: field.or(told_field), expected, found, advice, error: error.name() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bad: &[usize], size: usize) -> Result<Vec<usize>> {
        let mut rows = Rows::new("items");
        for row in 0..size {
            if bad.contains(&row) {
                rows.refuse(
                    Some(format!("r{row}")),
                    Some("price".to_owned()),
                    Error::argument("x", "a number", "text"),
                );
            } else {
                rows.read.push(row);
            }
        }
        let (numbered, _) =
            Rows { read: rows.read.clone(), unread: rows.unread.clone(), refused: Refusals::new("items") }.numbered();
        assert!(numbered.iter().all(|(number, row)| number == row), "rows keep their numbers: {numbered:?}");
        rows.into_all()
    }

    #[test]
    fn one_bad_row_is_told_as_itself_and_several_together() {
        assert_eq!(refused(&[], 3).expect("all are good"), [0, 1, 2]);
        let alone = refused(&[0], 1).expect_err("bad");
        assert_eq!((alone.name(), alone.to_string().as_str()), ("InvalidArgument", "x: expected a number, found text"));
        let one = refused(&[2], 9).expect_err("bad");
        assert_eq!(
            (one.name(), one.to_string().as_str()),
            ("InvalidArgument", "items[2]: x: expected a number, found text")
        );
        let two = refused(&[3, 7], 10).expect_err("bad");
        assert_eq!(two.name(), "BadRows");
        assert_eq!(
            two.to_string(),
            "2 items were refused, and nothing was written:\n  items[3] `r3`, field `price`: expected a number, found text\n  \
             items[7] `r7`, field `price`: expected a number, found text"
        );
    }

    #[test]
    fn twenty_rows_are_named_and_all_are_counted() {
        let bad: Vec<usize> = (5..105).collect();
        let Error::BadRows { rows, total, .. } = refused(&bad, 200).expect_err("bad") else { panic!("several rows") };
        assert_eq!((rows.len(), total), (20, 100));
        assert_eq!(rows.iter().map(|row| row.row).collect::<Vec<_>>(), (5..25).collect::<Vec<_>>());
        let text = refused(&bad, 200).expect_err("bad").to_string();
        assert!(text.ends_with("\n  and 80 more"), "{text}");
    }

    #[test]
    fn every_kind_of_error_tells_what_was_expected_and_found() {
        let errors = [
            Error::InvalidId { what: "item", limit: 512, found: 0 },
            Error::LimitExceeded { what: "tags of one field", limit: 3, found: 4 },
            Error::NonFinite { what: "field `n`".to_owned(), index: 2 },
            Error::ZeroNorm { what: "v".to_owned() },
            Error::DimMismatch { space: "v".to_owned(), expected: 4, found: 3 },
            Error::UnknownField { field: "prize".to_owned(), known: "price".to_owned() },
            Error::InvalidUtf8 { offset: 3 },
            Error::BadRow { place: "items[1].n".to_owned(), error: Box::new(Error::InvalidUtf8 { offset: 3 }) },
        ];
        for error in errors {
            let row = row_error(1, Some("a".to_owned()), None, &error);
            assert!(!row.expected.is_empty() && !row.found.is_empty() && row.error == error.name(), "{row:?}");
            assert!(row.to_string().starts_with("[1] `a`"), "{row}");
        }
    }
}

//! Python exceptions: one for each error of the engine, and one for a value of the wrong type.

use onelist::decode::{Outcome, Refused};
use onelist::{Error, RowError};
use pyo3::prelude::*;

/// The exception of an engine error: the class of its name, or of its kind when Python does not know the name.
pub(crate) fn from_engine(py: Python<'_>, error: &Error) -> PyErr {
    let rows: Vec<_> = match error {
        Error::BadRows { rows, .. } => rows.iter().map(row).collect(),
        _ => Vec::new(),
    };
    let module = py.import("onelist.errors");
    let arguments = (error.name(), error.kind().name(), error.to_string(), rows);
    let built = module.and_then(|module| module.getattr("from_engine")?.call1(arguments));
    built.map_or_else(|failed| failed, PyErr::from_value)
}

/// The exception of an argument that was refused.
pub(crate) fn from_refused(py: Python<'_>, refused: Refused<PyErr>, argument: &str) -> PyErr {
    engine_error(refused.within(argument)).map_or_else(|raised| raised, |error| from_engine(py, &error))
}

/// The engine's error of an outcome; an exception of the caller's own stays what it is.
pub(crate) fn engine_error(outcome: Outcome<PyErr>) -> Result<Error, PyErr> {
    Ok(match outcome {
        Outcome::Source(raised) => return Err(raised),
        Outcome::Shape { what, expected, found } => Error::InvalidType { what, expected: in_python(expected), found },
        Outcome::Error(Error::InvalidArgument { what, expected, found }) => {
            Error::InvalidArgument { what, expected: in_python(expected), found }
        }
        Outcome::Error(error) => error,
        Outcome::Placeless(place, error) => Error::BadRow { place, error: Box::new(error) },
    })
}

type Row<'r> = (usize, Option<&'r str>, Option<&'r str>, &'r str, &'r str, &'r str, &'r str);

fn row(row: &RowError) -> Row<'_> {
    (row.row, row.id.as_deref(), row.field.as_deref(), &row.expected, &row.found, row.advice, row.error)
}

/// What the engine expects, in the words of Python.
fn in_python(expected: String) -> String {
    const WORDS: [(&str, &str); 6] = [
        ("an array of", "a list of"),
        ("an array", "an iterable or a 1-D array"),
        ("an object", "a dict"),
        ("a string", "str"),
        ("true or false", "bool"),
        ("a whole number, 0 or more", "an integer of at least 0"),
    ];
    WORDS.into_iter().fold(expected, |text, (engine, python)| text.replace(engine, python))
}

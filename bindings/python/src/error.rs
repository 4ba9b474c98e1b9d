//! Python exceptions: one for each error of the engine, and the few that only arise while arguments are read.

use std::fmt;

use onelist::{Error, ErrorKind};
use pyo3::prelude::*;

/// Where inside an argument a value stands, so that an error can name it: `items[3].price`.
pub(crate) enum Place<'a> {
    /// The argument itself.
    Argument(&'a str),
    /// A key of a dict.
    Key(&'a Place<'a>, &'a str),
    /// An element of a list, from 0.
    Index(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Argument(name) => f.write_str(name),
            Place::Key(parent, key) => {
                // A key is the caller's own text, of any length: the message shows its beginning.
                let shown: String = key.chars().take(64).collect();
                write!(f, "{parent}.{shown}")
            }
            Place::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// The exception of an engine error: the class of its name, or of its kind when Python does not know the name.
pub(crate) fn from_engine(py: Python<'_>, error: &Error) -> PyErr {
    exception(py, error.name(), error.kind(), error.to_string())
}

/// An engine error that was found at `place` while reading an argument.
pub(crate) fn refused(py: Python<'_>, place: &Place<'_>, error: &Error) -> PyErr {
    exception(py, error.name(), error.kind(), format!("{place}: {error}"))
}

/// A value that breaks a rule of its argument (`InvalidArgument`).
pub(crate) fn invalid(py: Python<'_>, place: &Place<'_>, expected: &str, found: impl Into<String>) -> PyErr {
    let error = Error::InvalidArgument { what: place.to_string(), expected: expected.to_owned(), found: found.into() };
    from_engine(py, &error)
}

/// A value of the wrong Python type (`InvalidType`, which is a `TypeError` as well).
pub(crate) fn wrong_type(place: &Place<'_>, expected: &str, found: &Bound<'_, PyAny>) -> PyErr {
    let found_type = found.get_type().name().map_or_else(|_| "another type".to_owned(), |name| name.to_string());
    wrong_form(found.py(), place, expected, &found_type)
}

/// As [`wrong_type`], for a value whose type alone does not say what is wrong with it, as a 2-D array.
pub(crate) fn wrong_form(py: Python<'_>, place: &Place<'_>, expected: &str, found: &str) -> PyErr {
    exception(py, "InvalidType", ErrorKind::Input, format!("{place}: expected {expected}, found {found}"))
}

/// Builds the exception in `onelist.errors`, where the table of classes lives.
fn exception(py: Python<'_>, name: &str, kind: ErrorKind, message: String) -> PyErr {
    let kind = match kind {
        ErrorKind::Input => "input",
        ErrorKind::Busy => "busy",
        ErrorKind::Environment => "environment",
        ErrorKind::Damaged => "damaged",
        // The enum may grow: a kind that this binding does not know is nothing a caller can act on by class.
        _ => "internal",
    };
    let built = py
        .import("onelist.errors")
        .and_then(|module| module.getattr("from_engine"))
        .and_then(|build| build.call1((name, kind, message)));
    match built {
        Ok(value) => PyErr::from_value(value),
        Err(failed) => failed,
    }
}

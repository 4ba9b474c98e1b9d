//! Python exceptions: one for each error of the engine, and one for a value of the wrong type.

use onelist::decode::{Outcome, Refused};
use onelist::{Error, ErrorKind};
use pyo3::prelude::*;

/// The exception of an engine error: the class of its name, or of its kind when Python does not know the name.
pub(crate) fn from_engine(py: Python<'_>, error: &Error) -> PyErr {
    exception(py, error.name(), error.kind(), error.to_string())
}

/// The exception of an argument that was refused.
pub(crate) fn from_refused(py: Python<'_>, refused: Refused<PyErr>, argument: &str) -> PyErr {
    match refused.within(argument) {
        Outcome::Source(raised) => raised,
        // `InvalidType`, which is a TypeError as well.
        Outcome::Shape { what, expected, found } => {
            let message = format!("{what}: expected {}, found {found}", in_python(expected));
            exception(py, "InvalidType", ErrorKind::Input, message)
        }
        Outcome::Error(Error::InvalidArgument { what, expected, found }) => {
            from_engine(py, &Error::InvalidArgument { what, expected: in_python(expected), found })
        }
        Outcome::Error(error) => from_engine(py, &error),
        Outcome::Placeless(place, error) => exception(py, error.name(), error.kind(), format!("{place}: {error}")),
    }
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
    let module = py.import("onelist.errors");
    let built = module.and_then(|module| module.getattr("from_engine")?.call1((name, kind, message)));
    built.map_or_else(|failed| failed, PyErr::from_value)
}

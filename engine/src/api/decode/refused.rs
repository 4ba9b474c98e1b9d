//! Why a value was refused, and where it stands.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::base::error::Error;

/// The error of the readers. It leaves the place where it arose and is told on the way out which places those were, so that
/// naming places costs nothing until there is an error. `F` is a failure of the source itself.
pub struct Refused<F>(Box<Found<F>>);

struct Found<F> {
    why: Why<F>,
    /// Keys and indices from the innermost to the outermost, as they are written: `[3]`, `.price`.
    place: Vec<String>,
}

enum Why<F> {
    /// A value of another shape than its place takes; what it is, is filled in by whoever has the value.
    Shape { expected: String, found: Option<String> },
    /// A value that breaks a rule of its place.
    Value { expected: String, found: Option<String> },
    /// A key that is not known.
    Key { key: String, known: &'static [&'static str] },
    /// Beyond the range of a single-precision number: it would become infinite without a word.
    Infinite,
    /// An error of the engine's that says no place.
    Placeless(Error),
    /// A failure of the source.
    Source(F),
}

/// What a refusal comes to, with its place named.
pub enum Outcome<F> {
    /// A value of another shape (a type, as some languages have it) than its place takes.
    Shape {
        /// The place.
        what: String,
        /// What it takes.
        expected: String,
        /// What was there.
        found: String,
    },
    /// An error that names the place.
    Error(Error),
    /// An error that does not name the place, which is beside it.
    Placeless(String, Error),
    /// A failure of the source.
    Source(F),
}

impl<F> Refused<F> {
    fn new(why: Why<F>) -> Self {
        Refused(Box::new(Found { why, place: Vec::new() }))
    }

    /// A value of another shape than `expected`; [`Refused::found`] says of which.
    pub fn shape(expected: impl Into<String>) -> Self {
        Refused::new(Why::Shape { expected: expected.into(), found: None })
    }

    /// A value that breaks the rule `expected`; [`Refused::found`] says which it is.
    pub fn value(expected: impl Into<String>) -> Self {
        Refused::new(Why::Value { expected: expected.into(), found: None })
    }

    /// An error of the engine's.
    pub fn error(error: Error) -> Self {
        Refused::new(Why::Placeless(error))
    }

    pub(super) fn infinite() -> Self {
        Refused::new(Why::Infinite)
    }

    /// Says what was found, unless that was said further in.
    pub fn found(mut self, described: impl FnOnce() -> String) -> Self {
        if let Why::Shape { found: found @ None, .. } | Why::Value { found: found @ None, .. } = &mut self.0.why {
            *found = Some(described());
        }
        self
    }

    /// The same refusal, further out: under a key.
    pub fn under(mut self, key: &str) -> Self {
        self.0.place.push(format!(".{}", shortened(key)));
        self
    }

    /// The same refusal, further out: at an index.
    pub fn at(mut self, index: usize) -> Self {
        self.0.place.push(format!("[{index}]"));
        self
    }

    /// The key of the value itself under which it arose.
    pub(super) fn outermost_key(&self) -> Option<&str> {
        match (&self.0.why, self.0.place.last()) {
            (Why::Key { key, .. }, None) => Some(key),
            (_, outermost) => outermost?.strip_prefix('.'),
        }
    }

    /// The outcome, with the place inside of the argument `root`.
    pub fn within(self, root: &str) -> Outcome<F> {
        let Found { why, mut place } = *self.0;
        let named = |place: &[String]| place.iter().rev().fold(root.to_owned(), |path, part| path + part);
        match why {
            Why::Shape { expected, found } => {
                Outcome::Shape { what: named(&place), expected, found: found.unwrap_or_default() }
            }
            Why::Value { expected, found } => {
                Outcome::Error(Error::argument(named(&place), expected, found.unwrap_or_default()))
            }
            Why::Key { key, known } => {
                let field = format!("{}.{}", named(&place), shortened(&key));
                Outcome::Error(Error::UnknownField { field, known: known.join(", ") })
            }
            Why::Infinite => {
                // Of a vector, the index is that of the component.
                let component = place.first().and_then(|part| part.strip_prefix('[')?.strip_suffix(']')?.parse().ok());
                place.drain(..usize::from(component.is_some()));
                Outcome::Error(Error::NonFinite { what: named(&place), index: component.unwrap_or(0) })
            }
            Why::Placeless(error) => Outcome::Placeless(named(&place), error),
            Why::Source(failure) => Outcome::Source(failure),
        }
    }
}

impl<F> From<F> for Refused<F> {
    fn from(failure: F) -> Self {
        Refused::new(Why::Source(failure))
    }
}

impl<F> de::Error for Refused<F> {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Refused::value(message.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        // The derived readers call an object by its name in Rust.
        Refused::shape(if expected.starts_with("struct ") { "an object".to_owned() } else { expected })
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let refused = Refused::value(expected.to_string());
        if let Unexpected::Other(found) = found { refused.found(|| found.to_owned()) } else { refused }
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        Refused::value(format!("one of {}", known.join(", ")))
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        Refused::new(Why::Key { key: key.to_owned(), known })
    }

    fn missing_field(key: &'static str) -> Self {
        Refused::value(format!("an object with the key `{key}`")).found(|| "none".to_owned())
    }
}

impl<F> std::error::Error for Refused<F> {}

impl<F> fmt::Debug for Refused<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<F> fmt::Display for Refused<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.why {
            Why::Shape { expected, .. } | Why::Value { expected, .. } => write!(f, "expected {expected}"),
            Why::Key { key, .. } => write!(f, "unknown key `{}`", shortened(key)),
            Why::Infinite => f.write_str("expected a finite number"),
            Why::Placeless(error) => error.fmt(f),
            Why::Source(_) => f.write_str("the source failed"),
        }
    }
}

/// The beginning of a text that may be long: an error message must not carry a megabyte of input.
pub(crate) fn shortened(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{}...", &text[..cut]),
        None => text.to_owned(),
    }
}

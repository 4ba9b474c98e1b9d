//! How a column holds values of JSON.

/// How a column of Parquet holds the values of a key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// A text.
    Text,
    /// A whole number of 0 or more.
    Whole,
    /// Any number.
    Number,
    /// Milliseconds; seconds in JSON.
    Time,
    /// Anything else, as JSON text.
    Json,
}

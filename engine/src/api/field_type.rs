//! The types that a field can have.

use serde::{Deserialize, Serialize};

/// The type of a field: that of its first value, or what the configuration says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// Words to search and to embed.
    Text,
    /// A finite number, whole or not.
    Number,
    /// Yes or no.
    Bool,
    /// A point in time.
    Date,
    /// A list of short texts.
    Tags,
    /// A place on earth.
    Geo,
    /// A vector of the caller's own.
    Vector,
    /// A list of numbers.
    Numbers,
}

impl Kind {
    /// The name that errors and bindings use.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Number => "number",
            Kind::Bool => "bool",
            Kind::Date => "date",
            Kind::Tags => "tags",
            Kind::Geo => "geo",
            Kind::Vector => "vector",
            Kind::Numbers => "numbers",
        }
    }
}

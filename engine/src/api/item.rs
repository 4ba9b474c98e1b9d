//! Items: an id and named, typed fields.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use crate::api::field_type::Kind;

use crate::api::config::Config;
use crate::base::error::{Error, Result};
use crate::base::id::check_id;
use crate::base::limits::{self, at_most};
use crate::base::time::Timestamp;

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[non_exhaustive]
pub enum Value {
    /// Text: searched by word, embedded by the model, and compared as a whole by filters (up to 256 bytes).
    Text(String),
    /// A finite number.
    Number(f64),
    /// True or false.
    Bool(bool),
    /// A point in time.
    Date(Timestamp),
    /// A list of strings: each is compared as a whole by filters, and searched by word.
    Tags(Vec<String>),
    /// A place: degrees of latitude (-90 to 90) and longitude (-180 to 180).
    Geo {
        /// Degrees north.
        lat: f64,
        /// Degrees east.
        lon: f64,
    },
    /// A vector of the caller's own; every item that has the field must give the same number of dimensions.
    Vector(Vec<f32>),
}

impl Value {
    /// The type of this value.
    pub fn kind(&self) -> Kind {
        match self {
            Value::Text(_) => Kind::Text,
            Value::Number(_) => Kind::Number,
            Value::Bool(_) => Kind::Bool,
            Value::Date(_) => Kind::Date,
            Value::Tags(_) => Kind::Tags,
            Value::Geo { .. } => Kind::Geo,
            Value::Vector(_) => Kind::Vector,
        }
    }
}

/// The fields of an item, by name.
pub type Fields = BTreeMap<String, Value>;

/// One thing that can be ranked.
///
/// ```
/// use onelist::{Item, Value};
/// let item = Item::new("sku-9").text("title", "Red shoes").number("price", 59.0).tags("tags", ["shoes", "red"]);
/// assert_eq!(item.fields["price"], Value::Number(59.0));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Item {
    /// The caller's id: 1 to 512 bytes.
    pub id: String,
    /// Everything else.
    pub fields: Fields,
}

impl Item {
    /// An item without fields.
    pub fn new(id: impl Into<String>) -> Self {
        Item { id: id.into(), fields: Fields::new() }
    }

    /// Adds a field, or replaces it.
    pub fn with(mut self, name: impl Into<String>, value: Value) -> Self {
        self.fields.insert(name.into(), value);
        self
    }

    /// Adds a text field.
    pub fn text(self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.with(name, Value::Text(text.into()))
    }

    /// Adds a number.
    pub fn number(self, name: impl Into<String>, number: f64) -> Self {
        self.with(name, Value::Number(number))
    }

    /// Adds a list of tags.
    pub fn tags<T: Into<String>>(self, name: impl Into<String>, tags: impl IntoIterator<Item = T>) -> Self {
        self.with(name, Value::Tags(tags.into_iter().map(Into::into).collect()))
    }

    /// Checks everything that can be checked without the schema: the id, the lengths, the numbers.
    ///
    /// # Errors
    /// [`Error::InvalidId`], [`Error::LimitExceeded`], [`Error::NonFinite`], [`Error::ZeroNorm`] or
    /// [`Error::InvalidArgument`].
    pub(crate) fn check(&self) -> Result<()> {
        check_id("item", &self.id)?;
        at_most("fields of one item", limits::MAX_FIELDS, self.fields.len())?;
        for (name, value) in &self.fields {
            check_field_name(name)?;
            check_value(name, value)?;
        }
        at_most("bytes of one item", limits::MAX_RECORD_BYTES / 2, self.fields.iter().map(field_bytes).sum())
    }

    /// All text and tags that the model reads, in order of field name.
    pub(crate) fn content(&self, config: &Config) -> String {
        let mut text = String::new();
        for (_, value) in self.fields.iter().filter(|(name, _)| config.embeds(name)) {
            let parts: &[String] = match value {
                Value::Text(one) => std::slice::from_ref(one),
                Value::Tags(tags) => tags,
                _ => continue,
            };
            for part in parts {
                text.push_str(part);
                text.push('\n');
            }
        }
        text
    }
}

/// An upper bound of what a field takes in a record, short of a few bytes for each string.
fn field_bytes((name, value): (&String, &Value)) -> usize {
    let payload = match value {
        Value::Text(text) => text.len(),
        Value::Tags(tags) => tags.iter().map(|tag| tag.len() + 9).sum(),
        Value::Vector(vector) => vector.len() * 4,
        _ => 16,
    };
    name.len() + payload + 32
}

fn check_field_name(name: &str) -> Result<()> {
    if name.is_empty() || name.len() > limits::MAX_FIELD_NAME_BYTES || name == "id" {
        let expected = format!("1 to {} bytes, and not `id`", limits::MAX_FIELD_NAME_BYTES);
        let shown: String = name.chars().take(40).collect();
        return Err(Error::argument("field name", expected, format!("{} bytes (`{shown}`)", name.len())));
    }
    Ok(())
}

fn check_value(name: &str, value: &Value) -> Result<()> {
    match value {
        Value::Text(text) => at_most("bytes of one text", limits::MAX_TEXT_BYTES, text.len()),
        Value::Number(number) => check_numbers(name, &[*number]),
        Value::Date(time) if !time.is_plausible() => {
            let expected = "a date in the years 1 to 2999, or in 9999";
            Err(Error::argument(format!("field `{name}`"), expected, time.described()))
        }
        Value::Bool(_) | Value::Date(_) => Ok(()),
        Value::Tags(tags) => {
            at_most("tags of one field", limits::MAX_TAGS, tags.len())?;
            tags.iter().try_for_each(|tag| at_most("bytes of one tag", limits::MAX_KEYWORD_BYTES, tag.len()))
        }
        Value::Geo { lat, lon } => check_place(name, *lat, *lon),
        Value::Vector(vector) => check_vector(name, vector),
    }
}

fn check_numbers(name: &str, numbers: &[f64]) -> Result<()> {
    match numbers.iter().position(|n| !n.is_finite()) {
        Some(index) => Err(Error::NonFinite { what: format!("field `{name}`"), index }),
        None => Ok(()),
    }
}

/// Refuses a place off the globe.
pub(crate) fn check_place(name: &str, lat: f64, lon: f64) -> Result<()> {
    check_numbers(name, &[lat, lon])?;
    if lat.abs() > 90.0 || lon.abs() > 180.0 {
        let expected = "a latitude from -90 to 90 and a longitude from -180 to 180";
        return Err(Error::argument(format!("field `{name}`"), expected, format!("{lat}, {lon}")));
    }
    Ok(())
}

/// The one choke point for vectors: refuses what has no cosine, or would poison a graph (one NaN costs an HNSW index a
/// sixth of its self-recall, silently).
pub(crate) fn check_vector(name: &str, vector: &[f32]) -> Result<()> {
    at_most("dimensions of one vector", limits::MAX_DIMENSIONS, vector.len())?;
    if let Some(index) = vector.iter().position(|x| !x.is_finite() || x.abs() > limits::MAX_COMPONENT) {
        return Err(Error::NonFinite { what: format!("vector `{name}`"), index });
    }
    let norm: f64 = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
    // Below this, the reciprocal of the norm overflows f32.
    if norm < 1e-60 {
        return Err(Error::ZeroNorm { what: format!("vector `{name}`") });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_items_are_typed_errors() {
        let refused = |item: Item| item.check().expect_err("must be refused").name();
        assert_eq!(refused(Item::new("")), "InvalidId");
        assert_eq!(refused(Item::new("x".repeat(513))), "InvalidId");
        assert_eq!(refused(Item::new("a").number("n", f64::NAN)), "NonFinite");
        assert_eq!(refused(Item::new("a").with("v", Value::Vector(vec![1.0, f32::INFINITY]))), "NonFinite");
        assert_eq!(refused(Item::new("a").with("v", Value::Vector(vec![0.0, -0.0]))), "ZeroNorm");
        assert_eq!(refused(Item::new("a").with("v", Value::Vector(vec![]))), "ZeroNorm");
        assert_eq!(refused(Item::new("a").with("v", Value::Vector(vec![1e30]))), "NonFinite");
        assert_eq!(refused(Item::new("a").text("t", "x".repeat((1 << 20) + 1))), "LimitExceeded");
        assert_eq!(refused(Item::new("a").with("g", Value::Geo { lat: 91.0, lon: 0.0 })), "InvalidArgument");
        assert_eq!(refused(Item::new("a").text("id", "twice")), "InvalidArgument");
        assert_eq!(refused(Item::new("a").text("", "nameless")), "InvalidArgument");
    }

    #[test]
    fn dates_that_milliseconds_would_give_are_refused_by_their_unit() {
        let checked = |seconds: f64| {
            let item = Item::new("a").with("released", Value::Date(Timestamp::from_seconds(seconds)));
            item.check().err().map(|error| error.to_string())
        };
        let text = checked(1.5e11).expect("is refused");
        assert!(text.contains("`released`") && text.contains("milliseconds") && text.contains("1974-10-03"), "{text}");
        for seconds in [-1.5e9, 0.0, 1.7e9, 4.1e9, 253_402_300_799.0] {
            assert_eq!(checked(seconds), None, "{seconds}");
        }
    }

    #[test]
    fn odd_but_valid_items_are_taken() {
        for id in ["a", "a\0b", "a/b", "\u{202e}rtl", "e\u{301}", &"x".repeat(512)] {
            assert!(Item::new(id).text("t", "").check().is_ok());
        }
        assert!(Item::new("a").with("v", Value::Vector(vec![1e-20, 0.0])).check().is_ok());
    }
}

//! User records: what is known about a user beside the events.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::api::event::Segments;
use crate::api::item::{Fields, Item, Kind, Value};
use crate::base::error::{Error, Result};
use crate::base::id::check_id;
use crate::base::limits::{self, at_most};

/// What is known about a user: an id, and attributes by name.
///
/// A text attribute is a segment that the user is in: events that are logged from then on count in it, and requests of
/// the user read what is popular there. Other attributes (numbers, booleans, dates, tags) are kept and read back.
///
/// ```
/// use onelist::{User, Value};
/// let user = User::new("u7").text("country", "SE").with("age", Value::Number(37.0));
/// assert_eq!(user.attributes.len(), 2);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// The user's id: 1 to 512 bytes.
    pub id: String,
    /// Everything else. At most 8 texts, of 1 to 128 bytes.
    pub attributes: Fields,
}

impl User {
    /// A user without attributes.
    pub fn new(id: impl Into<String>) -> Self {
        User { id: id.into(), attributes: Fields::new() }
    }

    /// Adds an attribute, or replaces it.
    pub fn with(mut self, name: impl Into<String>, value: Value) -> Self {
        self.attributes.insert(name.into(), value);
        self
    }

    /// Adds a text attribute.
    pub fn text(self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.with(name, Value::Text(text.into()))
    }

    /// Checks the id, the names, the lengths and the types.
    pub(crate) fn check(&self) -> Result<()> {
        check_id("user", &self.id)?;
        // The id of an item is no part of it; names and values are checked as those of fields.
        Item { id: "user".to_owned(), fields: self.attributes.clone() }.check()?;
        let refused = |name: &str, expected: &str, found: &str| {
            Err(Error::argument(format!("user `{}`, attribute `{name}`", self.id), expected, found))
        };
        for (name, value) in &self.attributes {
            match value {
                Value::Geo { .. } | Value::Vector(_) => {
                    return refused(name, "a text, a number, a boolean, a date or tags", value.kind().name());
                }
                Value::Text(text) if text.is_empty() || text.len().max(name.len()) > limits::MAX_SEGMENT_BYTES => {
                    let expected = format!("names and texts of 1 to {} bytes", limits::MAX_SEGMENT_BYTES);
                    return refused(name, &expected, &format!("{} and {} bytes", name.len(), text.len()));
                }
                _ => {}
            }
        }
        at_most("text attributes of one user", limits::MAX_SEGMENTS, segments(&self.attributes).len())
    }
}

/// The segments that a user with these attributes is in.
pub(crate) fn segments(attributes: &Fields) -> Segments {
    let texts = attributes.iter().filter_map(|(name, value)| match value {
        Value::Text(text) => Some((name.clone(), text.clone())),
        _ => None,
    });
    texts.collect()
}

/// Refuses an attribute of another type than that of its first value, and adds those that are new to `known`.
pub(crate) fn admit(known: &mut std::collections::BTreeMap<String, Kind>, user: &User) -> Result<()> {
    for (name, value) in &user.attributes {
        let kind = *known.entry(name.clone()).or_insert(value.kind());
        if kind != value.kind() {
            let what = format!("user `{}`, attribute `{name}`", user.id);
            let expected = format!("{}, the type of its first value", kind.name());
            return Err(Error::argument(what, expected, value.kind().name()));
        }
    }
    at_most("attributes of all users", limits::MAX_FIELDS, known.len())
}

/// In the form of an item: `id`, and an attribute for every other key.
impl Serialize for User {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        Serialize::serialize(&Item { id: self.id.clone(), fields: self.attributes.clone() }, to)
    }
}

impl<'de> Deserialize<'de> for User {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        let Item { id, fields } = Deserialize::deserialize(from)?;
        Ok(User { id, attributes: fields })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;

    #[test]
    fn users_are_checked_part_by_part() {
        let refused = |user: User| user.check().err().map(|error| error.to_string());
        let full = (0..limits::MAX_SEGMENTS).fold(User::new("u"), |user, n| user.text(format!("t{n}"), "x"));
        let date = Value::Date(Timestamp::from_seconds(1.7e9));
        for taken in [
            User::new("u"),
            full.clone(),
            User::new("u").with("age", Value::Number(37.0)).with("since", date).with("pro", Value::Bool(true)),
            User::new("u").with("likes", Value::Tags(vec!["tea".to_owned()])).text("plan", "x".repeat(128)),
        ] {
            assert_eq!(refused(taken.clone()), None, "{taken:?}");
        }
        for (wrong, part) in [
            (User::new(""), "user"),
            (full.text("one more", "x"), "text attributes"),
            (User::new("u").text("plan", ""), "`plan`"),
            (User::new("u").text("plan", "x".repeat(129)), "`plan`"),
            (User::new("u").text("", "x"), "field name"),
            (User::new("u").with("age", Value::Number(f64::NAN)), "`age`"),
            (User::new("u").with("home", Value::Geo { lat: 1.0, lon: 2.0 }), "`home`"),
            (User::new("u").with("face", Value::Vector(vec![1.0])), "`face`"),
        ] {
            assert!(refused(wrong.clone()).expect(part).contains(part), "{wrong:?}");
        }
    }

    #[test]
    fn an_attribute_keeps_the_type_of_its_first_value() {
        let mut known = Default::default();
        let age = |value: Value| User::new("u").with("age", value);
        admit(&mut known, &age(Value::Number(3.0))).expect("is the first");
        admit(&mut known, &age(Value::Number(4.0)).text("plan", "pro")).expect("is the same");
        let text = admit(&mut known, &age(Value::Bool(true))).expect_err("is another").to_string();
        assert!(text.contains("`age`") && text.contains("number") && text.contains("bool"), "{text}");
        assert_eq!(known.len(), 2);
    }

    #[test]
    fn the_form_is_that_of_an_item() {
        let user: User =
            serde_json::from_str(r#"{"id": "u", "country": "SE", "age": 3.5, "none": null}"#).expect("reads");
        assert_eq!(user, User::new("u").text("country", "SE").with("age", Value::Number(3.5)));
        let text = serde_json::to_string(&user).expect("writes");
        assert_eq!(serde_json::from_str::<User>(&text).expect("reads"), user);
        assert_eq!(segments(&user.attributes), Segments::from([("country".to_owned(), "SE".to_owned())]));
    }
}

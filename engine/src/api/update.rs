//! Changes of items: some fields, and no other.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::api::item::{Fields, Value};

/// A change of an item that is stored: the fields that it names get other values, or go; all others stay.
///
/// ```
/// use onelist::{Update, Value};
/// let update = Update::new("sku-9").set("price", Value::Number(49.5)).remove("sale");
/// assert_eq!(update.fields["sale"], None);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// The id of the item.
    pub id: String,
    /// The fields that change, by name; `None` removes one.
    pub fields: BTreeMap<String, Option<Value>>,
}

impl Update {
    /// A change of nothing yet.
    pub fn new(id: impl Into<String>) -> Self {
        Update { id: id.into(), fields: BTreeMap::new() }
    }

    /// Gives a field a value.
    pub fn set(mut self, name: impl Into<String>, value: Value) -> Self {
        self.fields.insert(name.into(), Some(value));
        self
    }

    /// Removes a field, where the item has it.
    pub fn remove(mut self, name: impl Into<String>) -> Self {
        self.fields.insert(name.into(), None);
        self
    }

    /// Changes the fields.
    pub(crate) fn apply(&self, fields: &mut Fields) {
        for (name, value) in &self.fields {
            match value {
                Some(value) => fields.insert(name.clone(), value.clone()),
                None => fields.remove(name),
            };
        }
    }
}

/// The object that is read.
impl Serialize for Update {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.fields.len() + 1))?;
        map.serialize_entry("id", &self.id)?;
        for (name, value) in &self.fields {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// An object like that of an item, in which a null is a field that goes.
impl<'de> Deserialize<'de> for Update {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct AnUpdate;
        impl<'de> Visitor<'de> for AnUpdate {
            type Value = Update;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with `id` and fields")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Update, A::Error> {
                let (mut id, mut fields) = (None, BTreeMap::new());
                while let Some(key) = map.next_key::<String>()? {
                    if key == "id" {
                        id = Some(map.next_value()?);
                    } else {
                        fields.insert(key, map.next_value::<Option<Value>>()?);
                    }
                }
                Ok(Update { id: id.ok_or_else(|| A::Error::missing_field("id"))?, fields })
            }
        }
        from.deserialize_map(AnUpdate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Item;

    #[test]
    fn only_the_fields_that_are_named_change() {
        let mut item = Item::new("a").text("title", "x").number("price", 5.0).tags("tags", ["y"]);
        let update: Update =
            serde_json::from_str(r#"{"id": "a", "price": 6, "tags": null, "none": null, "new": true}"#).expect("reads");
        update.apply(&mut item.fields);
        assert_eq!(
            item.fields,
            Item::new("a").text("title", "x").integer("price", 6).with("new", Value::Bool(true)).fields
        );
        assert!(serde_json::from_str::<Update>(r#"{"price": 6}"#).is_err());
    }
}

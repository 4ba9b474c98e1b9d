//! Items: a field is a plain JSON value whose type is guessed, or an object that says it.

use std::fmt;

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::api::item::{Fields, Item, Value};
use crate::base::number::{Number, read_integer, write_integer};

/// `id` first, then the fields by name; in records as it is declared.
impl Serialize for Item {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if !to.is_human_readable() {
            return Item::serialize(self, to);
        }
        let mut map = to.serialize_map(Some(self.fields.len() + 1))?;
        map.serialize_entry("id", &self.id)?;
        for (name, value) in &self.fields {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if from.is_human_readable() { from.deserialize_map(AnItem) } else { Item::deserialize(from) }
    }
}

struct AnItem;

impl<'de> Visitor<'de> for AnItem {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `id` and fields")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
        let (mut id, mut fields) = (None, Fields::new());
        while let Some(key) = map.next_key::<String>()? {
            if key == "id" {
                id = Some(map.next_value()?);
            } else if let Some(value) = map.next_value::<Option<Value>>()? {
                fields.insert(key, value);
            }
        }
        Ok(Item { id: id.ok_or_else(|| A::Error::missing_field("id"))?, fields })
    }
}

/// In records as it is declared.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if !to.is_human_readable() {
            return Value::serialize(self, to);
        }
        match self {
            Value::Text(text) => to.serialize_str(text),
            Value::Number(number) => to.serialize_f64(*number),
            Value::Bool(flag) => to.serialize_bool(*flag),
            Value::Date(time) => to.collect_map([("date", time)]),
            Value::Tags(tags) => tags.serialize(to),
            Value::Geo { lat, lon } => to.collect_map([("lat", lat), ("lon", lon)]),
            // An empty array reads back as tags.
            Value::Vector(vector) if vector.is_empty() => to.collect_map([("vector", vector)]),
            Value::Vector(vector) => vector.serialize(to),
            Value::Integer(integer) => write_integer(*integer, to),
            Value::Numbers(numbers) => numbers.serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if from.is_human_readable() { from.deserialize_any(AValue) } else { Value::deserialize(from) }
    }
}

struct AValue;

impl<'de> Visitor<'de> for AValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a string, a number, a boolean, an array of strings (tags) or of numbers, {\"lat\": .., \"lon\": ..}, \
             {\"date\": seconds}, {\"text\": \"..\"}, {\"tags\": [..]} or {\"vector\": [..]}",
        )
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_i64<E: Error>(self, integer: i64) -> Result<Value, E> {
        Ok(Value::Integer(integer.into()))
    }

    fn visit_u64<E: Error>(self, integer: u64) -> Result<Value, E> {
        Ok(Value::Integer(integer.into()))
    }

    fn visit_i128<E: Error>(self, integer: i128) -> Result<Value, E> {
        read_integer(integer).map(Value::Integer)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    /// The first element decides; an empty array is no tags, which fixes no type.
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        match list.next_element::<Element>()? {
            None => Ok(Value::Tags(Vec::new())),
            Some(Element::Tag(first)) => the_rest(first, list).map(Value::Tags),
            Some(Element::Number(first)) => the_rest(first, list).map(Value::Numbers),
        }
    }

    /// An object that says its type: a place, a date, or one of the forms that replace the guess.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let value = match map.next_key()? {
            Some(Form::Lat) => Value::Geo { lat: map.next_value()?, lon: other_half(Form::Lon, &mut map)? },
            Some(Form::Lon) => {
                let lon = map.next_value()?;
                Value::Geo { lat: other_half(Form::Lat, &mut map)?, lon }
            }
            Some(Form::Date) => Value::Date(map.next_value()?),
            Some(Form::Text) => Value::Text(map.next_value()?),
            Some(Form::Tags) => Value::Tags(map.next_value()?),
            Some(Form::Vector) => Value::Vector(map.next_value()?),
            Some(Form::Other) | None => return Err(A::Error::invalid_type(Unexpected::Map, &FORMS)),
        };
        match map.next_key::<IgnoredAny>()? {
            Some(_) => Err(A::Error::invalid_type(Unexpected::Map, &FORMS)),
            None => Ok(value),
        }
    }
}

/// The keys of an object that says its type.
#[derive(PartialEq, Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Form {
    Lat,
    Lon,
    Date,
    Text,
    Tags,
    Vector,
    #[serde(other)]
    Other,
}

/// What an object in an item may be.
const FORMS: &str =
    "{\"lat\": .., \"lon\": ..}, {\"date\": seconds}, {\"text\": \"..\"}, {\"tags\": [..]} or {\"vector\": [..]}";

fn other_half<'de, A: MapAccess<'de>>(half: Form, map: &mut A) -> Result<f64, A::Error> {
    match map.next_key::<Form>()? {
        Some(found) if found == half => map.next_value(),
        _ => Err(A::Error::invalid_type(Unexpected::Map, &FORMS)),
    }
}

fn the_rest<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(first: T, mut list: A) -> Result<Vec<T>, A::Error> {
    let mut all = Vec::with_capacity(1 + list.size_hint().unwrap_or(0).min(1 << 13));
    all.push(first);
    while let Some(next) = list.next_element()? {
        all.push(next);
    }
    Ok(all)
}

/// The first element of an array.
enum Element {
    Tag(String),
    Number(Number),
}

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Element;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a number")
            }

            fn visit_str<E: Error>(self, tag: &str) -> Result<Element, E> {
                Ok(Element::Tag(tag.to_owned()))
            }

            fn visit_f64<E: Error>(self, float: f64) -> Result<Element, E> {
                Ok(Element::Number(Number::Float(float)))
            }

            fn visit_i64<E: Error>(self, integer: i64) -> Result<Element, E> {
                Ok(Element::Number(Number::Integer(integer.into())))
            }

            fn visit_u64<E: Error>(self, integer: u64) -> Result<Element, E> {
                Ok(Element::Number(Number::Integer(integer.into())))
            }

            fn visit_i128<E: Error>(self, integer: i128) -> Result<Element, E> {
                read_integer(integer).map(|integer| Element::Number(Number::Integer(integer)))
            }
        }
        from.deserialize_any(Either)
    }
}

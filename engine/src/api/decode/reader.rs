//! Values as serde reads them.

use std::iter::once;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use super::refused::Refused;
use super::source::{Items, Shape, Source};
use super::text::{Key, Lone, visit_text};
use crate::base::error::Error;
use crate::base::limits::MAX_BATCH;

/// Deepest nesting, which is that of JSON.
const MAX_DEPTH: usize = 128;

type Read<T, S> = Result<T, Refused<<S as Source>::Failure>>;

/// A value that is read.
pub(super) struct Reader<'s, S: Source> {
    source: &'s S,
    /// What it is, when that was looked at already: looking can run the caller's code.
    shape: Option<Shape<'s, S>>,
    depth: usize,
}

impl<'s, S: Source> Reader<'s, S> {
    pub(super) fn new(source: &'s S) -> Self {
        Reader { source, shape: None, depth: 0 }
    }

    fn shape(&mut self) -> Read<Shape<'s, S>, S> {
        self.shape.take().map_or_else(|| self.source.shape(), Ok)
    }

    /// Hands the shape to `read`. What it says only what was expected about, is told what was found.
    fn look<T>(self, read: impl FnOnce(Shape<'s, S>, &Self) -> Read<T, S>) -> Read<T, S> {
        let Reader { source, shape, depth } = self;
        let at = Reader { source, shape: None, depth };
        // The shape goes straight to `read`: moving it once more costs as much as the rest, for a long vector of numbers.
        let told = match shape {
            Some(shape) => read(shape, &at),
            None => match source.shape() {
                Ok(shape) => read(shape, &at),
                Err(refused) => Err(refused),
            },
        };
        told.map_err(|refused| refused.found(|| source.described()))
    }

    /// Refuses everything but a text.
    fn of_text(mut self) -> Read<Self, S> {
        match self.shape()? {
            text @ Shape::Text(_) => Ok(Reader { shape: Some(text), ..self }),
            _ => Err(Refused::shape("a string").found(|| self.source.described())),
        }
    }

    fn elements(&self, list: Items<'s, S, S::Failure>) -> Read<Elements<'s, S>, S> {
        Ok(Elements { list, texts_only: false, next: 0, depth: self.deeper()? })
    }

    fn entries(&self, map: Items<'s, (S::Key, S), S::Failure>, given_only: bool) -> Read<Entries<'s, S>, S> {
        Ok(Entries { map, given_only, value: None, depth: self.deeper()? })
    }

    fn deeper(&self) -> Read<usize, S> {
        match self.depth + 1 {
            depth if depth <= MAX_DEPTH => Ok(depth),
            _ => Err(Refused::value("at most 128 levels of nesting").found(|| "more".to_owned())),
        }
    }
}

impl<'de, S: Source> Deserializer<'de> for Reader<'_, S> {
    type Error = Refused<S::Failure>;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value, S> {
        self.look(|shape, at| match shape {
            Shape::Null => visitor.visit_unit(),
            Shape::Bool(flag) => visitor.visit_bool(flag),
            Shape::Whole(number) | Shape::Number(number) => visitor.visit_f64(number),
            Shape::Text(text) => visit_text(text, visitor),
            Shape::Time(seconds) => visitor.visit_map(MapDeserializer::new(once(("date", seconds)))),
            Shape::Vector(vector) => visitor.visit_map(MapDeserializer::new(once(("vector", vector)))),
            Shape::List(list) => visitor.visit_seq(at.elements(list)?),
            Shape::Set(list) => visitor.visit_seq(Elements { texts_only: true, ..at.elements(list)? }),
            Shape::Map(map) => visitor.visit_map(at.entries(map, false)?),
            Shape::Other => Err(Refused::invalid_type(Unexpected::Unit, &visitor)),
        })
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value, S> {
        self.look(|shape, _| match shape {
            Shape::Bool(flag) => visitor.visit_bool(flag),
            _ => Err(Refused::shape("true or false")),
        })
    }

    /// A count. What passes `u64` becomes its largest value, which every limit refuses by its own name.
    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value, S> {
        self.look(|shape, _| match shape {
            Shape::Whole(number) if number >= 0.0 => visitor.visit_u64(number as u64),
            Shape::Whole(_) => Err(Refused::value("a whole number, 0 or more")),
            Shape::Number(number) if !S::WHOLE_NUMBERS && number >= 0.0 && number.fract() == 0.0 => {
                visitor.visit_u64(number as u64)
            }
            _ => Err(Refused::shape("a whole number, 0 or more")),
        })
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value, S> {
        self.look(|shape, _| match shape {
            Shape::Whole(number) | Shape::Number(number) => visitor.visit_f64(number),
            _ => Err(Refused::shape("a number")),
        })
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value, S> {
        self.look(|shape, _| match shape {
            Shape::Whole(number) | Shape::Number(number) => match number as f32 {
                single if single.is_infinite() && number.is_finite() => Err(Refused::infinite()),
                single => visitor.visit_f32(single),
            },
            _ => Err(Refused::shape("a number")),
        })
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value, S> {
        self.look(|shape, _| match shape {
            Shape::Text(text) => visit_text(text, visitor),
            _ => Err(Refused::shape("a string")),
        })
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value, S> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Read<V::Value, S> {
        match self.shape()? {
            Shape::Null => visitor.visit_none(),
            shape => visitor.visit_some(Reader { shape: Some(shape), ..self }),
        }
    }

    /// A time is told from a number by its name.
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Read<V::Value, S> {
        if name != "Timestamp" {
            return visitor.visit_newtype_struct(self);
        }
        self.look(|shape, at| match shape {
            Shape::Whole(number) | Shape::Number(number) => visitor.visit_f64(at.source.seconds(number)?),
            Shape::Time(seconds) => visitor.visit_f64(seconds),
            Shape::Text(text) => visit_text(text, visitor),
            _ => Err(Refused::invalid_type(Unexpected::Unit, &visitor)),
        })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value, S> {
        self.look(|shape, at| match shape {
            Shape::List(list) | Shape::Set(list) => visitor.visit_seq(at.elements(list)?),
            Shape::Vector(vector) => visitor.visit_seq(SeqDeserializer::new(vector.into_iter())),
            Shape::Text(text) if S::LONE_TEXTS => visitor.visit_seq(Lone::new(text)),
            _ => Err(Refused::shape("an array")),
        })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Read<V::Value, S> {
        self.look(|shape, at| {
            let Shape::List(list) = shape else { return Err(Refused::shape(format!("an array of {length}"))) };
            let mut elements = at.elements(list)?;
            let read = visitor.visit_seq(&mut elements)?;
            match elements.list.next() {
                Some(_) => Err(Refused::value(format!("an array of {length}"))),
                None => Ok(read),
            }
        })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value, S> {
        self.look(|shape, at| match shape {
            Shape::Map(map) => visitor.visit_map(at.entries(map, false)?),
            _ => Err(Refused::shape("an object")),
        })
    }

    /// An object. Some types have a shorter form as well, which is true, false or a text.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _keys: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value, S> {
        self.look(|shape, at| match shape {
            Shape::Map(map) => visitor.visit_map(at.entries(map, true)?),
            Shape::Bool(flag) => visitor.visit_bool(flag),
            Shape::Text(text) => visit_text(text, visitor),
            _ => Err(Refused::invalid_type(Unexpected::Unit, &visitor)),
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value, S> {
        self.look(|shape, _| match shape {
            Shape::Text(text) => visitor.visit_enum(IntoDeserializer::<Refused<_>>::into_deserializer(text)),
            _ => Err(Refused::shape(format!("one of {}", variants.join(", ")))),
        })
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u128 char bytes byte_buf unit unit_struct tuple_struct identifier ignored_any
    }
}

/// The elements of a list, one after the other; so many at most that an endless one is an error and not a full memory.
struct Elements<'s, S: Source> {
    list: Items<'s, S, S::Failure>,
    texts_only: bool,
    next: usize,
    depth: usize,
}

impl<'de, S: Source> SeqAccess<'de> for Elements<'_, S> {
    type Error = Refused<S::Failure>;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Read<Option<T::Value>, S> {
        let Some(element) = self.list.next() else { return Ok(None) };
        if self.next == MAX_BATCH {
            let (limit, found) = (MAX_BATCH as u64, MAX_BATCH as u64 + 1);
            return Err(Refused::error(Error::LimitExceeded { what: "elements of one array", limit, found }));
        }
        let texts_only = self.texts_only;
        let read = element.and_then(|source| {
            let reader = Reader { source: &source, shape: None, depth: self.depth };
            if texts_only { seed.deserialize(reader.of_text()?) } else { seed.deserialize(reader) }
        });
        let read = read.map_err(|refused| refused.at(self.next))?;
        self.next += 1;
        Ok(Some(read))
    }

    fn size_hint(&self) -> Option<usize> {
        self.list.size_hint().1
    }
}

/// The entries of an object, one after the other.
struct Entries<'s, S: Source> {
    map: Items<'s, (S::Key, S), S::Failure>,
    /// Passes over those that are null.
    given_only: bool,
    /// The entry whose key was handed over.
    value: Option<(S::Key, S)>,
    depth: usize,
}

impl<'de, S: Source> MapAccess<'de> for Entries<'_, S> {
    type Error = Refused<S::Failure>;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Read<Option<K::Value>, S> {
        let given_only = self.given_only;
        let passed_over =
            |entry: &Read<(S::Key, S), S>| given_only && entry.as_ref().is_ok_and(|(_, value)| value.is_null());
        let Some(entry) = self.map.find(|entry| !passed_over(entry)) else { return Ok(None) };
        let (key, source) = entry?;
        let read = seed.deserialize(Key::new(key.as_ref()))?;
        self.value = Some((key, source));
        Ok(Some(read))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Read<T::Value, S> {
        let Some((key, source)) = self.value.take() else { return Err(Refused::custom("a key before its value")) };
        let read = seed.deserialize(Reader { source: &source, shape: None, depth: self.depth });
        read.map_err(|refused| refused.under(key.as_ref()))
    }
}

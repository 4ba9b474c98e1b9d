//! Short forms: a value that is an object in JSON, or less where little is said (`true`, the id of an item).

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// What can be written shorter than as an object.
pub(crate) trait Short: DeserializeOwned {
    /// Both forms in words, for errors.
    const EXPECTED: &str;

    /// What true or false stands for.
    fn of_flag(_flag: bool) -> Option<Self> {
        None
    }

    /// What a text stands for.
    fn of_text(_text: &str) -> Option<Self> {
        None
    }
}

/// Reads either form, as `deserialize_with`.
pub(crate) fn one<'de, D: Deserializer<'de>, T: Short>(from: D) -> Result<T, D::Error> {
    // By the hint the format treats an object as it treats every struct.
    from.deserialize_struct("", &[], Forms(PhantomData))
}

/// Reads an array of either form, as `deserialize_with`.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Short>(from: D) -> Result<Vec<T>, D::Error> {
    let list = Vec::<Either<T>>::deserialize(from)?;
    Ok(list.into_iter().map(|either| either.0).collect())
}

struct Either<T>(T);

impl<'de, T: Short> Deserialize<'de> for Either<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        one(from).map(Either)
    }
}

struct Forms<T>(PhantomData<T>);

impl<'de, T: Short> Visitor<'de> for Forms<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<T, E> {
        T::of_flag(flag).ok_or_else(|| E::invalid_type(Unexpected::Bool(flag), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::of_text(text).ok_or_else(|| E::invalid_type(Unexpected::Str(text), &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(object))
    }
}

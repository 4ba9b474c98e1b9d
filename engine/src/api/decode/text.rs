//! Texts as serde reads them: a key, and one text in place of a list.

use std::borrow::Cow;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::refused::{Refused, shortened};

/// Hands over a text, without a copy where there is one already.
pub(super) fn visit_text<'de, V: Visitor<'de>, E: serde::de::Error>(
    text: Cow<'_, str>,
    visitor: V,
) -> Result<V::Value, E> {
    match text {
        Cow::Borrowed(text) => visitor.visit_str(text),
        Cow::Owned(text) => visitor.visit_string(text),
    }
}

/// A key: a text, or the number that it spells.
pub(super) struct Key<'k, F>(&'k str, PhantomData<F>);

impl<'k, F> Key<'k, F> {
    pub(super) fn new(key: &'k str) -> Self {
        Key(key, PhantomData)
    }
}

impl<'de, F> Deserializer<'de> for Key<'_, F> {
    type Error = Refused<F>;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused<F>> {
        visitor.visit_str(self.0)
    }

    /// Written in one way only, so that two keys are never one number.
    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused<F>> {
        match self.0.parse::<u64>() {
            Ok(number) if number.to_string() == self.0 => visitor.visit_u64(number),
            _ => Err(Refused::value("whole numbers as keys").found(|| format!("`{}`", shortened(self.0)))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// One text in place of a list of one: a list of texts and of nothing else.
pub(super) struct Lone<'t, F>(Option<Cow<'t, str>>, PhantomData<F>);

impl<'t, F> Lone<'t, F> {
    pub(super) fn new(text: Cow<'t, str>) -> Self {
        Lone(Some(text), PhantomData)
    }
}

impl<'de, F> SeqAccess<'de> for Lone<'_, F> {
    type Error = Refused<F>;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Refused<F>> {
        self.0.take().map(|text| seed.deserialize(Lone::new(text))).transpose()
    }
}

impl<'de, F> Deserializer<'de> for Lone<'_, F> {
    type Error = Refused<F>;

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused<F>> {
        visit_text(self.0.unwrap_or_default(), visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Refused<F>> {
        Err(Refused::shape("an array"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

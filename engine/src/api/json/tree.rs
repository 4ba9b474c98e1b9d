//! From text to a tree, within a budget.
//!
//! Types are read from a tree and not from the text, because `null` has to mean "not given" for every key of every struct,
//! whatever its default: that takes a look at the value before its key is handed over. The tree is our own rather than
//! `serde_json::Value` for three reasons: it counts values as it grows (two bytes of `0,` become 32 bytes of tree, so the
//! length of a text does not bound memory tightly enough), it refuses keys that stand twice, and it borrows strings from
//! the text.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::api::decode::shortened;
use crate::base::error::{Error, Result};
use crate::base::limits::{self, at_most};

/// Most values in one element of a batch, or in one whole argument that is not a batch.
const MAX_VALUES: usize = 8 << 20;

/// A JSON value.
pub(super) enum Json<'a> {
    Null,
    Bool(bool),
    /// A whole number of 64 bits.
    Whole(i128),
    /// Finite: the parser refuses what does not fit.
    Number(f64),
    Text(Cow<'a, str>),
    List(Vec<Json<'a>>),
    /// In the order of the text, no key twice.
    Map(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// Reads a text that holds exactly one value.
///
/// # Errors
/// [`Error::InvalidArgument`] for what is not JSON, [`Error::LimitExceeded`] for too many bytes or values.
pub(super) fn parse<'a>(name: &str, text: &'a str) -> Result<Json<'a>> {
    at_most("bytes of one JSON argument", limits::MAX_JSON_BYTES, text.len())?;
    let budget = Budget::new();
    let mut source = serde_json::Deserializer::from_str(text);
    let read = Tree(&budget).deserialize(&mut source).and_then(|json| source.end().map(|()| json));
    read.map_err(|error| budget.reason(name, &error))
}

/// Reads a batch, an array or values one after the other, and hands each element on before the next one is read, so that
/// only one tree exists at a time.
///
/// # Errors
/// Those of [`parse`], and what `take` answers.
pub(super) fn each<'a>(name: &str, text: &'a str, mut take: impl FnMut(Json<'a>) -> Result<()>) -> Result<()> {
    at_most("bytes of one JSON argument", limits::MAX_JSON_BYTES, text.len())?;
    let budget = Budget::new();
    let mut source = serde_json::Deserializer::from_str(text);
    if text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('[') {
        let elements = Elements { budget: &budget, take: &mut take };
        let read = elements.deserialize(&mut source).and_then(|()| source.end());
        return read.map_err(|error| budget.reason(name, &error));
    }
    // `end` fails exactly while something is left, and consumes only white space.
    while source.end().is_err() {
        budget.refill();
        take(Tree(&budget).deserialize(&mut source).map_err(|error| budget.reason(name, &error))?)?;
    }
    Ok(())
}

/// How many values may still be read, and why reading was stopped.
struct Budget {
    left: Cell<usize>,
    /// The typed error behind a `serde_json::Error` that we raised ourselves.
    stopped: RefCell<Option<Error>>,
}

impl Budget {
    fn new() -> Self {
        Budget { left: Cell::new(MAX_VALUES), stopped: RefCell::new(None) }
    }

    fn refill(&self) {
        self.left.set(MAX_VALUES);
    }

    fn take<E: serde::de::Error>(&self) -> std::result::Result<(), E> {
        match self.left.get().checked_sub(1) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => {
                let limit = MAX_VALUES as u64;
                Err(self.stop(Error::LimitExceeded { what: "values in one JSON element", limit, found: limit + 1 }))
            }
        }
    }

    fn stop<E: serde::de::Error>(&self, error: Error) -> E {
        self.stopped.replace(Some(error));
        E::custom("stopped")
    }

    fn reason(&self, name: &str, error: &serde_json::Error) -> Error {
        let stopped = self.stopped.take();
        stopped.unwrap_or_else(|| Error::argument(name, "JSON", format!("a syntax error: {error}")))
    }
}

/// Reads any value into a tree.
#[derive(Clone, Copy)]
struct Tree<'b>(&'b Budget);

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> std::result::Result<Json<'de>, D::Error> {
        self.0.take()?;
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> std::result::Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> std::result::Result<Self::Value, E> {
        Ok(Json::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> std::result::Result<Self::Value, E> {
        Ok(Json::Whole(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> std::result::Result<Self::Value, E> {
        Ok(Json::Whole(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> std::result::Result<Self::Value, E> {
        Ok(Json::Number(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> std::result::Result<Self::Value, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<Self::Value, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut source: A) -> std::result::Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(json) = source.next_element_seed(self)? {
            list.push(json);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut source: A) -> std::result::Result<Self::Value, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = source.next_key_seed(self)? {
            let Json::Text(key) = key else { return Err(A::Error::custom("expected a string as key")) };
            map.push((key, source.next_value_seed(self)?));
        }
        match key_twice(&map) {
            Some(key) => Err(A::Error::custom(format!("key `{}` stands twice in one object", shortened(key)))),
            None => Ok(Json::Map(map)),
        }
    }
}

/// Sorting keeps this fast for an object of millions of keys.
fn key_twice<'m>(map: &'m [(Cow<'_, str>, Json<'_>)]) -> Option<&'m str> {
    let mut keys: Vec<&str> = map.iter().map(|(key, _)| key.as_ref()).collect();
    keys.sort_unstable();
    keys.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

/// Reads an array and hands each element on.
struct Elements<'b, F> {
    budget: &'b Budget,
    take: F,
}

impl<'de, F: FnMut(Json<'de>) -> Result<()>> DeserializeSeed<'de> for Elements<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> std::result::Result<(), D::Error> {
        source.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(Json<'de>) -> Result<()>> Visitor<'de> for Elements<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut source: A) -> std::result::Result<(), A::Error> {
        loop {
            self.budget.refill();
            match source.next_element_seed(Tree(self.budget))? {
                Some(json) => (self.take)(json).map_err(|error| self.budget.stop(error))?,
                None => return Ok(()),
            }
        }
    }
}

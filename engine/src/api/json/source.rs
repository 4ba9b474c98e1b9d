//! What a JSON value is.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

use super::tree::Json;
use crate::api::decode::{Outcome, Refused, Shape, Source, read, shortened};
use crate::base::error::{Error, Result};

/// JSON has no failures of its own once it is a tree.
pub(super) enum Never {}

impl<'j> Source for &'j Json<'_> {
    type Failure = Never;
    type Key = &'j str;
    const LONE_TEXTS: bool = false;
    const WHOLE_NUMBERS: bool = false;

    // Into the loop over a long vector.
    #[inline]
    fn shape(&self) -> std::result::Result<Shape<'_, Self>, Refused<Never>> {
        let json: &'j Json<'_> = self;
        Ok(match json {
            Json::Null => Shape::Null,
            Json::Bool(flag) => Shape::Bool(*flag),
            Json::Whole(number) => Shape::Whole(*number),
            Json::Number(number) => Shape::Number(*number),
            Json::Text(text) => Shape::Text(Cow::Borrowed(text)),
            Json::List(list) => Shape::List(Box::new(list.iter().map(Ok))),
            Json::Map(map) => Shape::Map(Box::new(map.iter().map(|(key, json)| Ok((&**key, json))))),
        })
    }

    fn is_null(&self) -> bool {
        matches!(self, Json::Null)
    }

    fn described(&self) -> String {
        match self {
            Json::Null => "null".to_owned(),
            Json::Bool(flag) => flag.to_string(),
            Json::Whole(number) => number.to_string(),
            Json::Number(number) => format!("{number:?}"),
            Json::Text(text) => format!("\"{}\"", shortened(text)),
            Json::List(list) => format!("an array of {}", list.len()),
            Json::Map(map) => {
                let keys: Vec<String> = map.iter().take(4).map(|(key, _)| shortened(key)).collect();
                let more = if map.len() > 4 { ", ..." } else { "" };
                format!("an object with {} keys ({}{more})", map.len(), keys.join(", "))
            }
        }
    }
}

/// Reads a `T` from a tree; `name` names it in errors.
pub(super) fn decode<T: DeserializeOwned>(json: &Json<'_>, name: impl FnOnce() -> String) -> Result<T> {
    read(&json).map_err(|refused| error(refused.within(&name())))
}

/// The error of an outcome.
pub(super) fn error(outcome: Outcome<Never>) -> Error {
    match outcome {
        Outcome::Shape { what, expected, found } => Error::InvalidArgument { what, expected, found },
        Outcome::Error(error) | Outcome::Placeless(_, error) => error,
        Outcome::Source(never) => match never {},
    }
}

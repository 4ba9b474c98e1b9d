//! From text to the plain data: a tree first, then what its type declares.

use serde::de::DeserializeOwned;

use super::source::{decode, error};
use super::tree::{Json, each, parse};
use crate::api::decode::{self, Source, add, row};
use crate::api::rows::Rows;
use crate::base::error::{Error, Result};
use crate::base::limits::at_most;

/// Reads a text that holds exactly one `T`; `name` names it in errors.
pub(super) fn one<T: DeserializeOwned>(name: &str, text: &str) -> Result<T> {
    decode(&parse(name, text)?, || name.to_owned())
}

/// Reads a batch of rows, of which each is refused for itself. At most `most` of them, as `counted` names them.
pub(super) fn rows<T: DeserializeOwned>(
    name: &'static str,
    text: &str,
    counted: &'static str,
    most: usize,
) -> Result<Rows<T>> {
    let mut rows = Rows::new(name);
    each(name, text, |json| {
        at_most(counted, most, rows.len() + 1)?;
        let source = &json;
        match row(&source) {
            Ok(read) => rows.read.push(read),
            Err(refused) => {
                let Ok(()) = add(&mut rows, &source, refused, |outcome| Ok(error(outcome)));
            }
        }
        Ok(())
    })?;
    Ok(rows)
}

/// Reads a text that holds an object of one key, whose value is an array of rows; each is refused for itself.
pub(super) fn rows_of<T: DeserializeOwned>(name: &str, key: &'static str, text: &str) -> Result<Rows<T>> {
    let json = parse(name, text)?;
    let list = match &json {
        Json::Map(map) if map.len() == 1 => map.iter().find(|(given, _)| given == key).map(|(_, list)| list),
        _ => None,
    };
    let list =
        list.ok_or_else(|| Error::argument(name, format!("an object with the key `{key}`"), (&json).described()))?;
    decode::rows(&list, key, |outcome| Ok(error(outcome)))
        .map_err(|refused| error(refused.within(&format!("{name}.{key}"))))
}

/// Reads a batch: an array, or its elements one after the other. At most `most` of them, as `counted` names them.
pub(super) fn batch<T: DeserializeOwned>(name: &str, text: &str, counted: &'static str, most: usize) -> Result<Vec<T>> {
    let mut batch = Vec::new();
    each(name, text, |json| {
        at_most(counted, most, batch.len() + 1)?;
        batch.push(decode(&json, || format!("{name}[{}]", batch.len()))?);
        Ok(())
    })?;
    Ok(batch)
}

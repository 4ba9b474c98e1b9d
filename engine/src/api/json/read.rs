//! From text to the plain data: a tree first, then what its type declares.

use serde::de::DeserializeOwned;

use super::source::decode;
use super::tree::{each, parse};
use crate::base::error::Result;
use crate::base::limits::at_most;

/// Reads a text that holds exactly one `T`; `name` names it in errors.
pub(super) fn one<T: DeserializeOwned>(name: &str, text: &str) -> Result<T> {
    decode(&parse(name, text)?, || name.to_owned())
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

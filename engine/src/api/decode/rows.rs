//! A batch, row by row: one that cannot be read does not keep the others from being looked at.

use serde::de::DeserializeOwned;

use super::reader::Reader;
use super::refused::{Outcome, Refused};
use super::source::{Shape, Source};
use crate::api::rows::Rows;
use crate::base::error::Error;
use crate::base::limits::MAX_BATCH;

/// Reads a list of rows. `error` turns the refusal of a row into an error of the engine's, or gives a failure of the source
/// back, which ends the reading.
///
/// # Errors
/// For what is no list, and for failures of the source.
pub fn rows<T: DeserializeOwned, S: Source>(
    value: &S,
    batch: &'static str,
    error: impl Fn(Outcome<S::Failure>) -> Result<Error, S::Failure>,
) -> Result<Rows<T>, Refused<S::Failure>> {
    let (Shape::List(list) | Shape::Set(list)) = value.shape()? else {
        return Err(Refused::shape("an array").found(|| value.described()));
    };
    let mut rows = Rows::new(batch);
    for element in list {
        let number = rows.len();
        if number == MAX_BATCH {
            let (limit, found) = (MAX_BATCH as u64, MAX_BATCH as u64 + 1);
            return Err(Refused::error(Error::LimitExceeded { what: "elements of one array", limit, found }));
        }
        let source = element.map_err(|refused| refused.at(number))?;
        match row(&source) {
            Ok(read) => rows.read.push(read),
            Err(refused) => add(&mut rows, &source, refused, &error)?,
        }
    }
    Ok(rows)
}

/// Reads one row.
pub(crate) fn row<T: DeserializeOwned, S: Source>(source: &S) -> Result<T, Refused<S::Failure>> {
    T::deserialize(Reader::new(source))
}

/// Adds a row that was refused, with its id.
pub(crate) fn add<T, S: Source>(
    rows: &mut Rows<T>,
    source: &S,
    refused: Refused<S::Failure>,
    error: impl Fn(Outcome<S::Failure>) -> Result<Error, S::Failure>,
) -> Result<(), S::Failure> {
    let field = refused.outermost_key().map(str::to_owned);
    let place = format!("{}[{}]", rows.refused.batch(), rows.len());
    let error = error(refused.within(&place))?;
    rows.refuse(id(source), field, error);
    Ok(())
}

/// The id of the item, or the user of the event, as far as it can be told.
fn id<S: Source>(source: &S) -> Option<String> {
    let Ok(Shape::Map(map)) = source.shape() else { return None };
    for entry in map {
        let (key, value) = entry.ok()?;
        if matches!(key.as_ref(), "id" | "user") {
            return match value.shape() {
                Ok(Shape::Text(text)) => Some(super::shortened(&text)),
                _ => None,
            };
        }
    }
    None
}

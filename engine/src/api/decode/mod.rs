//! From values of another language to the plain data: what JSON and the bindings have in common.
//!
//! A type says its keys by its declaration (serde). What every form has in common is said here, once: a null is a key that
//! is not given, whatever its default, and so is NaN or another mark of a missing value where one may be left out; a count is any whole number of 0 or more; a number beyond the range of its type is
//! an error; an error names the place (`items[3].price`), what was expected and what was found. A [`Source`] only says
//! what a value of its language is.
//!
//! | file | what it does |
//! |---|---|
//! | `source` | what a value is, as a source says it |
//! | `reader` | values as serde reads them |
//! | `rows` | a batch, row by row |
//! | `refused` | errors with their places |
//! | `text` | keys, and one text in place of a list |
//! | `short` | short forms: `true` or an id in place of an object |
//! | `time` | a time that is not given, which is not one that is missing |
//! | `keys` | the keys of a type |

mod keys;
mod reader;
mod refused;
mod rows;
mod short;
mod source;
mod text;
mod time;

use serde::de::DeserializeOwned;

pub(super) use keys::keys;
pub(crate) use refused::shortened;
pub use refused::{Outcome, Refused};
pub use rows::rows;
pub(super) use rows::{add, row};
pub(super) use short::{Short, list, one};
pub use source::{Items, Shape, Source};
pub(super) use time::moment;

/// Reads a `T` from a value.
///
/// # Errors
/// What the value lacks, or has too much; [`Refused::within`] names the place.
pub fn read<T: DeserializeOwned, S: Source>(value: &S) -> Result<T, Refused<S::Failure>> {
    T::deserialize(reader::Reader::new(value))
}

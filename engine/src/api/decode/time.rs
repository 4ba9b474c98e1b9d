//! A time that may be left out.

use serde::{Deserialize, Deserializer};

use crate::base::time::Timestamp;

/// Reads a time whose absence means "now", as `deserialize_with` beside `default`.
///
/// A mark of a missing value (`NaT`) is refused where a value like any other would count as left out: nobody knows when
/// that was, and it was hardly now.
pub(crate) fn moment<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    if from.is_human_readable() { Timestamp::deserialize(from).map(Some) } else { Option::deserialize(from) }
}

//! Errors of tantivy, as this folder returns them.

use crate::base::error::Error;

/// Tantivy's errors leave this folder as [`Error::Index`].
pub(super) fn failed(source: impl std::fmt::Display) -> Error {
    Error::Index { index: "text", reason: source.to_string() }
}

//! Errors of the index library, as this folder returns them.

use crate::base::error::Error;

/// A failure that the index library reports. The index is derived, so the caller may rebuild it.
pub(super) fn index_error(reason: impl std::fmt::Display) -> Error {
    Error::Index { index: "vector", reason: reason.to_string() }
}

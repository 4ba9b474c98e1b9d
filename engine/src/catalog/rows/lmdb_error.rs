//! Errors of LMDB as errors of the engine.

use crate::base::error::Error;

/// An error of LMDB as one of the engine.
pub(crate) fn storage(error: heed::Error) -> Error {
    match error {
        heed::Error::Mdb(heed::MdbError::MapFull) => Error::Storage {
            reason: "the catalog has reached Config::max_bytes; open it with a larger value".to_owned(),
        },
        other => Error::Storage { reason: other.to_string() },
    }
}

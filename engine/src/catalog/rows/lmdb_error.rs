//! Errors of LMDB as errors of the engine.

use std::io::ErrorKind;

use crate::base::error::Error;

/// An error of LMDB as one of the engine.
pub(crate) fn storage(error: heed::Error) -> Error {
    match error {
        heed::Error::Mdb(heed::MdbError::MapFull) => Error::CatalogFull,
        heed::Error::Io(e) if matches!(e.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
            Error::io("write", "data.mdb", e)
        }
        other => Error::Storage { reason: other.to_string() },
    }
}

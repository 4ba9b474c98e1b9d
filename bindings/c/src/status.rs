//! What every function answers.

use onelist::ErrorKind;

/// What a call came to, by what the caller can do about it. `onelist_last_error_message()` has the details.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(non_camel_case_types, reason = "the names are those of the C header")]
pub enum onelist_status {
    /// Done.
    ONELIST_OK = 0,
    /// An argument is wrong; nothing was written. Correct it and call again.
    ONELIST_INPUT = 1,
    /// The directory or the handle is in use elsewhere, or closed.
    ONELIST_BUSY = 2,
    /// Set up the machine: files, permissions, ONNX Runtime, provider, model.
    ONELIST_ENVIRONMENT = 3,
    /// Stored data is damaged, or writes are refused since one failed: open again, or restore a backup.
    ONELIST_DAMAGED = 4,
    /// A defect of the library; please report it. The process goes on.
    ONELIST_INTERNAL = 5,
}

impl From<ErrorKind> for onelist_status {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Input => onelist_status::ONELIST_INPUT,
            ErrorKind::Busy => onelist_status::ONELIST_BUSY,
            ErrorKind::Environment => onelist_status::ONELIST_ENVIRONMENT,
            ErrorKind::Damaged => onelist_status::ONELIST_DAMAGED,
            // The enum may grow in the engine; a kind that is not known here is nothing that a caller can act on.
            _ => onelist_status::ONELIST_INTERNAL,
        }
    }
}

//! The one error type, grouped by what the caller should do about it.

use std::io::ErrorKind as ErrorKindOfIo;
use std::path::PathBuf;

use super::row::{RowError, told};

/// What went wrong, what was expected, what was found.
///
/// [`Error::kind`] groups the variants by what a caller can do: correct the input, free a resource, set up the
/// environment, or repair the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An external id is empty, or longer than [`crate::base::limits::MAX_ID_BYTES`].
    #[error("invalid {what} id: expected 1 to {limit} bytes of UTF-8, found {found} bytes")]
    InvalidId {
        /// `item` or `user`.
        what: &'static str,
        /// The longest id that is taken, in bytes.
        limit: usize,
        /// The length that was given, in bytes.
        found: usize,
    },
    /// A count, length or depth passes its limit. Nothing was written; split or shorten the input.
    #[error("{what}: expected at most {limit}, found {found}")]
    LimitExceeded {
        /// What was counted, with its unit.
        what: &'static str,
        /// The limit.
        limit: u64,
        /// What was given.
        found: u64,
    },
    /// A number or a vector component is NaN or infinite.
    #[error("{what}: expected finite numbers, found a non-finite one at index {index}")]
    NonFinite {
        /// Which field, vector or argument.
        what: String,
        /// Position inside it.
        index: usize,
    },
    /// A vector has length zero, so it has no direction and no cosine.
    #[error("{what}: expected a vector with a direction, found only zeros")]
    ZeroNorm {
        /// Which field or argument.
        what: String,
    },
    /// A vector has another width than the ones stored under its name.
    #[error("vector `{space}`: expected {expected} dimensions, found {found}")]
    DimMismatch {
        /// The name of the vector field.
        space: String,
        /// Dimensions stored so far.
        expected: usize,
        /// Dimensions given.
        found: usize,
    },
    /// A field of an item has another type than the schema says.
    #[error(
        "item `{item}`, field `{field}`: expected {expected}, found {found}; a field keeps the type of its first value"
    )]
    FieldType {
        /// External id of the item.
        item: String,
        /// Field name.
        field: String,
        /// Type in the schema.
        expected: String,
        /// Type that was given.
        found: String,
    },
    /// A field is not in the schema (of a strict configuration, or one that a filter names).
    #[error("unknown field `{field}`: known fields are {known}")]
    UnknownField {
        /// The name that was given.
        field: String,
        /// The names that exist.
        known: String,
    },
    /// An update names an item that is not stored.
    #[error("unknown item `{id}`: expected the id of an item that was put")]
    UnknownItem {
        /// The id that was given, or its beginning.
        id: String,
    },
    /// A request names a scenario that is not stored.
    #[error("unknown scenario `{name}`: known scenarios are {known}")]
    UnknownScenario {
        /// The name that was given.
        name: String,
        /// The names that exist, the first twenty of them.
        known: String,
    },
    /// A request names an adapter that is not loaded for the model that answers.
    #[error("unknown adapter `{name}`: those loaded for the live model are {known}")]
    UnknownAdapter {
        /// The name that was given.
        name: String,
        /// The names that exist, the first twenty of them.
        known: String,
    },
    /// A filter, request, event or item breaks a rule that is not one of the above.
    #[error("{what}: expected {expected}, found {found}")]
    InvalidArgument {
        /// Which argument.
        what: String,
        /// The rule.
        expected: String,
        /// What was given.
        found: String,
    },
    /// A value of a binding's language has a type that its place cannot take.
    #[error("{what}: expected {expected}, found {found}")]
    InvalidType {
        /// Which argument.
        what: String,
        /// What it takes.
        expected: String,
        /// The type that was given.
        found: String,
    },
    /// One row of a batch is refused; its name and kind are those of the error inside.
    #[error("{place}: {error}")]
    BadRow {
        /// Where: `items[3]`.
        place: String,
        /// Why.
        error: Box<Error>,
    },
    /// Several rows of a batch are refused; nothing of it is written.
    #[error("{}", told(batch, rows, *total))]
    BadRows {
        /// `items` or `events`.
        batch: &'static str,
        /// The first twenty of them, in order.
        rows: Vec<RowError>,
        /// How many there are.
        total: usize,
    },
    /// Text that should be UTF-8 is not.
    #[error("expected UTF-8, found an invalid byte at offset {offset}")]
    InvalidUtf8 {
        /// Byte offset of the first invalid sequence.
        offset: usize,
    },
    /// Another handle, in this or another process, has the directory open.
    #[error("{path} is already open in process {pid}; close it there first", path = path.display())]
    AlreadyOpen {
        /// The directory.
        path: PathBuf,
        /// Process that holds the lock; 0 when it cannot be told.
        pid: u32,
    },
    /// The handle was opened by another process (this one was forked from it). Open the directory again.
    #[error("this handle belongs to process {opened_by}; after a fork, open the directory again in the child")]
    Forked {
        /// Process that opened the handle.
        opened_by: u32,
    },
    /// The engine was closed.
    #[error("the engine is closed")]
    Closed,
    /// The call was told to stop, by [`crate::Cancel`] or by Ctrl-C. Nothing was changed, but for the whole steps that the
    /// documentation of the call names; the engine goes on working.
    #[error("the call was cancelled")]
    Cancelled,
    /// The call took longer than it may: [`crate::Request::timeout`], [`crate::Watch::timeout`].
    #[error("the call took longer than its time limit; allow more time, ask for less, or add machines")]
    DeadlineExceeded,
    /// The disk is full, or a quota is used up. What was acknowledged is whole and can be read, and writes go on once there
    /// is room: nothing has to be opened again.
    #[error("the disk is full: no room to {action} {path}; free some space, and call again", path = path.display())]
    DiskFull {
        /// What was tried.
        action: &'static str,
        /// The file that was written.
        path: PathBuf,
    },
    /// The catalog has reached [`crate::Config::max_bytes`]. It can be read, and deleting makes room.
    #[error("the catalog has reached max_bytes; delete something, or open it with a larger value")]
    CatalogFull,
    /// The store was opened to be read only.
    #[error("{path} is open for reading only; open it without mode \"read\" to change it", path = path.display())]
    ReadOnly {
        /// The directory.
        path: PathBuf,
    },
    /// The process that writes did not answer, or died before it did. Whether the change was made is unknown.
    #[error(
        "{what}: process {pid}, which writes, gave no answer within {seconds} s; the change may have been made or not: look, and call again"
    )]
    Unanswered {
        /// What was asked for.
        what: String,
        /// The process that writes; 0 when there was none.
        pid: u32,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The path holds something that is not an Onelist directory.
    #[error("{path} is not an Onelist directory: {found}", path = path.display())]
    NotADatabase {
        /// The path.
        path: PathBuf,
        /// What is there instead.
        found: String,
    },
    /// The directory was written by a newer version of the library.
    #[error("{path} has format {found}; this version reads up to {supported}: upgrade the library", path = path.display())]
    NewerFormat {
        /// The path.
        path: PathBuf,
        /// Format version on disk.
        found: u32,
        /// Newest version this library reads.
        supported: u32,
    },
    /// The operating system refused a file operation.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// ONNX Runtime was not found or could not be loaded.
    #[error(
        "ONNX Runtime: {found}. Install it with `pip install 'onnxruntime>=1.24,<1.29'`, or set Config::onnxruntime or ORT_DYLIB_PATH to its shared library"
    )]
    RuntimeMissing {
        /// Where it was looked for, and what happened.
        found: String,
    },
    /// The execution provider that was asked for could not start.
    #[error(
        "provider {provider}: expected {expected}, found {found}. {advice}, or set Config::provider_fallback to run on the CPU instead"
    )]
    Provider {
        /// `cuda` or `tensorrt`.
        provider: &'static str,
        /// What it needs.
        expected: String,
        /// What there is: in most cases what ONNX Runtime said.
        found: String,
        /// What to do.
        advice: String,
    },
    /// A model file was refused.
    #[error("model {path} refused: expected {expected}, found {found}", path = path.display())]
    ModelRefused {
        /// The model's directory.
        path: PathBuf,
        /// What the manifest or the engine asks for.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The model failed while running.
    #[error("the model failed: {reason}")]
    ModelFailed {
        /// What ONNX Runtime said.
        reason: String,
    },
    /// Stored bytes do not decode, or fail their checksum.
    #[error("damaged {what}: {found}. Restore a backup of the directory")]
    Damaged {
        /// Which record or file.
        what: String,
        /// What is wrong with it.
        found: String,
    },
    /// A durable write failed earlier, so further writes are refused until the directory is opened again.
    #[error("writes are refused since an earlier one failed ({reason}); reads go on; close and open again to recover")]
    Poisoned {
        /// The first failure.
        reason: String,
    },
    /// The catalog (LMDB) failed.
    #[error("storage: {reason}")]
    Storage {
        /// What LMDB said.
        reason: String,
    },
    /// A derived index (text or vectors) failed; it can be deleted and comes back by itself.
    #[error("{index} index: {reason}")]
    Index {
        /// `text` or `vector`.
        index: &'static str,
        /// What the library said.
        reason: String,
    },
    /// A defect of the engine itself. Please report it.
    #[error("internal error: {reason}")]
    Internal {
        /// What happened.
        reason: String,
    },
}

/// What a caller can do about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Correct the argument and call again; nothing was written.
    Input,
    /// The directory or the handle is in use elsewhere, or closed; or the call was stopped.
    Busy,
    /// Set up the machine: files, permissions, ONNX Runtime, provider, model.
    Environment,
    /// Stored data is damaged, or writes are refused: reopen, rebuild or restore.
    Damaged,
    /// A defect; report it.
    Internal,
}

impl ErrorKind {
    /// The name in lower case, as bindings tell kinds apart.
    pub fn name(self) -> &'static str {
        match self {
            ErrorKind::Input => "input",
            ErrorKind::Busy => "busy",
            ErrorKind::Environment => "environment",
            ErrorKind::Damaged => "damaged",
            ErrorKind::Internal => "internal",
        }
    }
}

impl Error {
    /// The group this error belongs to.
    pub fn kind(&self) -> ErrorKind {
        use Error::*;
        match self {
            InvalidId { .. }
            | LimitExceeded { .. }
            | NonFinite { .. }
            | ZeroNorm { .. }
            | DimMismatch { .. }
            | FieldType { .. }
            | UnknownField { .. }
            | UnknownItem { .. }
            | UnknownScenario { .. }
            | UnknownAdapter { .. }
            | InvalidArgument { .. }
            | InvalidType { .. }
            | BadRows { .. }
            | InvalidUtf8 { .. } => ErrorKind::Input,
            BadRow { error, .. } => error.kind(),
            AlreadyOpen { .. }
            | Forked { .. }
            | Closed
            | Cancelled
            | DeadlineExceeded
            | ReadOnly { .. }
            | Unanswered { .. } => ErrorKind::Busy,
            NotADatabase { .. }
            | NewerFormat { .. }
            | Io { .. }
            | DiskFull { .. }
            | CatalogFull
            | RuntimeMissing { .. }
            | Provider { .. }
            | ModelRefused { .. } => ErrorKind::Environment,
            Damaged { .. } | Poisoned { .. } | Storage { .. } | Index { .. } => ErrorKind::Damaged,
            ModelFailed { .. } | Internal { .. } => ErrorKind::Internal,
        }
    }

    /// The variant's name, stable across versions: bindings map it to their own error types.
    pub fn name(&self) -> &'static str {
        use Error::*;
        match self {
            InvalidId { .. } => "InvalidId",
            LimitExceeded { .. } => "LimitExceeded",
            NonFinite { .. } => "NonFinite",
            ZeroNorm { .. } => "ZeroNorm",
            DimMismatch { .. } => "DimMismatch",
            FieldType { .. } => "FieldType",
            UnknownField { .. } => "UnknownField",
            UnknownItem { .. } => "UnknownItem",
            UnknownScenario { .. } => "UnknownScenario",
            UnknownAdapter { .. } => "UnknownAdapter",
            InvalidArgument { .. } => "InvalidArgument",
            InvalidType { .. } => "InvalidType",
            BadRow { error, .. } => error.name(),
            BadRows { .. } => "BadRows",
            InvalidUtf8 { .. } => "InvalidUtf8",
            AlreadyOpen { .. } => "AlreadyOpen",
            Forked { .. } => "Forked",
            Closed => "Closed",
            Cancelled => "Cancelled",
            DeadlineExceeded => "DeadlineExceeded",
            DiskFull { .. } => "DiskFull",
            CatalogFull => "CatalogFull",
            ReadOnly { .. } => "ReadOnly",
            Unanswered { .. } => "Unanswered",
            NotADatabase { .. } => "NotADatabase",
            NewerFormat { .. } => "NewerFormat",
            Io { .. } => "Io",
            RuntimeMissing { .. } => "RuntimeMissing",
            Provider { .. } => "Provider",
            ModelRefused { .. } => "ModelRefused",
            ModelFailed { .. } => "ModelFailed",
            Damaged { .. } => "Damaged",
            Poisoned { .. } => "Poisoned",
            Storage { .. } => "Storage",
            Index { .. } => "Index",
            Internal { .. } => "Internal",
        }
    }

    /// An [`Error::InvalidArgument`], in one line at the call site.
    pub(crate) fn argument(what: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Error::InvalidArgument { what: what.into(), expected: expected.into(), found: found.into() }
    }

    /// An [`Error::Io`], in one line at the call site; [`Error::DiskFull`] when that is the reason.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        match source.kind() {
            ErrorKindOfIo::StorageFull | ErrorKindOfIo::QuotaExceeded => Error::DiskFull { action, path: path.into() },
            _ => Error::Io { action, path: path.into(), source },
        }
    }

    /// An [`Error::Damaged`], in one line at the call site.
    pub(crate) fn damaged(what: impl Into<String>, found: impl Into<String>) -> Self {
        Error::Damaged { what: what.into(), found: found.into() }
    }

    /// An [`Error::Internal`], in one line at the call site.
    pub(crate) fn internal(reason: impl Into<String>) -> Self {
        Error::Internal { reason: reason.into() }
    }
}

/// The result of every fallible call.
pub type Result<T> = std::result::Result<T, Error>;

/// One error of each kind.
#[cfg(test)]
pub(crate) fn every_error() -> Vec<Error> {
    tests::all()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn all() -> Vec<Error> {
        let (text, path) = (|| "here".to_owned(), || PathBuf::from("/store"));
        let source = || std::io::Error::other("no room");
        vec![
            Error::InvalidId { what: "item", limit: 512, found: 600 },
            Error::LimitExceeded { what: "ids", limit: 3, found: 4 },
            Error::NonFinite { what: text(), index: 7 },
            Error::ZeroNorm { what: text() },
            Error::DimMismatch { space: text(), expected: 4, found: 3 },
            Error::FieldType {
                item: "a".to_owned(),
                field: text(),
                expected: "text".to_owned(),
                found: "tags".to_owned(),
            },
            Error::UnknownField { field: text(), known: "price".to_owned() },
            Error::UnknownItem { id: text() },
            Error::UnknownScenario { name: text(), known: "sale".to_owned() },
            Error::UnknownAdapter { name: text(), known: "books".to_owned() },
            Error::argument("limit", "1", "0"),
            Error::InvalidType { what: text(), expected: text(), found: text() },
            Error::BadRows { batch: "items", rows: Vec::new(), total: 2 },
            Error::InvalidUtf8 { offset: 9 },
            Error::AlreadyOpen { path: path(), pid: 42 },
            Error::Forked { opened_by: 42 },
            Error::Closed,
            Error::Cancelled,
            Error::DeadlineExceeded,
            Error::DiskFull { action: "write", path: path() },
            Error::CatalogFull,
            Error::ReadOnly { path: path() },
            Error::Unanswered { what: text(), pid: 42, seconds: 30 },
            Error::NotADatabase { path: path(), found: text() },
            Error::NewerFormat { path: path(), found: 9, supported: 5 },
            Error::io("write", "/store", source()),
            Error::RuntimeMissing { found: text() },
            Error::Provider { provider: "cuda", expected: text(), found: text(), advice: "Install it".to_owned() },
            Error::ModelRefused { path: path(), expected: text(), found: text() },
            Error::ModelFailed { reason: text() },
            Error::damaged("item", "here"),
            Error::Poisoned { reason: text() },
            Error::Storage { reason: text() },
            Error::Index { index: "text", reason: text() },
            Error::internal("here"),
        ]
    }

    #[test]
    fn every_error_has_its_name_its_kind_and_a_text_that_holds_what_was_found() {
        let names: Vec<&str> = all().iter().map(Error::name).collect();
        assert!(crate::testing::all_differ(&names), "{names:?}");
        for error in all() {
            let text = error.to_string();
            assert!(!text.is_empty() && !text.ends_with('.') || error.kind() == ErrorKind::Environment, "{text}");
            // The name is that of the variant, which bindings map to their types.
            let variant = format!("{error:?}");
            let variant = variant.split([' ', '{']).next().unwrap_or_default();
            assert_eq!(error.name(), variant);
        }
        let kinds = |kind: ErrorKind| all().iter().filter(|error| error.kind() == kind).count();
        let counts =
            [ErrorKind::Input, ErrorKind::Busy, ErrorKind::Environment, ErrorKind::Damaged, ErrorKind::Internal];
        assert_eq!(counts.map(kinds), [14, 7, 8, 4, 2]);
        let text = |at: usize| all()[at].to_string();
        assert_eq!(text(1), "ids: expected at most 3, found 4");
        assert_eq!(text(4), "vector `here`: expected 4 dimensions, found 3");
        assert!(text(23).contains("/store") && text(19).contains("no room"));
        let row = Error::BadRow { place: "items[3]".to_owned(), error: Box::new(Error::Closed) };
        assert_eq!(
            (row.name(), row.kind(), row.to_string().as_str()),
            ("Closed", ErrorKind::Busy, "items[3]: the engine is closed")
        );
    }
}

//! Errors on their way to another process: the same variant with the same fields comes out.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::base::error::Error;
use crate::base::row::RowError;

/// An error as bytes can hold it: the name of the variant, and its fields in order.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct WireError {
    name: String,
    texts: Vec<String>,
    numbers: Vec<u64>,
}

/// Different words that errors of other processes may bring: what is counted, what was tried. More become one.
const WORDS: usize = 512;

/// Words that live as long as the process. There are few, and each is kept once.
struct Words(Mutex<BTreeSet<&'static str>>);

impl Words {
    const fn new() -> Words {
        Words(Mutex::new(BTreeSet::new()))
    }

    fn keep(&self, text: &str) -> &'static str {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(word) = known.get(text) {
            return word;
        }
        if known.len() >= WORDS {
            return "value";
        }
        let word: &'static str = Box::leak(text.to_owned().into_boxed_str());
        known.insert(word);
        word
    }
}

fn word(text: &str) -> &'static str {
    static KNOWN: Words = Words::new();
    KNOWN.keep(text)
}

impl WireError {
    /// An error, taken apart.
    pub(super) fn of(error: &Error) -> WireError {
        if let Error::BadRow { place, error } = error {
            let inner = WireError::of(error);
            let texts = [place.clone(), inner.name].into_iter().chain(inner.texts).collect();
            return WireError { name: "BadRow".to_owned(), texts, numbers: inner.numbers };
        }
        let (texts, numbers) = parts(error);
        WireError { name: error.name().to_owned(), texts, numbers }
    }

    /// The error. What no variant fits is an internal error with the name of what came.
    pub(super) fn into_error(self) -> Error {
        let WireError { name, texts, numbers } = self;
        let found = format!("an error that cannot be read: {name}, {texts:?}, {numbers:?}");
        rebuilt(&name, texts, &numbers).unwrap_or_else(|| Error::internal(found))
    }
}

fn parts(error: &Error) -> (Vec<String>, Vec<u64>) {
    use Error::*;
    let path = |path: &PathBuf| path.to_string_lossy().into_owned();
    let texts = |all: &[&String]| (all.iter().map(|text| (*text).clone()).collect(), Vec::new());
    match error {
        InvalidId { what, limit, found } => (vec![(*what).to_owned()], vec![*limit as u64, *found as u64]),
        LimitExceeded { what, limit, found } => (vec![(*what).to_owned()], vec![*limit, *found]),
        NonFinite { what, index } => (vec![what.clone()], vec![*index as u64]),
        ZeroNorm { what } => texts(&[what]),
        // Taken apart by the caller, with what is inside.
        BadRow { place, .. } => texts(&[place]),
        BadRows { batch, rows, total } => rows_apart(batch, rows, *total),
        UnknownItem { id } => texts(&[id]),
        InvalidType { what, expected, found } => texts(&[what, expected, found]),
        DimMismatch { space, expected, found } => (vec![space.clone()], vec![*expected as u64, *found as u64]),
        FieldType { item, field, expected, found } => texts(&[item, field, expected, found]),
        UnknownField { field, known } => texts(&[field, known]),
        UnknownScenario { name, known } | UnknownAdapter { name, known } => texts(&[name, known]),
        InvalidArgument { what, expected, found } => texts(&[what, expected, found]),
        InvalidUtf8 { offset } => (Vec::new(), vec![*offset as u64]),
        AlreadyOpen { path: at, pid } => (vec![path(at)], vec![u64::from(*pid)]),
        Forked { opened_by } => (Vec::new(), vec![u64::from(*opened_by)]),
        Closed | Cancelled | DeadlineExceeded | CatalogFull => (Vec::new(), Vec::new()),
        DiskFull { action, path: at } => (vec![(*action).to_owned(), path(at)], Vec::new()),
        ReadOnly { path: at } => (vec![path(at)], Vec::new()),
        Unanswered { what, pid, seconds } => (vec![what.clone()], vec![u64::from(*pid), *seconds]),
        NotADatabase { path: at, found } => (vec![path(at), found.clone()], Vec::new()),
        NewerFormat { path: at, found, supported } => (vec![path(at)], vec![u64::from(*found), u64::from(*supported)]),
        Io { action, path: at, source } => {
            let code = source.raw_os_error().map(|code| code as u64);
            (vec![(*action).to_owned(), path(at), source.to_string()], code.into_iter().collect())
        }
        RuntimeMissing { found } => texts(&[found]),
        Provider { provider, expected, found, advice } => {
            (vec![(*provider).to_owned(), expected.clone(), found.clone(), advice.clone()], Vec::new())
        }
        ModelRefused { path: at, expected, found } => (vec![path(at), expected.clone(), found.clone()], Vec::new()),
        Damaged { what, found } => texts(&[what, found]),
        ModelFailed { reason } | Poisoned { reason } | Storage { reason } | Internal { reason } => texts(&[reason]),
        Index { index, reason } => (vec![(*index).to_owned(), reason.clone()], Vec::new()),
    }
}

/// Texts: the batch, and six of each row. Numbers: the total, and of each row its own, and whether it has an id and a field.
fn rows_apart(batch: &str, rows: &[RowError], total: usize) -> (Vec<String>, Vec<u64>) {
    let (mut texts, mut numbers) = (vec![batch.to_owned()], vec![total as u64]);
    for row in rows {
        let (id, field) = (row.id.clone().unwrap_or_default(), row.field.clone().unwrap_or_default());
        let words = [row.advice.to_owned(), row.error.to_owned()];
        texts.extend([id, field, row.expected.clone(), row.found.clone()].into_iter().chain(words));
        numbers.extend([row.row as u64, u64::from(row.id.is_some()), u64::from(row.field.is_some())]);
    }
    (texts, numbers)
}

fn rows_together(mut texts: impl Iterator<Item = String>, numbers: &[u64]) -> Option<Error> {
    let batch = word(&texts.next()?);
    let (total, numbers) = numbers.split_first()?;
    let mut rows = Vec::new();
    for number in numbers.chunks_exact(3) {
        let mut text = || texts.next();
        rows.push(RowError {
            row: usize::try_from(number[0]).ok()?,
            id: text().filter(|_| number[1] == 1),
            field: text().filter(|_| number[2] == 1),
            expected: text()?,
            found: text()?,
            advice: word(&text()?),
            error: word(&text()?),
        });
    }
    Some(Error::BadRows { batch, rows, total: usize::try_from(*total).ok()? })
}

fn rebuilt(name: &str, texts: Vec<String>, numbers: &[u64]) -> Option<Error> {
    let mut rest = texts.into_iter();
    let mut text = || rest.next();
    let number = |place: usize| numbers.get(place).copied();
    let size = |place: usize| number(place).and_then(|number| usize::try_from(number).ok());
    let small = |place: usize| number(place).and_then(|number| u32::try_from(number).ok());
    Some(match name {
        "InvalidId" => Error::InvalidId { what: word(&text()?), limit: size(0)?, found: size(1)? },
        "LimitExceeded" => Error::LimitExceeded { what: word(&text()?), limit: number(0)?, found: number(1)? },
        "NonFinite" => Error::NonFinite { what: text()?, index: size(0)? },
        "BadRow" => {
            let (place, name) = (text()?, text()?);
            let error = Box::new(rebuilt(&name, rest.collect(), numbers)?);
            return Some(Error::BadRow { place, error });
        }
        "BadRows" => return rows_together(rest, numbers),
        "UnknownItem" => Error::UnknownItem { id: text()? },
        "InvalidType" => Error::InvalidType { what: text()?, expected: text()?, found: text()? },
        "ZeroNorm" => Error::ZeroNorm { what: text()? },
        "DimMismatch" => Error::DimMismatch { space: text()?, expected: size(0)?, found: size(1)? },
        "FieldType" => Error::FieldType { item: text()?, field: text()?, expected: text()?, found: text()? },
        "UnknownField" => Error::UnknownField { field: text()?, known: text()? },
        "UnknownScenario" => Error::UnknownScenario { name: text()?, known: text()? },
        "UnknownAdapter" => Error::UnknownAdapter { name: text()?, known: text()? },
        "InvalidArgument" => Error::InvalidArgument { what: text()?, expected: text()?, found: text()? },
        "InvalidUtf8" => Error::InvalidUtf8 { offset: size(0)? },
        "AlreadyOpen" => Error::AlreadyOpen { path: text()?.into(), pid: small(0)? },
        "Forked" => Error::Forked { opened_by: small(0)? },
        "Closed" => Error::Closed,
        "Cancelled" => Error::Cancelled,
        "DeadlineExceeded" => Error::DeadlineExceeded,
        "CatalogFull" => Error::CatalogFull,
        "DiskFull" => Error::DiskFull { action: word(&text()?), path: text()?.into() },
        "ReadOnly" => Error::ReadOnly { path: text()?.into() },
        "Unanswered" => Error::Unanswered { what: text()?, pid: small(0)?, seconds: number(1)? },
        "NotADatabase" => Error::NotADatabase { path: text()?.into(), found: text()? },
        "NewerFormat" => Error::NewerFormat { path: text()?.into(), found: small(0)?, supported: small(1)? },
        "Io" => {
            let (action, path, reason) = (word(&text()?), text()?, text()?);
            let code = number(0).and_then(|code| i32::try_from(code).ok());
            let source = code.map_or_else(|| std::io::Error::other(reason), std::io::Error::from_raw_os_error);
            Error::io(action, path, source)
        }
        "RuntimeMissing" => Error::RuntimeMissing { found: text()? },
        "Provider" => Error::Provider { provider: word(&text()?), expected: text()?, found: text()?, advice: text()? },
        "ModelRefused" => Error::ModelRefused { path: text()?.into(), expected: text()?, found: text()? },
        "ModelFailed" => Error::ModelFailed { reason: text()? },
        "Damaged" => Error::Damaged { what: text()?, found: text()? },
        "Poisoned" => Error::Poisoned { reason: text()? },
        "Storage" => Error::Storage { reason: text()? },
        "Index" => Error::Index { index: word(&text()?), reason: text()? },
        "Internal" => Error::Internal { reason: text()? },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_arrives_as_it_was_sent() {
        for error in crate::base::error::every_error() {
            let sent = WireError::of(&error);
            let bytes = super::super::frame::encode(&sent).expect("encodes");
            let came: WireError = super::super::frame::decode(&bytes).expect("decodes");
            let came = came.into_error();
            assert_eq!((came.name(), came.to_string()), (error.name(), error.to_string()));
            assert_eq!(came.kind(), error.kind());
        }
        let failed = Error::io("write", "/x", std::io::Error::from_raw_os_error(5));
        let Error::Io { source, .. } = WireError::of(&failed).into_error() else { panic!("another error") };
        assert_eq!(source.raw_os_error(), Some(5));
    }

    #[test]
    fn what_is_no_error_is_an_internal_one_that_tells() {
        for (name, texts) in [("Nonsense", vec![]), ("FieldType", vec!["a".to_owned()])] {
            let error = WireError { name: name.to_owned(), texts, numbers: vec![1] }.into_error();
            assert!(error.name() == "Internal" && error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn foreign_words_do_not_fill_the_memory() {
        let words = Words::new();
        let kept: BTreeSet<_> = (0..2 * WORDS).map(|n| words.keep(&format!("word {n}"))).collect();
        assert!(kept.len() <= WORDS + 1);
        assert!(std::ptr::eq(words.keep("word 3"), words.keep("word 3")));
    }
}

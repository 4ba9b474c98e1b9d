//! In place of `file` without the feature `training`: no file can be created.

use std::io;
use std::path::Path;

use serde_json::Value;

use super::column_kind::Kind;
use super::row::{Answer, Candidate};
use crate::base::error::{Error, Result};

/// There is none.
pub(crate) enum TrainingFile {}

impl TrainingFile {
    /// # Errors
    /// [`Error::Io`], always.
    pub(crate) fn create(path: &Path, _: &[String], _: &[(&str, String)]) -> Result<TrainingFile> {
        let reason = "this engine was built without the feature `training`";
        Err(Error::io("write", path, io::Error::new(io::ErrorKind::Unsupported, reason)))
    }

    pub(crate) fn add(&mut self, _: &Answer, _: &[Candidate]) -> Result<()> {
        match *self {}
    }

    pub(crate) fn finish(self) -> Result<u64> {
        match self {}
    }
}

/// There is none.
pub(crate) enum SheetFile {}

impl SheetFile {
    /// # Errors
    /// [`Error::Io`], always.
    pub(crate) fn create(path: &Path, _: &[(&str, Kind)]) -> Result<SheetFile> {
        TrainingFile::create(path, &[], &[]).map(|never| match never {})
    }

    pub(crate) fn add(&mut self, _: &Value) -> Result<()> {
        match *self {}
    }

    pub(crate) fn finish(self) -> Result<()> {
        match self {}
    }
}

/// There are none.
pub(crate) enum SheetRows {}

impl SheetRows {
    /// # Errors
    /// [`Error::Io`], always.
    pub(crate) fn open(path: &Path, _: &[(&str, Kind)]) -> Result<SheetRows> {
        TrainingFile::create(path, &[], &[]).map(|never| match never {})
    }
}

impl Iterator for SheetRows {
    type Item = Result<Value>;

    fn next(&mut self) -> Option<Result<Value>> {
        match *self {}
    }
}

//! In place of `file` without the feature `training`: no file can be created.

use std::io;
use std::path::Path;

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

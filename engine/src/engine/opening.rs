//! Opening a directory.

use std::path::Path;
use std::sync::{Arc, Mutex};

use super::Engine;
use super::answers::Answers;
use super::handle::Handle;
use crate::api::config::Config;
use crate::base::error::Result;
use crate::core::Core;

impl Engine {
    /// Opens a directory, creating it when it is missing. When this returns, everything that was ever acknowledged can
    /// be read and ranked, after a crash too.
    ///
    /// # Errors
    /// [`crate::Error::AlreadyOpen`], [`crate::Error::NotADatabase`], [`crate::Error::NewerFormat`], [`crate::Error::RuntimeMissing`],
    /// [`crate::Error::Provider`], [`crate::Error::ModelRefused`], [`crate::Error::Damaged`], [`crate::Error::Io`], or
    /// [`crate::Error::InvalidArgument`] for a setting out of range.
    pub fn open(path: impl AsRef<Path>, config: Config) -> Result<Engine> {
        let path = path.as_ref();
        let core = Core::open_shared(path, config, Arc::new(Answers::default()))?;
        Ok(Engine { core: Handle::of(core), running: Mutex::default() })
    }
}

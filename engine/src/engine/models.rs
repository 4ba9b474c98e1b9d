//! The life cycle of a model, and adapters.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::Engine;
use super::orders::{LoadAdapter, LoadModel};
use crate::api::models::{AdapterVersion, ModelVersion, Models};
use crate::base::error::{Error, Result};
use crate::registry;

impl Engine {
    /// The models and adapters that this store keeps, and which model answers.
    pub fn models(&self) -> Result<Models> {
        registry::list(&self.core.access()?.stores)
    }

    /// Checks the model in `folder` (`manifest.json` and the files that it names) as [`Engine::open`] does, and copies it
    /// into the store. It does not answer yet: see [`Engine::shadow_model`] and [`Engine::promote_model`]. A model that was
    /// loaded before keeps its version.
    ///
    /// # Errors
    /// [`crate::Error::ModelRefused`] with what was expected and what was found: a hash, a name, a type, a shape, the order
    /// of features, the probe; other item vectors in the vector space that it shares with the stored ones.
    /// [`crate::Error::InvalidArgument`] when [`crate::Config::weights`] does not fit it; [`crate::Error::LimitExceeded`].
    pub fn load_model(&self, folder: impl AsRef<Path>) -> Result<ModelVersion> {
        self.core.order(LoadModel(absolute(folder.as_ref())?))
    }

    /// Lets a loaded version answer from the next `rank` on, or with 0 the model of [`crate::Config::model`]; durable on
    /// return. Requests that run end with the model they began with. With the model come the tuning that was in force
    /// for it, and the adapters that were made for it.
    ///
    /// For a model of another vector space every item is placed again first, beside the current vectors, while the old model
    /// answers and writes go on: as long as embedding the texts and building the graph takes. One commit then changes both.
    ///
    /// # Errors
    /// [`crate::Error::InvalidArgument`] for a version that is not kept; those of [`Engine::load_model`] when its files were
    /// changed since; [`crate::Error::Closed`] when the engine closes meanwhile, and then nothing has changed.
    pub fn promote_model(&self, version: u64) -> Result<()> {
        match self.elsewhere("promote_model", json!({"version": version}))? {
            Some(()) => Ok(()),
            None => registry::promote(self.core.writing()?.stores(), version),
        }
    }

    /// Lets the model answer that did before the last [`Engine::promote_model`]; durable on return. Doing it twice changes
    /// nothing. Returns the version that answers now.
    ///
    /// # Errors
    /// [`crate::Error::InvalidArgument`] when nothing was promoted; those of [`Engine::promote_model`].
    pub fn roll_back_model(&self) -> Result<u64> {
        match self.elsewhere("roll_back_model", json!({}))? {
            Some(version) => Ok(version),
            None => registry::roll_back(self.core.writing()?.stores()),
        }
    }

    /// Removes a loaded model and its files. False when there is none of this version.
    ///
    /// # Errors
    /// [`crate::Error::InvalidArgument`] for the version that answers, and for the one that
    /// [`Engine::roll_back_model`] goes back to.
    pub fn unload_model(&self, version: u64) -> Result<bool> {
        match self.elsewhere("unload_model", json!({"version": version}))? {
            Some(removed) => Ok(removed),
            None => registry::unload_model(self.core.writing()?.stores(), version),
        }
    }

    /// Checks the adapter in `folder` (`adapter.onnx_adapter` and `adapter.json`), copies it into the store, and lets requests name
    /// it ([`crate::Request::adapter`]), from the next `rank` on and after the next opening too. What had the name is
    /// replaced. docs/MODEL.md says what is in the files.
    ///
    /// # Errors
    /// [`crate::Error::ModelRefused`] for an adapter of another model than the live one, other tensors than its manifest
    /// lists, or one that moves item vectors; [`crate::Error::InvalidArgument`] and [`crate::Error::LimitExceeded`] for the
    /// name.
    pub fn load_adapter(&self, name: &str, folder: impl AsRef<Path>) -> Result<AdapterVersion> {
        self.core.order(LoadAdapter(name.to_owned(), absolute(folder.as_ref())?))
    }

    /// Removes an adapter and its files. False when there is none of this name.
    ///
    /// # Errors
    /// Those of [`Engine::load_adapter`] for the name.
    pub fn unload_adapter(&self, name: &str) -> Result<bool> {
        match self.elsewhere("unload_adapter", json!({"name": name}))? {
            Some(removed) => Ok(removed),
            None => registry::unload_adapter(self.core.writing()?.stores(), name),
        }
    }
}

/// A path that means the same in another process.
pub(super) fn absolute(folder: &Path) -> Result<PathBuf> {
    std::path::absolute(folder).map_err(|e| Error::io("find", folder, e))
}

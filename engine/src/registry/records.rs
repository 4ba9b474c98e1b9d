//! The records of models and adapters in the catalog, and the pointer to the active model.

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, Result};
use crate::base::time::Timestamp;
use crate::catalog::View;

/// Names of the records in the catalog's meta table.
pub(super) const MODELS: &str = "models";
pub(super) const ACTIVE: &str = "model_live";
pub(super) const ADAPTERS: &str = "adapters";
/// The records that say what answers: when one of them changes, processes that follow open it.
pub(crate) const WATCHED: [&str; 2] = [ACTIVE, ADAPTERS];
/// Folders of the store.
pub(super) const MODELS_FOLDER: &str = "models";
pub(super) const ADAPTERS_FOLDER: &str = "adapters";

/// A model whose files the store keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ModelRecord {
    pub version: u64,
    /// The folder: the hash of the manifest.
    pub folder: String,
    pub name: String,
    pub sha256: String,
    pub space_id: String,
    pub loaded: Timestamp,
}

/// An adapter whose files the store keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct AdapterRecord {
    pub name: String,
    /// The folder: the hash of both files.
    pub folder: String,
    pub sha256: String,
    pub base: String,
    pub bytes: u64,
    pub loaded: Timestamp,
}

/// The active version, and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Pointer {
    pub version: u64,
    pub before: Option<u64>,
}

/// All records of the registry.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    pub models: Vec<ModelRecord>,
    pub adapters: Vec<AdapterRecord>,
    pub pointer: Pointer,
}

impl Kept {
    pub(super) fn read(view: View<'_>) -> Result<Kept> {
        Ok(Kept {
            models: view.meta(MODELS)?.unwrap_or_default(),
            adapters: view.meta(ADAPTERS)?.unwrap_or_default(),
            pointer: view.meta(ACTIVE)?.unwrap_or_default(),
        })
    }

    /// The record of a version; `None` for version 0.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] with the versions that there are.
    pub(super) fn model(&self, version: u64) -> Result<Option<&ModelRecord>> {
        if version == 0 {
            return Ok(None);
        }
        let found = self.models.iter().find(|record| record.version == version);
        found.map(Some).ok_or_else(|| {
            let versions: Vec<String> = self.models.iter().map(|record| record.version.to_string()).collect();
            let expected = format!("0 or one of the loaded versions ({})", versions.join(", "));
            Error::argument("version", expected, version.to_string())
        })
    }
}

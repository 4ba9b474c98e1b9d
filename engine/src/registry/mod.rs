//! The models and adapters that a store keeps: copies of their files, a record of each, and one pointer to the model that
//! answers.
//!
//! IMPORTANT: the order. A folder is whole and on disk before a record names it, and a record is gone before its folder is;
//! so a crash leaves a folder that nobody names at most, which the next opening removes, and never a name without a folder.
//! Promoting is one commit that changes the pointer. docs/decisions/0017-models-in-the-store.md.

mod adapters;
mod files;
mod versions;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub(crate) use adapters::{load_adapter, unload_adapter};
pub(crate) use versions::{load_model, promote, roll_back, unload_model};

use crate::api::config::Config;
use crate::api::models::{AdapterVersion, ModelVersion, Models};
use crate::base::error::{Error, Result};
use crate::base::time::Timestamp;
use crate::catalog::View;
use crate::model::{About, Files, Model};
use crate::store::Stores;
use crate::store::active_model::Live;
use crate::store::weights::LiveWeights;

/// Names of the records in the table of the store's own.
const MODELS: &str = "models";
const LIVE: &str = "model_live";
const ADAPTERS: &str = "adapters";
/// Folders of the store.
const MODELS_FOLDER: &str = "models";
const ADAPTERS_FOLDER: &str = "adapters";

/// A model whose files the store keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ModelRecord {
    version: u64,
    /// The folder: the hash of the manifest.
    folder: String,
    name: String,
    sha256: String,
    space_id: String,
    loaded: Timestamp,
}

/// An adapter whose files the store keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct AdapterRecord {
    name: String,
    /// The folder: the hash of both files.
    folder: String,
    sha256: String,
    base: String,
    bytes: u64,
    loaded: Timestamp,
}

/// Which model answers.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Pointer {
    version: u64,
    before: Option<u64>,
}

/// What the catalog says of them.
#[derive(Debug, Clone, Default)]
struct Kept {
    models: Vec<ModelRecord>,
    adapters: Vec<AdapterRecord>,
    pointer: Pointer,
}

impl Kept {
    fn read(view: View<'_>) -> Result<Kept> {
        Ok(Kept {
            models: view.meta(MODELS)?.unwrap_or_default(),
            adapters: view.meta(ADAPTERS)?.unwrap_or_default(),
            pointer: view.meta(LIVE)?.unwrap_or_default(),
        })
    }

    /// The record of a version; `None` for version 0.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] with the versions that there are.
    fn model(&self, version: u64) -> Result<Option<&ModelRecord>> {
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

/// What the store says is live, opened and checked. `ready` is the configuration's model, where it was opened already.
pub(crate) fn open(store: &Path, config: &Config, view: View<'_>, ready: Option<Model>) -> Result<Live> {
    let kept = Kept::read(view)?;
    files::clear(&store.join(MODELS_FOLDER), kept.models.iter().map(|record| record.folder.as_str()))?;
    files::clear(&store.join(ADAPTERS_FOLDER), kept.adapters.iter().map(|record| record.folder.as_str()))?;
    let record = kept.model(kept.pointer.version)?;
    match (record, ready) {
        (None, Some(model)) => live(store, 0, None, model, &kept, view),
        _ => open_version(store, config, record, &kept, view),
    }
}

/// A version with its weights and adapters, ready to answer.
fn open_version(
    store: &Path,
    config: &Config,
    record: Option<&ModelRecord>,
    kept: &Kept,
    view: View<'_>,
) -> Result<Live> {
    let folder = record.map(|record| store.join(MODELS_FOLDER).join(&record.folder));
    let files = Files::read(folder.as_deref().or(config.model.as_deref()))?;
    // The record names its folder by the manifest, and the manifest names the rest: nothing was changed since.
    if let Some(record) = record.filter(|record| record.folder != files.id()) {
        return Err(files.refuse(format!("the manifest that was loaded ({})", record.folder), files.id()));
    }
    let model = Model::open(config, &files)?;
    live(store, record.map_or(0, |record| record.version), folder, model, kept, view)
}

fn live(
    store: &Path,
    version: u64,
    folder: Option<std::path::PathBuf>,
    model: Model,
    kept: &Kept,
    view: View<'_>,
) -> Result<Live> {
    let adapters = adapters::open(store, &kept.adapters, &model)?;
    let weights = LiveWeights::read(view, &model)?;
    Ok(Live { version, folder, model: Arc::new(model), weights: Arc::new(weights), adapters })
}

/// A version that does not answer, opened to be asked beside the one that does.
pub(crate) fn beside(stores: &Stores, version: u64) -> Result<Live> {
    let catalog = stores.catalog.read()?;
    let kept = Kept::read(catalog.view())?;
    open_version(&stores.path, &stores.config, kept.model(version)?, &kept, catalog.view())
}

/// Everything that is kept.
pub(crate) fn list(stores: &Stores) -> Result<Models> {
    let kept = Kept::read(stores.catalog.read()?.view())?;
    let live = stores.live();
    // A folder of the configuration's that has gone meanwhile is no reason not to list the others.
    let configured = match About::read(stores.config.model.as_deref()) {
        Ok(about) => Some(ModelVersion {
            version: 0,
            name: about.name,
            sha256: about.sha256,
            space_id: about.space_id,
            loaded: None,
            live: live.version == 0,
        }),
        Err(_) => None,
    };
    let loaded = kept.models.iter().map(|record| version_of(record, live.version));
    let sha256 = live.model.stats().sha256;
    let adapter = |record: AdapterRecord| AdapterVersion {
        usable: record.base == sha256,
        name: record.name,
        sha256: record.sha256,
        base: record.base,
        bytes: record.bytes,
        loaded: Some(record.loaded),
    };
    let by_name: BTreeMap<String, AdapterVersion> =
        kept.adapters.iter().map(|record| (record.name.clone(), adapter(record.clone()))).collect();
    Ok(Models {
        live: live.version,
        before: kept.pointer.before,
        versions: configured.into_iter().chain(loaded).collect(),
        adapters: by_name.into_values().collect(),
    })
}

fn version_of(record: &ModelRecord, live: u64) -> ModelVersion {
    ModelVersion {
        version: record.version,
        name: record.name.clone(),
        sha256: record.sha256.clone(),
        space_id: record.space_id.clone(),
        loaded: Some(record.loaded),
        live: record.version == live,
    }
}

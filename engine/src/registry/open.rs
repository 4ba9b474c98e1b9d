//! Opening the models and adapters that the records name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::api::config::Config;
use crate::base::error::{Error, Result};
use crate::catalog::View;
use crate::model::{Files, Model};
use crate::store::Stores;
use crate::store::active_model::ActiveModel;
use crate::store::weights::ActiveWeights;

use super::records::{ADAPTERS_FOLDER, Kept, MODELS_FOLDER, ModelRecord};
use super::{adapters, files};

/// Opens and checks the active model. `ready`: the configuration's model, when it was opened already.
pub(crate) fn open(store: &Path, config: &Config, view: View<'_>, ready: Option<Arc<Model>>) -> Result<ActiveModel> {
    let kept = Kept::read(view)?;
    clear(store, view)?;
    let record = kept.model(kept.pointer.version)?;
    match (record, ready) {
        (None, Some(model)) => with_parts(store, 0, None, model, &kept, view),
        _ => open_or_stand_in(store, config, record, &kept, view),
    }
}

/// The version, or the model of the configuration in its place when the store's copy of the version is not whole and both place
/// items in the same space: a damaged file must not keep a store shut whose items and events are whole.
fn open_or_stand_in(
    store: &Path,
    config: &Config,
    record: Option<&ModelRecord>,
    kept: &Kept,
    view: View<'_>,
) -> Result<ActiveModel> {
    let refused = match open_version(store, config, record, kept, view) {
        Err(refused @ Error::ModelRefused { .. }) => refused,
        other => return other,
    };
    let Some(record) = record else { return Err(refused) };
    // Whatever is wrong with the other model, the fault to mend is that of the chosen one.
    match open_version(store, config, None, kept, view) {
        Ok(other) if other.model.space_id() == record.space_id => {
            let reason =
                format!("model {} answers in place of version {}: {refused}", other.model.stats().name, record.version);
            Ok(ActiveModel { stands_in: Some(reason.into()), ..other })
        }
        _ => Err(refused),
    }
}

/// Opens what the records name in a store that another process writes; nothing is removed. The model of `known` stays when
/// it still is the active one.
pub(crate) fn open_named(
    store: &Path,
    config: &Config,
    view: View<'_>,
    known: Option<&ActiveModel>,
) -> Result<ActiveModel> {
    let kept = Kept::read(view)?;
    match known.filter(|known| known.version == kept.pointer.version) {
        Some(known) => with_parts(store, known.version, known.folder.clone(), known.model.clone(), &kept, view),
        None => open_or_stand_in(store, config, kept.model(kept.pointer.version)?, &kept, view),
    }
}

/// Removes folders that no record names: what a process left that died while it changed models or adapters.
pub(crate) fn clear(store: &Path, view: View<'_>) -> Result<()> {
    let kept = Kept::read(view)?;
    files::clear(&store.join(MODELS_FOLDER), kept.models.iter().map(|record| record.folder.as_str()))?;
    files::clear(&store.join(ADAPTERS_FOLDER), kept.adapters.iter().map(|record| record.folder.as_str()))
}

/// A version with its weights and adapters, ready to answer.
pub(super) fn open_version(
    store: &Path,
    config: &Config,
    record: Option<&ModelRecord>,
    kept: &Kept,
    view: View<'_>,
) -> Result<ActiveModel> {
    let folder = record.map(|record| store.join(MODELS_FOLDER).join(&record.folder));
    let files = Files::read(folder.as_deref().or(config.model.as_deref()))?;
    // The folder's name is the manifest's hash, and the manifest has the hashes of the other files: nothing was changed.
    if let Some(record) = record.filter(|record| record.folder != files.id()) {
        return Err(files.refuse(format!("the manifest that was loaded ({})", record.folder), files.id()));
    }
    let model = Model::shared(config, &files)?;
    with_parts(store, record.map_or(0, |record| record.version), folder, model, kept, view)
}

/// The model with its weights and adapters.
fn with_parts(
    store: &Path,
    version: u64,
    folder: Option<PathBuf>,
    model: Arc<Model>,
    kept: &Kept,
    view: View<'_>,
) -> Result<ActiveModel> {
    let adapters = adapters::open(store, &kept.adapters, &model)?;
    let weights = ActiveWeights::read(view, &model)?;
    Ok(ActiveModel { version, folder, model, weights: Arc::new(weights), stands_in: None, adapters })
}

/// Opens another version beside the active one, to compare their answers.
pub(crate) fn beside(stores: &Stores, version: u64) -> Result<ActiveModel> {
    let catalog = stores.catalog.read()?;
    let kept = Kept::read(catalog.view())?;
    open_version(&stores.path, &stores.config, kept.model(version)?, &kept, catalog.view())
}

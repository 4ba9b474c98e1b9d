//! Loading models into a store, and choosing the active one.

use std::path::Path;
use std::sync::Arc;

use super::files;
use super::list::version_of;
use super::open::open_version;
use super::records::{ACTIVE, Kept, MODELS, MODELS_FOLDER, ModelRecord, Pointer};
use crate::api::models::ModelVersion;
use crate::background::fit_space;
use crate::base::error::{Error, Result};
use crate::base::limits::{self, at_most};
use crate::base::time::Timestamp;
use crate::model::{Files, Model};
use crate::store::Stores;

/// Texts whose vectors two models of one space agree on.
const TEXTS: [&str; 3] = ["red leather shoes for women", "a history of the city of Rome", "wireless headphones 2024"];
/// Least cosine of two vectors that count as the same: the rounding of another ONNX Runtime.
const SAME: f32 = 0.9999;

/// Checks a model as opening a store does (and that a model of the store's space gives texts the same vectors), then copies
/// its files into the store. Returns its version; files that are there already keep theirs.
pub(crate) fn load_model(stores: &Stores, folder: &Path) -> Result<ModelVersion> {
    let files = Files::read(Some(folder))?;
    let id = files.id();
    let model = Model::open(&stores.config, &files)?;
    // A model of another space has constants of its own, and every item is embedded again.
    if model.space_id() == stores.model().space_id() {
        check_constants(stores, &model, |expected, found| files.refuse(expected, found))?;
        check_vectors(stores, &files, &model)?;
    }
    let _one_at_a_time = stores.change()?;
    let kept = Kept::read(stores.catalog.read()?.view())?;
    let active = kept.pointer.version;
    if let Some(record) = kept.models.iter().find(|record| record.folder == id) {
        // The copy is written again where it is not whole any more.
        if !Files::read(Some(&stores.path.join(MODELS_FOLDER).join(&id))).is_ok_and(|copy| copy.id() == id) {
            files::keep(&stores.path.join(MODELS_FOLDER), &id, &files.contents())?;
        }
        return Ok(version_of(record, active));
    }
    at_most("models in one store", limits::MAX_MODELS, kept.models.len() + 1)?;
    files::keep(&stores.path.join(MODELS_FOLDER), &id, &files.contents())?;
    let about = files.about();
    let mut write = stores.catalog.write()?;
    let next: u64 = write.view().meta(NEXT)?.unwrap_or(1);
    let record = ModelRecord {
        version: next,
        folder: id,
        name: about.name,
        sha256: about.sha256,
        space_id: about.space_id,
        loaded: Timestamp::now(),
    };
    write.set_meta(NEXT, &(next + 1))?;
    write.set_meta(MODELS, &kept.models.iter().chain([&record]).collect::<Vec<_>>())?;
    write.commit_bookkeeping()?;
    Ok(version_of(&record, active))
}

/// The record of the next model's version: versions are not reused.
const NEXT: &str = "model_next";

/// Removes a model that is neither active nor the one to roll back to. False when there is none of this version.
pub(crate) fn unload_model(stores: &Stores, version: u64) -> Result<bool> {
    let _one_at_a_time = stores.change()?;
    let mut write = stores.catalog.write()?;
    let mut kept = Kept::read(write.view())?;
    let Some(place) = kept.models.iter().position(|record| record.version == version) else { return Ok(false) };
    if kept.pointer.version == version || kept.pointer.before == Some(version) {
        let expected = "a version that is neither active nor the one that `roll_back_model` returns to";
        return Err(Error::argument("version", expected, version.to_string()));
    }
    let record = kept.models.remove(place);
    write.set_meta(MODELS, &kept.models)?;
    write.commit_bookkeeping()?;
    files::remove(&stores.path.join(MODELS_FOLDER).join(&record.folder))?;
    Ok(true)
}

/// Makes a version active from the next request on; durable on return. Its sessions are open before the pointer changes, and
/// running requests keep theirs. A version of another vector space becomes active once every item was moved into it.
pub(crate) fn promote(stores: &Stores, version: u64) -> Result<()> {
    let _one_at_a_time = stores.change()?;
    flip(stores, version)
}

/// Makes the version active that was so before the last change, and returns it.
pub(crate) fn roll_back(stores: &Stores) -> Result<u64> {
    let _one_at_a_time = stores.change()?;
    let kept = Kept::read(stores.catalog.read()?.view())?;
    let Some(before) = kept.pointer.before else {
        return Err(Error::argument(
            "roll_back_model",
            "a store whose model was changed by `promote_model`",
            "none was",
        ));
    };
    flip(stores, before)?;
    Ok(before)
}

fn flip(stores: &Stores, version: u64) -> Result<()> {
    let catalog = stores.catalog.read()?;
    let kept = Kept::read(catalog.view())?;
    let record = kept.model(version)?;
    // A model that stands in for the chosen one gives way once that can be opened.
    if kept.pointer.version == version && stores.active().version == version {
        return Ok(());
    }
    let active = open_version(&stores.path, &stores.config, record, &kept, catalog.view())?;
    drop(catalog);
    let refuse = |expected, found| Error::ModelRefused {
        path: active.folder.clone().or(stores.config.model.clone()).unwrap_or_else(|| "(the model that ships)".into()),
        expected,
        found,
    };
    let before = if kept.pointer.version == version { kept.pointer.before } else { Some(kept.pointer.version) };
    let pointer = Pointer { version, before };
    // The space that a model ships with decides: every model that ships with the same space also works in its fits.
    if active.model.space_id() != stores.item_space()?.base {
        return fit_space::move_to(stores, Arc::new(active), &|write| write.set_meta(ACTIVE, &pointer));
    }
    check_constants(stores, &active.model, refuse)?;
    let mut write = stores.catalog.write()?;
    write.set_meta(ACTIVE, &pointer)?;
    write.commit_bookkeeping()?;
    stores.set_active(Arc::new(active));
    Ok(())
}

/// Refuses a model that cannot be fed the constants of a fit, whether one is current or under way.
fn check_constants(stores: &Stores, model: &Model, refuse: impl FnOnce(String, String) -> Error) -> Result<()> {
    let (expected, found) = (stores.model().shipped_space().lengths(), model.shipped_space().lengths());
    if expected == found {
        return Ok(());
    }
    let described = |lengths| format!("token weights, mean, projection and codebook of {lengths:?} values");
    Err(refuse(described(expected), described(found)))
}

/// Refuses a model that declares the store's space but gives texts other vectors: stored vectors would not be comparable.
fn check_vectors(stores: &Stores, files: &Files, model: &Model) -> Result<()> {
    let texts = TEXTS.map(str::to_owned);
    let pairs = stores.model().embed(None, &texts)?.into_iter().zip(model.embed(None, &texts)?);
    for ((active, found), text) in pairs.zip(&texts) {
        let same = match (&active, &found) {
            (Some(active), Some(found)) => {
                let cosine: f32 = active.item.iter().zip(&found.item).map(|(a, b)| a * b).sum();
                active.item.len() == found.item.len() && cosine >= SAME && active.sid == found.sid
            }
            (active, found) => active.is_none() == found.is_none(),
        };
        if !same {
            let expected =
                format!("the item vector and semantic id that the active model of this space gives `{text}`");
            return Err(files.refuse(expected, "another"));
        }
    }
    Ok(())
}

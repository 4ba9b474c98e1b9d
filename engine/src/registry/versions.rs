//! Loading models into a store, and which of them answers.

use std::path::Path;
use std::sync::Arc;

use super::files;
use super::list::version_of;
use super::open::open_version;
use super::records::{Kept, LIVE, MODELS, MODELS_FOLDER, ModelRecord, Pointer};
use crate::api::models::ModelVersion;
use crate::background::fit_space;
use crate::base::error::{Error, Result};
use crate::base::limits::{self, at_most};
use crate::base::time::Timestamp;
use crate::model::{Files, Model};
use crate::store::Stores;

/// Texts whose vectors two models of one space agree on.
const TEXTS: [&str; 3] = ["red leather shoes for women", "a history of the city of Rome", "wireless headphones 2024"];
/// Least cosine of two vectors that are called the same: what is left to the rounding of another ONNX Runtime.
const SAME: f32 = 0.9999;

/// Checks a model as an opening does, and one of the store's space for placing texts where they are; then copies its files
/// into the store. The answer says which version it is; files that are there already keep theirs.
pub(crate) fn load_model(stores: &Stores, folder: &Path) -> Result<ModelVersion> {
    let files = Files::read(Some(folder))?;
    let id = files.id();
    let model = Model::open(&stores.config, &files)?;
    // One of another space brings constants of its own, and places everything anew.
    if model.space_id() == stores.model().space_id() {
        check_constants(stores, &model, |expected, found| files.refuse(expected, found))?;
        check_vectors(stores, &files, &model)?;
    }
    let _one_at_a_time = stores.change();
    let kept = Kept::read(stores.catalog.read()?.view())?;
    let live = kept.pointer.version;
    if let Some(record) = kept.models.iter().find(|record| record.folder == id) {
        return Ok(version_of(record, live));
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
    Ok(version_of(&record, live))
}

/// The record of the number that the next model gets: numbers are not used twice.
const NEXT: &str = "model_next";

/// Removes a model that does not answer, and that nothing would roll back to. False when there is none of this version.
pub(crate) fn unload_model(stores: &Stores, version: u64) -> Result<bool> {
    let _one_at_a_time = stores.change();
    let mut write = stores.catalog.write()?;
    let mut kept = Kept::read(write.view())?;
    let Some(place) = kept.models.iter().position(|record| record.version == version) else { return Ok(false) };
    if kept.pointer.version == version || kept.pointer.before == Some(version) {
        let expected = "a version that neither answers nor is what `roll_back_model` goes back to";
        return Err(Error::argument("version", expected, version.to_string()));
    }
    let record = kept.models.remove(place);
    write.set_meta(MODELS, &kept.models)?;
    write.commit_bookkeeping()?;
    files::remove(&stores.path.join(MODELS_FOLDER).join(&record.folder))?;
    Ok(true)
}

/// Lets a version answer from the next request on; durable on return. Its sessions are open before the pointer changes, and
/// requests that run end on theirs. A version of another vector space answers when every item was placed in it.
pub(crate) fn promote(stores: &Stores, version: u64) -> Result<()> {
    let _one_at_a_time = stores.change();
    flip(stores, version)
}

/// Lets the version answer that did before the last change; the answer is that version.
pub(crate) fn roll_back(stores: &Stores) -> Result<u64> {
    let _one_at_a_time = stores.change();
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
    if kept.pointer.version == version {
        return Ok(());
    }
    let live = open_version(&stores.path, &stores.config, record, &kept, catalog.view())?;
    drop(catalog);
    let refuse = |expected, found| Error::ModelRefused {
        path: live.folder.clone().or(stores.config.model.clone()).unwrap_or_else(|| "(the model that ships)".into()),
        expected,
        found,
    };
    let pointer = Pointer { version, before: Some(kept.pointer.version) };
    // The space that a model ships with, whatever was fitted on top of it: a fit belongs to that space, and every model that
    // ships with it works in the fit as it is.
    if live.model.space_id() != stores.item_space()?.base {
        return fit_space::move_to(stores, Arc::new(live), &|write| write.set_meta(LIVE, &pointer));
    }
    check_constants(stores, &live.model, refuse)?;
    let mut write = stores.catalog.write()?;
    write.set_meta(LIVE, &pointer)?;
    write.commit_bookkeeping()?;
    stores.set_live(Arc::new(live));
    Ok(())
}

/// Refuses a model that cannot be fed the constants of a fit, whether one is live or under way.
fn check_constants(stores: &Stores, model: &Model, refuse: impl FnOnce(String, String) -> Error) -> Result<()> {
    let (expected, found) = (stores.model().shipped_space().lengths(), model.shipped_space().lengths());
    if expected == found {
        return Ok(());
    }
    let described = |lengths| format!("token weights, mean, projection and codebook of {lengths:?} values");
    Err(refuse(described(expected), described(found)))
}

/// Refuses a model that calls its space the store's and puts texts elsewhere in it: stored vectors would be compared with
/// others.
fn check_vectors(stores: &Stores, files: &Files, model: &Model) -> Result<()> {
    let texts = TEXTS.map(str::to_owned);
    let pairs = stores.model().embed(None, &texts)?.into_iter().zip(model.embed(None, &texts)?);
    for ((live, found), text) in pairs.zip(&texts) {
        let same = match (&live, &found) {
            (Some(live), Some(found)) => {
                let cosine: f32 = live.item.iter().zip(&found.item).map(|(a, b)| a * b).sum();
                live.item.len() == found.item.len() && cosine >= SAME && live.sid == found.sid
            }
            (live, found) => live.is_none() == found.is_none(),
        };
        if !same {
            let expected = format!("the item vector and semantic id that the live model of this space gives `{text}`");
            return Err(files.refuse(expected, "another"));
        }
    }
    Ok(())
}

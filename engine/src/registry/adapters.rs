//! Adapters in a store.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::files;
use super::records::{ADAPTERS, ADAPTERS_FOLDER, AdapterRecord, Kept};
use crate::api::models::AdapterVersion;
use crate::base::error::{Error, Result};
use crate::base::limits::{self, at_most};
use crate::base::time::Timestamp;
use crate::model::{Adapter, AdapterFiles, Model};
use crate::store::Stores;
use crate::store::active_model::ActiveModel;

/// Opens the adapters that were made for a model.
pub(super) fn open(store: &Path, records: &[AdapterRecord], model: &Model) -> Result<BTreeMap<String, Arc<Adapter>>> {
    let base = model.stats().sha256;
    let open = |record: &AdapterRecord| {
        let files = AdapterFiles::read(&store.join(ADAPTERS_FOLDER).join(&record.folder))?;
        Ok((record.name.clone(), Arc::new(model.adapter(&files)?)))
    };
    records.iter().filter(|record| record.base == base).map(open).collect()
}

/// Checks an adapter against the active model, copies its files into the store, and makes it available to requests; an
/// adapter of the same name is replaced.
pub(crate) fn load_adapter(stores: &Stores, name: &str, folder: &Path) -> Result<AdapterVersion> {
    check_name(name)?;
    let found = AdapterFiles::read(folder)?;
    let _one_at_a_time = stores.change()?;
    let active = stores.active();
    let adapter = active.model.adapter(&found)?;
    let kept = Kept::read(stores.catalog.read()?.view())?;
    let record = AdapterRecord {
        name: name.to_owned(),
        folder: found.id(),
        sha256: found.sha256().to_owned(),
        base: found.base().to_owned(),
        bytes: found.bytes(),
        loaded: Timestamp::now(),
    };
    let (replaced, mut others): (Vec<_>, Vec<_>) = kept.adapters.into_iter().partition(|other| other.name == name);
    at_most("adapters in one store", limits::MAX_ADAPTERS, others.len() + 1)?;
    // Several names may share the same files.
    let there = |folder: &str, records: &[AdapterRecord]| records.iter().any(|record| record.folder == folder);
    if !there(&record.folder, &others) && !there(&record.folder, &replaced) {
        files::keep(&stores.path.join(ADAPTERS_FOLDER), &record.folder, &found.contents())?;
    }
    others.push(record.clone());
    write(stores, &others)?;
    stores.set_active(Arc::new(with(&active, name, Some(Arc::new(adapter)))));
    remove_unnamed(stores, &replaced, &others)?;
    Ok(AdapterVersion {
        name: record.name,
        sha256: record.sha256,
        base: record.base,
        bytes: record.bytes,
        loaded: Some(record.loaded),
        usable: true,
    })
}

/// Removes an adapter. Running requests keep it until they end. False when there is none of this name.
pub(crate) fn unload_adapter(stores: &Stores, name: &str) -> Result<bool> {
    check_name(name)?;
    let _one_at_a_time = stores.change()?;
    let kept = Kept::read(stores.catalog.read()?.view())?;
    let (removed, others): (Vec<_>, Vec<_>) = kept.adapters.into_iter().partition(|other| other.name == name);
    if removed.is_empty() {
        return Ok(false);
    }
    write(stores, &others)?;
    stores.set_active(Arc::new(with(&stores.active(), name, None)));
    remove_unnamed(stores, &removed, &others)?;
    Ok(true)
}

fn write(stores: &Stores, records: &[AdapterRecord]) -> Result<()> {
    let mut write = stores.catalog.write()?;
    write.set_meta(ADAPTERS, &records)?;
    write.commit_bookkeeping()
}

/// The active model with another adapter under a name, or without it.
fn with(active: &ActiveModel, name: &str, adapter: Option<Arc<Adapter>>) -> ActiveModel {
    let mut active = active.clone();
    match adapter {
        Some(adapter) => active.adapters.insert(name.to_owned(), adapter),
        None => active.adapters.remove(name),
    };
    active
}

/// Removes the folders of records that are gone, unless another record names them.
fn remove_unnamed(stores: &Stores, gone: &[AdapterRecord], kept: &[AdapterRecord]) -> Result<()> {
    for record in gone.iter().filter(|gone| kept.iter().all(|kept| kept.folder != gone.folder)) {
        files::remove(&stores.path.join(ADAPTERS_FOLDER).join(&record.folder))?;
    }
    Ok(())
}

fn check_name(name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::argument("adapter", "a name of at least one byte", "an empty one"));
    }
    at_most("bytes of an adapter's name", limits::MAX_ADAPTER_NAME_BYTES, name.len())
}

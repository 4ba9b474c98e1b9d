//! The models and adapters of a store as callers see them.

use std::collections::BTreeMap;

use crate::api::models::{AdapterVersion, ModelVersion, Models};
use crate::base::error::Result;
use crate::model::About;
use crate::store::Stores;

use super::records::{AdapterRecord, Kept, ModelRecord};

/// Everything that is kept.
pub(crate) fn list(stores: &Stores) -> Result<Models> {
    let kept = Kept::read(stores.catalog.read()?.view())?;
    let active = stores.active();
    // A configured folder that was removed meanwhile does not keep the others from being listed.
    let configured = match About::read(stores.config.model.as_deref()) {
        Ok(about) => Some(ModelVersion {
            version: 0,
            name: about.name,
            sha256: about.sha256,
            space_id: about.space_id,
            loaded: None,
            live: active.version == 0,
        }),
        Err(_) => None,
    };
    let loaded = kept.models.iter().map(|record| version_of(record, active.version));
    let sha256 = active.model.stats().sha256;
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
        live: active.version,
        before: kept.pointer.before,
        versions: configured.into_iter().chain(loaded).collect(),
        adapters: by_name.into_values().collect(),
    })
}

/// A record as callers see it; `active` is the active version.
pub(super) fn version_of(record: &ModelRecord, active: u64) -> ModelVersion {
    ModelVersion {
        version: record.version,
        name: record.name.clone(),
        sha256: record.sha256.clone(),
        space_id: record.space_id.clone(),
        loaded: Some(record.loaded),
        live: record.version == active,
    }
}

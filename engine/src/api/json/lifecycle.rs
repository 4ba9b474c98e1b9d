//! Models and adapters of a store to JSON.

use serde::Serialize;

use super::write::to_string;
use crate::api::models::{AdapterVersion, ModelVersion, Models, Shadow};
use crate::base::error::Result;

/// Writes the answer of [`Engine::models`](crate::Engine::models): `live`, `before` (null when nothing was promoted),
/// `versions` as in [`model_to_json`], and `adapters` as in [`adapter_to_json`].
///
/// # Errors
/// [`Error::Internal`](crate::Error::Internal), which would be a defect.
pub fn models_to_json(models: &Models) -> Result<String> {
    to_string(&ModelsForm {
        live: models.live,
        before: models.before,
        versions: models.versions.iter().map(model).collect(),
        adapters: models.adapters.iter().map(adapter).collect(),
    })
}

/// Writes a model: `version`, `name`, `sha256`, `space_id`, `loaded` (seconds since 1970, UTC; null for version 0), `live`.
///
/// # Errors
/// [`Error::Internal`](crate::Error::Internal), which would be a defect.
pub fn model_to_json(version: &ModelVersion) -> Result<String> {
    to_string(&model(version))
}

/// Writes an adapter: `name`, `sha256`, `base`, `bytes`, `loaded`, `usable`.
///
/// # Errors
/// [`Error::Internal`](crate::Error::Internal), which would be a defect.
pub fn adapter_to_json(version: &AdapterVersion) -> Result<String> {
    to_string(&adapter(version))
}

/// Writes a comparison: `live`, `shadow`, `requests`, `common_top_10`, `rank_correlation`, `live_us`, `shadow_us`, `errors`,
/// `failed`, `skipped`.
///
/// # Errors
/// [`Error::Internal`](crate::Error::Internal), which would be a defect.
pub fn shadow_to_json(shadow: &Shadow) -> Result<String> {
    to_string(&ShadowForm {
        live: shadow.live,
        shadow: shadow.shadow,
        requests: shadow.requests,
        common_top_10: shadow.common_top_10,
        rank_correlation: shadow.rank_correlation,
        live_us: shadow.live_us,
        shadow_us: shadow.shadow_us,
        errors: &shadow.errors,
        failed: shadow.failed,
        skipped: shadow.skipped,
    })
}

fn model(version: &ModelVersion) -> ModelForm<'_> {
    ModelForm {
        version: version.version,
        name: &version.name,
        sha256: &version.sha256,
        space_id: &version.space_id,
        loaded: version.loaded.map(|time| time.seconds()),
        live: version.live,
    }
}

fn adapter(version: &AdapterVersion) -> AdapterForm<'_> {
    AdapterForm {
        name: &version.name,
        sha256: &version.sha256,
        base: &version.base,
        bytes: version.bytes,
        loaded: version.loaded.map(|time| time.seconds()),
        usable: version.usable,
    }
}

#[derive(Serialize)]
struct ModelsForm<'a> {
    live: u64,
    before: Option<u64>,
    versions: Vec<ModelForm<'a>>,
    adapters: Vec<AdapterForm<'a>>,
}

#[derive(Serialize)]
struct ModelForm<'a> {
    version: u64,
    name: &'a str,
    sha256: &'a str,
    space_id: &'a str,
    loaded: Option<f64>,
    live: bool,
}

#[derive(Serialize)]
struct AdapterForm<'a> {
    name: &'a str,
    sha256: &'a str,
    base: &'a str,
    bytes: u64,
    loaded: Option<f64>,
    usable: bool,
}

#[derive(Serialize)]
struct ShadowForm<'a> {
    live: u64,
    shadow: u64,
    requests: u64,
    common_top_10: f64,
    rank_correlation: f64,
    live_us: f64,
    shadow_us: f64,
    errors: &'a [String],
    failed: u64,
    skipped: u64,
}

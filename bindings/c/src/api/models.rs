//! Models and adapters in the store.

use std::ffi::c_char;

use onelist::{Engine, json};

use crate::call::{answer, done, number, optional, text};
use crate::handle::OnelistEngine;
use crate::status::onelist_status;

/// Reads the models and adapters that the store keeps, and which model answers.
///
/// - `models_json` (out): {"active", "before", "versions": [{"version", "name", "sha256", "space_id", "loaded", "active"}],
///   "adapters": [{"name", "sha256", "base", "bytes", "loaded", "usable"}]}. Version 0 is the model of the configuration, or
///   the one that ships; "before" is what onelist_roll_back_model() goes back to, or null. Free it.
/// - `models_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_models(
    engine: *mut OnelistEngine, models_json: *mut *mut c_char, models_json_len: *mut usize,
) -> onelist_status {
    answer!(engine, models_json, models_json_len, |db| json::models_to_json(&db.models()?))
}

/// Checks a model and copies it into the store; it does not answer yet. One that was loaded before keeps its version. A
/// model that does not fit is ONELIST_ENVIRONMENT (error "ModelRefused"), with what was expected and what was found.
///
/// - `path`: a folder with manifest.json and the files that it names, in UTF-8, `path_len` bytes.
/// - `model_json` (out): one of the "versions" of onelist_models(); free it.
/// - `model_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_load_model(
    engine: *mut OnelistEngine, path: *const c_char, path_len: usize, model_json: *mut *mut c_char,
    model_json_len: *mut usize,
) -> onelist_status {
    answer!(engine, model_json, model_json_len, |db| json::model_to_json(&db.load_model(text!(path, path_len))?))
}

/// Asks a loaded model, or 0, and the one that answers the same requests, and says how their lists differ. Nothing is
/// logged, and the live model goes on answering.
///
/// - `version`: of onelist_models().
/// - `requests_json`: as for onelist_rank_many(), `requests_json_len` bytes, at most 1024; NULL and 0 for past requests: the
///   newest impressions, each asked again as of its time.
/// - `sample`: at most so many past requests, up to 10000; not looked at when requests are given.
/// - `shadow_json` (out): {"active", "shadow", "requests", "common_top_10", "rank_correlation", "active_us", "shadow_us",
///   "errors", "failed", "skipped"}; free it.
/// - `shadow_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_shadow_model(
    engine: *mut OnelistEngine, version: u64, requests_json: *const c_char, requests_json_len: usize, sample: usize,
    shadow_json: *mut *mut c_char, shadow_json_len: *mut usize,
) -> onelist_status {
    answer!(engine, shadow_json, shadow_json_len, |db| {
        let requests = optional!(requests_json, requests_json_len).map(json::requests_from_json);
        json::shadow_to_json(&match requests.transpose()? {
            Some(requests) => db.shadow_model(version, &requests)?,
            None => db.shadow_model_on_past(version, sample)?,
        })
    })
}

/// Lets a loaded model answer from the next ranking on, or with 0 that of the configuration. When the call returns that is on
/// disk. Rankings that run end with the model they began with. For a model of another vector space every item is placed anew
/// first, while the old model answers.
///
/// - `version`: of onelist_models(); another one is ONELIST_INPUT.
#[unsafe(no_mangle)]
pub extern "C" fn onelist_promote_model(engine: *mut OnelistEngine, version: u64) -> onelist_status {
    done(engine, |db| db.promote_model(version))
}

/// Lets the model answer that did before the last onelist_promote_model(). When the call returns that is on disk.
///
/// - `version` (out, may be NULL): the version that answers now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_roll_back_model(engine: *mut OnelistEngine, version: *mut u64) -> onelist_status {
    number!(engine, version, Engine::roll_back_model)
}

/// Removes a loaded model and its files. The one that answers, and the one that onelist_roll_back_model() goes back to, are
/// ONELIST_INPUT.
///
/// - `removed` (out, may be NULL): 1 when there was one of this version, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_unload_model(
    engine: *mut OnelistEngine, version: u64, removed: *mut usize,
) -> onelist_status {
    number!(engine, removed, |db| db.unload_model(version).map(usize::from))
}

/// Checks an adapter, copies it into the store, and lets requests name it: {"adapter": name}. What had the name is replaced.
///
/// - `name`: 1 to 128 bytes of UTF-8, `name_len` bytes.
/// - `path`: a folder with adapter.onnx_adapter and adapter.json, in UTF-8, `path_len` bytes.
/// - `adapter_json` (out): one of the "adapters" of onelist_models(); free it.
/// - `adapter_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_load_adapter(
    engine: *mut OnelistEngine, name: *const c_char, name_len: usize, path: *const c_char, path_len: usize,
    adapter_json: *mut *mut c_char, adapter_json_len: *mut usize,
) -> onelist_status {
    answer!(engine, adapter_json, adapter_json_len, |db| {
        json::adapter_to_json(&db.load_adapter(text!(name, name_len), text!(path, path_len))?)
    })
}

/// Removes an adapter and its files.
///
/// - `name`: 1 to 128 bytes of UTF-8, `name_len` bytes.
/// - `removed` (out, may be NULL): 1 when there was one of this name, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_unload_adapter(
    engine: *mut OnelistEngine, name: *const c_char, name_len: usize, removed: *mut usize,
) -> onelist_status {
    number!(engine, removed, |db| db.unload_adapter(text!(name, name_len)).map(usize::from))
}

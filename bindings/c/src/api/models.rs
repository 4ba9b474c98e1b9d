//! Models and adapters in the store.

use std::ffi::c_char;

use onelist::json;

use crate::argument::{Out, TextOut, optional_text, text};
use crate::entry::entry;
use crate::handle::{self, OnelistEngine};
use crate::status::onelist_status;

/// Reads the models and adapters that the store keeps, and which model answers.
///
/// - `models_json` (out): {"live", "before", "versions": [{"version", "name", "sha256", "space_id", "loaded", "live"}],
///   "adapters": [{"name", "sha256", "base", "bytes", "loaded", "usable"}]}. Version 0 is the model of the configuration, or
///   the one that ships; "before" is what onelist_roll_back_model() goes back to, or null. Free it.
/// - `models_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_models(
    engine: *mut OnelistEngine,
    models_json: *mut *mut c_char,
    models_json_len: *mut usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for places that can be written.
        let out = unsafe { TextOut::new("models_json", models_json, models_json_len) }?;
        out.write(json::models_to_json(&handle::find(engine)?.models()?)?)
    })
}

/// Checks a model and copies it into the store; it does not answer yet. One that was loaded before keeps its version. A
/// model that does not fit is ONELIST_ENVIRONMENT (error "ModelRefused"), with what was expected and what was found.
///
/// - `path`: a folder with manifest.json and the files that it names, in UTF-8, `path_len` bytes.
/// - `model_json` (out): one of the "versions" of onelist_models(); free it.
/// - `model_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_load_model(
    engine: *mut OnelistEngine,
    path: *const c_char,
    path_len: usize,
    model_json: *mut *mut c_char,
    model_json_len: *mut usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for places that can be written.
        let out = unsafe { TextOut::new("model_json", model_json, model_json_len) }?;
        // SAFETY: the header asks for readable bytes that do not change during the call.
        let path = unsafe { text("path", path, path_len) }?;
        out.write(json::model_to_json(&handle::find(engine)?.load_model(path)?)?)
    })
}

/// Asks a loaded model, or 0, and the one that answers the same requests, and says how their lists differ. Nothing is
/// logged, and the live model goes on answering.
///
/// - `version`: of onelist_models().
/// - `requests_json`: as for onelist_rank_many(), `requests_json_len` bytes, at most 1024; NULL and 0 for past requests: the
///   newest impressions, each asked again as of its time.
/// - `sample`: at most so many past requests, up to 10000; not looked at when requests are given.
/// - `shadow_json` (out): {"live", "shadow", "requests", "common_top_10", "rank_correlation", "live_us", "shadow_us",
///   "errors", "failed", "skipped"}; free it.
/// - `shadow_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_shadow_model(
    engine: *mut OnelistEngine,
    version: u64,
    requests_json: *const c_char,
    requests_json_len: usize,
    sample: usize,
    shadow_json: *mut *mut c_char,
    shadow_json_len: *mut usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for places that can be written.
        let out = unsafe { TextOut::new("shadow_json", shadow_json, shadow_json_len) }?;
        // SAFETY: the header asks for readable bytes that do not change during the call.
        let requests = unsafe { optional_text("requests_json", requests_json, requests_json_len) }?;
        let db = handle::find(engine)?;
        let shadow = match requests.map(json::requests_from_json).transpose()? {
            Some(requests) => db.shadow_model(version, &requests)?,
            None => db.shadow_model_on_past(version, sample)?,
        };
        out.write(json::shadow_to_json(&shadow)?)
    })
}

/// Lets a loaded model answer from the next ranking on, or with 0 that of the configuration. When the call returns that is on
/// disk. Rankings that run end with the model they began with. For a model of another vector space every item is placed anew
/// first, while the old model answers.
///
/// - `version`: of onelist_models(); another one is ONELIST_INPUT.
#[unsafe(no_mangle)]
pub extern "C" fn onelist_promote_model(engine: *mut OnelistEngine, version: u64) -> onelist_status {
    entry(|| handle::find(engine)?.promote_model(version))
}

/// Lets the model answer that did before the last onelist_promote_model(). When the call returns that is on disk.
///
/// - `version` (out, may be NULL): the version that answers now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_roll_back_model(engine: *mut OnelistEngine, version: *mut u64) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for a place that can be written.
        let out = unsafe { Out::optional("version", version, 0) }?;
        let live = handle::find(engine)?.roll_back_model()?;
        if let Some(mut out) = out {
            out.write(live);
        }
        Ok(())
    })
}

/// Removes a loaded model and its files. The one that answers, and the one that onelist_roll_back_model() goes back to, are
/// ONELIST_INPUT.
///
/// - `removed` (out, may be NULL): 1 when there was one of this version, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_unload_model(
    engine: *mut OnelistEngine,
    version: u64,
    removed: *mut usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for a place that can be written.
        let out = unsafe { Out::optional("removed", removed, 0) }?;
        let found = handle::find(engine)?.unload_model(version)?;
        if let Some(mut out) = out {
            out.write(usize::from(found));
        }
        Ok(())
    })
}

/// Checks an adapter, copies it into the store, and lets requests name it: {"adapter": name}. What had the name is replaced.
///
/// - `name`: 1 to 128 bytes of UTF-8, `name_len` bytes.
/// - `path`: a folder with adapter.onnx_adapter and adapter.json, in UTF-8, `path_len` bytes.
/// - `adapter_json` (out): one of the "adapters" of onelist_models(); free it.
/// - `adapter_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_load_adapter(
    engine: *mut OnelistEngine,
    name: *const c_char,
    name_len: usize,
    path: *const c_char,
    path_len: usize,
    adapter_json: *mut *mut c_char,
    adapter_json_len: *mut usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for places that can be written.
        let out = unsafe { TextOut::new("adapter_json", adapter_json, adapter_json_len) }?;
        // SAFETY: the header asks for readable bytes that do not change during the call.
        let (name, path) = unsafe { (text("name", name, name_len)?, text("path", path, path_len)?) };
        out.write(json::adapter_to_json(&handle::find(engine)?.load_adapter(name, path)?)?)
    })
}

/// Removes an adapter and its files.
///
/// - `name`: 1 to 128 bytes of UTF-8, `name_len` bytes.
/// - `removed` (out, may be NULL): 1 when there was one of this name, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_unload_adapter(
    engine: *mut OnelistEngine,
    name: *const c_char,
    name_len: usize,
    removed: *mut usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for a place that can be written.
        let out = unsafe { Out::optional("removed", removed, 0) }?;
        // SAFETY: the header asks for readable bytes that do not change during the call.
        let name = unsafe { text("name", name, name_len) }?;
        let found = handle::find(engine)?.unload_adapter(name)?;
        if let Some(mut out) = out {
            out.write(usize::from(found));
        }
        Ok(())
    })
}

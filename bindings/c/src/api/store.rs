//! Opening and closing an engine, and the items in it.

use std::ffi::c_char;

use onelist::{Engine, json};

use crate::argument::Out;
use crate::call::{answer, done, number, optional, text};
use crate::entry::entry;
use crate::handle::{self, OnelistEngine};
use crate::status::onelist_status;

/// Opens the engine in a directory, or creates it there.
///
/// - `path`: the directory, in UTF-8, `path_len` bytes.
/// - `config_json`: settings as a JSON object, `config_json_len` bytes; NULL and 0 for the defaults. Keys: fields (maps a
///   name to kind, boost, embed), strict, date_field, onnxruntime, model, provider, provider_fallback, precision,
///   engine_cache, sessions, threads_per_session, index_threads, candidates, weights, tune, fit_space, re_embed, actions
///   (maps a name to meaning, weight), rating_scale, session_gap, retention (per_user, total, days), impressions (false, or enabled, fraction, max), explore,
///   new_items, max_bytes, force_network_fs, mode ("write", or "read": nothing is changed).
/// - `engine` (out): the handle, which onelist_close() takes back; NULL when the call fails.
///
/// Several processes may open one directory: one of them writes, and does what the others ask for. Fails with ONELIST_BUSY
/// when this process has it open already, and ONELIST_ENVIRONMENT when ONNX Runtime is missing. At
/// most 4096 engines are open at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_open(
    path: *const c_char, path_len: usize, config_json: *const c_char, config_json_len: usize,
    engine: *mut *mut OnelistEngine,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for a place that can be written.
        let mut out = unsafe { Out::new("engine", engine, std::ptr::null_mut()) }?;
        let path = text!(path, path_len);
        let config = optional!(config_json, config_json_len).map(json::config_from_json).transpose()?;
        out.write(handle::insert(Engine::open(path, config.unwrap_or_default())?)?);
        Ok(())
    })
}

/// Closes the engine and sets your handle to NULL. Everything that was written stays written. The handle is closed also
/// when the call fails, which then says what could not be tidied up.
///
/// Calls of other threads that are under way finish, or answer ONELIST_BUSY. Copies of the handle are closed with it: using
/// or closing one is ONELIST_BUSY (error "Closed"), and closing NULL is ONELIST_INPUT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_close(engine: *mut *mut OnelistEngine) -> onelist_status {
    entry(|| {
        // What the caller holds is read before `Out` overwrites it.
        let held = match engine.is_null() || !engine.is_aligned() {
            true => std::ptr::null_mut(),
            // SAFETY: neither null nor misaligned, and the header asks for a place that can be read.
            false => unsafe { engine.read() },
        };
        // SAFETY: the header asks for a place that can be written.
        unsafe { Out::new("engine", engine, std::ptr::null_mut()) }?;
        handle::remove(held)?.close()
    })
}

/// Puts items: new ones are added, those whose id is known are replaced. All of them or, on an error, none. When the call
/// returns they are on disk, and the next ranking sees them.
///
/// - `items_json`: an array of items, or one item after the other (NDJSON), `items_json_len` bytes. An item:
///   {"id": "sku-9", "title": "Red shoes", "price": 59, "tags": ["red"], "in_stock": true, "image": [0.1, 0.2],
///   "place": {"lat": 48.8, "lon": 2.3}, "released": {"date": 1700000000}}. Only the id is required.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_put(
    engine: *mut OnelistEngine, items_json: *const c_char, items_json_len: usize,
) -> onelist_status {
    done(engine, |db| db.put(json::items_from_json(text!(items_json, items_json_len))?).map(|_| ()))
}

/// Deletes items. Ids that are not there are passed over.
///
/// - `ids_json`: an array of ids, `ids_json_len` bytes.
/// - `deleted` (out, may be NULL): how many of them were there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_delete(
    engine: *mut OnelistEngine, ids_json: *const c_char, ids_json_len: usize, deleted: *mut usize,
) -> onelist_status {
    number!(engine, deleted, |db| db.delete(&json::ids_from_json(text!(ids_json, ids_json_len))?))
}

/// Reads items by id.
///
/// - `ids_json`: an array of ids, `ids_json_len` bytes.
/// - `items_json` (out): an array, in the order of the ids, with null for each id that is not there; free it.
/// - `items_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_get(
    engine: *mut OnelistEngine, ids_json: *const c_char, ids_json_len: usize, items_json: *mut *mut c_char,
    items_json_len: *mut usize,
) -> onelist_status {
    answer!(engine, items_json, items_json_len, |db| {
        let items = db.get(&json::ids_from_json(text!(ids_json, ids_json_len))?)?;
        json::items_to_json(items.iter().map(Option::as_ref))
    })
}

/// Reads items in the order in which they were first put, a page at a time.
///
/// - `after`: the id of the last item of the page before, `after_len` bytes (an id may hold any UTF-8, NUL included); NULL
///   and 0 for the first page.
/// - `limit`: most items of the page.
/// - `items_json` (out): an array of items, empty at the end; free it.
/// - `items_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_scan(
    engine: *mut OnelistEngine, after: *const c_char, after_len: usize, limit: usize, items_json: *mut *mut c_char,
    items_json_len: *mut usize,
) -> onelist_status {
    answer!(engine, items_json, items_json_len, |db| {
        json::items_to_json(db.scan(optional!(after, after_len), limit)?.iter().map(Some))
    })
}

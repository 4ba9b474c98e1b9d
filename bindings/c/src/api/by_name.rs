//! Every method of the engine that takes and answers JSON, by its name.

use std::ffi::c_char;

use crate::call::{answer, optional, text};
use crate::handle::OnelistEngine;
use crate::status::onelist_status;

/// Calls a method of the engine by its name: everything that has no function of its own here.
///
/// - `method`: the name, `method_len` bytes. A name that is not known is ONELIST_INPUT, and the message lists those that are.
/// - `arguments_json`: an object of the arguments by name, `arguments_json_len` bytes; NULL and 0 for none.
///   backup ({"path": "/backups/shop"}) copies the store while it is written; compact gives space back; cancel, from another
///   thread, stops every call that runs on the engine: they end with ONELIST_BUSY and change nothing.
///
/// - `answer_json` (out): what the method answers, null where it answers nothing; free it.
/// - `answer_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_call(
    engine: *mut OnelistEngine, method: *const c_char, method_len: usize, arguments_json: *const c_char,
    arguments_json_len: usize, answer_json: *mut *mut c_char, answer_json_len: *mut usize,
) -> onelist_status {
    answer!(engine, answer_json, answer_json_len, |db| {
        db.call(text!(method, method_len), optional!(arguments_json, arguments_json_len).unwrap_or_default())
    })
}

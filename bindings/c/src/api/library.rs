//! The library itself: its version, the last error, and giving strings back.

use std::ffi::c_char;

use crate::argument::free;
use crate::last_error;

/// The version of this interface, as the header has it. It changes when a function changes its meaning or its arguments;
/// new functions do not change it. Compare it with `onelist_abi_version()`, which is the library's.
pub const ONELIST_ABI_VERSION: u32 = 1;

/// The library's version, such as "0.1.0". Static: do not free it. Any thread, any time.
#[unsafe(no_mangle)]
pub extern "C" fn onelist_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The version of the interface that the library has: equal to ONELIST_ABI_VERSION when header and library fit together.
/// Any thread, any time.
#[unsafe(no_mangle)]
pub extern "C" fn onelist_abi_version() -> u32 {
    ONELIST_ABI_VERSION
}

/// What the last call of this thread failed with, in words; "" when it succeeded. Never NULL. Do not free it: it is valid
/// until the next onelist call of this thread that returns a status, or the end of the thread. Copy what you keep.
#[unsafe(no_mangle)]
pub extern "C" fn onelist_last_error_message() -> *const c_char {
    last_error::message()
}

/// The name of the last error of this thread, stable across versions, such as "AlreadyOpen"; "" when the last call
/// succeeded. Never NULL, and valid as long as the message.
#[unsafe(no_mangle)]
pub extern "C" fn onelist_last_error_name() -> *const c_char {
    last_error::name()
}

/// Frees a string that a function of this library handed over, and sets your pointer to NULL. `text` and `*text` may be
/// NULL. Does not touch the last error. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_string_free(text: *mut *mut c_char) {
    // SAFETY: the header asks the caller for a pointer to NULL or to a string of this library's.
    unsafe { free(text) }
}

//! Arguments: from pointers and lengths to Rust values, and back.

use std::ffi::{CString, c_char};

use onelist::{Error, Result};

/// The text of `length` bytes at `pointer`.
///
/// # Errors
/// [`Error::InvalidArgument`] for NULL, [`Error::LimitExceeded`] for a length that no object can have, or
/// [`Error::InvalidUtf8`] with the offset.
///
/// # Safety
/// A `pointer` that is not null must be readable for `length` bytes, and those must not change while the answer is used.
pub(crate) unsafe fn text<'a>(what: &str, pointer: *const c_char, length: usize) -> Result<&'a str> {
    if pointer.is_null() {
        return Err(null(what, &format!("a pointer to {length} bytes")));
    }
    if length > isize::MAX as usize {
        let limit = isize::MAX as u64;
        return Err(Error::LimitExceeded { what: "bytes of an argument", limit, found: length as u64 });
    }
    // SAFETY: not null, readable for `length` bytes by the caller's promise, any alignment is right for bytes, and the
    // length fits `isize`.
    let bytes = unsafe { std::slice::from_raw_parts(pointer.cast::<u8>(), length) };
    std::str::from_utf8(bytes).map_err(|error| Error::InvalidUtf8 { offset: error.valid_up_to() })
}

/// As [`text`], where NULL with length 0 stands for "not given".
///
/// # Errors
/// Those of [`text`].
///
/// # Safety
/// That of [`text`].
pub(crate) unsafe fn optional_text<'a>(what: &str, pointer: *const c_char, length: usize) -> Result<Option<&'a str>> {
    if pointer.is_null() && length == 0 {
        return Ok(None);
    }
    // SAFETY: the caller's promise is the same.
    unsafe { text(what, pointer, length) }.map(Some)
}

/// A place of the caller's to write an answer to.
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// Takes the place and writes `initial` to it, so that it holds something sensible whatever happens next.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for NULL or a misaligned pointer.
    ///
    /// # Safety
    /// A `pointer` that is neither null nor misaligned must be writable, and stay so for the life of the answer.
    pub(crate) unsafe fn new(what: &str, pointer: *mut T, initial: T) -> Result<Self> {
        if pointer.is_null() || !pointer.is_aligned() {
            return Err(null(what, "an aligned pointer to where the answer goes"));
        }
        let mut out = Out(pointer);
        out.write(initial);
        Ok(out)
    }

    /// As [`Out::new`], where NULL stands for "not wanted".
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a misaligned pointer.
    ///
    /// # Safety
    /// That of [`Out::new`].
    pub(crate) unsafe fn optional(what: &str, pointer: *mut T, initial: T) -> Result<Option<Self>> {
        if pointer.is_null() {
            return Ok(None);
        }
        // SAFETY: the caller's promise is the same.
        unsafe { Out::new(what, pointer, initial) }.map(Some)
    }

    /// Writes the answer. The old value is not dropped: it may never have been one.
    pub(crate) fn write(&mut self, value: T) {
        // SAFETY: `new` found the pointer neither null nor misaligned, and its caller promised that it can be written.
        unsafe { self.0.write(value) }
    }
}

/// Frees a string that [`answer`](crate::call::answer) handed over, and nulls the caller's pointer. NULL is taken, at both levels.
///
/// # Safety
/// `text` must be null, or readable and writable, and what it points to null or a string of this library's, unchanged and
/// not freed before.
pub(crate) unsafe fn free(text: *mut *mut c_char) {
    if text.is_null() || !text.is_aligned() {
        return;
    }
    // SAFETY: not null, aligned, and readable and writable by the caller's promise.
    let owned = unsafe { text.replace(std::ptr::null_mut()) };
    if !owned.is_null() {
        // SAFETY: by the caller's promise it came from `into_raw` in `answer`, with its NUL where it was.
        drop(unsafe { CString::from_raw(owned) });
    }
}

fn null(what: &str, expected: &str) -> Error {
    Error::InvalidArgument {
        what: what.to_owned(),
        expected: expected.to_owned(),
        found: "NULL, or a misaligned pointer".to_owned(),
    }
}

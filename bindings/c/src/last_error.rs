//! The last error of each thread.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};

use onelist::Error;

#[derive(Default)]
struct LastError {
    name: CString,
    message: CString,
}

thread_local! {
    static LAST: RefCell<LastError> = RefCell::default();
}

/// Forgets the error. Every entry point does so first: an answer of `ONELIST_OK` leaves an empty message.
pub(crate) fn clear() {
    put(LastError::default());
}

/// Keeps the error for the functions below.
pub(crate) fn set(error: &Error) {
    put(LastError { name: c_string(error.name()), message: c_string(&error.to_string()) });
}

/// The name of the last error's variant; empty after a success. Valid until the next [`set`] or [`clear`] of the thread.
pub(crate) fn name() -> *const c_char {
    pointer(|last| &last.name)
}

/// The last error in words; empty after a success. Valid as long as [`name`].
pub(crate) fn message() -> *const c_char {
    pointer(|last| &last.message)
}

/// A thread that is ending has no storage left; its error is lost, which nobody can ask for any more.
fn put(error: LastError) {
    let _ended = LAST.try_with(|last| last.replace(error));
}

fn pointer(part: fn(&LastError) -> &CStr) -> *const c_char {
    LAST.try_with(|last| part(&last.borrow()).as_ptr()).unwrap_or(c"".as_ptr())
}

/// Ids and field names may hold NUL and be part of a message; C would see its end there.
fn c_string(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_does_not_cut_the_message() {
        set(&Error::UnknownField { field: "a\0b".to_owned(), known: "c".to_owned() });
        // SAFETY: the pointer is valid until the next call of this thread.
        let shown = unsafe { CStr::from_ptr(message()) };
        assert_eq!(shown.to_str(), Ok("unknown field `a\u{fffd}b`: known fields are c"));
        clear();
        // SAFETY: as above.
        assert!(unsafe { CStr::from_ptr(name()) }.is_empty());
    }

    #[test]
    fn each_thread_has_its_own() {
        set(&Error::Closed);
        // SAFETY: the pointer is valid until the next call of that thread.
        let other = std::thread::spawn(|| unsafe { CStr::from_ptr(name()) }.is_empty());
        assert!(other.join().expect("joins"));
        // SAFETY: the pointer is valid until the next call of this thread.
        assert_eq!(unsafe { CStr::from_ptr(name()) }.to_str(), Ok("Closed"));
    }
}

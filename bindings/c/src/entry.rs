//! The one way into the library.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use onelist::{Error, Result};

use crate::last_error;
use crate::status::onelist_status;

/// Runs the body of an exported function: clears the last error, catches a panic, and turns an error into a status with
/// its message kept for the thread. Every function that can fail goes through here.
pub(crate) fn entry(body: impl FnOnce() -> Result<()>) -> onelist_status {
    last_error::clear();
    // What a panic leaves half done is the engine's own state, which it guards (a poisoned writer refuses writes); the
    // closures here hold only pointers and lengths.
    let error = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return onelist_status::ONELIST_OK,
        Ok(Err(error)) => error,
        Err(payload) => {
            let reason = format!("panic: {}", panic_text(&*payload));
            // Dropping a payload runs its destructor, which may panic again, and outside of `catch_unwind`.
            std::mem::forget(payload);
            Error::Internal { reason }
        }
    };
    last_error::set(&error);
    error.kind().into()
}

fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    fn message() -> String {
        // SAFETY: the pointer is valid until the next call of this thread.
        unsafe { CStr::from_ptr(last_error::message()) }.to_string_lossy().into_owned()
    }

    #[test]
    fn a_panic_is_a_status() {
        struct PanicsAgain;
        impl Drop for PanicsAgain {
            fn drop(&mut self) {
                panic!("while dropping");
            }
        }
        assert_eq!(entry(|| panic!("number {}", 7)), onelist_status::ONELIST_INTERNAL);
        assert!(message().contains("panic: number 7"));
        assert_eq!(entry(|| std::panic::panic_any(PanicsAgain)), onelist_status::ONELIST_INTERNAL);
        assert!(message().contains("without a message"));
    }

    #[test]
    fn errors_keep_their_kind_and_success_clears_them() {
        assert_eq!(entry(|| Err(Error::Closed)), onelist_status::ONELIST_BUSY);
        assert_eq!(message(), "the engine is closed");
        assert_eq!(entry(|| Err(Error::InvalidUtf8 { offset: 3 })), onelist_status::ONELIST_INPUT);
        assert_eq!(entry(|| Ok(())), onelist_status::ONELIST_OK);
        assert_eq!(message(), "");
    }
}

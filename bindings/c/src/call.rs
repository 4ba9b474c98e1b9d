//! What most exported functions are: arguments taken, one call of the engine, its answer handed over.
//!
//! They are macros, so that an argument is named once in an error and in the code. All of them rely on the promises that the
//! header asks of every caller: text can be read for its length and does not change during the call, places of answers can
//! be written.

use std::ffi::{CString, c_char};

use onelist::{Engine, Error, Result};

use crate::argument::Out;
use crate::entry::entry;
use crate::handle::{self, OnelistEngine};
use crate::status::onelist_status;

/// Calls the engine, which answers nothing.
pub(crate) fn done(engine: *mut OnelistEngine, work: impl FnOnce(&Engine) -> Result<()>) -> onelist_status {
    entry(|| handle::find(engine)?.stoppable(work))
}

/// Calls the engine and hands the JSON that it answers over to the caller, who gives it back to
/// [`free`](crate::argument::free). `places` takes those of the text and of its length, before anything else.
pub(crate) fn hand_over(
    engine: *mut OnelistEngine, places: impl FnOnce() -> Result<(Out<*mut c_char>, Option<Out<usize>>)>,
    work: impl FnOnce(&Engine) -> Result<String>,
) -> onelist_status {
    entry(|| {
        let (mut text, length) = places()?;
        let json = handle::find(engine)?.stoppable(work)?;
        let count = json.len();
        let nul = |error| Error::Internal { reason: format!("an answer holds a NUL, which JSON cannot have: {error}") };
        text.write(CString::new(json).map_err(nul)?.into_raw());
        if let Some(mut length) = length {
            length.write(count);
        }
        Ok(())
    })
}

/// Calls the engine and writes the number that it answers, where the caller wants it. `place` is taken before anything else.
pub(crate) fn count<T>(
    engine: *mut OnelistEngine, place: impl FnOnce() -> Result<Option<Out<T>>>, work: impl FnOnce(&Engine) -> Result<T>,
) -> onelist_status {
    entry(|| {
        let out = place()?;
        let found = handle::find(engine)?.stoppable(work)?;
        if let Some(mut out) = out {
            out.write(found);
        }
        Ok(())
    })
}

/// The text of a pointer and its length.
macro_rules! text {
    ($pointer:ident, $length:ident) => {
        // SAFETY: the header asks for readable bytes that do not change during the call.
        unsafe { crate::argument::text(stringify!($pointer), $pointer, $length) }?
    };
}

/// The text of a pointer and its length, or `None` where it was not given.
macro_rules! optional {
    ($pointer:ident, $length:ident) => {
        // SAFETY: the header asks for readable bytes that do not change during the call.
        unsafe { crate::argument::optional_text(stringify!($pointer), $pointer, $length) }?
    };
}

/// Calls the engine and hands over the JSON that it answers; NULL and 0 before.
macro_rules! answer {
    ($engine:ident, $text:ident, $length:ident, $work:expr) => {{
        use crate::argument::Out;
        let text = stringify!($text);
        // SAFETY: the header asks for places that can be written.
        let places = || unsafe { Ok((Out::new(text, $text, std::ptr::null_mut())?, Out::optional(text, $length, 0)?)) };
        crate::call::hand_over($engine, places, $work)
    }};
}

/// Calls the engine and writes the number that it answers; 0 before.
macro_rules! number {
    ($engine:ident, $out:ident, $work:expr) => {{
        // SAFETY: the header asks for a place that can be written.
        let place = || unsafe { crate::argument::Out::optional(stringify!($out), $out, 0) };
        crate::call::count($engine, place, $work)
    }};
}

pub(crate) use {answer, number, optional, text};

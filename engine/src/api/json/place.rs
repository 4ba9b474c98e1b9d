//! Where in a JSON text a value stands, so that an error can say it.

use std::fmt;

/// A path from the root of a JSON text. It lives on the stack beside the recursion that reads the text, so that naming
/// places costs nothing until an error is written.
#[derive(Clone, Copy)]
pub(super) enum Place<'p> {
    /// The whole argument, by its name.
    Root(&'p str),
    /// A key of an object.
    Key(&'p Place<'p>, &'p str),
    /// An element of an array, from 0.
    Index(&'p Place<'p>, usize),
}

impl<'p> Place<'p> {
    /// The value under `key` of the object at this place.
    pub(super) fn key(&'p self, key: &'p str) -> Place<'p> {
        Place::Key(self, key)
    }

    /// Element `index` of the array at this place.
    pub(super) fn index(&'p self, index: usize) -> Place<'p> {
        Place::Index(self, index)
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Root(name) => f.write_str(name),
            Place::Key(parent, key) => write!(f, "{parent}.{}", shortened(key)),
            Place::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// The beginning of a text that may be long: an error message must not carry a megabyte of input.
pub(super) fn shortened(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{}...", &text[..cut]),
        None => text.to_owned(),
    }
}

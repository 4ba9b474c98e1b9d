//! The full-text index: derived from the catalog, thrown away and rebuilt whenever it is in doubt.
//!
//! Two halves answer as one. Tantivy holds what was committed to it; the *tail* holds, in memory, what the catalog has
//! and tantivy has not yet. Every question is asked of both, with the same analyser, the same statistics and the same
//! formula, so an item neither appears nor changes its score when it moves from one to the other.
//!
//! | file | holds |
//! |---|---|
//! | `analyse` | text to words, in one place |
//! | `fields` | what one item looks like in tantivy |
//! | `stamp` | what a commit holds, and how it is read back |
//! | `open` | opening a folder: what is verified, what is put aside |
//! | `store` | [`TextStore`]: stage, apply, commit |
//! | `tail` | the overlay of items that tantivy does not hold yet |
//! | `documents` | which document of a segment holds an item |
//! | `segment` | one tantivy segment: keys, scores of given documents |
//! | `query` | [`TextQuery`]: terms and their weights |
//! | `top` | the k best of the index, with pruning |
//! | `view` | [`TextView`]: both halves, pinned |
//! | `plan`, `filter`, `geo` | filters, evaluated in the index |

mod analyse;
mod documents;
mod fields;
mod filter;
mod geo;
mod open;
mod plan;
mod query;
mod segment;
mod stamp;
mod store;
mod tail;
#[cfg(test)]
mod tests;
mod top;
mod view;

pub(crate) use query::TextQuery;
pub(crate) use stamp::TextStamp;
pub(crate) use store::TextStore;
pub(crate) use view::TextView;

use std::sync::Arc;

use crate::api::item::Fields;
use crate::base::error::Error;
use crate::base::id::{Generation, ItemKey};

/// One version of an item, as the text index sees it.
#[derive(Debug, Clone)]
pub(crate) struct TextDoc {
    /// The item.
    pub key: ItemKey,
    /// The `put` that wrote this version.
    pub generation: Generation,
    /// All fields of this version.
    pub fields: Arc<Fields>,
}

/// One change to the index. Changes are states, not differences: applying one twice is the same as once.
#[derive(Debug, Clone)]
pub(crate) enum TextChange {
    /// This version, instead of any older one.
    Put(TextDoc),
    /// No version of the item.
    Delete(ItemKey),
}

/// Tantivy's errors leave this folder as [`Error::Index`].
fn failed(source: impl std::fmt::Display) -> Error {
    Error::Index { index: "text", reason: source.to_string() }
}

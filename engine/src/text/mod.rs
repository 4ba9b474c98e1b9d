//! The full-text index: derived from the catalog, thrown away and rebuilt whenever it is in doubt.
//!
//! Two halves answer as one. Tantivy holds what was committed to it; the *tail* holds, in memory, what the catalog has
//! and tantivy has not yet. Every question is asked of both, with the same analyser, the same statistics and the same
//! formula, so an item neither appears nor changes its score when it moves from one to the other.
//!
//! | file | holds |
//! |---|---|
//! | `analyse` | text to words, in one place |
//! | `change`, `error` | one change to the index; errors of tantivy |
//! | `fields` | what one item looks like in tantivy |
//! | `stamp` | what a commit holds, and how it is read back |
//! | `open`, `unlocked` | opening a folder: what is verified, what is put aside; a folder that cannot be written |
//! | `writing`, `store` | the tantivy writer; [`TextStore`]: stage, apply, commit |
//! | `leaf` | one word in one slot, ready to score |
//! | `tail_doc`, `tail_batch`, `tail` | the overlay of items that tantivy does not hold yet: one version, the versions of a commit, all of them |
//! | `documents` | which document of a segment holds an item |
//! | `segment` | one tantivy segment: keys, scores of given documents |
//! | `query` | [`TextQuery`]: terms and their weights |
//! | `top` | the k best of the index, with pruning |
//! | `view` | [`TextView`]: both halves, pinned |
//! | `plan`, `filter`, `geo` | filters, evaluated in the index |

mod analyse;
mod change;
mod documents;
mod error;
mod fields;
mod filter;
mod geo;
mod leaf;
mod open;
mod plan;
mod query;
mod segment;
mod stamp;
mod store;
mod tail;
mod tail_batch;
mod tail_doc;
#[cfg(test)]
mod tests;
mod top;
mod unlocked;
mod view;
mod writing;

pub(crate) use change::{TextChange, TextDoc};
pub(crate) use query::TextQuery;
pub(crate) use stamp::TextStamp;
pub(crate) use store::TextStore;
pub(crate) use view::TextView;

//! The models and adapters that a store keeps: copies of their files, a record of each, and one pointer to the active model.
//!
//! IMPORTANT: the order. A folder is whole and on disk before a record names it, and a record is removed before its folder;
//! so a crash leaves at most a folder without a record, which the next opening removes, and never a record without a folder.
//! Promoting is one commit that changes the pointer. docs/decisions/0017-models-in-the-store.md.
//!
//! | file | what it does |
//! |---|---|
//! | `records` | the records in the catalog, and the pointer |
//! | `files` | folders that are whole once they have their name |
//! | `adapters` | loading, unloading and opening adapters |
//! | `open` | opening the active model, or another version beside it |
//! | `versions` | loading and unloading models, promoting one and rolling back |
//! | `list` | what a store keeps, as callers see it |

mod adapters;
mod files;
mod list;
mod open;
mod records;
mod versions;

pub(crate) use adapters::{load_adapter, unload_adapter};
pub(crate) use list::list;
pub(crate) use open::{beside, clear, open, open_named};
pub(crate) use records::WATCHED;
pub(crate) use versions::{load_model, promote, roll_back, unload_model};

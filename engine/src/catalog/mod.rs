//! The catalog: the single source of truth, in LMDB.
//!
//! Everything else on disk is derived from it and can be rebuilt. docs/FORMAT.md describes the bytes. The folders are
//! layers; each file uses only those above it in this table, and the crate sees only what is re-exported here.
//!
//! | file | what it does |
//! |---|---|
//! | `rows/` | what the tables store: keys, records and their bytes |
//! | `memory/` | what a catalog keeps in memory |
//! | `opened` | an open LMDB environment |
//! | `read/` | what can be asked of the tables inside a transaction |
//! | `write/` | everything that a write transaction changes |
//! | `scenarios` | named rules |
//! | `retention` | which events are expired, and removing them |
//! | `file_check/` | checks before the LMDB file is mapped that it has every page in use |
//! | `copy` | copies of the catalog: into a backup, and in place of the file that is open |
//! | `store` | opens the LMDB environment, and hands out transactions |
//! | `environment` | opening the LMDB environment: once in a process, in any number of processes |
//! | `store` | the open catalog, which hands out transactions |
//! | `rebuild_signals` | rebuilds signals in a separate catalog, while the store takes writes |
//! | `log_edit`, `apply_edit` | deleting events and merging users: the plan, and the transaction |
//! | `forget` | forgetting a user or an item |
//! | `transfer` | what an export reads besides, and how an import puts it back |

mod apply_edit;
mod copy;
mod environment;
mod file_check;
mod forget;
mod log_edit;
mod memory;
mod opened;
mod read;
mod rebuild_signals;
mod retention;
mod rows;
mod scenarios;
mod store;
#[cfg(test)]
mod tests;
mod transfer;
mod write;

pub(crate) use environment::remove_links;
pub(crate) use log_edit::LogEdit;
pub(crate) use read::pinned::CatalogRead;
pub(crate) use read::view::View;
pub(crate) use rebuild_signals::SignalRebuild;
pub(crate) use retention::without;
pub(crate) use rows::entries::{Entry, Impression, LoggedEvent};
pub(crate) use rows::events::StoredEvent;
pub(crate) use rows::impressions::StoredImpression;
pub(crate) use rows::items::ItemRecord;
pub(crate) use rows::key_parts::{EventMatch, Relation, SidPrefix, SpaceNumber};
pub(crate) use rows::neighbours::Neighbours;
pub(crate) use rows::popularity::{PRIOR_WEIGHT, Window};
pub(crate) use rows::segments::{SEGMENT_WINDOW, UserSegments};
pub(crate) use rows::signals::ItemSignals;
pub(crate) use rows::user_items::UserItem;
pub(crate) use store::Catalog;
pub(crate) use write::transaction::CatalogWrite;

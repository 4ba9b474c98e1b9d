//! The catalog: the one source of truth, in LMDB.
//!
//! Everything else on disk is derived from it and can be thrown away. Keys are made by named constructors only
//! (`keys`), values go through one codec with a version byte and a checksum (`codec`), and every table is listed in
//! `tables`. docs/FORMAT.md describes the bytes.

mod apply;
mod codec;
mod counters;
mod covisits;
mod events;
mod export;
mod file_check;
mod format_v2;
mod impressions;
mod items;
mod journal;
mod keys;
mod popular;
mod popularity;
mod prefetch;
mod read;
mod rebuild_signals;
mod recount;
mod retention;
mod scenarios;
mod scratch_buffer;
mod segments;
mod sids;
mod signals;
mod standing;
mod store;
mod tables;
#[cfg(test)]
mod tests;
mod vector_slots;
mod write;

pub(crate) use covisits::{Neighbours, Relation};
pub(crate) use events::{StoredEvent, UserItem};
pub(crate) use impressions::StoredImpression;
pub(crate) use items::SpaceNumber;
pub(crate) use journal::{Entry, Impression, LoggedEvent};
pub(crate) use popularity::{CALM_COUNT, Window};
pub(crate) use read::{CatalogRead, View};
pub(crate) use rebuild_signals::Aside;
pub(crate) use segments::{SEGMENT_WINDOW, UserSegments};
pub(crate) use sids::SidPrefix;
pub(crate) use signals::ItemSignals;
pub(crate) use store::Catalog;
pub(crate) use write::CatalogWrite;

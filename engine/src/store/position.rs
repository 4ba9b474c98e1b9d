//! How far a process has followed the commits of another one.

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use super::spaces::SPACES;
use super::weights::{IN_FORCE, KEPT};
use crate::base::error::Result;
use crate::base::id::Seq;
use crate::catalog::CatalogRead;

/// The meta record of the schema.
pub(super) const SCHEMA: &str = "schema";

/// Opens the model, the adapters and the space of items that a commit names.
type Reopen = Box<dyn Fn(&CatalogRead) -> Result<()> + Send + Sync>;

/// A process that follows.
pub(crate) struct Follower {
    pub(super) position: Mutex<Position>,
    /// The transaction of `position`, to be looked at without the lock.
    pub(super) transaction: AtomicU64,
    pub(super) reopen: Reopen,
}

impl Follower {
    /// A follower whose overlays and indexes cover a position.
    pub(crate) fn at(position: Position, reopen: Reopen) -> Follower {
        let transaction = AtomicU64::new(position.transaction);
        Follower { position: Mutex::new(position), transaction, reopen }
    }
}

/// A transaction, and what can be told of it without reading its rows.
#[derive(Clone)]
pub(crate) struct Position {
    pub(super) transaction: u64,
    /// Overlays and indexes cover the commits up to here.
    pub(super) seq: Seq,
    pub(super) applied: Seq,
    /// Hashes of the records of schema and spaces, and of tunings.
    pub(super) schema: u64,
    pub(super) weights: u64,
    /// The names of the records that say which model, adapters and space of items are in use, and their hash.
    pub(super) watched: Vec<&'static str>,
    pub(super) in_use: u64,
}

impl Position {
    pub(crate) fn of(catalog: &CatalogRead, watched: &[&'static str]) -> Result<Position> {
        let (counters, view) = (catalog.counters(), catalog.view());
        Ok(Position {
            transaction: catalog.transaction(),
            seq: counters.seq,
            applied: counters.applied,
            schema: view.meta_hash(&[SCHEMA, SPACES])?,
            weights: view.meta_hash(&[KEPT, IN_FORCE])?,
            watched: watched.to_vec(),
            in_use: view.meta_hash(watched)?,
        })
    }
}

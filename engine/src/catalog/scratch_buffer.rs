//! Lists of neighbours that a scratch copy holds in memory between its commits.
//!
//! A replay commits some thousand times, and each of its events changes two dozen lists of a kilobyte; written by every
//! commit, they were most of its work. Nobody else reads a scratch copy, and it need not survive, so its lists stay
//! here until they are many. They are the newest and no transaction pins them: whoever replays reads them before the
//! next events are logged.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::base::error::Result;
use crate::base::id::{ItemKey, KeyMap};

use super::covisits::{Neighbours, Relation};
use super::keys;
use super::store::storage;
use super::write::CatalogWrite;

/// Lists that are held before all are written: about a hundred megabytes when each is full.
const MOST: usize = 65_536;

/// Lists of neighbours by item.
pub(super) type Lists = KeyMap<(Relation, ItemKey), Neighbours>;

/// The lists of one scratch copy.
#[derive(Default)]
pub(super) struct Held(Mutex<Lists>);

impl Held {
    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A list as it is now; `None` when it is not held.
    pub(super) fn get(&self, relation: Relation, item: ItemKey) -> Option<Neighbours> {
        self.lists().get(&(relation, item)).cloned()
    }

    /// Takes a list out, to be changed and put back by the commit.
    pub(super) fn take(&self, relation: Relation, item: ItemKey) -> Option<Neighbours> {
        self.lists().remove(&(relation, item))
    }

    /// Lets go of every list of a relation.
    pub(super) fn clear(&self, relation: Relation) {
        self.lists().retain(|(of, _), _| *of != relation);
    }
}

impl CatalogWrite<'_> {
    /// Writes lists of neighbours, in order of key, or holds them when there is somebody to hold them.
    pub(super) fn settle_neighbours(&mut self, lists: Lists) -> Result<()> {
        let Some(held) = self.held else { return self.write_neighbours(lists) };
        let full = {
            let mut all = held.lists();
            all.extend(lists);
            if all.len() > MOST { std::mem::take(&mut *all) } else { Lists::default() }
        };
        self.write_neighbours(full)
    }

    fn write_neighbours(&mut self, lists: Lists) -> Result<()> {
        let mut lists: Vec<_> = lists.into_iter().collect();
        lists.sort_unstable_by_key(|(key, _)| *key);
        for ((relation, item), row) in lists {
            let key = keys::neighbours(relation, item);
            self.tables.neighbours.put(&mut self.txn, &key, &row.encode()?).map_err(storage)?;
        }
        Ok(())
    }
}

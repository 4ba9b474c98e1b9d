//! Lists of neighbours that a scratch copy keeps in memory between its commits.
//!
//! A replay commits some thousand times, and each of its events changes two dozen lists of a kilobyte. Writing them
//! with every commit was most of its work. A scratch copy has one reader and need not survive, so its lists stay here
//! until there are many. They are the newest version, not pinned by a transaction: a replay reads them before it logs
//! the next events.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::base::id::{ItemKey, KeyMap};

use crate::catalog::rows::key_parts::Relation;
use crate::catalog::rows::neighbours::Neighbours;

/// Lists in memory before all are written: about a hundred megabytes when each is full.
const MAX_LISTS: usize = 65_536;

/// Lists of neighbours by item.
pub(crate) type Lists = KeyMap<(Relation, ItemKey), Neighbours>;

/// The lists of one scratch copy.
#[derive(Default)]
pub(crate) struct ScratchBuffer(Mutex<Lists>);

impl ScratchBuffer {
    /// The current list of an item; `None` when it is not in memory.
    pub(crate) fn get(&self, relation: Relation, item: ItemKey) -> Option<Neighbours> {
        self.lists().get(&(relation, item)).cloned()
    }

    /// Takes a list out, to change it and put it back with the commit.
    pub(crate) fn take(&self, relation: Relation, item: ItemKey) -> Option<Neighbours> {
        self.lists().remove(&(relation, item))
    }

    /// Puts lists in. Returns all lists, to be written, once there are too many.
    pub(crate) fn put(&self, lists: Lists) -> Lists {
        let mut all = self.lists();
        all.extend(lists);
        if all.len() > MAX_LISTS { std::mem::take(&mut *all) } else { Lists::default() }
    }

    /// Drops every list of a relation.
    pub(crate) fn clear(&self, relation: Relation) {
        self.lists().retain(|(of, _), _| *of != relation);
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! What was found to be damaged while it was read: answers leave it out, and say so.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::base::id::ItemKey;

/// Items that are remembered.
const MOST: usize = 1_000;

/// Items with a vector that is not as it was written.
#[derive(Debug, Default)]
pub(in crate::catalog) struct Damage {
    /// Of `items`: looked at by every request, and almost always 0.
    count: AtomicUsize,
    items: Mutex<BTreeSet<ItemKey>>,
}

impl Damage {
    /// Remembers an item.
    pub(in crate::catalog) fn add(&self, item: ItemKey) {
        self.change(|items| items.len() < MOST && items.insert(item));
    }

    /// Forgets an item: its vectors were written anew.
    pub(in crate::catalog) fn remove(&self, item: ItemKey) {
        if self.count() > 0 {
            self.change(|items| items.remove(&item));
        }
    }

    /// The first of the items, at most so many, and how many there are.
    pub(in crate::catalog) fn first(&self, most: usize) -> (Vec<ItemKey>, usize) {
        let count = self.count();
        if count == 0 {
            return (Vec::new(), 0);
        }
        let items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        (items.iter().take(most).copied().collect(), count)
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    fn change(&self, change: impl FnOnce(&mut BTreeSet<ItemKey>) -> bool) {
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut items);
        self.count.store(items.len(), Ordering::Relaxed);
    }
}

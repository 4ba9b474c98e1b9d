//! The counters of the store: one record, rewritten by every commit.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::base::id::{Generation, ItemKey, Seq};

use super::popularity::Window;

/// Totals, the next keys, and the digest of the live items.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Counters {
    /// The last commit.
    pub seq: Seq,
    /// The key that the next new item gets.
    pub next_item: u64,
    /// The key that the next new user gets.
    pub next_user: u64,
    /// Live items.
    pub items: u64,
    /// Users.
    pub users: u64,
    /// Events.
    pub events: u64,
    /// Sum over live items of a hash of key and generation: equal digests mean equal (key, generation) sets.
    pub digest: u64,
    /// For each popularity window, the step of log mass below which items are not listed.
    pub popular_floor: [f64; Window::ALL.len()],
    /// The last commit of the journal that was applied.
    pub applied: Seq,
    /// Impressions in the store.
    pub impressions: u64,
}

impl Default for Counters {
    fn default() -> Self {
        Counters {
            seq: Seq(0),
            next_item: 0,
            next_user: 0,
            items: 0,
            users: 0,
            events: 0,
            digest: 0,
            popular_floor: [f64::NEG_INFINITY; Window::ALL.len()],
            applied: Seq(0),
            impressions: 0,
        }
    }
}

impl Counters {
    /// Adds a version of an item that became live.
    pub(crate) fn add_item(&mut self, key: ItemKey, generation: Generation) {
        self.items += 1;
        self.digest = self.digest.wrapping_add(version_hash(key, generation));
    }

    /// Removes a version of an item that is no longer live.
    pub(crate) fn remove_item(&mut self, key: ItemKey, generation: Generation) {
        self.items = self.items.saturating_sub(1);
        self.digest = self.digest.wrapping_sub(version_hash(key, generation));
    }
}

fn version_hash(key: ItemKey, generation: Generation) -> u64 {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&key.0.to_le_bytes());
    bytes[8..].copy_from_slice(&generation.0.to_le_bytes());
    xxh3_64(&bytes)
}

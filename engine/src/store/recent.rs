//! Items that changed in commits which some derived index may not hold yet.

use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use roaring::RoaringTreemap;

use super::lock::lock;
use crate::base::id::{ItemKey, Seq};

/// Items that changed in commits which some derived index may not hold yet.
///
/// What an index says of any other item is as fresh as the catalog, so only these need a look at the catalog. Keys
/// enter before their commit is visible and leave when every index holds it.
#[derive(Default)]
pub(crate) struct Recent {
    state: ArcSwap<RecentState>,
    write: Mutex<()>,
}

/// An immutable state of [`Recent`].
#[derive(Default, Clone)]
pub(crate) struct RecentState {
    batches: Vec<(Seq, Arc<RoaringTreemap>)>,
    all: Arc<RoaringTreemap>,
}

impl RecentState {
    /// Whether an index may hold another version of this item than the catalog.
    pub(crate) fn contains(&self, key: ItemKey) -> bool {
        self.all.contains(key.0)
    }
}

impl Recent {
    pub(crate) fn load(&self) -> Arc<RecentState> {
        self.state.load_full()
    }

    /// Adds the items of a commit. IMPORTANT: before the commit is visible to readers.
    pub(crate) fn add(&self, seq: Seq, keys: impl IntoIterator<Item = ItemKey>) {
        let _one_at_a_time = lock(&self.write);
        let batch: RoaringTreemap = keys.into_iter().map(|key| key.0).collect();
        let mut state = RecentState::clone(&self.state.load());
        *Arc::make_mut(&mut state.all) |= &batch;
        state.batches.push((seq, Arc::new(batch)));
        self.state.store(Arc::new(state));
    }

    /// Forgets commits up to `seq`, which every index holds.
    pub(crate) fn trim(&self, seq: Seq) {
        let _one_at_a_time = lock(&self.write);
        let before = self.state.load();
        if before.batches.first().is_none_or(|(first, _)| *first > seq) {
            return;
        }
        let batches: Vec<_> = before.batches.iter().filter(|(of, _)| *of > seq).cloned().collect();
        let mut all = RoaringTreemap::new();
        batches.iter().for_each(|(_, batch)| all |= batch.as_ref());
        self.state.store(Arc::new(RecentState { batches, all: Arc::new(all) }));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn exactly_the_items_of_commits_that_are_not_forgotten_are_recent(
            steps in prop::collection::vec((prop::collection::vec(0u64..20, 0..5), prop::option::of(0u64..30)), 0..30)
        ) {
            let (recent, mut kept) = (Recent::default(), Vec::<(u64, Vec<u64>)>::new());
            for (seq, (keys, trimmed)) in steps.into_iter().enumerate() {
                let seq = seq as u64 + 1;
                let before = recent.load();
                let was: Vec<bool> = (0..20).map(|key| before.contains(ItemKey(key))).collect();
                recent.add(Seq(seq), keys.iter().copied().map(ItemKey));
                kept.push((seq, keys));
                if let Some(upto) = trimmed {
                    recent.trim(Seq(upto));
                    kept.retain(|(seq, _)| *seq > upto);
                }
                for key in 0..20 {
                    let expected = kept.iter().any(|(_, keys)| keys.contains(&key));
                    prop_assert_eq!(recent.load().contains(ItemKey(key)), expected, "{} after {}", key, seq);
                    prop_assert_eq!(before.contains(ItemKey(key)), was[key as usize], "what was loaded stays");
                }
            }
        }
    }

    #[test]
    fn recent_keys_leave_with_their_commit() {
        let recent = Recent::default();
        recent.add(Seq(1), [ItemKey(7)]);
        recent.add(Seq(2), [ItemKey(7), ItemKey(8)]);
        let pinned = recent.load();
        recent.trim(Seq(1));
        assert!(recent.load().contains(ItemKey(7)) && recent.load().contains(ItemKey(8)));
        recent.trim(Seq(2));
        assert!(!recent.load().contains(ItemKey(7)));
        assert!(pinned.contains(ItemKey(7)), "a pinned state does not change");
    }
}

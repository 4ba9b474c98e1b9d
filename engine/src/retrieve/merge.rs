//! Merging the lists of all sources by item.

use crate::api::candidate::Candidate;
use crate::api::source::{Proposal, Source};
use crate::base::id::{ItemKey, KeyMap};

/// Candidates so far, in the order in which they were first proposed.
#[derive(Default)]
pub(super) struct Merge {
    candidates: Vec<Candidate>,
    places: KeyMap<ItemKey, usize>,
}

impl Merge {
    pub(super) fn len(&self) -> usize {
        self.candidates.len()
    }

    /// Adds a source's list, best first. A source that says an item twice (two vectors of the caller's own) counts with
    /// its better rank.
    pub(super) fn add(&mut self, source: Source, found: Vec<(ItemKey, f32)>) {
        for (place, (key, score)) in found.into_iter().enumerate() {
            let proposal = Proposal { source, rank: place as u32 + 1, score };
            let at = *self.places.entry(key).or_insert_with(|| {
                self.candidates.push(Candidate { key, proposals: Vec::new() });
                self.candidates.len() - 1
            });
            let Some(candidate) = self.candidates.get_mut(at) else { continue };
            match candidate.proposals.iter_mut().find(|known| known.source == source) {
                Some(known) if known.rank <= proposal.rank => {}
                Some(known) => *known = proposal,
                None => candidate.proposals.push(proposal),
            }
        }
    }

    pub(super) fn finish(self) -> Vec<Candidate> {
        self.candidates
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_item_is_one_candidate_with_the_best_rank_of_each_source(
            lists in prop::collection::vec((0usize..4, prop::collection::vec(0u64..12, 0..15)), 0..6)
        ) {
            let (mut merge, mut ranks) = (Merge::default(), BTreeMap::new());
            let mut order = Vec::new();
            for (source, keys) in &lists {
                let source = Source::ALL[*source];
                merge.add(source, keys.iter().map(|key| (ItemKey(*key), 0.0)).collect());
                for (place, key) in keys.iter().enumerate() {
                    let best = ranks.entry((*key, source)).or_insert(place as u32 + 1);
                    *best = (*best).min(place as u32 + 1);
                    if !order.contains(key) {
                        order.push(*key);
                    }
                }
            }
            prop_assert_eq!(merge.len(), order.len());
            let candidates = merge.finish();
            prop_assert_eq!(candidates.iter().map(|one| one.key.0).collect::<Vec<_>>(), order);
            let found = candidates.iter().flat_map(|one| one.proposals.iter().map(|of| ((one.key.0, of.source), of.rank)));
            let found: Vec<_> = found.collect();
            prop_assert_eq!(found.len(), ranks.len());
            prop_assert_eq!(found.into_iter().collect::<BTreeMap<_, _>>(), ranks);
        }
    }

    #[test]
    fn an_item_of_two_sources_is_one_candidate() {
        let mut merge = Merge::default();
        merge.add(Source::Lexical, vec![(ItemKey(1), 3.0), (ItemKey(2), 2.0)]);
        merge.add(Source::Vector, vec![(ItemKey(2), 0.9)]);
        merge.add(Source::Vector, vec![(ItemKey(3), 0.8), (ItemKey(2), 0.7)]);
        let candidates = merge.finish();
        assert_eq!(candidates.len(), 3);
        let two = &candidates[1];
        assert_eq!((two.key, two.proposals.len(), two.proposals[1].rank), (ItemKey(2), 2, 1));
    }
}

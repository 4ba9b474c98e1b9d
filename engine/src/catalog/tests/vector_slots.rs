//! Cached vectors are those of the pinned tables.

use proptest::prelude::*;

use crate::base::id::ItemKey;
use crate::catalog::memory::versioned_slots::VersionedSlots;
use crate::catalog::{Catalog, CatalogRead, SpaceNumber};

const SPACES: [SpaceNumber; 2] = [SpaceNumber(0), SpaceNumber(u16::MAX)];
const BYTES: usize = 12;

/// Keys: some share slots, some a chunk, and one has no slot.
fn keys() -> [ItemKey; 7] {
    let slots = VersionedSlots::<[u8]>::len_for(BYTES);
    [0, 1, slots / 2, slots, slots + 1, 2 * slots, u64::MAX - 1].map(ItemKey)
}

#[derive(Debug, Clone)]
enum Step {
    /// Vectors by space and key, 0 for none, and whether that is committed.
    Write(Vec<(usize, usize, u8)>, bool),
    /// All vectors of a space.
    Clear(usize),
    Pin,
    Unpin(usize),
    Read(usize, usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let vector = (0..2usize, 0..7usize, 0..9u8);
    prop_oneof![
        3 => (prop::collection::vec(vector, 1..4), prop::bool::weighted(0.8)).prop_map(|(all, b)| Step::Write(all, b)),
        1 => (0..2usize).prop_map(Step::Clear),
        2 => Just(Step::Pin),
        1 => any::<usize>().prop_map(Step::Unpin),
        8 => (any::<usize>(), 0..2usize, 0..7usize).prop_map(|(pin, space, key)| Step::Read(pin, space, key)),
    ]
}

fn check(pinned: &CatalogRead, space: SpaceNumber, key: ItemKey) {
    let (mut room, stored) = (vec![7; 40], pinned.view().vector(space, key).unwrap());
    for _ in 0..2 {
        assert_eq!(pinned.vector(space, key, &mut room).unwrap(), stored, "{space:?} {key:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_reader_finds_the_vectors_of_its_own_commit(steps in prop::collection::vec(step(), 1..120)) {
        let (dir, keys) = (tempfile::tempdir().unwrap(), keys());
        let catalog = Catalog::open(dir.path(), 1 << 26).unwrap();
        catalog.make_scratch().unwrap();
        let mut pins = vec![catalog.read().unwrap()];
        for step in steps {
            match step {
                Step::Write(all, commits) => {
                    let mut write = catalog.write().unwrap();
                    for (space, key, value) in all {
                        // One value in nine has another length, which replaces the slots.
                        let bytes = vec![value; if value == 8 { 20 } else { BYTES }];
                        let vector = (value > 0).then_some(bytes.as_slice());
                        write.set_vector(SPACES[space], keys[key], vector).unwrap();
                    }
                    if commits {
                        write.commit_bookkeeping().unwrap();
                    }
                }
                Step::Clear(space) => {
                    let mut write = catalog.write().unwrap();
                    write.clear_space(SPACES[space], 4).unwrap();
                    write.commit_bookkeeping().unwrap();
                }
                Step::Pin => pins.push(catalog.read().unwrap()),
                Step::Unpin(pin) if pins.len() > 1 => drop(pins.swap_remove(pin % pins.len())),
                Step::Unpin(_) => {}
                Step::Read(pin, space, key) => check(&pins[pin % pins.len()], SPACES[space], keys[key]),
            }
        }
        for pinned in &pins {
            SPACES.into_iter().for_each(|space| keys.into_iter().for_each(|key| check(pinned, space, key)));
        }
    }
}

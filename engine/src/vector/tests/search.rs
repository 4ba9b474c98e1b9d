//! What a search answers: recall, filters, deletions, and arguments that make no sense.

use std::panic::{AssertUnwindSafe, catch_unwind};

use roaring::RoaringTreemap;

use super::super::graph::EXACT_UP_TO;
use super::*;
use crate::base::error::Error;

#[test]
fn recall_at_10_of_the_graph_is_above_95_percent() {
    let vectors = clustered(1, 12_000, 64);
    let data = entries(&vectors);
    let (_dir, space) = space(64, 2);
    space.apply(&data, &[]).unwrap();
    assert!(data.len() > EXACT_UP_TO);
    let queries = near(2, &vectors, 200);
    let plain = recall(&data, &queries, 10, |q| space.search(q, 10, None, &everything).unwrap());
    assert!(plain >= 0.95, "recall@10 {plain}");
    // Half of the keys allowed: the oracle sees only those.
    let allowed: RoaringTreemap = (0..12_000_u64).filter(|key| key % 2 == 0).collect();
    let half: Vec<_> = data.iter().filter(|(key, _)| key.0 % 2 == 0).cloned().collect();
    let filtered = recall(&half, &queries, 10, |q| {
        let hits = space.search(q, 10, Some(&allowed), &everything).unwrap();
        assert!(hits.len() == 10 && hits.iter().all(|hit| hit.0.0 % 2 == 0));
        hits
    });
    assert!(filtered >= 0.95, "recall@10 under a filter {filtered}");
}

#[test]
fn a_small_space_is_exact_and_scores_are_cosines() {
    let vectors = clustered(3, 3000, 48);
    let data = entries(&vectors);
    let (_dir, space) = space(48, 2);
    space.apply(&data, &[]).unwrap();
    for query in near(4, &vectors, 20) {
        let hits = space.search(&query, 50, None, &everything).unwrap();
        let exact = oracle(&data, &query, 50);
        for (hit, expected) in hits.iter().zip(&exact) {
            assert!((hit.1 - expected.1).abs() < 2e-3, "{hit:?} for {expected:?}");
        }
        let same = keys(&hits).iter().filter(|key| keys(&exact).contains(key)).count();
        assert!(same >= 49, "only rounding may change the last place: {same} of 50");
    }
}

#[test]
fn dropped_hits_are_replaced_until_k_current_ones_are_found() {
    // The graph and the small exact space: in both, nine of ten of the nearest are not current.
    for n in [2000, 8000] {
        let vectors = clustered(5, n, 32);
        let data = entries(&vectors);
        let (_dir, space) = space(32, 2);
        space.apply(&data, &[]).unwrap();
        let is_current = |key: ItemKey, _: Option<Generation>| key.0 % 10 == 3;
        let current_data: Vec<_> = data.iter().filter(|(key, _)| key.0 % 10 == 3).cloned().collect();
        let queries = near(6, &vectors, 30);
        let found = recall(&current_data, &queries, 20, |q| {
            let hits = space.search(q, 20, None, &is_current).unwrap();
            assert_eq!(hits.len(), 20, "n {n}");
            hits
        });
        assert!(found >= 0.95, "n {n}: recall of the current ones {found}");
        // Only three current items in all: they are found, however far away.
        let few = |key: ItemKey, _: Option<Generation>| [7, 1000, 1999].contains(&key.0);
        let mut hits = keys(&space.search(&vectors[0], 20, None, &few).unwrap());
        hits.sort_unstable();
        assert_eq!(hits, [7, 1000, 1999], "n {n}");
    }
}

#[test]
fn deleted_and_replaced_vectors_do_not_come_back() {
    let vectors = clustered(7, 7000, 32);
    let mut data = entries(&vectors);
    let (_dir, space) = space(32, 2);
    space.apply(&data, &[]).unwrap();
    let gone: Vec<ItemKey> = (0..1400).map(|i| ItemKey(i * 5)).collect();
    space.apply(&[], &gone).unwrap();
    space.apply(&[], &gone).unwrap();
    assert!((space.deleted_share() - 0.2).abs() < 1e-4, "{}", space.deleted_share());
    for query in near(8, &vectors, 50) {
        assert!(keys(&space.search(&query, 100, None, &everything).unwrap()).iter().all(|key| key % 5 != 0));
    }
    // Item 1 takes the vector of the deleted item 0; deleting and putting a key at once puts it.
    data[1].1 = Arc::clone(&data[0].1);
    space.apply(&[data[2].clone(), data[1].clone()], &[ItemKey(1)]).unwrap();
    let top = space.search(&vectors[0], 1, None, &everything).unwrap();
    assert_eq!(keys(&top), [1]);
    assert!(top[0].1 > 0.999);
    assert_eq!(space.stats().indexed, 5600);
    assert_eq!(space.stats().deleted, 1400);
}

#[test]
fn churn_keeps_counts_and_recall() {
    let vectors = clustered(9, 6000, 32);
    let mut data = entries(&vectors);
    let (_dir, space) = space(32, 2);
    space.apply(&data, &[]).unwrap();
    let mut random = Random(10);
    for round in 0..6_u64 {
        // Half of the catalog gets another vector of the same kind: removed places are used again.
        let fresh = clustered(100 + round, 6000, 32);
        let changed: Vec<usize> = (0..3000).map(|_| random.below(6000)).collect();
        for at in &changed {
            data[*at].1 = to_half(&fresh[*at]);
        }
        let puts: Vec<_> = changed.iter().map(|at| data[*at].clone()).collect();
        space.apply(&puts, &[]).unwrap();
        assert_eq!((space.stats().indexed, space.stats().deleted), (6000, 0));
    }
    let queries: Vec<_> = data.iter().step_by(60).map(|(_, v)| widen(v)).collect();
    let found = recall(&data, &queries, 10, |q| space.search(q, 10, None, &everything).unwrap());
    let itself = space.self_recall(&data).unwrap();
    assert!(found >= 0.95 && itself >= 0.98, "after every vector was replaced three times: {found}, {itself}");
}

#[test]
fn senseless_arguments_are_typed_errors_or_clamped() {
    let vectors = clustered(11, 6000, 16);
    let (_dir, space) = space(16, 2);
    let search = |query: &[f32], k| space.search(query, k, None, &everything);
    assert!(search(&vectors[0], 10).unwrap().is_empty(), "an empty space");
    space.apply(&entries(&vectors), &[]).unwrap();
    let mut nan = vectors[0].clone();
    nan[7] = f32::NAN;
    assert!(matches!(search(&nan, 10), Err(Error::NonFinite { index: 7, .. })));
    nan[7] = f32::NEG_INFINITY;
    assert!(matches!(search(&nan, 10), Err(Error::NonFinite { index: 7, .. })));
    assert!(matches!(search(&[0.0; 16], 10), Err(Error::ZeroNorm { .. })));
    assert!(matches!(search(&[1.0; 15], 10), Err(Error::DimMismatch { expected: 16, found: 15, .. })));
    assert!(matches!(search(&[], 0), Err(Error::DimMismatch { .. })));
    assert!(search(&vectors[0], 0).unwrap().is_empty());
    for k in [6000, 6001, 1 << 40, usize::MAX] {
        let hits = search(&vectors[0], k).unwrap();
        assert_eq!(hits.len(), 6000, "k {k}");
    }
    assert!(search(&[f32::MAX; 16], 3).unwrap().len() == 3);
    let nothing = RoaringTreemap::new();
    assert!(space.search(&vectors[0], 10, Some(&nothing), &everything).unwrap().is_empty());

    let bad = [(ItemKey(1), to_half(&[1.0; 15]))];
    assert!(matches!(space.apply(&bad, &[]), Err(Error::DimMismatch { expected: 16, found: 15, .. })));
    let poison: Arc<[f16]> = vec![f16::NAN; 16].into();
    assert!(matches!(space.apply(&[(ItemKey(1), Arc::clone(&poison))], &[]), Err(Error::NonFinite { .. })));
    assert!(space.stage(crate::base::id::Seq(9), vec![(ItemKey(1), crate::base::id::Seq(9), poison)]).is_err());
    assert_eq!((space.stats().indexed, space.stats().tail), (6000, 0));
}

#[test]
fn a_panic_in_the_callers_check_neither_aborts_nor_blocks() {
    let vectors = clustered(12, 6000, 16);
    let (_dir, space) = space(16, 2);
    space.apply(&entries(&vectors), &[]).unwrap();
    let at_once = |_: ItemKey, _: Option<Generation>| -> bool { panic!("in the check") };
    assert!(catch_unwind(AssertUnwindSafe(|| space.search(&vectors[0], 10, None, &at_once))).is_err());
    // The first hundred calls refuse, so that the check then runs inside the library.
    let calls = std::cell::Cell::new(0);
    let later = |_: ItemKey, _: Option<Generation>| -> bool {
        calls.set(calls.get() + 1);
        assert!(calls.get() < 100, "in the check");
        false
    };
    assert!(matches!(space.search(&vectors[0], 10, None, &later), Err(Error::Internal { .. })));
    assert_eq!(space.search(&vectors[0], 10, None, &everything).unwrap().len(), 10);
    space.apply(&[], &[ItemKey(3)]).unwrap();
}

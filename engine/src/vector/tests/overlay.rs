//! What was staged is found at once, in the version that the reader may see.

use super::*;
use crate::base::id::Seq;

fn unit(at: usize, dimensions: usize) -> Vec<f32> {
    (0..dimensions).map(|i| if i == at { 1.0 } else { 0.0 }).collect()
}

fn staged(key: u64, generation: u64, vector: &[f32]) -> (ItemKey, Generation, Arc<[f16]>) {
    (ItemKey(key), Seq(generation), to_half(vector))
}

#[test]
fn staged_vectors_are_found_at_once_and_once_drained_by_the_graph() {
    let (_dir, space) = space(8, 1);
    space.stage(Seq(1), vec![staged(10, 1, &unit(0, 8)), staged(11, 1, &unit(1, 8))]).unwrap();
    let search = |at: usize| space.search(&unit(at, 8), 1, None, &everything).unwrap();
    assert_eq!(search(0), [(ItemKey(10), 1.0)]);
    assert_eq!(search(1), [(ItemKey(11), 1.0)]);
    assert_eq!((space.staged(), space.applied(), space.stats().tail), (Seq(1), Seq(0), 2));
    space.apply(&[(ItemKey(10), to_half(&unit(0, 8))), (ItemKey(11), to_half(&unit(1, 8)))], &[]).unwrap();
    assert_eq!(space.search(&unit(0, 8), 9, None, &everything).unwrap().len(), 2, "in both, answered once");
    space.drain(Seq(1));
    assert_eq!((space.applied(), space.stats().tail, space.stats().indexed), (Seq(1), 0, 2));
    assert_eq!(search(1), [(ItemKey(11), 1.0)]);
}

#[test]
fn the_newest_current_version_wins_in_every_store() {
    let (_dir, space) = space(4, 1);
    space.apply(&[(ItemKey(1), to_half(&unit(0, 4))), (ItemKey(2), to_half(&[0.9, 0.1, 0.0, 0.0]))], &[]).unwrap();
    space.stage(Seq(5), vec![staged(1, 5, &unit(1, 4))]).unwrap();
    space.stage(Seq(6), vec![staged(1, 6, &unit(2, 4))]).unwrap();
    let score_of_1 = |query: &[f32], is_current: &dyn Fn(ItemKey, Option<Generation>) -> bool| {
        let hits = space.search(query, 5, None, is_current).unwrap();
        assert_eq!(hits.len(), 2, "each key once: {hits:?}");
        hits.iter().find(|hit| hit.0 == ItemKey(1)).map(|hit| hit.1)
    };
    // A reader of commit 6 sees the third vector only: the two older ones would have scored higher here.
    assert_eq!(score_of_1(&unit(2, 4), &everything), Some(1.0));
    assert_eq!(score_of_1(&unit(0, 4), &everything), Some(0.0));
    assert_eq!(score_of_1(&unit(1, 4), &everything), Some(0.0));
    // A reader of commit 5 sees the second, and one of an older snapshot sees the graph's.
    let at = |seq: u64| {
        move |key: ItemKey, generation: Option<Generation>| {
            key != ItemKey(1) || generation.is_none_or(|g| g == Seq(seq))
        }
    };
    assert_eq!(score_of_1(&unit(1, 4), &at(5)), Some(1.0));
    assert_eq!(score_of_1(&unit(0, 4), &at(4)), Some(1.0));
    // Hidden in the catalog: hidden everywhere.
    let hidden = |key: ItemKey, _: Option<Generation>| key != ItemKey(1);
    assert_eq!(keys(&space.search(&unit(2, 4), 5, None, &hidden).unwrap()), [2]);
}

#[test]
fn many_small_commits_equal_one_large_and_drain_in_part() {
    let vectors = clustered(21, 2000, 24);
    let data = entries(&vectors);
    let (_dir, space) = space(24, 1);
    let mut random = Random(22);
    let mut at = 0;
    let mut seq = 0;
    while at < data.len() {
        seq += 1;
        let batch = (at + 1 + random.below(40)).min(data.len());
        let puts = data[at..batch].iter().map(|(key, v)| (*key, Seq(seq), Arc::clone(v))).collect();
        space.stage(Seq(seq), puts).unwrap();
        at = batch;
    }
    let found = |n: usize| {
        assert_eq!(space.stats().tail as usize, n);
        let kept = &data[data.len() - n..];
        for query in near(23, &vectors, 20) {
            assert_eq!(space.search(&query, 30, None, &everything).unwrap(), oracle(kept, &query, 30));
        }
    };
    found(2000);
    space.drain(Seq(0));
    found(2000);
    space.drain(Seq(seq));
    found(0);
}

#[test]
fn a_rebuild_behind_the_overlay_loses_nothing() {
    let vectors = clustered(24, 6000, 24);
    let data = entries(&vectors);
    let (_dir, space) = space(24, 2);
    space.apply(&data, &[]).unwrap();
    space.drain(Seq(3));
    space.stage(Seq(4), data.iter().map(|(key, v)| (*key, Seq(1), Arc::clone(v))).collect()).unwrap();
    space.clear().unwrap();
    assert_eq!((space.applied(), space.stats().indexed, space.deleted_share()), (Seq(0), 0, 0.0));
    for query in near(25, &vectors, 20) {
        assert_eq!(space.search(&query, 30, None, &everything).unwrap(), oracle(&data, &query, 30));
    }
    space.apply(&data, &[]).unwrap();
    space.drain(Seq(4));
    assert_eq!((space.stats().tail, space.stats().indexed), (0, 6000));
    let queries = near(26, &vectors, 50);
    assert!(recall(&data, &queries, 10, |q| space.search(q, 10, None, &everything).unwrap()) >= 0.95);
}

#[test]
fn settling_keeps_what_a_merged_batch_holds_of_later_commits() {
    let (_dir, space) = space(4, 1);
    for seq in 1..=20_u64 {
        space.stage(Seq(seq), vec![staged(seq % 7, seq, &unit((seq % 4) as usize, 4))]).unwrap();
    }
    space.drain(Seq(15));
    assert_eq!(space.stats().tail, 5);
    let mut left = keys(&space.search(&unit(0, 4), 50, None, &everything).unwrap());
    left.sort_unstable();
    assert_eq!(left, [2, 3, 4, 5, 6], "commits 16 to 20");
}

//! What is visible when: the tail, the index, and versions in both.

use super::*;

#[test]
fn an_item_is_found_in_the_tail_and_then_in_the_index() {
    let mut fixture = Fixture::new();
    let changes = fixture.put([(1, titled("Red running shoes")), (2, titled("Blue hat"))]);
    assert_eq!(fixture.keys("shoe"), [1]);
    assert_eq!((fixture.view().tail_len(), fixture.view().docs()), (2, 0));
    assert_eq!((fixture.view().applied(), fixture.view().staged()), (Seq(0), Seq(1)));
    fixture.commit(changes);
    assert_eq!(fixture.keys("shoe"), [1]);
    assert_eq!((fixture.view().tail_len(), fixture.view().docs()), (0, 2));
    assert_eq!((fixture.view().applied(), fixture.view().staged()), (Seq(1), Seq(1)));
}

#[test]
fn a_put_replaces_and_a_delete_removes_in_tail_and_index() {
    let mut fixture = Fixture::new();
    let first = fixture.put([(1, titled("apple")), (2, titled("apple")), (3, titled("apple"))]);
    fixture.commit(first);
    let mut changes = fixture.put([(1, titled("pear"))]);
    changes.extend(fixture.delete(&[2]));
    // The index still has the old versions: the reader's catalog tells them apart.
    assert_eq!((fixture.keys("apple"), fixture.keys("pear")), (vec![3], vec![1]));
    fixture.commit(changes);
    assert_eq!((fixture.keys("apple"), fixture.keys("pear")), (vec![3], vec![1]));
    assert_eq!(fixture.view().docs(), 2);
    // Applying the same states again changes nothing.
    let (generation, fields) = fixture.catalog[&ItemKey(1)].clone();
    let again = TextDoc { key: ItemKey(1), generation, fields };
    fixture.commit(vec![TextChange::Put(again.clone()), TextChange::Delete(ItemKey(2)), TextChange::Put(again)]);
    assert_eq!((fixture.keys("pear"), fixture.view().docs()), (vec![1], 2));
}

#[test]
fn of_two_versions_of_one_commit_the_later_one_counts() {
    let mut fixture = Fixture::new();
    fixture.put([(1, titled("apple")), (2, titled("plum")), (1, titled("pear"))]);
    assert_eq!((fixture.keys("apple"), fixture.keys("pear"), fixture.view().tail_len()), (vec![], vec![1], 2));
}

#[test]
fn a_reader_with_an_older_catalog_sees_the_older_version() {
    let mut fixture = Fixture::new();
    fixture.put([(1, titled("apple"))]);
    fixture.put([(1, titled("pear"))]);
    let view = fixture.view();
    let find = |text: &str, generation: u64| {
        let query = view.query(text, &fixture.fields()).expect("analyses").expect("has words");
        let is_current = |_: ItemKey, g: Generation| g == Seq(generation);
        let found = view.search(&query, None, &fixture.schema, 10, &is_current).expect("searches").len();
        let scored = view.score(&query, &[ItemKey(1)], &is_current).expect("scores")[0];
        assert_eq!(found == 1, scored > 0.0);
        found
    };
    assert_eq!((find("apple", 1), find("pear", 1)), (1, 0));
    assert_eq!((find("apple", 2), find("pear", 2)), (0, 1));
}

#[test]
fn staging_a_commit_again_replaces_it() {
    let mut fixture = Fixture::new();
    fixture.put([(1, titled("apple"))]);
    // The catalog's commit failed; another one takes its number.
    fixture.seq = Seq(0);
    fixture.catalog.clear();
    fixture.put([(2, titled("pear"))]);
    assert_eq!((fixture.view().tail_len(), fixture.view().tail.totals().filled[0]), (1, 1));
    assert_eq!((fixture.keys("apple"), fixture.keys("pear")), (vec![], vec![2]));
}

#[test]
fn enough_live_hits_come_back_from_behind_many_stale_ones() {
    let mut fixture = Fixture::new();
    // Longer titles score lower, so everything that is current is behind everything that is not.
    let changes =
        fixture.put((0..600).map(|key| (key, titled(&format!("word {}", "filler ".repeat(key as usize / 20))))));
    fixture.commit(changes);
    let view = fixture.view();
    let query = view.query("word", &fixture.fields()).expect("analyses").expect("has words");
    let is_current = |key: ItemKey, _: Generation| key.0 >= 580;
    let found = view.search(&query, None, &fixture.schema, 10, &is_current).expect("searches");
    assert_eq!(found.iter().map(|(key, _)| key.0).collect::<Vec<_>>(), (580..590).collect::<Vec<_>>());
    let all = view.search(&query, None, &fixture.schema, 1000, &is_current).expect("searches");
    assert_eq!(all.len(), 20);
}

#[test]
fn matched_terms_are_what_the_user_typed() {
    let mut fixture = Fixture::new();
    let changes = fixture.put([(1, titled("Run, Forrest")), (2, titled("other"))]);
    let matched = |fixture: &Fixture| {
        let view = fixture.view();
        let query = view.query("Running SHOES forrest running", &fixture.fields()).expect("analyses").expect("words");
        let terms = view.matched_terms(&query, ItemKey(1), &fixture.is_current()).expect("looks up");
        let scores = view.score(&query, &[ItemKey(1)], &fixture.is_current()).expect("scores");
        let (typed, parts): (Vec<String>, Vec<f32>) = terms.into_iter().unzip();
        assert!(parts.iter().all(|part| *part > 0.0) && (parts.iter().sum::<f32>() - scores[0]).abs() < 1e-6);
        typed
    };
    assert_eq!(matched(&fixture), ["Running", "forrest"]);
    fixture.commit(changes);
    assert_eq!(matched(&fixture), ["Running", "forrest"]);
    let view = fixture.view();
    let query = view.query("forrest", &fixture.fields()).expect("analyses").expect("has words");
    assert!(view.matched_terms(&query, ItemKey(1), &|_, _| false).expect("looks up").is_empty());
    assert!(view.matched_terms(&query, ItemKey(9), &|_, _| true).expect("looks up").is_empty());
}

#[test]
fn clear_empties_both_halves_and_old_views_go_on() {
    let mut fixture = Fixture::new();
    let changes = fixture.put([(1, titled("apple")), (2, titled("apple"))]);
    fixture.commit(changes);
    fixture.put([(3, titled("apple"))]);
    let old = fixture.view();
    fixture.store.clear().expect("clears");
    assert_eq!((fixture.view().docs(), fixture.view().tail_len(), fixture.view().staged()), (0, 0, Seq(0)));
    assert!(fixture.keys("apple").is_empty());
    let query = old.query("apple", &fixture.fields()).expect("analyses").expect("has words");
    assert_eq!(old.search(&query, None, &fixture.schema, 10, &fixture.is_current()).expect("searches").len(), 3);
    let changes = fixture.put([(1, titled("apple")), (2, titled("pear")), (3, titled("plum"))]);
    fixture.commit(changes);
    assert_eq!((fixture.keys("apple"), fixture.view().docs()), (vec![1], 3));
    let (fixture, stamp) = fixture.reopen();
    assert_eq!(stamp, Some(fixture.stamp()));
}

#[test]
fn readers_never_see_a_gap_while_the_writer_moves_items() {
    let mut fixture = Fixture::new();
    let changes = fixture.put([(0, titled("common"))]);
    fixture.commit(changes);
    let fields = fixture.fields();
    let schema = fixture.schema.clone();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let store = &fixture.store;
    let order = std::sync::atomic::Ordering::Relaxed;
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut looks = 0;
            while !stop.load(order) || looks == 0 {
                let view = store.view();
                let query = view.query("common", &fields).expect("analyses").expect("has words");
                let found = view.search(&query, None, &schema, 1000, &|_, _| true).expect("searches");
                // Commit n put item n - 1: the view that is complete up to n has n items.
                assert_eq!(found.len() as u64, view.staged().0, "{view:?}");
                looks += 1;
            }
        });
        let mut pending = Vec::new();
        for n in 1..120u64 {
            let fields = Arc::new(titled("common").fields);
            let doc = TextDoc { key: ItemKey(n), generation: Seq(n + 1), fields };
            store.stage(Seq(n + 1), vec![doc.clone()], &schema);
            pending.push(TextChange::Put(doc));
            if n % 10 == 0 {
                store.apply(std::mem::take(&mut pending), &schema).expect("applies");
                let stamp = TextStamp { seq: Seq(n + 1), items: n + 1, digest: 0, store: STORE.to_owned() };
                store.commit(&stamp).expect("commits");
            }
        }
        stop.store(true, order);
        reader.join().expect("the reader agrees");
    });
}

//! Scores: the same in the tail and in the index, the same from `search` and `score`, and the best are the best.

use proptest::prelude::*;

use super::*;

const WORDS: [&str; 12] =
    ["red", "blue", "shoe", "hat", "coat", "wool", "running", "winter", "kids", "sale", "new", "classic"];

/// Titles of one to six words, now and then a description.
fn corpus() -> impl Strategy<Value = Vec<Item>> {
    let text = |most: usize| {
        proptest::collection::vec(proptest::sample::select(WORDS.as_slice()), 1..=most)
            .prop_map(|words| words.join(" "))
    };
    let item = (text(6), proptest::option::weighted(0.3, text(80)), proptest::option::weighted(0.5, text(2)));
    let item = item.prop_map(|(title, description, tag)| {
        let mut item = titled(&title);
        if let Some(description) = description {
            item = item.text("description", description);
        }
        if let Some(tag) = tag {
            item = item.tags("tags", [tag, "sale".to_owned()]);
        }
        item
    });
    proptest::collection::vec(item, 1..60)
}

fn numbered(items: &[Item]) -> impl Iterator<Item = (u64, Item)> {
    items.iter().cloned().enumerate().map(|(key, item)| (key as u64, item))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_score_stays_when_the_item_moves_into_the_index(items in corpus(), query in proptest::sample::subsequence(WORDS.as_slice(), 1..5)) {
        let query = query.join(" ");
        let mut fixture = Fixture::new();
        let changes = fixture.put(numbered(&items));
        let in_tail = fixture.search(&query, 30);
        fixture.commit(changes);
        let in_index = fixture.search(&query, 30);
        prop_assert_eq!(fixture.view().tail_len(), 0);
        // The statistics are the same, and so is every rounding: not only close, but equal.
        prop_assert_eq!(in_tail, in_index);
    }

    #[test]
    fn search_returns_the_best_and_score_agrees(items in corpus(), query in proptest::sample::subsequence(WORDS.as_slice(), 1..5), k in 1usize..30) {
        let query = query.join(" ");
        let mut fixture = Fixture::new();
        // Three segments, a tail, and some replaced items.
        for part in numbered(&items).collect::<Vec<_>>().chunks(items.len().div_ceil(4)) {
            if !fixture.catalog.is_empty() {
                let changes = fixture.put(part.iter().cloned().chain([(0, items[0].clone())]));
                if fixture.seq < Seq(4) { fixture.commit(changes); }
            } else {
                let changes = fixture.put(part.iter().cloned());
                fixture.commit(changes);
            }
        }
        let view = fixture.view();
        let is_current = fixture.is_current();
        let parsed = view.query(&query, &fixture.fields()).expect("analyses").expect("has words");
        let mut keys: Vec<ItemKey> = fixture.catalog.keys().copied().collect();
        keys.reverse();
        let scores = view.score(&parsed, &keys, &is_current).expect("scores");
        let all = keys.iter().copied().zip(scores).filter(|(_, score)| *score > 0.0).collect();
        let expected = crate::base::score::top_k(all, k);
        let found = view.search(&parsed, None, &fixture.schema, k, &is_current).expect("searches");
        // The bound takes the best field of each word; an item may have the word in all of them.
        let most = parsed.bound() * fixture.fields().len() as f32;
        prop_assert!(found.iter().all(|(_, score)| *score <= most * 1.0001));
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn pruning_over_many_blocks_finds_what_scoring_everything_finds() {
    let mut fixture = Fixture::new();
    for part in 0..3u64 {
        let items = (0..4000u64).map(|i| {
            let key = part * 4000 + i;
            let mut title = format!("common w{} w{}", key % 7, key % 31);
            for _ in 0..key % 13 {
                title.push_str(" common pad");
            }
            // Few items have a description: its average length must not be taken over all of them.
            let item = titled(&title);
            (key, if key % 50 == 0 { item.text("description", title.repeat(5)) } else { item })
        });
        let changes = fixture.put(items);
        fixture.commit(changes);
    }
    let view = fixture.view();
    let is_current = fixture.is_current();
    for text in ["common", "common w3", "w1 w2 w30", "pad w5 common"] {
        let query = view.query(text, &fixture.fields()).expect("analyses").expect("has words");
        let keys: Vec<ItemKey> = fixture.catalog.keys().copied().collect();
        let scores = view.score(&query, &keys, &is_current).expect("scores");
        let all = keys.into_iter().zip(scores).filter(|(_, score)| *score > 0.0).collect();
        let found = view.search(&query, None, &fixture.schema, 100, &is_current).expect("searches");
        assert_eq!(found, crate::base::score::top_k(all, 100), "{text}");
    }
}

#[test]
fn a_match_in_a_rare_field_counts() {
    let mut fixture = Fixture::new();
    let mut items: Vec<(u64, Item)> = (0..200).map(|key| (key, titled("plain thing"))).collect();
    items[7].1 = titled("plain thing").text("brand", "zebra");
    items[8].1 = titled("zebra thing");
    fixture.put(items);
    let found = fixture.search("zebra", 10);
    assert_eq!(found.len(), 2);
    // The title has twice the boost; apart from it, one word of one is about as good as one word of two.
    let score = |key: u64| found.iter().find(|(k, _)| *k == key).expect("found").1;
    assert!(score(7) > 0.4 * score(8), "{found:?}");
}

#[test]
fn boosts_weigh_fields_and_zero_leaves_them_out() {
    let mut fixture = Fixture::new();
    fixture.put([(1, titled("red").text("note", "blue")), (2, titled("blue").text("note", "red"))]);
    let view = fixture.view();
    let slot = |name: &str| fixture.schema.fields[name].slot.expect("has a slot");
    let first = |fields: &[(u8, f32)]| {
        let query = view.query("red", fields).expect("analyses").expect("has words");
        view.search(&query, None, &fixture.schema, 10, &fixture.is_current()).expect("searches")
    };
    assert_eq!(first(&[(slot("title"), 2.0), (slot("note"), 1.0)])[0].0, ItemKey(1));
    assert_eq!(first(&[(slot("title"), 1.0), (slot("note"), 2.0)])[0].0, ItemKey(2));
    assert_eq!(first(&[(slot("title"), 1.0), (slot("note"), 0.0)]).len(), 1);
    assert!(view.query("red", &[(0, 0.0), (1, f32::NAN)]).expect("analyses").is_none());
}

//! Texts that were made to hurt.

use std::time::{Duration, Instant};

use super::*;
use crate::api::filter::Filter;
use crate::base::limits::MAX_QUERY_TERMS;

#[test]
fn hostile_queries_return_quickly() {
    let mut fixture = Fixture::new();
    let changes = fixture.put((0..200).map(|key| (key, titled(&format!("a word {key}")))));
    fixture.commit(changes);
    fixture.put([(500, titled("a word in the tail"))]);
    let texts = [
        "(".repeat(100_000),
        "*(a".to_owned(),
        "title:a AND NOT (b OR \"c".to_owned(),
        String::new(),
        " \t\n".to_owned(),
        "!?.,;".to_owned(),
        "word ".repeat(200_000),
        "ü".repeat(500_000),
        (0..100_000).map(|n| format!("w{n} ")).collect(),
        "\u{202e}\u{5d0}\u{5d1} word".to_owned(),
        "a\0word".to_owned(),
        "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}".to_owned(),
        "x".repeat(1_000_000),
    ];
    for text in &texts {
        let start = Instant::now();
        let found = fixture.search(text, 10);
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", &text[..text.len().min(8)]);
        assert!(found.iter().all(|(_, score)| score.is_finite() && *score > 0.0));
    }
    assert_eq!(fixture.keys("*(a").len(), 201);
    assert_eq!(fixture.keys("a\0word").len(), 201);
    let view = fixture.view();
    assert!(view.query("", &fixture.fields()).expect("analyses").is_none());
    assert!(view.query(&"(".repeat(100_000), &fixture.fields()).expect("analyses").is_none());
    let many = view.query(&texts[8], &fixture.fields()).expect("analyses").expect("has words");
    assert_eq!(many.words.len(), MAX_QUERY_TERMS);
    assert!(many.bound() > 0.0 && many.bound().is_finite());
}

#[test]
fn a_cut_falls_between_characters() {
    let fixture = Fixture::new();
    // One byte, then characters of two bytes: the 4,096th byte is inside one.
    let text = format!("a {}", "é ".repeat(3000));
    assert!(fixture.view().query(&text, &[(0, 1.0)]).expect("analyses").is_some());
}

#[test]
fn hostile_items_are_indexed_and_their_neighbours_found() {
    let mut fixture = Fixture::new();
    let changes = fixture.put([
        (1, titled(&format!("before {} after", "x".repeat(1_000_000)))),
        (2, titled(&"w ".repeat(500_000))),
        (3, titled("nul\0byte \u{202e}rtl")),
        (4, titled("")),
        (5, Item::new("x")),
        (u64::MAX, titled("far before")),
    ]);
    let check = |fixture: &Fixture| {
        assert_eq!(fixture.keys("before"), [1, u64::MAX]);
        assert_eq!(fixture.keys("after byte"), [1, 3]);
        assert_eq!(fixture.keys("w"), [2]);
        let empty = Filter::equal("title", "");
        let found = fixture.view().matching(&empty, &fixture.schema, &fixture.is_current()).expect("evaluates");
        assert_eq!(found.iter().collect::<Vec<_>>(), [4]);
    };
    check(&fixture);
    fixture.commit(changes);
    check(&fixture);
    assert_eq!(fixture.view().docs(), 6);
}

#[test]
fn an_empty_store_answers() {
    let fixture = Fixture::new();
    let view = fixture.view();
    let query = view.query("word", &[(0, 1.0)]).expect("analyses").expect("has words");
    assert!(query.bound() > 0.0);
    let none = |_: ItemKey, _: Generation| true;
    assert!(view.search(&query, None, &fixture.schema, usize::MAX, &none).expect("searches").is_empty());
    assert_eq!(view.score(&query, &[ItemKey(1)], &none).expect("scores"), [0.0]);
    assert!(view.matching(&Filter::And(Vec::new()), &fixture.schema, &none).expect("evaluates").is_empty());
}

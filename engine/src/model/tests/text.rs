//! Texts to vectors.

use super::{assert_close, shipped, unit_vectors};
use crate::model::ContextInput;

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn embed_one(text: &str) -> Option<crate::model::embed::ItemVectors> {
    shipped().embed(None, &[text.to_owned()]).unwrap().remove(0)
}

#[test]
fn vectors_have_their_widths_and_length_one() {
    let vectors = embed_one("red leather shoes").unwrap();
    assert_eq!(vectors.content.len(), shipped().content_width());
    assert_eq!(vectors.item.len(), shipped().width());
    for vector in [&vectors.content, &vectors.item] {
        assert!((cosine(vector, vector) - 1.0).abs() < 1e-4);
    }
}

#[test]
fn likeness_of_words_shows() {
    let [shoe, boots, oven] = ["red leather shoes", "brown leather boots", "electric kitchen oven"].map(embed_one);
    let (shoe, boots, oven) = (shoe.unwrap().item, boots.unwrap().item, oven.unwrap().item);
    assert!(cosine(&shoe, &boots) > cosine(&shoe, &oven) + 0.1);
}

#[test]
fn texts_without_a_known_word_have_no_vector() {
    for text in ["", " ", "\n\t", "\0", "\u{200b}", "\u{e000}\u{e001}", &"\u{e000}".repeat(5000)] {
        assert_eq!(embed_one(text), None, "{text:?}");
        let context = shipped().context(&ContextInput { text: Some(text), ..Default::default() }).unwrap();
        assert_eq!(context.query, None);
    }
}

#[test]
fn the_vector_stands_in_for_a_text_without_a_known_word() {
    let vector = unit_vectors(1, 1, shipped().width());
    let context = |text| {
        let input = ContextInput { text, vector: Some(&vector), history: &[], space: None, adapter: None };
        shipped().context(&input).unwrap().query.unwrap()
    };
    assert_close(&context(None), &vector, 1e-6);
    assert_close(&context(Some("\u{e000}")), &vector, 1e-6);
    assert!(cosine(&context(Some("shoes")), &vector) < 0.9);
}

#[test]
fn a_query_and_an_item_of_the_same_text_meet() {
    let text = "Stainless steel water bottle, 750 ml";
    let query = shipped().context(&ContextInput { text: Some(text), ..Default::default() }).unwrap().query.unwrap();
    assert_close(&query, &embed_one(text).unwrap().item, 1e-5);
}

#[test]
fn a_batch_embeds_like_its_parts_and_in_order() {
    let words = ["red", "leather", "shoes", "kitchen", "garden", "lamp", "of", "the", "steel", "night"];
    let mut texts: Vec<String> = (0..700)
        .map(|i| (0..(i * 7) % 40).map(|j| words[(i * 3 + j * 5) % 10]).collect::<Vec<_>>().join(" "))
        .collect();
    texts[13] = "steel ".repeat(5000);
    let together = shipped().embed(None, &texts).unwrap();
    assert_eq!(together.len(), texts.len());
    for i in [0, 1, 2, 13, 100, 255, 256, 257, 511, 699] {
        match (embed_one(&texts[i]), &together[i]) {
            (Some(alone), Some(found)) => {
                assert_close(&found.content, &alone.content, 1e-5);
                assert_close(&found.item, &alone.item, 1e-5);
                assert_eq!(found.sid, alone.sid);
            }
            (alone, found) => assert_eq!(&alone, found, "{}", texts[i]),
        }
    }
    assert!(together[0].is_none() && together[1].is_some());
    assert!(shipped().embed(None, &[]).unwrap().is_empty());
}

#[test]
fn projecting_stored_contents_gives_the_stored_items() {
    let texts: Vec<String> = (0..300).map(|i| format!("lamp number {i} of the garden")).collect();
    let vectors: Vec<_> = shipped().embed(None, &texts).unwrap().into_iter().flatten().collect();
    assert_eq!(vectors.len(), 300);
    let contents: Vec<f32> = vectors.iter().flat_map(|v| v.content.clone()).collect();
    for (stored, (item, sid)) in vectors.iter().zip(shipped().project(None, &contents).unwrap()) {
        assert_close(&item, &stored.item, 1e-5);
        assert_eq!(sid, stored.sid);
    }
}

#[test]
fn special_tokens_in_a_text_are_text() {
    let ids = |text| shipped().tokens.ids(text).unwrap();
    for special in [0, 100, 101, 102, 103] {
        assert!(!ids("a [CLS] b [SEP] [MASK] [PAD] [UNK] c").contains(&special));
    }
    assert_eq!(ids("red shoes"), ids("  Red   SHOES "));
    assert_eq!(ids(&"shoe ".repeat(10_000)).len(), 256);
}

#[test]
fn hostile_texts_are_answered() {
    let texts = [
        "a".repeat(1 << 20),
        "\u{301}".repeat(100_000),
        "漢字".repeat(50_000),
        "👩‍👩‍👧‍👦".repeat(10_000),
        "\u{202e}abc\u{feff}".to_owned(),
        "a\0b\u{fffd}".to_owned(),
        format!("{}end", " ".repeat(1 << 20)),
    ];
    let started = std::time::Instant::now();
    for (text, vectors) in texts.iter().zip(shipped().embed(None, &texts).unwrap()) {
        let first: String = text.chars().take(5).collect();
        assert!(vectors.is_none_or(|v| v.item.iter().all(|value| value.is_finite())), "{first}");
    }
    assert!(started.elapsed().as_secs() < 10);
}

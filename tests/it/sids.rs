//! Semantic ids: kept right under writes and deletes, a source of candidates, and a group for caps.

use onelist::{Action, Cap, Event, Item, Request, Source};
use onelist_tests::{Shop, empty};

/// Thirty cups and thirty drills whose texts differ in one word, and one buyer of each.
fn house() -> Shop {
    let house = empty().expect("opens");
    let thing = |kind: &str, n: usize| {
        let words = ["red", "blue", "green", "white", "black", "small", "large", "old", "new", "light"];
        Item::new(format!("{kind}-{n}")).text("title", format!("{} {kind}", words[n % 10]))
    };
    let kinds = ["porcelain tea cup", "electric power drill"];
    house.db.put(kinds.iter().flat_map(|kind| (0..30).map(|n| thing(kind, n))).collect()).expect("puts");
    house.db.put(vec![Item::new("bare").number("price", 1.0)]).expect("puts");
    house.db.log(vec![Event::new("host", Action::Buy).item("porcelain tea cup-3")]).expect("logs");
    house
}

#[test]
fn every_item_with_content_has_a_semantic_id_through_writes_deletes_and_opening() {
    let mut house = house();
    let counts = |house: &Shop| {
        let found = house.db.verify_vectors().expect("looks");
        assert_eq!(found.wrong, 0, "{found:?}");
        (found.vectors, found.semantic_ids)
    };
    assert_eq!(counts(&house), (60, 60));
    house.db.delete(&["porcelain tea cup-1", "bare", "nobody"]).expect("deletes");
    assert_eq!(counts(&house), (59, 59));
    let moved = Item::new("porcelain tea cup-2").text("title", "the history of roman law");
    house.db.put(vec![moved, Item::new("electric power drill-5").number("price", 2.0)]).expect("puts");
    assert_eq!(counts(&house), (58, 58));
    let path = house.dir.path().join("shop.onelist");
    house.db.close().expect("closes");
    house.db = onelist::Engine::open(path, onelist::Config::default()).expect("opens");
    assert_eq!(counts(&house), (58, 58));
}

#[test]
fn what_shares_a_semantic_id_with_what_was_liked_is_proposed() {
    let house = house();
    let hits = house.db.rank(&Request::new().user("host").limit(60)).expect("ranks").hits;
    let proposed = |hit: &&onelist::Hit| hit.sources.iter().any(|proposal| proposal.source == Source::SemanticId);
    let by_id: Vec<&str> = hits.iter().filter(proposed).map(|hit| hit.id.as_str()).collect();
    assert!(by_id.len() > 1 && by_id.iter().all(|id| id.starts_with("porcelain")), "{by_id:?}");
    // The same words have the same id, and so the same prefix.
    assert!(by_id.contains(&"porcelain tea cup-13") && by_id.contains(&"porcelain tea cup-23"), "{by_id:?}");
    let stranger = house.db.rank(&Request::new().user("nobody").limit(60)).expect("ranks").hits;
    assert_eq!(stranger.iter().filter(proposed).count(), 0, "without a history there is nothing to be like");
}

#[test]
fn a_list_can_be_capped_by_semantic_id() {
    let house = house();
    let ask = |cap: Option<Cap>| {
        let mut request = Request::new().query("tea cup").limit(10);
        request.caps.extend(cap);
        house.db.rank(&request).expect("ranks").hits.into_iter().map(|hit| hit.id).collect::<Vec<_>>()
    };
    let cups = |ids: &[String]| ids.iter().filter(|id| id.starts_with("porcelain")).count();
    assert_eq!(cups(&ask(None)), 10);
    let (coarse, fine) = (ask(Some(Cap::new("semantic_id:1", 1))), ask(Some(Cap::new("semantic_id:2", 1))));
    assert!(coarse.len() == 10 && fine.len() == 10, "nothing vanishes");
    assert!(cups(&coarse) < cups(&fine) || cups(&coarse) < 10, "{coarse:?} {fine:?}");
    assert!(coarse[1].starts_with("electric"), "the second hit is of another first code: {coarse:?}");
    let mut unknown = Request::new().query("tea");
    unknown.caps.push(Cap::new("semantic_id:3", 1));
    assert_eq!(house.db.rank(&unknown).expect_err("refused").name(), "UnknownField");
}

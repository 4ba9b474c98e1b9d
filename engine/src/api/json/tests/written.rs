//! What is written, to the letter.

use crate::api::impression::{Impression, NewItemExposure};
use crate::api::item::Item;
use crate::api::json::*;
use crate::api::ranking::{Contribution, Hit, Influence, Moved, Ranking, TermPart, Took, Why};
use crate::base::time::Timestamp;
use crate::{Proposal, RequestContext, Source, Stats, Tuning, VectorStats, WeightSet};

#[test]
fn answers_are_written_as_documented() {
    let contributions = vec![
        Contribution { feature: "bm25".to_owned(), amount: 0.5 },
        Contribution { feature: "age".to_owned(), amount: -0.25 },
    ];
    let rules = vec!["rules[0] boost".to_owned()];
    let moved = Moved { from: 4, by: "caps".to_owned() };
    let history = vec![Influence { item: "b".to_owned(), amount: 0.75 }];
    let terms = vec![TermPart { term: "red".to_owned(), amount: 0.5 }];
    let hit = Hit {
        id: "a\"".to_owned(),
        score: 0.25,
        fields: Item::new("a").number("price", 9.0).fields,
        sources: vec![Proposal { source: Source::Popular7, rank: 1, score: 2.5 }],
        propensity: Some(0.5),
        why: Some(Why { contributions, rules, moved: Some(moved), history, terms, line: "bm25 +0.5".to_owned() }),
    };
    let took = Took { context_us: 1, retrieve_us: 2, rank_us: 3, features_us: 1, respond_us: 4, total_us: 10 };
    assert_eq!(took.parts().map(|(_, us)| us), [1, 2, 3, 1, 4, 10]);
    let (rank_id, warnings, next_page_token) = ("r1".to_owned(), vec!["x".to_owned()], Some("t".to_owned()));
    let ranking = Ranking {
        rank_id,
        hits: vec![hit],
        candidates: 7,
        weights_version: 2,
        took,
        warnings,
        explored: true,
        next_page_token,
    };
    let written = ranking_to_json(&ranking).expect("writes");
    assert_eq!(
        written,
        r#"{"rank_id":"r1","hits":[{"id":"a\"","score":0.25,"fields":{"price":9.0},"sources":[{"source":"popular_7d","rank":1,"score":2.5}],"propensity":0.5,"why":{"line":"bm25 +0.5","contributions":{"bm25":0.5,"age":-0.25},"rules":["rules[0] boost"],"moved":{"from":4,"by":"caps"},"history":[{"item":"b","amount":0.75}],"terms":[{"term":"red","amount":0.5}]}}],"candidates":7,"weights_version":2,"took":{"context_us":1,"retrieve_us":2,"rank_us":3,"features_us":1,"respond_us":4,"total_us":10},"warnings":["x"],"explored":true,"next_page_token":"t"}"#
    );
    assert_eq!(rankings_to_json(std::slice::from_ref(&ranking)).expect("writes"), format!("[{written}]"));
    assert_eq!(items_to_json([Some(&Item::new("a")), None]).expect("writes"), r#"[{"id":"a"},null]"#);

    let shown = Impression {
        rank_id: "r1".to_owned(),
        time: Timestamp::from_seconds(9.5),
        user: Some("u".to_owned()),
        query: None,
        offset: 1,
        slate: vec![Some("a".to_owned()), None],
        explored: true,
        propensities: vec![Some(0.5), None],
        new: Some(vec![1]),
        chosen: vec![0],
        features: 255,
        model: u64::MAX,
        weights: 2,
    };
    assert_eq!(
        impressions_to_json(&[shown]).expect("writes"),
        r#"[{"rank_id":"r1","time":9.5,"user":"u","query":null,"offset":1,"slate":["a",null],"explored":true,"propensities":[0.5,null],"new":[1],"chosen":[0],"features":"00000000000000ff","model":"ffffffffffffffff","weights":2}]"#
    );
    let exposure = NewItemExposure { impressions: 2, places: 20, new_places: 5 };
    assert_eq!(
        new_item_exposure_to_json(&exposure).expect("writes"),
        r#"{"impressions":2,"places":20,"new_places":5,"fraction":0.25}"#
    );

    let vectors = vec![VectorStats { name: "item".to_owned(), indexed: 5, ..VectorStats::default() }];
    let stats = Stats { items: 3, vectors, poisoned: Some("disk".to_owned()), ..Stats::default() };
    let read: serde_json::Value = serde_json::from_str(&stats_to_json(&stats).expect("writes")).expect("is JSON");
    assert_eq!((&read["items"], &read["vectors"][0]["indexed"]), (&3.into(), &5.into()));
    assert_eq!((&read["poisoned"], &read["background_error"]), (&"disk".into(), &serde_json::Value::Null));
    assert_eq!(read["model"]["provider"], "");
}

#[test]
fn tunings_are_written_as_documented() {
    let set = WeightSet {
        context: RequestContext { query: false, history: true, exclude_seen: true, in_visit: false },
        samples: 75,
        held_out: 25,
        ndcg_before: 0.25,
        ndcg_after: 0.5,
        kept: true,
        weights: vec![1.5, -2.0],
    };
    let tuning = Tuning {
        version: 3,
        time: Timestamp::from_millis(1_500),
        events: 100,
        model: "abc".to_owned(),
        features: vec!["bm25".to_owned(), "covisit_next".to_owned()],
        sets: vec![set],
    };
    let written = tuning_to_json(&tuning).expect("writes");
    assert_eq!(
        written,
        r#"{"version":3,"time":1.5,"events":100,"model":"abc","sets":[{"request_context":{"name":"recommendation, new items, at its start","query":false,"history":true,"exclude_seen":true,"in_visit":false},"samples":75,"held_out":25,"ndcg_before":0.25,"ndcg_after":0.5,"kept":true,"weights":{"bm25":1.5,"covisit_next":-2.0}}]}"#
    );
    let all = tunings_to_json(std::slice::from_ref(&tuning), 3).expect("writes");
    assert_eq!(all, format!(r#"{{"in_force":3,"tunings":[{written}]}}"#));
}

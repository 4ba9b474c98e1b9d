//! Filters: every kind of condition, alone and with every kind of request.

use onelist::{Compare, Filter, Item, Request, Scalar, Timestamp, Value};
use onelist_tests::{empty, ids, shop};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// What a filter lets through, in any order.
fn matching(db: &onelist::Engine, filter: Filter) -> Vec<String> {
    let mut found = ids(db, &Request::new().filter(filter).limit(100)).expect("ranks");
    found.sort();
    found
}

#[test]
fn each_condition_means_what_it_says() {
    let shop = shop().expect("opens");
    let among = |filter| matching(&shop.db, filter);
    assert_eq!(among(Filter::less("price", 45.0)), ["teapot"]);
    assert_eq!(among(Filter::at_least("price", 120.0)), ["bag", "boots"]);
    assert_eq!(among(Filter::equal("title", "Leather travel bag")), ["bag"]);
    assert_eq!(among(Filter::equal("stocked", false)), ["bag", "boots"]);
    assert_eq!(among(Filter::equal("tags", "brown")), ["bag", "boots"]);
    assert_eq!(among(Filter::one_of("tags", ["white", "grey"])), ["kettle", "teapot"]);
    assert_eq!(among(Filter::one_of("price", [59.0, 35.0])), ["red-shoes", "teapot"]);
    assert_eq!(among(Filter::matches_text("title", "SHOE running")), ["blue-shoes", "red-shoes"]);
    assert_eq!(
        among(Filter::near("store", 48.8566, 2.3522, 5_000.0).and(Filter::less("price", 60.0))),
        ["kettle", "red-shoes"]
    );
    assert_eq!(among(Filter::exists("image")).len(), 7);
    assert!(among(Filter::exists("image").not()).is_empty());
    assert_eq!(among(Filter::equal("tags", "bags").or(Filter::equal("tags", "kitchen")).not()).len(), 3);
    let released = Timestamp::from_seconds(1.7e9 + 119.0 * 86_400.0);
    assert_eq!(among(Filter::at_least("released", released)), ["bag", "boots"]);
    assert_eq!(
        among(Filter::at_least("released", 1.7e9 + 119.0 * 86_400.0)),
        ["bag", "boots"],
        "seconds are dates too"
    );
    assert_eq!(among(Filter::And(vec![])).len(), 7);
    assert!(among(Filter::Or(vec![])).is_empty());
}

#[test]
fn a_filter_goes_with_every_kind_of_request() {
    let shop = shop().expect("opens");
    let brown = || Filter::equal("tags", "brown");
    for request in [
        Request::new(),
        Request::new().query("shoes"),
        Request::new().user("hiker"),
        Request::new().user("cook").query("kettle"),
        Request::new().like(["red-shoes"]),
        Request::new().vector("image", vec![1.0, 0.0, 0.0]),
        Request::new().among(["bag", "boots", "teapot"]),
    ] {
        let mut found = ids(&shop.db, &request.clone().filter(brown())).expect("ranks");
        found.sort();
        assert_eq!(found, ["bag", "boots"], "{request:?}");
    }
}

#[test]
fn a_misspelt_field_and_a_wrong_type_are_errors() {
    let shop = shop().expect("opens");
    let refused = |filter| shop.db.rank(&Request::new().filter(filter)).expect_err("refused");
    let unknown = refused(Filter::equal("prise", 1.0));
    assert_eq!(unknown.name(), "UnknownField");
    assert!(unknown.to_string().contains("price"), "{unknown}");
    assert_eq!(refused(Filter::equal("price", "cheap")).name(), "InvalidArgument");
    assert_eq!(refused(Filter::less("title", "m")).name(), "InvalidArgument");
    assert_eq!(refused(Filter::near("title", 0.0, 0.0, 1.0)).name(), "InvalidArgument");
    assert_eq!(refused(Filter::equal("image", 1.0)).name(), "InvalidArgument");
    // A store that knows no field yet has nothing to misspell.
    let new = empty().expect("opens");
    assert!(ids(&new.db, &Request::new().filter(Filter::equal("prise", 1.0))).expect("ranks").is_empty());
}

/// Selective, middling and wide filters against a brute-force reading of the same items: the planner takes another
/// path for each, and the answers must not differ.
#[test]
fn the_planner_never_changes_the_answer() {
    let seed = 7;
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let shop = empty().expect("opens");
    let words = ["red", "blue", "shoe", "boot", "bag", "tent", "lamp", "desk", "chair", "cup"];
    let items: Vec<Item> = (0..6_000)
        .map(|n| {
            let title: Vec<&str> = (0..4).map(|_| words[rng.random_range(0..words.len())]).collect();
            Item::new(format!("i{n}")).text("title", title.join(" ")).number("rank", f64::from(n))
        })
        .collect();
    shop.db.put(items).expect("puts");
    shop.db.flush().expect("flushes");
    for (low, high) in [(0.0, 30.0), (100.0, 160.0), (1_000.0, 2_500.0), (0.0, 5_990.0)] {
        let filter = || Filter::at_least("rank", low).and(Filter::less("rank", high));
        for request in [
            Request::new().query("red tent"),
            Request::new().like(["i5"]),
            Request::new(),
            Request::new().history(["i1", "i2"]),
        ] {
            let ranking = shop.db.rank(&request.clone().filter(filter()).limit(50)).expect("ranks");
            let wanted = ((high - low) as usize).min(50);
            assert!(ranking.hits.len() >= wanted - 1, "{low}..{high}: {} hits of {wanted}", ranking.hits.len());
            for hit in &ranking.hits {
                let Some(Value::Number(rank)) = hit.fields.get("rank") else { panic!("items have ranks") };
                assert!((low..high).contains(rank), "{rank} is not in {low}..{high}");
            }
        }
    }
}

#[test]
fn a_filter_sees_the_overlay_and_the_index_alike() {
    let shop = shop().expect("opens");
    let filters = || {
        vec![
            Filter::equal("tags", "brown"),
            Filter::Compare { field: "price".into(), compare: Compare::LessOrEqual, value: Scalar::Number(59.0) },
            Filter::matches_text("title", "hiking"),
            Filter::near("store", 51.5, -0.1, 20_000.0),
            Filter::exists("image").not().or(Filter::equal("stocked", true)),
        ]
    };
    let before: Vec<_> = filters().into_iter().map(|f| matching(&shop.db, f)).collect();
    shop.db.flush().expect("flushes");
    assert_eq!(shop.db.stats().expect("counts").text_tail, 0, "everything is in the index now");
    let after: Vec<_> = filters().into_iter().map(|f| matching(&shop.db, f)).collect();
    assert_eq!(before, after);
}

//! What a request can say besides query, user and filter.

use onelist::{Action, Event, Filter, HistoryEvent, Request, Rule, Source, Timestamp, Which};
use onelist_tests::{ids, shop};

#[test]
fn like_finds_more_of_the_same_and_not_the_seed() {
    let shop = shop().expect("opens");
    let found = ids(&shop.db, &Request::new().like(["teapot"])).expect("ranks");
    assert_eq!(found[0], "kettle", "{found:?}");
    assert!(!found.contains(&"teapot".to_owned()));
    let ranking = shop.db.rank(&Request::new().like(["boots", "no such item"])).expect("ranks");
    assert!(ranking.hits[0].sources.iter().any(|p| p.source == Source::Similar), "{ranking:?}");
    // The seed's own picture is compared too.
    let why = shop.db.rank(&Request::new().like(["teapot"]).explain()).expect("ranks");
    let kettle = why.hits[0].why.as_ref().expect("was asked for");
    assert!(kettle.contributions.iter().any(|c| c.feature == "vector" && c.amount > 0.0), "{kettle:?}");
}

#[test]
fn among_ranks_exactly_these() {
    let shop = shop().expect("opens");
    let these = ["bag", "teapot", "no such item", "boots"];
    let found = ids(&shop.db, &Request::new().query("porcelain").among(these)).expect("ranks");
    assert_eq!(found[0], "teapot");
    assert_eq!(found.len(), 3);
    assert!(ids(&shop.db, &Request::new().among(Vec::<String>::new())).expect("ranks").is_empty());
}

#[test]
fn exclude_and_exclude_seen_leave_out() {
    let shop = shop().expect("opens");
    let mut request = Request::new();
    request.exclude = vec!["boots".into(), "no such item".into()];
    assert!(!ids(&shop.db, &request).expect("ranks").contains(&"boots".to_owned()));
    let seen = ids(&shop.db, &Request::new().user("hiker").exclude_seen()).expect("ranks");
    assert!(!seen.contains(&"boots".to_owned()) && !seen.contains(&"backpack".to_owned()), "{seen:?}");
    let stateless = ids(&shop.db, &Request::new().history(["bag"]).exclude_seen()).expect("ranks");
    assert!(!stateless.contains(&"bag".to_owned()) && stateless.len() == 6);
}

#[test]
fn a_vector_of_the_callers_own_searches() {
    let shop = shop().expect("opens");
    let ranking = shop.db.rank(&Request::new().vector("image", vec![0.0, 0.05, 7.0])).expect("ranks");
    assert_eq!(ranking.hits[0].id, "teapot");
    assert!(ranking.hits[0].sources.iter().any(|p| p.source == Source::Vector && p.rank == 1));
}

#[test]
fn pages_continue_one_another() {
    let shop = shop().expect("opens");
    let request = || Request::new().query("leather shoes").user("cook");
    let whole = ids(&shop.db, &request().limit(7)).expect("ranks");
    let mut pages = Vec::new();
    for page in 0..4 {
        pages.extend(ids(&shop.db, &request().limit(2).offset(2 * page)).expect("ranks"));
    }
    assert_eq!(pages, whole);
    assert!(ids(&shop.db, &request().limit(0)).expect("ranks").is_empty());
    assert!(ids(&shop.db, &request().offset(100)).expect("ranks").is_empty());
}

#[test]
fn rank_many_is_rank_one_by_one() {
    let shop = shop().expect("opens");
    let now = Timestamp::now();
    let requests: Vec<Request> = [
        Request::new(),
        Request::new().query("leather"),
        Request::new().user("hiker"),
        Request::new().user("cook").query("kettle").explain(),
        Request::new().like(["teapot"]).limit(3),
        Request::new().limit(0),
    ]
    .map(|request| request.now(now))
    .into();
    let together = shop.db.rank_many(&requests).expect("ranks");
    for (request, batched) in requests.iter().zip(&together) {
        let alone = shop.db.rank(request).expect("ranks");
        assert_eq!(alone.hits.len(), batched.hits.len());
        // Items that tie may change places: a batch adds its terms in another order.
        for a in &alone.hits {
            let b = batched.hits.iter().find(|b| b.id == a.id).expect("is in both");
            assert_eq!(a.sources, b.sources);
            assert!((a.score - b.score).abs() < 1e-4, "{} {}", a.score, b.score);
        }
        assert!(batched.hits.windows(2).all(|pair| pair[0].score >= pair[1].score));
    }
    assert!(shop.db.rank_many(&[]).expect("ranks").is_empty());
}

#[test]
fn explanations_add_up_to_the_score() {
    let shop = shop().expect("opens");
    let ranking = shop.db.rank(&Request::new().query("leather boots").user("hiker").explain()).expect("ranks");
    for hit in &ranking.hits {
        let why = hit.why.as_ref().expect("was asked for");
        let sum: f32 = why.contributions.iter().map(|c| c.amount).sum();
        assert!((sum - hit.score).abs() < 1e-4, "{hit:?}");
    }
    let best = ranking.hits[0].why.as_ref().expect("was asked for");
    assert!(best.line.contains("leather") || best.line.contains("boot"), "{}", best.line);
    assert!(ranking.hits.iter().all(|hit| !hit.sources.is_empty()), "every hit says who proposed it");
    let plain = shop.db.rank(&Request::new().query("leather boots")).expect("ranks");
    assert!(plain.hits.iter().all(|hit| hit.why.is_none()));
}

#[test]
fn the_future_is_not_seen() {
    let shop = shop().expect("opens");
    let (past, future) =
        (Timestamp::from_seconds(1.0e9), Timestamp::from_seconds(Timestamp::now().seconds() + 3_600.0));
    shop.db.log(vec![Event::new("traveller", Action::Buy).item("kettle").at(future)]).expect("logs");
    let seen_then = ids(&shop.db, &Request::new().user("traveller").exclude_seen().now(past)).expect("ranks");
    assert!(seen_then.contains(&"kettle".to_owned()));
    let later = Timestamp::from_seconds(future.seconds() + 1.0);
    let seen_later = ids(&shop.db, &Request::new().user("traveller").exclude_seen().now(later)).expect("ranks");
    assert!(!seen_later.contains(&"kettle".to_owned()));
    let ranking = shop.db.rank(&Request::new().now(later)).expect("ranks");
    assert!(ranking.hits.iter().all(|hit| hit.score.is_finite()));
}

#[test]
fn dislikes_and_ratings_speak() {
    let shop = shop().expect("opens");
    let rated =
        |item: &str, value: f64| HistoryEvent { value: Some(value), action: Action::Rate, ..HistoryEvent::new(item) };
    let score = |value: f64| {
        let mut request = Request::new().among(["boots"]);
        request.history = vec![rated("bag", value)];
        shop.db.rank(&request).expect("ranks").hits[0].score
    };
    assert!(score(5.0) > score(1.0), "a five speaks for what is alike, a one against it");
}

#[test]
fn only_the_named_fields_come_back() {
    let shop = shop().expect("opens");
    let mut request = Request::new().query("kettle");
    request.fields = Some(vec!["title".into(), "no such field".into()]);
    for hit in shop.db.rank(&request).expect("ranks").hits {
        assert_eq!(hit.fields.keys().collect::<Vec<_>>(), ["title"]);
    }
}

#[test]
fn ranking_ids_differ_and_stages_are_timed() {
    let shop = shop().expect("opens");
    let (a, b) = (shop.db.rank(&Request::new()).expect("ranks"), shop.db.rank(&Request::new()).expect("ranks"));
    assert_ne!(a.rank_id, b.rank_id);
    let took = a.took;
    assert!(took.total_us >= took.context_us + took.retrieve_us + took.rank_us + took.respond_us);
    assert!(took.rank_us >= took.features_us && took.features_us > 0, "{took:?}");
    shop.db.log(vec![Event { rank_id: Some(a.rank_id), ..Event::new("u", Action::Click).item("bag") }]).expect("logs");
}

/// The warnings of a request's answer.
fn warnings(shop: &onelist_tests::Shop, request: Request) -> Vec<String> {
    shop.db.rank(&request).expect("ranks").warnings
}

#[test]
fn ids_that_are_not_in_the_catalog_are_named_in_a_warning() {
    let shop = shop().expect("opens");
    let some = ["boots", "nope"];
    let lists = [
        ("like", Request::new().like(some)),
        ("unlike", Request::new().unlike(some)),
        ("among", Request::new().among(some)),
        ("exclude", Request::new().exclude(some)),
        ("history", Request::new().history(some)),
        ("rules[0] boost", Request::new().rule(Rule::Boost { which: ids_of(some), amount: 1.0 })),
        ("rules[0] bury", Request::new().rule(Rule::Bury { which: ids_of(some), amount: 1.0 })),
        ("rules[0] exclude", Request::new().rule(Rule::Exclude(ids_of(some)))),
    ];
    for (list, request) in lists {
        let said = format!("1 id in `{list}` is not in the catalog and is left out: `nope`");
        assert_eq!(warnings(&shop, request), [said]);
    }
    shop.db.delete(&["boots"]).expect("deletes");
    let said = "1 id in `among` is not in the catalog and is left out: `boots`";
    assert_eq!(warnings(&shop, Request::new().among(["boots", "kettle"])), [said], "also one that was deleted");
    let many: Vec<String> = (0..7).map(|n| format!("nope-{n}")).collect();
    let said = warnings(&shop, Request::new().exclude(many));
    assert!(said[0].starts_with("7 ids in `exclude` are not") && said[0].ends_with("`nope-2` and others"), "{said:?}");
    assert_eq!(warnings(&shop, Request::new().like(["kettle"]).exclude(["kettle", "kettle"])), Vec::<String>::new());
    let long = warnings(&shop, Request::new().exclude(["x".repeat(100_000)]));
    assert!(long[0].len() < 300, "an id is shortened in a warning: {}", long[0].len());
}

fn ids_of(ids: [&str; 2]) -> Which {
    Which::Ids(ids.map(str::to_owned).to_vec())
}

#[test]
fn words_beyond_those_that_a_query_takes_are_named_in_a_warning() {
    let shop = shop().expect("opens");
    let words = |count: usize| (0..count).map(|n| format!("w{n}")).collect::<Vec<_>>().join(" ");
    let most = onelist::limits::MAX_QUERY_TERMS;
    assert_eq!(warnings(&shop, Request::new().query(words(most))), Vec::<String>::new());
    let twice = format!("{} {}", words(most), words(most));
    assert_eq!(warnings(&shop, Request::new().query(twice)), Vec::<String>::new(), "a repeated word is one word");
    let said = warnings(&shop, Request::new().query(words(most + 1)));
    assert_eq!(said, [format!("the query has more than {most} words; the rest was left out")]);
}

#[test]
fn a_filter_on_ids_says_what_to_use_instead() {
    let shop = shop().expect("opens");
    for filter in [Filter::equal("id", "boots"), Filter::one_of("id", ["boots"]), Filter::exists("id")] {
        let refused = shop.db.rank(&Request::new().filter(filter.not())).expect_err("is refused").to_string();
        assert!(refused.contains("`among`") && refused.contains("`exclude`"), "{refused}");
    }
    let other = shop.db.rank(&Request::new().filter(Filter::exists("ids"))).expect_err("is refused").to_string();
    assert!(!other.contains("`among`") && other.contains("known fields"), "{other}");
}

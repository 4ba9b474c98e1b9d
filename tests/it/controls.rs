//! What a request asks of its list besides what it is about: diversity, caps, mix, `unlike`, how personal, what was seen.

use std::collections::{BTreeMap, BTreeSet};

use onelist::{
    Action, Event, Filter, HistoryEvent, Hit, Item, Personalization, Ranking, Request, Rule, Timestamp, Value, Why,
    limits,
};
use onelist_tests::{Shop, empty, ids, shop};
use proptest::prelude::*;
use proptest::test_runner::{Config as Runs, TestRunner};

fn ranked(shop: &Shop, request: Request) -> Ranking {
    shop.db.rank(&request.unlogged()).expect("ranks")
}

fn why(hit: &Hit) -> &Why {
    hit.why.as_ref().expect("was asked for")
}

fn scores(ranking: &Ranking) -> BTreeMap<&str, f32> {
    ranking.hits.iter().map(|hit| (hit.id.as_str(), hit.score)).collect()
}

fn tags(hit: &Hit) -> Vec<String> {
    match hit.fields.get("tags") {
        Some(Value::Tags(tags)) => tags.clone(),
        other => panic!("{other:?}"),
    }
}

/// Forty films, the dramas above the war films for everybody, and a user who has seen seven dramas and three war films.
fn cinema() -> Shop {
    let cinema = empty().expect("opens");
    let film = |kind: &str, n: usize| {
        Item::new(format!("{kind}-{n}"))
            .text("title", format!("A {kind} film"))
            .tags("genres", [kind])
            .number("part", n as f64)
    };
    cinema.db.put(["drama", "war"].iter().flat_map(|kind| (0..20).map(|n| film(kind, n))).collect()).expect("puts");
    let seen = (0..7).map(|n| format!("drama-{n}")).chain((0..3).map(|n| format!("war-{n}")));
    let mut events: Vec<Event> = seen.map(|id| Event::new("viewer", Action::View).item(id)).collect();
    let crowd = (0..20).flat_map(|n| (0..5).map(move |user| (n, user)));
    events.extend(crowd.map(|(n, user)| Event::new(format!("u{user}"), Action::View).item(format!("drama-{n}"))));
    cinema.db.log(events).expect("logs");
    // What people have in common is counted a moment after it is logged; tests compare lists before and after.
    cinema.db.flush().expect("flushes");
    cinema
}

#[test]
fn diversity_keeps_the_best_and_parts_what_is_alike() {
    let shop = shop().expect("opens");
    let request = || Request::new().query("running shoes").explain();
    let plain = ranked(&shop, request());
    let diverse = ranked(&shop, request().diversity(0.9));
    assert_eq!(ids(&shop.db, &request().diversity(0.0)).expect("ranks"), ids(&shop.db, &request()).expect("ranks"));
    assert!(plain.hits[1].id.ends_with("-shoes"));
    assert_eq!(diverse.hits[0].id, plain.hits[0].id, "the best has nothing to be like");
    assert!(!diverse.hits[1].id.ends_with("-shoes"), "{diverse:?}");
    assert_eq!(diverse.hits.len(), 7, "nothing vanishes");
    for (id, score) in scores(&plain) {
        assert!((scores(&diverse)[id] - score).abs() < 1e-4, "a hit keeps its score");
    }
    let moved: Vec<&Hit> = diverse.hits.iter().filter(|hit| why(hit).moved.is_some()).collect();
    assert!(!moved.is_empty());
    for hit in moved {
        let moved = why(hit).moved.as_ref().expect("was filtered");
        assert_eq!((moved.by.as_str(), &plain.hits[moved.from - 1].id), ("diversity", &hit.id));
        assert!(why(hit).line.contains("by diversity"), "{}", why(hit).line);
    }
    assert!(plain.hits.iter().all(|hit| why(hit).moved.is_none() && why(hit).rules.is_empty()));
}

#[test]
fn pages_of_a_diverse_list_continue_one_another() {
    let shop = shop().expect("opens");
    let request = || Request::new().query("leather shoes").diversity(0.7).cap("tags", 1).limit(2);
    let whole = ids(&shop.db, &request().limit(7)).expect("ranks");
    let pages: Vec<String> =
        (0..4).flat_map(|page| ids(&shop.db, &request().offset(2 * page)).expect("ranks")).collect();
    assert_eq!(pages, whole);
}

#[test]
fn caps_push_back_what_is_too_many() {
    let shop = shop().expect("opens");
    let three = ranked(&shop, Request::new().query("shoes").cap("tags", 1).limit(3));
    let mut all: Vec<String> = three.hits.iter().flat_map(tags).collect();
    all.sort_unstable();
    assert_eq!(all.windows(2).find(|pair| pair[0] == pair[1]), None, "{three:?}");

    let whole = ranked(&shop, Request::new().query("shoes").cap("tags", 1).explain());
    assert_eq!(whole.hits.len(), 7, "what is over the cap moves behind");
    assert_eq!(ids(&shop.db, &Request::new().query("shoes").cap("tags", 7)).expect("ranks").len(), 7);
    let plain = ids(&shop.db, &Request::new().query("shoes")).expect("ranks");
    assert_eq!(ids(&shop.db, &Request::new().query("shoes").cap("tags", 7)).expect("ranks"), plain, "room for all");
    assert!(whole.hits.iter().any(|hit| why(hit).moved.as_ref().is_some_and(|moved| moved.by == "caps")));
    // Numbers, booleans and whole texts are groups, too; two caps hold together.
    let flags = ranked(&shop, Request::new().cap("stocked", 1).cap("price", 1).limit(2));
    assert_ne!(flags.hits[0].fields["stocked"], flags.hits[1].fields["stocked"]);
    let texts = ids(&shop.db, &Request::new().cap("title", 1)).expect("ranks");
    assert_eq!(texts, ids(&shop.db, &Request::new()).expect("ranks"), "no two have one title");
}

#[test]
fn the_mix_follows_the_history() {
    let cinema = cinema();
    let wars = |request: Request| {
        let hits = ranked(&cinema, request.user("viewer").exclude_seen()).hits;
        assert_eq!(hits.len(), 10);
        hits.iter().filter(|hit| hit.id.starts_with("war")).count()
    };
    let plain = wars(Request::new());
    let counts =
        [0.25, 0.5, 0.75, 0.95, 1.0].map(|strength| wars(Request::new().match_history_mix("genres", strength)));
    assert_eq!((plain, counts[4]), (0, 3), "seven to three, as in the history");
    assert!(counts.is_sorted() && counts[3] > 0, "the stronger, the closer: {counts:?}");
    assert_eq!(wars(Request::new().match_history_mix("genres", 0.0)), plain);
    let nobody = ranked(&cinema, Request::new().match_history_mix("genres", 0.5));
    assert!(nobody.warnings.iter().any(|note| note.contains("match_history_mix")), "{:?}", nobody.warnings);
    let hated = HistoryEvent { action: Action::Dislike, ..HistoryEvent::new("war-1") };
    let mut request = Request::new().match_history_mix("genres", 0.5);
    request.history = vec![hated];
    assert!(!ranked(&cinema, request).warnings.is_empty(), "a dislike is no taste");
}

#[test]
fn unlike_moves_away_in_every_cell() {
    let shop = shop().expect("opens");
    for request in
        [Request::new(), Request::new().query("kettle"), Request::new().user("cook"), Request::new().like(["bag"])]
    {
        let plain = ranked(&shop, request.clone());
        let away = ranked(&shop, request.unlike(["teapot"]).explain());
        assert!(away.hits.iter().all(|hit| hit.id != "teapot"), "what is not wanted is not in the answer");
        assert!(scores(&away)["kettle"] < scores(&plain)["kettle"] - 0.05, "{away:?}");
        let kettle = away.hits.iter().find(|hit| hit.id == "kettle").expect("is there");
        assert!(why(kettle).contributions.iter().any(|c| c.feature == "unlike" && c.amount < 0.0));
        for hit in &away.hits {
            let sum: f32 = why(hit).contributions.iter().map(|c| c.amount).sum();
            assert!((sum - hit.score).abs() < 1e-3, "{hit:?}");
        }
        assert!(away.hits.windows(2).all(|pair| pair[0].score >= pair[1].score));
    }
    let unknown = ranked(&shop, Request::new().unlike(["no such item"]));
    assert!(unknown.warnings.iter().any(|note| note.contains("`unlike`")), "{:?}", unknown.warnings);
    assert_eq!(unknown.hits.len(), 7);
}

#[test]
fn the_history_counts_as_much_as_asked() {
    let shop = shop().expect("opens");
    let now = Timestamp::now();
    let at = |level: Personalization| {
        Request::new().query("leather").user("hiker").personalization(level).now(now).explain()
    };
    let amount = |ranking: &Ranking, id: &str, of: &str| -> f32 {
        let hit = ranking.hits.iter().find(|hit| hit.id == id).expect("is there");
        why(hit).contributions.iter().filter(|c| c.feature.starts_with(of)).map(|c| c.amount).sum()
    };
    let levels = Personalization::ALL.map(|level| ranked(&shop, at(level)));
    let [off, low, medium, high] = &levels;
    for of in ["cos_history", "cos_last", "cos_nearest"] {
        let full = amount(medium, "bag", of);
        assert!((amount(low, "bag", of) - 0.5 * full).abs() < 1e-4 && amount(off, "bag", of) == 0.0);
        assert!((amount(high, "bag", of) - 1.5 * full).abs() < 1e-4);
    }
    assert_eq!(amount(low, "bag", "bm25"), amount(high, "bag", "bm25"));
    assert!(amount(medium, "bag", "cos_") != amount(low, "bag", "cos_"));
    for ranking in &levels {
        for hit in &ranking.hits {
            let sum: f32 = why(hit).contributions.iter().map(|c| c.amount).sum();
            assert!((sum - hit.score).abs() < 1e-3, "{hit:?}");
        }
    }
    // Off is what nobody sees; what was had can still be left out.
    let nobody = ranked(&shop, Request::new().query("leather").now(now));
    assert_eq!(scores(off), scores(&nobody));
    let unseen = ids(&shop.db, &at(Personalization::Off).exclude_seen()).expect("ranks");
    assert!(!unseen.contains(&"boots".to_owned()) && unseen.len() == 5);
    // Levels side by side in one batch are those of single requests, without explanations too.
    let requests = Personalization::ALL.map(|level| {
        let mut request = at(level);
        request.explain = false;
        request
    });
    for (alone, together) in levels.iter().zip(shop.db.rank_many(&requests).expect("ranks")) {
        for (id, score) in scores(alone) {
            assert!((scores(&together)[id] - score).abs() < 1e-4, "{id}");
        }
        assert!(together.hits.iter().all(|hit| hit.why.is_none()));
    }
}

#[test]
fn what_was_seen_depends_on_action_and_age() {
    let shop = shop().expect("opens");
    let now = Timestamp::from_seconds(1.75e9);
    let days_ago = |days: f64| Timestamp::from_seconds(1.75e9 - days * 86_400.0);
    let event = |item: &str, action: Action, days: f64| Event::new("ada", action).item(item).at(days_ago(days));
    shop.db
        .log(vec![
            event("boots", Action::Buy, 40.0),
            event("bag", Action::Buy, 3.0),
            event("teapot", Action::View, 1.0),
            event("kettle", Action::Other("rent".to_owned()), 1.0),
            event("backpack", Action::Buy, -5.0),
        ])
        .expect("logs");
    let missing = |actions: &[Action], within_days: Option<f64>| -> Vec<&str> {
        let request = Request::new().user("ada").now(now).exclude_seen_when(actions.to_vec(), within_days);
        let found = ids(&shop.db, &request).expect("ranks");
        let all = ["boots", "bag", "teapot", "kettle", "backpack", "red-shoes", "blue-shoes"];
        all.into_iter().filter(|id| !found.contains(&(*id).to_owned())).collect()
    };
    assert_eq!(missing(&[], None), ["boots", "bag", "teapot", "kettle"], "the future is not seen");
    assert_eq!(missing(&[Action::Buy], None), ["boots", "bag"]);
    assert_eq!(missing(&[Action::Buy], Some(30.0)), ["bag"]);
    assert_eq!(missing(&[], Some(2.0)), ["teapot", "kettle"]);
    assert_eq!(missing(&[Action::named("rent"), Action::Buy], Some(30.0)), ["bag", "kettle"]);
    let mut stateless = Request::new().now(now).exclude_seen_when([Action::Buy], Some(30.0));
    stateless.history =
        vec![HistoryEvent::new("boots"), HistoryEvent { action: Action::Buy, ..HistoryEvent::new("bag") }];
    let found = ids(&shop.db, &stateless).expect("ranks");
    assert!(found.contains(&"boots".to_owned()) && !found.contains(&"bag".to_owned()), "{found:?}");
}

#[test]
fn a_filter_holds_with_every_control() {
    let cinema = cinema();
    let controls = [
        Request::new().diversity(0.8),
        Request::new().cap("part", 1),
        Request::new().match_history_mix("genres", 0.9),
        Request::new().unlike(["war-19"]),
        Request::new().personalization(Personalization::High),
        Request::new().exclude_seen_when([Action::View], None),
        Request::new().diversity(0.5).match_history_mix("genres", 0.5).cap("genres", 3).unlike(["drama-9"]),
    ];
    for request in controls {
        let filter = Filter::at_least("part", 8.0).and(Filter::equal("genres", "war"));
        let ranking = ranked(&cinema, request.clone().user("viewer").filter(filter).limit(50));
        let seen = usize::from(request.unlike.contains(&"war-19".to_owned()));
        assert_eq!(ranking.hits.len(), 12 - seen, "{request:?}");
        let late = |hit: &Hit| matches!(hit.fields["part"], Value::Number(part) if part >= 8.0);
        assert!(ranking.hits.iter().all(|hit| hit.id.starts_with("war") && late(hit)));
    }
}

#[test]
fn what_cannot_be_is_a_typed_error_and_an_empty_store_an_empty_list() {
    let shop = shop().expect("opens");
    let name = |request: Request| shop.db.rank(&request).expect_err("must be refused").name();
    for share in [-0.1, 1.5, f32::NAN] {
        assert_eq!(name(Request::new().diversity(share)), "InvalidArgument");
        assert_eq!(name(Request::new().match_history_mix("tags", share)), "InvalidArgument");
    }
    assert_eq!(name(Request::new().cap("no such field", 1)), "UnknownField");
    assert_eq!(name(Request::new().cap("image", 1)), "InvalidArgument");
    assert_eq!(name(Request::new().cap("tags", 0)), "InvalidArgument");
    assert_eq!(name(Request::new().match_history_mix("store", 0.5)), "InvalidArgument");
    assert_eq!(name(Request::new().unlike(vec!["x"; 65])), "LimitExceeded");
    assert_eq!(name((0..17).fold(Request::new(), |request, _| request.cap("tags", 1))), "LimitExceeded");
    assert_eq!(name(Request::new().exclude_seen_when([], Some(-1.0))), "InvalidArgument");
    let nothing = empty().expect("opens");
    let all = Request::new().diversity(1.0).cap("brand", 1).match_history_mix("genres", 1.0).unlike(["x"]);
    assert!(ranked(&nothing, all).hits.is_empty());
}

#[test]
fn a_long_history_is_looked_at_as_far_as_its_limit() {
    let shop = shop().expect("opens");
    let at = |n: usize| Timestamp::from_seconds(1.6e9 + n as f64);
    let view = |n: usize| Event::new("busy", Action::View).item(if n == 0 { "bag" } else { "boots" }).at(at(n));
    let events = limits::MAX_SEEN_EVENTS + 1;
    shop.db.log((0..events).map(view).collect()).expect("logs");
    let request = || Request::new().user("busy").now(at(events));
    let ranking = ranked(&shop, request().exclude_seen_when([Action::View], None));
    let found: Vec<&str> = ranking.hits.iter().map(|hit| hit.id.as_str()).collect();
    assert!(found.contains(&"bag") && !found.contains(&"boots"), "{found:?}");
    assert!(ranking.warnings.iter().any(|note| note.contains("10000")), "{:?}", ranking.warnings);
    let lately = ranked(&shop, request().exclude_seen_when([Action::View], Some(0.01)));
    assert_eq!(lately.warnings, Vec::<String>::new(), "what lies before counts for nothing");
    assert!(
        !ids(&shop.db, &request().exclude_seen()).expect("ranks").contains(&"bag".to_owned()),
        "the plain form sees all"
    );
}

/// Controls at random: shares, a cap, a pin, levels, and where the page begins.
fn any_request() -> impl Strategy<Value = Request> {
    let share = || prop_oneof![Just(0.0f32), 0.0f32..=1.0];
    let level = prop::sample::select(Personalization::ALL.to_vec());
    let text = prop_oneof![Just(None), Just(Some("war film"))];
    let pin = prop::option::of((0usize..20, 1usize..12));
    (text, share(), share(), level, prop::option::of(1usize..4), pin, 0usize..6, any::<bool>()).prop_map(
        |(query, diversity, strength, level, cap, pin, offset, seen)| {
            let mut request = Request::new().user("viewer").diversity(diversity).match_history_mix("genres", strength);
            request = request.personalization(level).offset(offset).limit(7);
            request.query = query.map(str::to_owned);
            request.exclude_seen = seen.into();
            request = cap.into_iter().fold(request, |request, most| request.cap("part", most));
            pin.into_iter().fold(request, |request, (n, position)| {
                request.rule(Rule::Pin { item: format!("drama-{n}"), position })
            })
        },
    )
}

#[test]
fn whatever_is_asked_for_nothing_comes_twice_and_nothing_is_lost() {
    let cinema = cinema();
    let mut runner = TestRunner::new(Runs { cases: 48, ..Runs::default() });
    let result = runner.run(&any_request(), |request| {
        let filtered = request.filter(Filter::less("part", 15.0)).unlogged();
        let admitted = if filtered.exclude_seen == true.into() { 20 } else { 30 };
        let mut whole = filtered.clone();
        (whole.offset, whole.limit) = (0, 40);
        let all = cinema.db.rank(&whole).expect("ranks");
        prop_assert_eq!(all.hits.len(), admitted);
        prop_assert_eq!(all.hits.iter().map(|hit| &hit.id).collect::<BTreeSet<_>>().len(), admitted);
        // A page is a part of the whole, in its order.
        let page = cinema.db.rank(&filtered).expect("ranks");
        let part: Vec<&str> = all.hits.iter().skip(filtered.offset).take(7).map(|hit| hit.id.as_str()).collect();
        prop_assert_eq!(page.hits.iter().map(|hit| hit.id.as_str()).collect::<Vec<_>>(), part);
        for rule in &filtered.rules {
            let Rule::Pin { item, position } = rule else { continue };
            let place = all.hits.iter().position(|hit| hit.id == *item);
            let noted = all.warnings.iter().any(|note| note.contains("pin"));
            prop_assert_eq!(place, (!noted).then_some(position - 1), "it stands there, or the ranking says why not");
        }
        Ok(())
    });
    result.expect("holds");
}

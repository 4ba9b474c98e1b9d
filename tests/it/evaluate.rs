//! Measuring a store, through the engine.

use onelist::evaluation::{JudgedQuery, Outcome, SplitAt, SystemKind, Targets};
use onelist::{Action, Config, Engine, Event, Item, Plan, Protocol, Report, Timestamp};
use onelist_tests::{Shop, empty, goods};

/// Sixty items of six kinds, forty people who stay with one kind.
fn people() -> Shop {
    let shop = empty().expect("opens");
    let kinds = ["running shoes", "porcelain teapot", "garden chair", "desk lamp", "winter gloves", "toy train"];
    let item = |n: usize| {
        let kind = kinds[n % 6];
        Item::new(format!("i{n}")).text("title", format!("{kind} number{n}")).tags("kind", [kind])
    };
    shop.db.put((0..60).map(item).collect()).expect("puts");
    shop.db.log(events()).expect("logs");
    shop
}

fn quick() -> Plan {
    let mut plan = Plan::default();
    plan.resamples = 100;
    plan
}

fn ndcg(report: &Report, name: &str) -> f64 {
    let system = report.tasks[0].systems.iter().find(|system| system.name == name);
    system.unwrap_or_else(|| panic!("no {name} in {}", report.text())).measures[0].value.mean
}

#[test]
fn a_store_is_measured_and_not_changed() {
    let shop = people();
    let before = shop.db.stats().expect("has stats");
    let report = shop.db.evaluate(&quick()).expect("measures");
    let task = &report.tasks[0];
    assert!(task.questions >= 20, "{}", report.text());
    assert_eq!((task.systems[0].name.as_str(), task.systems[0].kind), ("rank", SystemKind::Rank));
    assert!(ndcg(&report, "rank") > ndcg(&report, "random"), "{}", report.text());
    assert!(task.systems[0].retrieved > 0.9, "with sixty items nearly all are candidates");
    assert_ne!(task.verdict.outcome, Outcome::Alone);
    assert!(report.point_in_time.questions > 0 && report.point_in_time.leaks.is_empty(), "{}", report.text());
    let after = shop.db.stats().expect("has stats");
    assert_eq!((before.seq, before.events, before.items), (after.seq, after.events, after.items));
}

#[test]
fn a_scratch_engine_answers_as_the_store_did() {
    // The store as it was just before a target, against the replay: the same code, so the same place of the target.
    let shop = people();
    let mut plan = quick();
    plan.protocol = Protocol::LeaveLastOut;
    plan.baselines = false;
    let measured = shop.db.evaluate(&plan).expect("measures");
    let mut expected = Vec::new();
    let log = events();
    let fresh = empty().expect("opens");
    fresh.db.put(shop.db.scan(None, 100).expect("scans")).expect("puts");
    let mut fitted = 0;
    for (place, event) in log.iter().enumerate() {
        let last = log.iter().rposition(|other| other.user == event.user) == Some(place);
        let new = !log[..place].iter().any(|other| other.user == event.user && other.item == event.item);
        if last && new {
            // What is fitted to the whole log is fitted when it has grown by a tenth, as the replay does.
            fresh.db.flush().expect("flushes");
            if place as f64 >= fitted as f64 * 1.1 {
                fitted = place;
                fresh.db.rebuild_cooccurrence().expect("fits");
            }
            let request =
                onelist::Request::new().user(event.user.as_str()).exclude_seen().now(event.time.expect("is set"));
            let hits = fresh.db.rank(&request).expect("ranks").hits;
            let rank = hits.iter().position(|hit| Some(&hit.id) == event.item.as_ref());
            expected.push(rank.map_or(0.0, |rank| 1.0 / (rank as f64 + 2.0).log2()));
        }
        fresh.db.log(vec![event.clone()]).expect("logs");
    }
    let measured = measured.tasks[0].systems[0].measures[0].value.mean;
    let expected = expected.iter().sum::<f64>() / expected.len() as f64;
    assert!((measured - expected).abs() < 0.02, "{measured} {expected}");
}

/// The events of [`people`], in order of time.
fn events() -> Vec<Event> {
    let mut events = Vec::new();
    for user in 0..40usize {
        for step in 0..8usize {
            let item = (user * 7 + step * 3) % 10 * 6 + user % 6;
            let time = Timestamp::from_seconds(1.6e9 + (step * 40 + user) as f64 * 3600.0);
            events.push(Event::new(format!("u{user}"), Action::View).item(format!("i{item}")).at(time));
        }
    }
    events.sort_by_key(|event| event.time);
    events
}

#[test]
fn parts_can_be_left_out_and_weights_replaced() {
    let shop = people();
    let mut plan = quick();
    plan.leave_out = true;
    plan.check_targets = 0;
    plan.variants =
        vec![onelist::evaluation::Variant { name: "nothing".to_owned(), weights: vec![vec![0.0; 26]; 4], model: None }];
    let report = shop.db.evaluate(&plan).expect("measures");
    // What makes no difference has no row: here co-visits say all there is to say, and no part of the rest is missed.
    assert!(report.tasks[0].systems.iter().all(|system| system.name != "without feature trend"), "{}", report.text());
    // Without weights every candidate ties: what is left is what retrieval does.
    assert!(ndcg(&report, "nothing") < ndcg(&report, "rank"), "{}", report.text());
    plan.variants[0].weights = vec![vec![0.0; 2]; 4];
    assert_eq!(shop.db.evaluate(&plan).expect_err("too few weights").name(), "InvalidArgument");
}

#[test]
fn another_model_is_measured_beside_the_one_that_answers() {
    let shop = people();
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/model");
    let with = |model| vec![onelist::evaluation::Variant { name: "other".to_owned(), weights: Vec::new(), model }];
    let mut plan = quick();
    plan.check_targets = 0;
    plan.variants = with(Some(shipped));
    let report = shop.db.evaluate(&plan).expect("measures");
    let other = report.tasks[0].systems.iter().find(|system| system.name == "other").expect("is measured");
    let difference = other.rank_minus.expect("is compared");
    assert_eq!((difference.low, difference.high), (0.0, 0.0), "the same model: {}", report.text());
    plan.variants = with(Some("no such folder".into()));
    assert!(shop.db.evaluate(&plan).is_err());
}

#[test]
fn hidden_items_and_users_are_asked() {
    let shop = people();
    for protocol in [Protocol::ItemCold { fraction: 0.2 }, Protocol::UserCold { fraction: 0.3 }] {
        let mut plan = quick();
        plan.protocol = protocol;
        plan.targets = Targets::Every;
        let report = shop.db.evaluate(&plan).expect("measures");
        assert!(report.tasks[0].questions > 10);
        if matches!(protocol, Protocol::ItemCold { .. }) {
            for name in ["co-visits", "item-kNN", "EASE", "popular, all time"] {
                let content = ndcg(&report, "content, recent mean");
                assert!(ndcg(&report, name) < content / 2.0, "{name} cannot know what is hidden: {}", report.text());
            }
        } else {
            assert!(ndcg(&report, "rank") > ndcg(&report, "random"), "{}", report.text());
        }
    }
}

#[test]
fn searches_are_measured_beside_recommendation() {
    let shop = people();
    let judged = |query: &str, user: Option<&str>| JudgedQuery {
        query: query.to_owned(),
        grades: [("i3".to_owned(), 2.0)].into_iter().collect(),
        user: user.map(str::to_owned),
        time: None,
    };
    let mut plan = quick();
    plan.queries = vec![judged("lamp number3", None), judged("lamp number3", Some("u1"))];
    let report = shop.db.evaluate(&plan).expect("measures");
    let names: Vec<&str> = report.tasks.iter().map(|task| task.name.as_str()).collect();
    assert_eq!(names, ["next item", "query", "query and history"]);
    let found = |place: usize| report.tasks[place].systems[0].measures[0].value.mean;
    assert_eq!(found(1), 1.0, "{}", report.text());
    // Here a history tells for certain what comes next, and that may stand before what has all the words: second at worst.
    assert!(found(2) > 0.6, "{}", report.text());
}

#[test]
fn hostile_plans_are_refused_and_nothing_panics() {
    let shop = people();
    let refused = |change: &dyn Fn(&mut Plan)| {
        let mut plan = quick();
        change(&mut plan);
        shop.db.evaluate(&plan).expect_err("must be refused").name()
    };
    let fraction = |fraction: f64| Protocol::GlobalTimeSplit { at: SplitAt::Fraction(fraction) };
    assert_eq!(refused(&|plan| plan.protocol = fraction(f64::NAN)), "InvalidArgument");
    assert_eq!(refused(&|plan| plan.protocol = fraction(1.0)), "InvalidArgument");
    assert_eq!(refused(&|plan| plan.protocol = Protocol::ItemCold { fraction: 0.0 }), "InvalidArgument");
    assert_eq!(refused(&|plan| plan.ks = vec![usize::MAX]), "InvalidArgument");
    assert_eq!(refused(&|plan| plan.max_targets = usize::MAX), "LimitExceeded");
    assert_eq!(refused(&|plan| plan.resamples = 0), "InvalidArgument");
    assert_eq!(refused(&|plan| plan.category = Some("title".to_owned())), "InvalidArgument");
    assert_eq!(refused(&|plan| plan.category = Some("gone".to_owned())), "UnknownField");
    assert_eq!(refused(&|plan| plan.until = Some(Timestamp::MIN)), "InvalidArgument");
    let empty = empty().expect("opens");
    assert_eq!(empty.db.evaluate(&quick()).expect_err("nothing to ask").name(), "InvalidArgument");
    empty.db.put(goods()).expect("puts");
    assert_eq!(empty.db.evaluate(&quick()).expect_err("no events").name(), "InvalidArgument");
}

#[test]
fn what_a_crash_left_is_removed_at_the_next_opening() {
    let shop = people();
    let path = shop.dir.path().join("shop.onelist");
    let left = path.join("scratch").join("0123456789abcdef");
    std::fs::create_dir_all(&left).expect("creates");
    std::fs::write(left.join("data.mdb"), b"half a store").expect("writes");
    shop.db.evaluate(&quick()).expect("measures");
    assert!(left.exists(), "another evaluation may be using it");
    shop.db.close().expect("closes");
    let db = Engine::open(&path, Config::default()).expect("opens");
    assert!(!path.join("scratch").exists());
    assert_eq!(db.stats().expect("has stats").items, 60);
}

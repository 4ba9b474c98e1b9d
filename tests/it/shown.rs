//! What was shown: impressions and their answers, exploration, places for new items, and growing tired of an item.

use std::time::{Duration, Instant};

use onelist::evaluation::{Decisions, Guards};
use onelist::{Action, Config, Engine, Event, Exploration, Hit, Impressions, Item, NewItems, Plan, Request, Timestamp};
use onelist_tests::{Shop, empty, goods, ids, shop};

fn open(config: Config) -> Shop {
    let dir = tempfile::tempdir().expect("a folder");
    let db = Engine::open(dir.path().join("shop.onelist"), config).expect("opens");
    Shop { db, dir }
}

fn with(set: impl FnOnce(&mut Config)) -> Shop {
    let mut config = Config::default();
    set(&mut config);
    open(config)
}

fn click(user: &str, item: &str, rank_id: &str) -> Event {
    let mut event = Event::new(user, Action::Click).item(item);
    event.rank_id = Some(rank_id.to_owned());
    event
}

fn shown_ids(shop: &Shop, request: &Request) -> Vec<String> {
    shop.db.rank(request).expect("ranks").hits.into_iter().map(|hit| hit.id).collect()
}

#[test]
fn a_ranking_is_remembered_with_what_was_chosen_of_it() {
    let shop = shop().expect("opens");
    let request = Request::new().query("leather bag").user("hiker").limit(3).offset(1);
    let before = Timestamp::now();
    let ranking = shop.db.rank(&request).expect("ranks");
    let (second, third) = (&ranking.hits[1].id, &ranking.hits[2].id);
    shop.db.log(vec![click("hiker", third, &ranking.rank_id), click("hiker", second, &ranking.rank_id)]).expect("logs");
    // Once more, something that was not shown, and against it: none of them is a choice.
    let mut disliked = click("hiker", &ranking.hits[0].id, &ranking.rank_id);
    disliked.action = Action::Dislike;
    shop.db.log(vec![click("hiker", third, &ranking.rank_id), disliked]).expect("logs");
    shop.db.log(vec![click("hiker", "teapot", "ffffffffffffffff")]).expect("logs");

    let impressions = shop.db.impressions(None, 10).expect("reads");
    assert_eq!(impressions.len(), 1);
    let shown = &impressions[0];
    let slate: Vec<Option<String>> = ranking.hits.iter().map(|hit| Some(hit.id.clone())).collect();
    assert_eq!((&shown.rank_id, &shown.slate, shown.offset), (&ranking.rank_id, &slate, 1));
    assert_eq!((shown.user.as_deref(), shown.query.as_deref()), (Some("hiker"), Some("leather bag")));
    assert_eq!((&shown.chosen, shown.explored, &shown.new), (&vec![1, 2], false, &None));
    assert_eq!(shown.propensities, [None; 3]);
    assert!(before <= shown.time && shown.time <= Timestamp::now());
    assert!(shown.model != 0 && shown.features != 0 && shown.weights == 0);

    shop.db.delete(&["bag"]).expect("deletes");
    let shown = &shop.db.impressions(None, 10).expect("reads")[0];
    assert_eq!(
        shown.slate.iter().filter(|id| id.is_none()).count(),
        slate.iter().flatten().filter(|id| *id == "bag").count()
    );
}

#[test]
fn an_answer_that_comes_at_once_finds_its_impression() {
    let shop = shop().expect("opens");
    let threads: Vec<_> = (0..4)
        .map(|n| {
            let (db, user) = (&shop.db, format!("u{n}"));
            move || {
                for _ in 0..40 {
                    let ranking = db.rank(&Request::new().user(user.clone()).limit(2)).expect("ranks");
                    db.log(vec![click(&user, &ranking.hits[0].id, &ranking.rank_id)]).expect("logs");
                }
            }
        })
        .collect();
    std::thread::scope(|scope| threads.into_iter().for_each(|thread| drop(scope.spawn(thread))));
    let impressions = shop.db.impressions(None, 1000).expect("reads");
    assert_eq!(impressions.len(), 160);
    assert!(impressions.iter().all(|shown| shown.chosen == [0]));
    // Page by page the same.
    let mut paged = Vec::new();
    loop {
        let after = paged.last().map(|shown: &onelist::Impression| shown.rank_id.clone());
        let page = shop.db.impressions(after.as_deref(), 33).expect("reads");
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, impressions);
    assert_eq!(shop.db.impressions(Some("nothing"), 1).expect_err("refused").name(), "InvalidArgument");
}

#[test]
fn impressions_are_written_by_themselves_and_survive_closing() {
    let shop = shop().expect("opens");
    (0..3).for_each(|_| drop(shop.db.rank(&Request::new().user("hiker")).expect("ranks")));
    let commits = shop.db.stats().expect("answers").seq;
    let start = Instant::now();
    while shop.db.stats().expect("answers").impressions.kept < 3 {
        assert!(start.elapsed() < Duration::from_secs(20), "nobody writes them");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(shop.db.stats().expect("answers").seq, commits + 1, "they share a commit");
    shop.db.rank(&Request::new()).expect("ranks");
    shop.db.close().expect("closes");
    let db = Engine::open(shop.dir.path().join("shop.onelist"), Config::default()).expect("opens");
    let stats = db.stats().expect("answers").impressions;
    assert_eq!((stats.kept, stats.logged, stats.dropped), (4, 0, 0));
}

#[test]
fn impressions_can_be_switched_off_sampled_and_bounded() {
    let kept = |shop: &Shop| {
        shop.db.flush().expect("flushes");
        shop.db.stats().expect("answers").impressions.kept
    };
    let many = |request: Request| vec![request; 200];
    let off = with(|config| config.impressions = Impressions::off());
    off.db.put(goods()).expect("puts");
    off.db.rank_many(&many(Request::new())).expect("ranks");
    assert_eq!(kept(&off), 0);

    let half = with(|config| config.impressions.fraction = 0.5);
    half.db.put(goods()).expect("puts");
    half.db.rank_many(&many(Request::new())).expect("ranks");
    // Binomial of 200 and 1/2: standard deviation 7, here within five of them.
    assert!((65..=135).contains(&kept(&half)), "{}", kept(&half));

    let few = with(|config| config.impressions.max = 5);
    few.db.put(goods()).expect("puts");
    few.db.rank_many(&many(Request::new().unlogged())).expect("ranks");
    few.db.rank(&Request::new().limit(0)).expect("ranks");
    assert_eq!(kept(&few), 0, "nobody was shown them");
    let last: Vec<String> = (0..20).map(|_| few.db.rank(&Request::new()).expect("ranks").rank_id).collect();
    assert_eq!(kept(&few), 5);
    let ids: Vec<String> = few.db.impressions(None, 9).expect("reads").into_iter().map(|shown| shown.rank_id).collect();
    assert!(ids.iter().all(|id| last.contains(id)));
}

#[test]
fn measuring_and_tuning_leave_no_impressions() {
    let shop = with(|config| config.explore = Some(Exploration { fraction: 1.0, temperature: 1.0, swaps: 0.0 }));
    shop.db.put(goods()).expect("puts");
    let names: Vec<String> = goods().into_iter().map(|item| item.id).collect();
    let events = (0..200).map(|n| {
        let mut event = Event::new(format!("u{}", n % 70), Action::Click).item(names[(n / 70 * 3 + n) % 7].clone());
        event.time = Some(Timestamp::from_seconds(1.7e9 + n as f64 * 3600.0));
        event
    });
    shop.db.log(events.collect()).expect("logs");
    shop.db.evaluate(&Plan::default()).expect("measures");
    shop.db.tune().expect("tunes");
    let stats = shop.db.stats().expect("answers").impressions;
    assert_eq!((stats.kept, stats.logged, stats.dropped), (0, 0, 0));
}

fn propensities(hits: &[Hit]) -> Vec<Option<f32>> {
    hits.iter().map(|hit| hit.propensity).collect()
}

#[test]
fn explored_lists_say_and_keep_their_propensities() {
    let shop = shop().expect("opens");
    let plain = ids(&shop.db, &Request::new().query("shoes")).expect("ranks");
    assert!(!shop.db.rank(&Request::new().query("shoes")).expect("ranks").explored, "not unless it is asked for");
    let hot = Exploration { fraction: 1.0, temperature: 1.0, swaps: 0.0 };
    let request = Request::new().query("shoes").explore(hot).explain();
    let mut orders = std::collections::BTreeSet::new();
    for _ in 0..30 {
        let ranking = shop.db.rank(&request).expect("ranks");
        assert!(ranking.explored);
        assert!(ranking.hits.iter().all(|hit| hit.propensity.is_some_and(|p| p > 0.0 && p <= 1.0)));
        let shown = shop.db.impressions(None, 1000).expect("reads");
        let shown = shown.iter().find(|shown| shown.rank_id == ranking.rank_id).expect("is kept");
        assert_eq!((shown.explored, &shown.propensities), (true, &propensities(&ranking.hits)));
        for (place, hit) in ranking.hits.iter().enumerate() {
            let from = plain.iter().position(|id| *id == hit.id).expect("was there");
            let moved = hit.why.as_ref().expect("is explained").moved.as_ref();
            assert_eq!(moved.map(|moved| moved.from), (from != place).then_some(from + 1));
        }
        orders.insert(ranking.hits.into_iter().map(|hit| hit.id).collect::<Vec<_>>());
    }
    assert!(orders.len() > 10, "{} orders", orders.len());

    let cold = Request::new().query("shoes").explore(Exploration { temperature: 0.0, ..hot });
    assert_eq!(ids(&shop.db, &cold).expect("ranks"), plain);
    let diverse = shop.db.rank(&request.clone().diversity(0.5)).expect("ranks");
    assert!(!diverse.explored && propensities(&diverse.hits).iter().all(Option::is_none), "no closed form");
    let wrong = Request::new().explore(Exploration { fraction: 1.5, ..hot });
    assert_eq!(shop.db.rank(&wrong).expect_err("refused").name(), "InvalidArgument");
}

#[test]
fn impressions_judge_another_policy() {
    let shop = shop().expect("opens");
    // People choose the first hit when it is the bag, with nine in ten.
    for n in 0..400 {
        let explore = Exploration { fraction: 1.0, temperature: 0.3, swaps: 0.0 };
        let ranking = shop.db.rank(&Request::new().limit(1).explore(explore)).expect("ranks");
        if ranking.hits[0].id == "bag" && n % 10 != 0 {
            shop.db.log(vec![click("u", "bag", &ranking.rank_id)]).expect("logs");
        }
    }
    let shown = shop.db.impressions(None, 1000).expect("reads");
    let is_bag = |shown: &onelist::Impression| shown.slate[0].as_deref() == Some("bag");
    assert!(shown.iter().filter(|shown| is_bag(shown)).count() > 5, "it is explored");
    let decisions = Decisions::from_impressions(&shown, |shown, _| f64::from(u8::from(is_bag(shown))));
    assert_eq!((decisions.reward.len(), decisions.logged.len()), (400, 400));
    let guards = Guards { min_effective: 5.0, ..Guards::default() };
    let answer = onelist::counterfactual(&decisions, &guards).expect("estimates");
    let snips = answer.estimates.iter().find(|estimate| estimate.estimator == "snips").expect("is there");
    assert!((0.7..=1.0).contains(&snips.value.mean), "{snips:?}");
}

#[test]
fn swaps_change_one_pair_of_neighbours() {
    let shop = shop().expect("opens");
    let plain = ids(&shop.db, &Request::new().query("shoes")).expect("ranks");
    let swaps = Exploration { swaps: 1.0, ..Exploration::default() };
    let mut turned = 0;
    for _ in 0..60 {
        let ranking = shop.db.rank(&Request::new().query("shoes").explore(swaps)).expect("ranks");
        let pair: Vec<usize> = (0..plain.len()).filter(|at| ranking.hits[*at].propensity == Some(0.5)).collect();
        assert!(ranking.explored && pair.len() == 2 && pair[1] == pair[0] + 1);
        let mut expected = plain.clone();
        let found: Vec<String> = ranking.hits.into_iter().map(|hit| hit.id).collect();
        if found != plain {
            turned += 1;
            expected.swap(pair[0], pair[1]);
        }
        assert_eq!(found, expected);
    }
    assert!((10..=50).contains(&turned), "{turned} of 60");
}

/// 60 old items that people click, and 20 that came a moment ago.
fn old_and_new(config: Config) -> (Shop, Timestamp) {
    let shop = open(config);
    let now = Timestamp::from_seconds(1.75e9);
    let item = |n: usize, days: f64| {
        let released = onelist::Value::Date(Timestamp::from_seconds(1.75e9 - days * 86_400.0));
        Item::new(format!("{}{n}", if days > 10.0 { "old" } else { "new" }))
            .text("title", format!("thing {n}"))
            .with("released", released)
    };
    shop.db.put((0..60).map(|n| item(n, 400.0)).chain((0..20).map(|n| item(n, 1.0))).collect()).expect("puts");
    let clicks = (0..600).map(|n| {
        let mut event = Event::new(format!("u{}", n % 50), Action::Click).item(format!("old{}", n % 60));
        event.time = Some(Timestamp::from_seconds(1.75e9 - 1e5 - n as f64));
        event
    });
    shop.db.log(clicks.collect()).expect("logs");
    (shop, now)
}

fn dated() -> Config {
    let mut config = Config::default();
    config.date_field = Some("released".to_owned());
    config
}

#[test]
fn new_items_get_the_share_of_places_that_was_set() {
    let mut config = dated();
    config.new_items = Some(NewItems { fraction: 0.13, days: Some(7.0), ..NewItems::default() });
    let (shop, now) = old_and_new(config);
    let without = Request::new().now(now).new_items(NewItems { days: Some(7.0), ..NewItems::default() });
    let plain = shop.db.rank(&without.unlogged()).expect("ranks");
    assert!(plain.hits.iter().all(|hit| hit.id.starts_with("old")), "by their scores they would have no place");

    let mut places = 0;
    let mut each = std::collections::BTreeMap::<String, usize>::new();
    for round in 0..10 {
        for ranking in shop.db.rank_many(&vec![Request::new().now(now); 100]).expect("ranks") {
            assert_eq!(ranking.hits.len(), 10);
            for hit in ranking.hits.iter().filter(|hit| hit.id.starts_with("new")) {
                places += 1;
                *each.entry(hit.id.clone()).or_default() += 1;
            }
        }
        if round % 2 == 0 {
            shop.db.flush().expect("flushes");
        }
    }
    // 1,000 lists of ten: one place and a second one with probability 0.3. Standard deviation 14.5, within four of them.
    assert!((1242..=1358).contains(&places), "{places}");
    assert!(
        each.len() == 20 && each.values().all(|n| (20..=130).contains(n)),
        "the less an item was shown, the likelier it is: {each:?}"
    );
    let exposure = shop.db.new_item_exposure().expect("answers");
    assert_eq!((exposure.impressions, exposure.places, exposure.new_places), (1000, 10_000, places));
    assert!((exposure.fraction() - 0.13).abs() < 0.006);
}

#[test]
fn an_item_is_ranked_in_the_call_after_its_put_and_is_new_until_it_was_shown() {
    let (shop, now) = old_and_new(dated());
    let new_items = NewItems { fraction: 0.1, shown_below: Some(0.5), ..NewItems::default() };
    let request = Request::new().now(now).new_items(new_items).explain();
    let plain = shown_ids(&shop, &Request::new().now(now).limit(80));
    shop.db.flush().expect("flushes");
    assert_eq!(plain.len(), 80, "all of them were shown once, further down less than half");
    let newest = Item::new("newest").text("title", "thing 99").with("released", onelist::Value::Date(now));
    shop.db.put(vec![newest]).expect("puts");
    let mut asked = 0;
    while !shown_ids(&shop, &request).contains(&"newest".to_owned()) {
        shop.db.flush().expect("flushes");
        asked += 1;
        assert!(asked < 200, "it is never shown");
    }
    // With a page of one place every list shows an item that is new, until none is.
    let (shop, now) = old_and_new(dated());
    let one = Request::new().now(now).limit(1).new_items(NewItems { fraction: 1.0, ..new_items }).explain();
    let mut shown = std::collections::BTreeSet::new();
    for _ in 0..80 {
        let ranking = shop.db.rank(&one).expect("ranks");
        assert!(shown.insert(ranking.hits[0].id.clone()), "{} again", ranking.hits[0].id);
        shop.db.flush().expect("flushes");
    }
    let exposure = shop.db.new_item_exposure().expect("answers");
    assert_eq!((exposure.places, exposure.new_places), (80, 80));
    let now_old = shop.db.rank(&one).expect("ranks");
    assert!(shown.contains(&now_old.hits[0].id));
}

#[test]
fn with_a_least_fit_new_items_are_shown_where_they_fit_and_nowhere_else() {
    let shop = empty().expect("opens");
    let item = |id: String, title: &str| Item::new(id).text("title", title);
    let known = (0..30)
        .map(|n| item(format!("old{n}"), if n % 2 == 0 { "green reading lamp" } else { "leather football boots" }));
    shop.db.put(known.collect()).expect("puts");
    shop.db
        .log((0..30).map(|n| Event::new("somebody", Action::Click).item(format!("old{n}"))).collect())
        .expect("logs");
    let new =
        [("new-lamp", "blue reading lamp"), ("new-boots", "rubber football boots"), ("new-honey", "a jar of honey")];
    shop.db.put(new.map(|(id, title)| item(id.to_owned(), title)).to_vec()).expect("puts");
    let users = [("reader", 0), ("player", 1)];
    shop.db.log(users.map(|(user, n)| Event::new(user, Action::Click).item(format!("old{n}"))).to_vec()).expect("logs");
    let asked = |request: Request, min_fit: Option<f64>| {
        let new_items = NewItems { fraction: 0.3, events_below: Some(0.5), min_fit, ..NewItems::default() };
        let ranking = shop.db.rank(&request.new_items(new_items).unlogged()).expect("ranks");
        let ids = ranking.hits.into_iter().map(|hit| hit.id).filter(|id| !id.starts_with("old"));
        ids.collect::<std::collections::BTreeSet<String>>()
    };
    let reader = || Request::new().user("reader");
    assert!(asked(reader(), None).len() >= 3, "without it the share is given whatever fits");
    assert_eq!(asked(reader(), Some(0.4)), ["new-lamp".to_owned()].into());
    assert_eq!(asked(Request::new().user("player"), Some(0.4)), ["new-boots".to_owned()].into());
    assert_eq!(asked(Request::new().query("something to read by, a lamp"), Some(0.4)), ["new-lamp".to_owned()].into());
    assert!(asked(reader(), Some(1.0)).is_empty() && asked(Request::new(), Some(-1.0)).is_empty());
}

#[test]
fn whoever_was_shown_an_item_in_vain_sees_it_further_down() {
    let shop = shop().expect("opens");
    shop.db.put((0..6).map(|n| Item::new(format!("lamp{n}")).text("title", "green lamp")).collect()).expect("puts");
    let users = ["shown", "other"];
    shop.db.log(users.map(|user| Event::new(user, Action::Click).item("teapot")).to_vec()).expect("logs");
    let lamps: Vec<String> = (0..6).map(|n| format!("lamp{n}")).collect();
    let now = Timestamp::now();
    let asked_at = |user: &str, now: Timestamp| {
        let request = Request::new().user(user).among(lamps.clone()).explain().unlogged().now(now);
        let hits = shop.db.rank(&request).expect("ranks").hits;
        let tired = |hit: &Hit| {
            let parts = &hit.why.as_ref().expect("is explained").contributions;
            parts.iter().find(|part| part.feature == "impressions").map_or(0.0, |part| part.amount)
        };
        hits.iter().map(|hit| (hit.id.clone(), tired(hit))).collect::<Vec<_>>()
    };
    let asked = |user: &str| asked_at(user, now);
    let before = asked("shown");
    assert!(before == asked("other") && before.iter().all(|(_, tired)| *tired == 0.0));
    for _ in 0..5 {
        shop.db.rank(&Request::new().user("shown").among(["lamp0"])).expect("ranks");
    }
    shop.db.flush().expect("flushes");
    let after = asked("shown");
    assert_eq!((&before[0].0, &after[5].0), (&lamps[0], &lamps[0]), "all lamps are alike, so it is the last one now");
    assert!(after[5].1 < -0.01 && after[..5].iter().all(|(_, tired)| *tired == 0.0), "{after:?}");
    // Others only notice that it is chosen more seldom than others are.
    let other = asked("other");
    assert!(other.iter().all(|(_, tired)| *tired == 0.0), "{other:?}");
    // Whoever acts on it is as somebody who was never shown it.
    let viewed = |user: &str| Event::new(user, Action::View).item("lamp0");
    shop.db.log(users.map(viewed).to_vec()).expect("logs");
    let now = Timestamp::now();
    let asked = |user: &str| asked_at(user, now);
    assert_eq!(asked("shown"), asked("other"), "at once");
    shop.db.flush().expect("flushes");
    assert!(asked("shown") == asked("other") && asked("shown").iter().all(|(_, tired)| *tired == 0.0));
}

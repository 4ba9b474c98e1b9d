//! What must not change by use: the size of a store that is rewritten, and a list that is asked for in other lengths.

use onelist::{Action, Event, Filter, Request, Timestamp};
use onelist_tests::{empty, goods, ids, shop};
use proptest::prelude::*;
use proptest::test_runner::{Config as Runs, TestRunner};

#[test]
fn a_store_that_is_rewritten_over_and_over_does_not_grow() {
    let shop = empty().expect("opens");
    let rounds = |from: usize, to: usize| {
        for round in from..to {
            let items = goods().into_iter().map(|item| item.number("round", round as f64));
            shop.db.put(items.collect()).expect("puts");
            shop.db.delete(&["boots", "teapot"]).expect("deletes");
            if round % 10 == 9 {
                shop.db.flush().expect("flushes");
            }
        }
        shop.db.stats().expect("counts").disk_bytes
    };
    let (young, old) = (rounds(0, 30), rounds(30, 150));
    assert!(old <= young + young / 2, "{young} bytes after 30 rounds, {old} after 150");
    assert_eq!(shop.db.stats().expect("counts").items, 5);
}

/// A request of any cell, in which all seven things of the shop are candidates.
fn any_request() -> impl Strategy<Value = Request> {
    let query = prop::option::of(prop::sample::select(vec!["red shoes", "leather", "kettle for tea", "no such word"]));
    let user = prop::option::of(prop::sample::select(vec!["hiker", "cook", "a stranger"]));
    let like = prop::option::of(prop::sample::select(vec!["boots", "kettle"]));
    (query, user, like, any::<bool>(), 0u8..3).prop_map(|(query, user, like, filtered, diversity)| {
        let mut request = Request::new().now(Timestamp::from_seconds(1.9e9)).diversity(f32::from(diversity) / 4.0);
        (request.query, request.user) = (query.map(str::to_owned), user.map(str::to_owned));
        request.like = like.map(str::to_owned).into_iter().collect();
        if filtered { request.filter(Filter::less("price", 130.0)) } else { request }
    })
}

#[test]
fn the_first_hits_do_not_depend_on_how_many_are_asked_for() {
    let shop = shop().expect("opens");
    let mut runner = TestRunner::new(Runs { cases: 48, ..Runs::default() });
    let result = runner.run(&any_request(), |request| {
        let all = ids(&shop.db, &request.clone().limit(50)).expect("ranks");
        for limit in 1..=all.len() {
            prop_assert_eq!(&ids(&shop.db, &request.clone().limit(limit)).expect("ranks")[..], &all[..limit]);
            let rest = ids(&shop.db, &request.clone().offset(limit).limit(50)).expect("ranks");
            prop_assert_eq!(&rest[..], &all[limit..], "offset {}", limit);
        }
        Ok(())
    });
    result.expect("holds");
}

#[test]
fn what_is_asked_changes_nothing() {
    let shop = shop().expect("opens");
    let request = Request::new().user("hiker").query("leather").now(Timestamp::from_seconds(1.9e9));
    let before = (ids(&shop.db, &request).expect("ranks"), shop.db.stats().expect("counts"));
    for limit in 0..40 {
        ids(&shop.db, &request.clone().limit(limit).explain()).expect("ranks");
        shop.db.get(&["boots", "nothing"]).expect("reads");
        shop.db.scan(None, 3).expect("reads");
    }
    let after = (ids(&shop.db, &request).expect("ranks"), shop.db.stats().expect("counts"));
    assert_eq!(after.0, before.0);
    assert_eq!((after.1.seq, after.1.events, after.1.users), (before.1.seq, before.1.events, before.1.users));
    shop.db.log(vec![Event::new("hiker", Action::Buy).item("bag")]).expect("logs");
    assert!(shop.db.stats().expect("counts").seq > before.1.seq, "but what is logged does");
}

//! What a request means, against what was put and logged.

mod history;
mod relations;
mod rules;
mod vectors;

use proptest::prelude::*;
use proptest::test_runner::{Config as Runs, TestRunner};

use super::Allowed;
use super::query::{query_text, search_fields};
use crate::api::event::Action;
use crate::api::exploration::NewItems;
use crate::api::filter::Filter;
use crate::api::request::Request;
use crate::base::id::ItemKey;
use crate::base::limits::{MAX_ID_BYTES, MAX_QUERY_BYTES};
use crate::testing::{Shop, dated, event, now, request};

/// What a request allows, as numbers of things; `None` for everything.
fn allowed(shop: &Shop, request: &Request) -> Option<Vec<usize>> {
    let keys = shop.ask(request, |cx| match &cx.understood.allowed {
        Allowed::All => None,
        Allowed::Only(keys) => Some(keys.iter().map(ItemKey).collect::<Vec<_>>()),
    })?;
    let mut numbers = shop.numbers(keys);
    numbers.sort_unstable();
    Some(numbers)
}

#[test]
fn a_request_allows_what_its_filter_and_its_list_both_let_in() {
    let shop = Shop::of(20);
    shop.delete(&["thing-4"]);
    let below = || Filter::less("n", 6.0);
    assert_eq!(allowed(&shop, &request()), None);
    assert_eq!(allowed(&shop, &request().filter(below())), Some(vec![0, 1, 2, 3, 5]));
    let list = ["thing-2", "thing-4", "thing-9", "thing-2", "no such thing", ""];
    assert_eq!(allowed(&shop, &request().among(list)), Some(vec![2, 9]), "what is gone is not let in");
    assert_eq!(allowed(&shop, &request().among(list).filter(below())), Some(vec![2]));
    assert_eq!(allowed(&shop, &request().among(Vec::<String>::new())), Some(vec![]), "an empty list lets nothing in");
    assert_eq!(allowed(&shop, &request().among(["x".repeat(MAX_ID_BYTES + 1)])), Some(vec![]));
    let empty = Shop::open(|_| {});
    assert_eq!(allowed(&empty, &request().filter(below())), Some(vec![]), "an empty store knows no field");
    // An item that changed since the index was built counts as it is now.
    shop.put([dated(7, 1.0).number("n", 1.0)]);
    assert_eq!(allowed(&shop, &request().filter(below())), Some(vec![0, 1, 2, 3, 5, 7]));
}

#[test]
fn what_is_admitted_is_allowed_and_neither_excluded_nor_had() {
    let shop = Shop::of(24);
    shop.log([event("ada", Action::View, 3, 2.0), event("ada", Action::Buy, 5, -2.0)]);
    let numbers = || prop::collection::btree_set(0usize..24, 0..12);
    let strategy = (numbers(), prop::option::of(numbers()), prop::option::of(0usize..24), any::<bool>());
    let mut runner = TestRunner::new(Runs { cases: 64, ..Runs::default() });
    let result = runner.run(&strategy, |(excluded, among, below, seen)| {
        let mut asked = request().user("ada").like(["thing-20"]).unlike(["thing-21"]);
        let name = |n: &usize| format!("thing-{n}");
        asked.exclude = excluded.iter().map(name).collect();
        asked.among = among.as_ref().map(|among| among.iter().map(name).collect());
        asked.filter = below.map(|below| Filter::less("n", below as f64));
        asked.exclude_seen = seen.into();
        let admitted: Vec<usize> = (0..24).filter(|n| shop.ask(&asked, |cx| cx.admits(shop.nth(*n)))).collect();
        let expected = (0..24).filter(|n| {
            let allowed = among.as_ref().is_none_or(|among| among.contains(n)) && below.is_none_or(|below| *n < below);
            // The seeds of `like` and `unlike` are left out; the purchase is still to come.
            let left_out = excluded.contains(n) || [20, 21].contains(n) || (seen && *n == 3);
            allowed && !left_out
        });
        prop_assert_eq!(admitted, expected.collect::<Vec<_>>());
        Ok(())
    });
    result.expect("holds");
}

#[test]
fn a_query_of_white_space_is_none_and_a_long_one_is_cut_between_letters() {
    let mut notes = Vec::new();
    for blank in ["", "  ", "\t\n", "\u{a0}\u{3000}"] {
        assert_eq!(query_text(&Request::new().query(blank), &mut notes), None, "{blank:?}");
    }
    assert_eq!((query_text(&Request::new(), &mut notes), notes.len()), (None, 0));
    let fits = Request::new().query("x".repeat(MAX_QUERY_BYTES));
    assert_eq!(query_text(&fits, &mut notes).map(str::len), Some(MAX_QUERY_BYTES));
    assert!(notes.is_empty(), "{notes:?}");
    // Letters of three bytes: the limit is no multiple of three.
    let long = Request::new().query("語".repeat(MAX_QUERY_BYTES));
    let cut = query_text(&long, &mut notes).expect("has words").len();
    assert_eq!(cut, MAX_QUERY_BYTES / 3 * 3);
    assert!(notes.len() == 1 && notes[0].contains("4096"), "{notes:?}");
}

#[test]
fn a_field_without_a_boost_is_not_searched() {
    let shop = Shop::open(|config| *config = config.clone().boost("title", 2.5).boost("code", 0.0));
    shop.put([dated(1, 1.0).text("code", "teapot").text("note", "teapot"), dated(2, 1.0)]);
    let fields = shop.ask(&request(), |cx| {
        let name = |slot: u8| cx.snapshot.schema.text_fields().find(|(_, of)| *of == slot).unwrap().0.to_owned();
        let fields = search_fields(cx.snapshot).into_iter().map(|(slot, boost)| (name(slot), boost));
        fields.collect::<Vec<_>>()
    });
    assert_eq!(fields, [("note".to_owned(), 1.0), ("title".to_owned(), 2.5)]);
    assert_eq!(shop.ids(&request().query("teapot").limit(1)), ["thing-2"], "a title beats a note");
}

#[test]
fn an_item_is_new_by_any_of_its_age_its_impressions_and_its_events() {
    let shop = Shop::of(10);
    for _ in 0..3 {
        shop.rank(&Request::new().now(now()).among(["thing-7"]));
    }
    shop.log((0..3).map(|n| event(&format!("user-{n}"), Action::Click, 8, 1.0)));
    shop.core.flush().unwrap();
    let new = |new_items: NewItems| -> Vec<usize> {
        let asked = request().new_items(new_items);
        let shown = |n: &usize| shop.ask(&asked, |cx| cx.understood.shown_if_new(cx.snapshot, shop.nth(*n)).unwrap());
        (0..10).filter(|n| shown(n).is_some()).collect()
    };
    let none = NewItems { fraction: 0.1, ..NewItems::default() };
    // Thing n is n + 1 days old.
    assert_eq!(new(NewItems { days: Some(4.0), ..none }), [0, 1, 2]);
    assert_eq!(new(NewItems { days: Some(4.5), ..none }), [0, 1, 2, 3]);
    assert_eq!(new(NewItems { shown_below: Some(2.5), ..none }), [0, 1, 2, 3, 4, 5, 6, 8, 9]);
    assert_eq!(new(NewItems { shown_below: Some(3.5), ..none }), (0..10).collect::<Vec<_>>());
    assert_eq!(new(NewItems { events_below: Some(2.5), ..none }), [0, 1, 2, 3, 4, 5, 6, 7, 9]);
    assert_eq!(new(NewItems { events_below: Some(1.0), days: Some(9.5), ..none }), (0..10).collect::<Vec<_>>());
    let asked = request().new_items(NewItems { days: Some(100.0), ..none });
    let shown = |n| shop.ask(&asked, |cx| cx.understood.shown_if_new(cx.snapshot, shop.nth(n)).unwrap());
    assert_eq!((shown(0), shown(7)), (Some(0.0), Some(3.0)), "the first place is examined for certain");
}

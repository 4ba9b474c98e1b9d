//! What behaviour proposes, against all that is related; what is had again; and what is explored.

use super::super::explore::unseen;
use super::super::related::{basket, cooccurrence, covisit};
use super::super::repeat::repeat;
use crate::api::event::{Action, Event};
use crate::api::exploration::NewItems;
use crate::api::filter::Filter;
use crate::api::request::Request;
use crate::base::id::ItemKey;
use crate::base::time::Timestamp;
use crate::testing::{Shop, all_differ, dated, event, now, random_log, request};
use crate::understand::{RequestCx, Scores};

/// A year of purchases, in baskets of a few.
fn shop() -> Shop {
    let shop = Shop::of(60);
    let in_baskets = |(place, event): (usize, Event)| event.basket(format!("basket-{}", place / 4));
    shop.log(random_log(11, 60, 500).into_iter().enumerate().map(in_baskets));
    shop.settle();
    shop
}

/// The best of what is related and let in, one by one.
fn by_hand(cx: RequestCx, scores: &Scores, k: usize) -> Vec<(ItemKey, f32)> {
    let admitted = |key: &ItemKey| cx.admits(*key) && cx.snapshot.catalog.head(*key).unwrap().is_some();
    let mut all: Vec<(ItemKey, f32)> = scores.iter().filter(|(key, _)| admitted(key)).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    all.truncate(k);
    all
}

#[test]
fn the_best_of_what_is_related_is_proposed_whatever_is_left_out() {
    let shop = shop();
    shop.delete(&["thing-1", "thing-3"]);
    // So much is left out that the first look, at three times as many as are wanted, does not find enough.
    let excluded: Vec<String> = (0..60).filter(|n| n % 7 != 0).map(|n| format!("thing-{n}")).collect();
    for (exclude, filter) in [(Vec::new(), None), (excluded, None), (Vec::new(), Some(Filter::at_least("n", 40.0)))] {
        let mut asked = request().user("user-3");
        (asked.exclude, asked.filter) = (exclude, filter);
        shop.ask(&asked, |cx| {
            let relations = &cx.understood.relations;
            for k in [1, 5, 40] {
                assert_eq!(covisit(cx, k).unwrap(), [by_hand(cx, &relations.next, k)]);
                assert_eq!(cooccurrence(cx, k).unwrap(), [by_hand(cx, &relations.cooccurrence, k)]);
                assert_eq!(basket(cx, k).unwrap(), [by_hand(cx, &relations.basket, k)]);
            }
            assert!(!by_hand(cx, &relations.next, 1).is_empty() && !by_hand(cx, &relations.basket, 1).is_empty());
        });
    }
}

#[test]
fn what_was_liked_comes_back_newest_first_and_each_once() {
    let shop = Shop::of(20);
    let log = [(3, 9.0), (4, 8.0), (3, 7.0), (5, 6.0), (6, 5.0), (7, 4.0)];
    shop.log(log.map(|(n, days)| event("ada", Action::View, n, days)));
    shop.log([event("ada", Action::Dislike, 9, 1.0)]);
    shop.delete(&["thing-6"]);
    let again = |request: &Request, k| -> Vec<usize> {
        let found = shop.ask(request, |cx| repeat(cx, k).unwrap().remove(0));
        let places: Vec<f32> = (1..=found.len()).map(|place| 1.0 / place as f32).collect();
        assert_eq!(found.iter().map(|(_, score)| *score).collect::<Vec<_>>(), places);
        shop.numbers(found.into_iter().map(|(key, _)| key))
    };
    let asked = request().user("ada");
    assert_eq!(again(&asked, 10), [7, 5, 3, 4], "without what is gone and what was disliked");
    assert_eq!(again(&asked, 2), [7, 5]);
    let mut without = asked.clone();
    without.exclude = vec!["thing-5".to_owned()];
    assert_eq!(again(&without, 2), [7, 3]);
    assert_eq!(again(&asked.history(["thing-10", "thing-11"]), 3), [11, 10, 7], "what the request brings is newer");
}

fn new_items() -> NewItems {
    NewItems { fraction: 0.5, days: Some(10.0), ..NewItems::default() }
}

fn explored(shop: &Shop, request: &Request, k: usize) -> Vec<usize> {
    let found = shop.ask(request, |cx| unseen(cx, k).unwrap().remove(0));
    shop.numbers(found.into_iter().map(|(key, _)| key))
}

#[test]
fn what_is_explored_is_new_available_and_let_in() {
    let shop = Shop::of(40);
    shop.put([dated(50, -1.0), dated(51, 2.0)]);
    // Things are a day older one by one, so the first nine are younger than ten days.
    let mut expected: Vec<usize> = (0..9).chain([51]).collect();
    for request in [request(), request().filter(Filter::less("n", 1000.0))] {
        let mut found = explored(&shop, &request.clone().new_items(new_items()), 100);
        assert!(all_differ(&found));
        found.sort_unstable();
        assert_eq!(found, expected);
    }
    let mut without = request().new_items(new_items());
    without.exclude = vec!["thing-51".to_owned()];
    expected.pop();
    let mut found = explored(&shop, &without, 100);
    found.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(explored(&shop, &without, 3).len(), 3);
    assert!(explored(&shop, &request(), 3).is_empty(), "without a notion of what is new nothing is");
    let by_events = NewItems { fraction: 0.5, events_below: Some(1.5), ..NewItems::default() };
    shop.log([event("ada", Action::Buy, 30, 1.0)]);
    let found = explored(&shop, &request().new_items(by_events), 100);
    assert!(found.contains(&31) && !found.contains(&30), "a purchase counts two");
}

#[test]
fn a_draw_belongs_to_its_moment_and_prefers_what_was_shown_less() {
    let shop = Shop::of(4);
    for _ in 0..5 {
        shop.rank(&Request::new().now(now()).among(["thing-0"]));
    }
    shop.core.flush().unwrap();
    let at = |n: usize| request().now(Timestamp::from_millis(now().millis() + n as i64)).new_items(new_items());
    assert_eq!(explored(&shop, &at(1), 4), explored(&shop, &at(1), 4));
    let mut first = [0; 4];
    (0..400).for_each(|n| first[explored(&shop, &at(n), 1)[0]] += 1);
    // Shown five times, it is drawn with weight 1/6 against three of 1: 21 of 400 expected, standard deviation 4.5.
    assert!(first[0] >= 4 && first[0] <= 40, "{first:?}");
    // The others have 126 each, standard deviation 9.3.
    assert!(first[1..].iter().all(|times| (88..=164).contains(times)), "{first:?}");
}

//! The history of a request: which events, in which order, and what the request would be without one of its items.

use crate::api::config::Meaning;
use crate::api::controls::Personalization;
use crate::api::event::{Action, Event};
use crate::api::history::HistoryEvent;
use crate::api::request::Request;
use crate::base::id::ItemKey;
use crate::testing::{Shop, ago, close, event, random_log, request};
use crate::understand::Scores;

/// The things of a history, oldest first, as the model reads them.
fn events(shop: &Shop, request: &Request) -> Vec<usize> {
    let keys: Vec<ItemKey> = shop.ask(request, |cx| cx.understood.events.iter().map(|event| event.key).collect());
    shop.numbers(keys)
}

fn liked(shop: &Shop, request: &Request) -> Vec<usize> {
    shop.numbers(shop.ask(request, |cx| cx.understood.liked.clone()))
}

fn past(n: usize, action: Action, days: f64) -> HistoryEvent {
    HistoryEvent { action, time: Some(ago(days)), ..HistoryEvent::new(format!("thing-{n}")) }
}

#[test]
fn the_request_s_events_are_newer_than_the_stored_ones_and_those_go_by_time() {
    let shop = Shop::of(20);
    shop.log([event("ada", Action::View, 1, 3.0), event("ada", Action::View, 2, 9.0)]);
    shop.core.flush().unwrap();
    // A late event is in its place, before it is applied and after.
    shop.log([event("ada", Action::Buy, 3, 5.0), event("ada", Action::Buy, 4, -1.0)]);
    for _ in 0..2 {
        let mut asked = request().user("ada");
        assert_eq!(events(&shop, &asked), [2, 3, 1], "oldest first, and nothing of the future");
        asked.history = vec![past(6, Action::View, 4.0), past(7, Action::View, 30.0)];
        assert_eq!(events(&shop, &asked), [2, 3, 1, 6, 7], "a list that is given is in the order that it is given in");
        asked.history.push(HistoryEvent::new("no such thing"));
        assert_eq!(events(&shop, &asked), [2, 3, 1, 6, 7]);
        assert_eq!(liked(&shop, &asked), [7, 6, 1, 3, 2], "newest first");
        assert!(events(&shop, &request().user("bob")).is_empty());
        shop.core.flush().unwrap();
    }
}

#[test]
fn a_history_is_looked_back_on_so_far_and_no_further() {
    let shop = Shop::of(130);
    shop.log((0..130).map(|n| event("ada", Action::View, n, 200.0 - n as f64)));
    let asked = request().user("ada");
    assert_eq!(events(&shop, &asked), (80..130).collect::<Vec<_>>(), "the model reads the newest fifty");
    assert_eq!(liked(&shop, &asked), (30..130).rev().collect::<Vec<_>>(), "a hundred count for what is related");
    let given = (0..120).map(|n| past(n, Action::View, 1.0));
    let mut asked = request();
    asked.history = given.collect();
    assert_eq!(events(&shop, &asked), (70..120).collect::<Vec<_>>());
    asked.history = (0..250).map(|n| past(n % 130, Action::View, 1.0)).collect();
    assert_eq!(liked(&shop, &asked).len(), 200, "of a list that is given, two hundred");
}

#[test]
fn every_event_speaks_for_or_against_its_item_or_says_nothing() {
    let shop = Shop::open(|config| *config = config.clone().action("stock check", Meaning::Neutral, 1.0));
    shop.put((0..9).map(crate::testing::thing));
    let rated = |n, value| event("ada", Action::Rate, n, 9.0 - n as f64).value(value);
    let acted = |n, action: Action| event("ada", action, n, 9.0 - n as f64);
    shop.log([acted(0, Action::Buy), acted(1, Action::Dislike), acted(2, Action::Skip), acted(3, Action::Hide)]);
    shop.log([rated(4, 5.0), rated(5, 1.0), rated(6, 3.0), acted(7, Action::named("stock check"))]);
    let meanings: Vec<Meaning> =
        shop.ask(&request().user("ada"), |cx| cx.understood.events.iter().map(|event| event.meaning).collect());
    use Meaning::{Negative, Neutral, Positive};
    assert_eq!(meanings, [Positive, Negative, Negative, Negative, Positive, Negative, Positive, Neutral]);
    assert_eq!(liked(&shop, &request().user("ada")), [6, 4, 0]);
    let asked = request().user("ada").exclude_seen();
    let admitted: Vec<usize> = (0..9).filter(|n| shop.ask(&asked, |cx| cx.admits(shop.nth(*n)))).collect();
    assert_eq!(admitted, [8], "whatever was done with an item, it was had");
}

#[test]
fn personalization_off_is_a_request_without_a_history_that_still_knows_what_was_had() {
    let shop = Shop::of(20);
    shop.log((0..5).map(|n| event("ada", Action::Buy, n, 1.0).segment("country", "UK")));
    shop.log((0..5).map(|n| event("bob", Action::Buy, n + 1, 1.0)));
    shop.settle();
    let asked = request().user("ada").history(["thing-9"]).personalization(Personalization::Off).exclude_seen();
    shop.ask(&asked, |cx| {
        let understood = cx.understood;
        assert!(understood.events.is_empty() && understood.liked.is_empty() && understood.interests.is_empty());
        assert!(understood.relations.next.is_empty() && understood.relations.cooccurrence.is_empty());
        assert!(understood.segments.is_empty() && understood.context.history.is_none());
        assert!(!understood.request_context().history);
        let admitted: Vec<usize> = (0..20).filter(|n| cx.admits(shop.nth(*n))).collect();
        assert_eq!(admitted, (5..20).filter(|n| *n != 9).collect::<Vec<_>>());
        assert!((0..20).all(|n| understood.interactions(cx.snapshot, shop.nth(n)).unwrap().is_none()));
    });
    let segment = asked.clone().segment("country", "UK");
    assert!(shop.ask(&segment, |cx| !cx.understood.segments.is_empty()), "what the request says itself counts");
    let personal = asked.personalization(Personalization::Low);
    assert!(shop.ask(&personal, |cx| !cx.understood.segments.is_empty() && cx.understood.events.len() == 6));
}

#[test]
fn a_visit_lasts_until_nothing_has_happened_for_a_while() {
    let shop = Shop::open(|config| config.session_gap = 600.0);
    shop.put((0..3).map(crate::testing::thing));
    let seconds = |seconds: f64| seconds / 86_400.0;
    shop.log([event("in", Action::View, 0, seconds(599.0)), event("out", Action::View, 0, seconds(600.0))]);
    let in_visit = |request: &Request| shop.ask(request, |cx| cx.understood.request_context().in_visit);
    assert!(in_visit(&request().user("in")) && !in_visit(&request().user("out")) && !in_visit(&request()));
    assert!(in_visit(&request().user("out").history(["thing-1"])), "an event without a time is of now");
    let mut asked = request().user("in");
    asked.history = vec![past(1, Action::View, 1.0)];
    assert!(!in_visit(&asked), "the last of the list is the newest");
    assert!(!in_visit(&request().user("in").personalization(Personalization::Off)));
}

#[test]
fn what_was_done_adds_up_over_tables_journal_and_request() {
    let shop = Shop::of(10);
    shop.log([
        event("ada", Action::View, 1, 9.0),
        event("ada", Action::Buy, 1, 8.0),
        event("ada", Action::View, 2, 1.0),
    ]);
    shop.core.flush().unwrap();
    shop.log([event("ada", Action::Dislike, 1, 7.0)]);
    let mut asked = request().user("ada");
    asked.history = vec![past(1, Action::View, 2.0), past(3, Action::View, -5.0)];
    shop.ask(&asked, |cx| {
        let done = |n| cx.understood.interactions(cx.snapshot, shop.nth(n)).unwrap();
        let one = done(1).unwrap();
        assert_eq!((one.events, one.first, one.last), (4, ago(9.0), ago(2.0)));
        assert_eq!((one.bought, one.disliked, one.liked), (Some(ago(8.0)), Some(ago(7.0)), Some(ago(2.0))));
        assert_eq!(done(2).unwrap().events, 1);
        assert_eq!(done(3).unwrap().last, ago(0.0), "a request knows nothing of the time after it");
        assert!(done(4).is_none());
    });
}

fn by_key(scores: &Scores) -> std::collections::BTreeMap<ItemKey, f32> {
    scores.iter().collect()
}

#[test]
fn a_history_without_an_item_is_that_of_somebody_who_never_had_it() {
    let shop = Shop::of(30);
    shop.log(random_log(21, 30, 200));
    let history: Vec<Event> =
        (0..12).map(|place| event("ada", Action::Buy, [2, 5, 7][place % 3], 13.0 - place as f64)).collect();
    shop.log(history.clone());
    for missing in [2, 5, 7] {
        let user = format!("without {missing}");
        let rest = history.iter().filter(|event| event.item.as_deref() != Some(&format!("thing-{missing}")));
        shop.log(rest.cloned().map(|event| Event { user: user.clone(), ..event }));
    }
    shop.settle();
    for missing in [2, 5, 7] {
        let key = shop.nth(missing);
        let asked = request().user("ada");
        let newest = shop.ask(&asked, |cx| cx.understood.newest_items(2));
        assert_eq!(shop.numbers(newest.iter().map(|(key, _)| *key)), [7, 5]);
        let other = request().user(format!("without {missing}"));
        shop.ask(&other, |expected| {
            shop.ask(&asked, |cx| {
                let without = cx.understood.without(cx.snapshot, key).unwrap();
                let of = |events: &[crate::understand::history::PastEvent]| {
                    events.iter().map(|event| (event.key, event.action, event.gap_seconds)).collect::<Vec<_>>()
                };
                assert_eq!(of(&without.events), of(&expected.understood.events));
                let (found, expected) = (&without.relations, &expected.understood.relations);
                for (found, expected) in [(&found.next, &expected.next), (&found.cooccurrence, &expected.cooccurrence)]
                {
                    let (found, expected) = (by_key(found), by_key(expected));
                    assert!(!expected.is_empty() && found.len() == expected.len());
                    assert!(found.iter().all(|(key, score)| close(f64::from(*score), f64::from(expected[key]))));
                }
                assert_eq!(without.interactions(cx.snapshot, key).unwrap().map_or(0, |done| done.events), 0);
                assert!(cx.understood.interactions(cx.snapshot, key).unwrap().unwrap().events > 0);
            });
        });
    }
}

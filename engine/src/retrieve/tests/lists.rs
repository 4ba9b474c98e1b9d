//! The lists that everybody is shown, against counts and times from the definition.

use std::collections::BTreeMap;

use super::super::lists::{fresh, popular_7d, popular_90d, segment, trending};
use crate::api::event::{Action, Event};
use crate::api::filter::Filter;
use crate::api::request::Request;
use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::testing::{Shop, ago, close, dated, event, now, random_log, request};
use crate::understand::RequestCx;

type Find = fn(RequestCx, usize) -> Result<Vec<Vec<(ItemKey, f32)>>>;

/// Below this part of its count, an item of a list may stand: the list is in steps of one twelfth of a logarithm.
const STEP: f64 = 0.92;

fn found(shop: &Shop, find: Find, request: &Request, k: usize) -> Vec<(usize, f64)> {
    let lists = shop.ask(request, |cx| find(cx, k).unwrap());
    assert_eq!(lists.len(), 1);
    let numbers = shop.numbers(lists[0].iter().map(|(key, _)| *key));
    numbers.into_iter().zip(lists[0].iter().map(|(_, score)| f64::from(*score))).collect()
}

fn number(event: &Event) -> usize {
    event.item.as_deref().unwrap().trim_start_matches("thing-").parse().unwrap()
}

/// The sum over a thing's events of weight times two to the power of minus age over half-life.
fn counts<'e>(events: impl IntoIterator<Item = &'e Event>, half_life: f64) -> BTreeMap<usize, f64> {
    let mut counts = BTreeMap::new();
    for event in events {
        let days = now().seconds_since(event.time.unwrap()) / 86_400.0;
        let weight = if event.action == Action::Buy { 2.0 } else { 0.5 };
        *counts.entry(number(event)).or_default() += weight * (-days / half_life).exp2();
    }
    counts
}

/// A filter that all things pass: then they are looked up one by one.
fn filtered() -> Request {
    request().filter(Filter::less("n", 1000.0))
}

#[test]
fn what_is_popular_has_the_largest_decayed_counts() {
    let shop = Shop::of(50);
    let log = random_log(3, 40, 300);
    shop.log(log.clone());
    // First while the events wait in the journal, then from the tables.
    for settled in [false, true] {
        if settled {
            shop.settle();
        }
        for (find, half_life) in [(popular_7d as Find, 7.0), (popular_90d as Find, 90.0)] {
            let counts = counts(&log, half_life);
            let looked_up = found(&shop, find, &filtered(), 12);
            assert!(looked_up.iter().all(|(n, count)| close(*count, counts[n])), "{looked_up:?}");
            let mut best: Vec<f64> = counts.values().copied().collect();
            best.sort_by(|a, b| b.total_cmp(a));
            assert!(looked_up.iter().zip(&best).all(|((_, found), best)| close(*found, *best)));
            let listed = found(&shop, find, &request(), 12);
            assert_eq!(listed.len(), 12);
            for (n, count) in &listed {
                assert!(*count <= counts[n] * 1.0001 && *count >= counts[n] * STEP, "{n}: {count}");
            }
            let last = listed[11].1;
            let missed = counts.iter().filter(|(n, _)| listed.iter().all(|(known, _)| known != *n));
            missed.for_each(|(n, count)| assert!(*count * STEP <= last * 1.0001, "{n} was left out: {count}"));
        }
    }
}

#[test]
fn what_is_left_out_makes_room_for_the_next_in_the_list() {
    let shop = Shop::of(50);
    shop.log(random_log(4, 40, 300));
    shop.settle();
    let whole = found(&shop, popular_90d, &request(), 30);
    let first: Vec<String> = whole[..9].iter().map(|(n, _)| format!("thing-{n}")).collect();
    let mut without = request();
    without.exclude = first.clone();
    assert_eq!(found(&shop, popular_90d, &without, 12), whole[9..21]);
    shop.delete(&first.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(found(&shop, popular_90d, &request(), 12), whole[9..21], "what is deleted is in no list");
}

#[test]
fn fresh_is_what_was_released_last_and_nothing_that_is_still_to_come() {
    let shop = Shop::open(|_| {});
    let days = |n: usize| ((n * 7) % 30) as f64 - 3.0;
    shop.put((0..30).map(|n| dated(n, days(n))));
    let mut expected: Vec<usize> = (0..30).filter(|n| days(*n) >= 0.0 && *n != 9).collect();
    expected.sort_by(|a, b| days(*a).total_cmp(&days(*b)));
    for mut asked in [request(), filtered()] {
        asked.exclude = vec!["thing-9".to_owned()];
        let list = found(&shop, fresh, &asked, 20);
        assert_eq!(list.iter().map(|(n, _)| *n).collect::<Vec<_>>(), expected[..20]);
        assert!(list.iter().all(|(n, time)| (time - ago(days(*n)).seconds()).abs() < 256.0), "{list:?}");
        assert_eq!(found(&shop, fresh, &asked, 100).len(), expected.len());
    }
}

#[test]
fn what_rises_has_most_of_its_months_in_the_last_week() {
    let shop = Shop::of(40);
    let mut log = random_log(5, 30, 200);
    log.extend((0..8).map(|n| event(&format!("user-{n}"), Action::Buy, 33, 1.0 + n as f64 / 10.0)));
    shop.log(log.clone());
    shop.settle();
    let (week, quarter) = (counts(&log, 7.0), counts(&log, 90.0));
    let list = found(&shop, trending, &filtered(), 10);
    let rise = |n: &usize| (week[n] + 1.0) / (quarter[n] + 4.0);
    assert!(list.iter().all(|(n, score)| close(*score, rise(n))), "{list:?}");
    let mut best: Vec<f64> = week.keys().map(rise).collect();
    best.sort_by(|a, b| b.total_cmp(a));
    assert!(list.iter().zip(&best).all(|((_, found), best)| close(*found, *best)));
    assert_eq!(list[0].0, 33, "nobody had it before this week");
    assert_eq!(found(&shop, trending, &request(), 10)[0].0, 33, "in the list as well");
}

#[test]
fn a_segment_shows_what_is_popular_in_it_and_two_segments_share() {
    let shop = Shop::of(40);
    let marked = |(place, event): (usize, Event)| match place % 3 {
        0 => event.segment("country", "UK"),
        1 => event.segment("country", "FR").segment("sex", "f"),
        _ => event,
    };
    let log: Vec<Event> = random_log(6, 30, 240).into_iter().enumerate().map(marked).collect();
    shop.log(log.clone());
    shop.settle();
    shop.delete(&["thing-0"]);
    let of = |name: &str, value: &str| {
        let counts = counts(log.iter().filter(|event| event.segments.get(name).is_some_and(|of| of == value)), 90.0);
        let largest = counts.values().copied().fold(20.0, f64::max).ln_1p();
        counts.into_iter().map(|(n, count)| (n, count.ln_1p() / largest)).collect::<BTreeMap<usize, f64>>()
    };
    let uk = of("country", "UK");
    let list = found(&shop, segment, &request().segment("country", "UK"), 50);
    assert_eq!(list.len(), uk.len() - 1, "all but the one that is deleted");
    assert!(list.iter().all(|(n, score)| *n != 0 && close(*score, uk[n])), "{list:?}");
    assert!(list.windows(2).all(|pair| pair[0].1 >= pair[1].1));
    let (fr, women) = (of("country", "FR"), of("sex", "f"));
    let both = found(&shop, segment, &request().segment("country", "FR").segment("sex", "f"), 5);
    let mean = |n: &usize| (fr.get(n).unwrap_or(&0.0) + women.get(n).unwrap_or(&0.0)) / 2.0;
    assert!(both.len() == 5 && both.iter().all(|(n, score)| close(*score, mean(n))), "{both:?}");
    let unknown = found(&shop, segment, &request().segment("country", "UK").segment("shoe size", "46"), 50);
    assert_eq!(unknown, list, "a segment of which nothing is known takes nothing away");
}

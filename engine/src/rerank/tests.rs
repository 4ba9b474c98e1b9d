//! The order of a list under random controls: what stays, what stands where, and with which probability.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config as Runs, TestRunner};

use super::rerank;
use crate::api::candidate::{Page, Scored};
use crate::api::exploration::{Exploration, NewItems};
use crate::api::filter::Filter;
use crate::api::request::Request;
use crate::api::rule::{Rule, Which};
use crate::base::score::on_grid;
use crate::testing::{Shop, all_differ, dated, request, scored};

const THINGS: usize = 30;

/// Things of five brands and two colours; each has one or two colours.
fn shop() -> Shop {
    let shop = Shop::open(|_| {});
    shop.put((0..THINGS).map(|n| {
        let colours = if n % 4 == 0 { vec!["red", "blue"] } else { vec![["red", "blue"][n % 2]] };
        dated(n, n as f64 + 1.0).tags("colour", colours).text("brand", format!("brand-{}", brand(n)))
    }));
    shop
}

fn brand(n: usize) -> usize {
    n * n % 5
}

fn colours(n: usize) -> Vec<usize> {
    if n.is_multiple_of(4) { vec![0, 1] } else { vec![n % 2] }
}

/// All things in the order of their numbers, with falling scores.
fn list(shop: &Shop) -> Vec<Scored> {
    (0..THINGS).map(|n| scored(shop.nth(n).0, on_grid(1.0 - n as f32 / 40.0))).collect()
}

fn reranked(shop: &Shop, request: &Request, rank_id: &str) -> Page {
    shop.ask(request, |cx| rerank(cx, rank_id, list(shop)).unwrap())
}

fn numbers(shop: &Shop, page: &Page) -> Vec<usize> {
    shop.numbers(page.hits.iter().map(|hit| hit.candidate.key))
}

fn pin(n: usize, position: usize) -> Rule {
    Rule::Pin { item: format!("thing-{n}"), position }
}

/// The list under two caps, one choice after the other.
fn capped(brands: usize, hues: usize, want: usize) -> Vec<usize> {
    let (mut of_brand, mut of_colour) = (BTreeMap::<usize, usize>::new(), BTreeMap::<usize, usize>::new());
    let (mut chosen, mut over, mut left) = (Vec::new(), Vec::new(), (0..THINGS).collect::<Vec<_>>());
    while chosen.len() < want && !left.is_empty() {
        let n = left.remove(0);
        let room = of_brand.get(&brand(n)).is_none_or(|count| *count < brands);
        if room && colours(n).iter().all(|hue| of_colour.get(hue).is_none_or(|count| *count < hues)) {
            *of_brand.entry(brand(n)).or_default() += 1;
            colours(n).into_iter().for_each(|hue| *of_colour.entry(hue).or_default() += 1);
            chosen.push(n);
        } else {
            over.push(n);
        }
    }
    [chosen, over, left].concat()
}

#[test]
fn caps_take_the_best_that_there_is_room_for_and_put_the_rest_behind() {
    let shop = shop();
    for (brands, hues, want) in [(1, 9, 10), (2, 3, 10), (9, 1, 5), (2, 9, 30), (30, 30, 30), (1, 1, 30)] {
        let asked = request().cap("brand", brands).cap("colour", hues).limit(want);
        let expected = capped(brands, hues, want);
        let page = reranked(&shop, &asked, "a");
        assert_eq!(numbers(&shop, &page), expected[..want], "{brands} {hues} {want}");
        for (place, hit) in page.hits.iter().enumerate() {
            let from = shop.numbers([hit.candidate.key])[0];
            let moved = hit.marks.moved.as_ref().map(|moved| (moved.from, moved.by.as_str()));
            assert_eq!(moved, (from != place).then_some((from + 1, "caps")));
        }
    }
    let sid = reranked(&shop, &request().cap("semantic_id:1", 1).limit(3), "a");
    let codes: Vec<_> = shop.ask(&request(), |cx| {
        sid.hits.iter().map(|hit| cx.snapshot.sid(hit.candidate.key).unwrap().unwrap()[0]).collect()
    });
    assert!(all_differ(&codes), "{codes:?}");
}

#[test]
fn boosts_and_burials_move_by_their_sum() {
    let shop = shop();
    let boost = |which, amount| Rule::Boost { which, amount };
    let asked = request()
        .limit(THINGS)
        .rule(boost(Which::ids(["thing-9", "thing-20"]), 0.5))
        .rule(boost(Which::Matching(Filter::at_least("n", 20.0)), 0.25))
        .rule(Rule::Bury { which: Which::ids(["thing-0"]), amount: 2.0 });
    let amount = |n: usize| match n {
        0 => -2.0,
        9 => 0.5,
        20 => 0.75,
        21.. => 0.25,
        _ => 0.0,
    };
    let score = |n: usize| on_grid(on_grid(1.0 - n as f32 / 40.0) + amount(n));
    let mut expected: Vec<usize> = (0..THINGS).collect();
    expected.sort_by(|a, b| score(*b).total_cmp(&score(*a)).then(a.cmp(b)));
    let page = reranked(&shop, &asked, "a");
    assert_eq!(numbers(&shop, &page), expected);
    assert!(page.hits.iter().zip(&expected).all(|(hit, n)| hit.score == score(*n)));
    let twice = &page.hits[expected.iter().position(|n| *n == 20).unwrap()].marks;
    assert_eq!((twice.adjustments.as_slice(), twice.rules.len()), ([("boost", 0.75)].as_slice(), 2));
}

/// Controls that order a list without drawing.
fn any_request() -> impl Strategy<Value = Request> {
    let pins = prop::collection::btree_map(1usize..12, 0usize..THINGS, 0..4);
    let caps = (prop::option::of(1usize..4), prop::option::of(1usize..6));
    (pins, caps, prop_oneof![Just(0.0f32), 0.0f32..=1.0], (1usize..20, 0usize..15), any::<bool>()).prop_map(
        |(pins, (brands, hues), diversity, (limit, offset), unlike)| {
            let mut asked = request().diversity(diversity).limit(limit).offset(offset);
            asked = brands.into_iter().fold(asked, |asked, most| asked.cap("brand", most));
            asked = hues.into_iter().fold(asked, |asked, most| asked.cap("colour", most));
            asked = pins.into_iter().fold(asked, |asked, (position, n)| asked.rule(pin(n, position)));
            if unlike { asked.unlike(["thing-29"]) } else { asked }
        },
    )
}

#[test]
fn a_page_is_cut_from_a_permutation_and_pins_stand_at_their_positions() {
    let shop = shop();
    let mut runner = TestRunner::new(Runs { cases: 64, ..Runs::default() });
    let result = runner.run(&any_request(), |asked| {
        let page = numbers(&shop, &reranked(&shop, &asked, "a"));
        let mut all = asked.clone();
        // As many are wanted as the page needs, so that caps choose from the same.
        (all.offset, all.limit) = (0, asked.offset + asked.limit);
        let whole = numbers(&shop, &reranked(&shop, &all, "a"));
        prop_assert_eq!(&page[..], &whole[asked.offset.min(whole.len())..]);
        prop_assert!(all_differ(&whole) && whole.len() == all.limit.min(THINGS));
        let mut pinned = BTreeSet::new();
        let pins = shop.ask(&asked, |cx| cx.understood.controls.pins.clone());
        let mut pins: Vec<_> = pins.iter().map(|pin| (pin.position, shop.numbers([pin.key])[0])).collect();
        pins.sort_unstable();
        for (position, n) in pins.into_iter().filter(|(position, _)| *position <= whole.len()) {
            prop_assert!(pinned.insert(n));
            prop_assert_eq!(whole[position - 1], n, "position {}", position);
        }
        Ok(())
    });
    result.expect("holds");
}

#[test]
fn the_pages_of_a_list_hold_every_item_once() {
    let shop = shop();
    for asked in [request(), request().cap("brand", 1).diversity(0.4), request().rule(pin(3, 9)).rule(pin(4, 1))] {
        let (mut seen, mut asked) = (Vec::new(), asked.limit(7));
        loop {
            // Earlier pages are passed over by the sources: only the rest comes to be ordered.
            let rest = |scored: &Scored, shown: &[usize]| !shown.contains(&shop.numbers([scored.candidate.key])[0]);
            let page = shop.ask(&asked, |cx| {
                let list = list(&shop).into_iter().filter(|scored| rest(scored, &seen)).collect();
                rerank(cx, "a", list).unwrap()
            });
            seen.extend(numbers(&shop, &page));
            let Some(next) = page.next_page_token else { break };
            asked = Request { page_token: Some(next), ..asked };
        }
        assert!(all_differ(&seen) && seen.len() == THINGS, "{seen:?}");
    }
}

#[test]
fn the_probabilities_of_a_drawn_page_multiply_to_that_of_its_order() {
    let shop = shop();
    let temperature = 0.15;
    let explore = Exploration { fraction: 1.0, temperature, swaps: 0.0 };
    let mut orders = BTreeSet::new();
    for n in 0..100 {
        let page = reranked(&shop, &request().explore(explore).limit(8), &format!("{n:016x}"));
        assert!(page.explored);
        let weight = |n: usize| (f64::from(on_grid(1.0 - n as f32 / 40.0)) / f64::from(temperature)).exp();
        let order = numbers(&shop, &page);
        let mut left: f64 = (0..THINGS).map(weight).sum();
        for (n, hit) in order.iter().zip(&page.hits) {
            let expected = weight(*n) / left;
            let found = f64::from(hit.marks.propensity.unwrap());
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
            left -= weight(*n);
        }
        orders.insert(order);
    }
    assert!(orders.len() > 90, "{} orders of 100 draws", orders.len());
    // Probabilities of an order that caps have a say in are unknown, so nothing is drawn.
    let capped = reranked(&shop, &request().explore(explore).cap("brand", 2).limit(8), "a");
    assert!(!capped.explored && capped.hits.iter().all(|hit| hit.marks.propensity.is_none()));
    assert_eq!(numbers(&shop, &capped), capped_order(2));
}

fn capped_order(brands: usize) -> Vec<usize> {
    capped(brands, THINGS, 8)[..8].to_vec()
}

#[test]
fn pins_keep_their_places_in_a_drawn_order_and_have_no_probability() {
    let shop = shop();
    let asked =
        request().explore(Exploration { fraction: 0.0, temperature: 1.0, swaps: 1.0 }).rule(pin(20, 2)).limit(6);
    for n in 0..50 {
        let page = reranked(&shop, &asked, &format!("{n:016x}"));
        assert_eq!(numbers(&shop, &page)[1], 20);
        let propensities: Vec<Option<f32>> = page.hits.iter().map(|hit| hit.marks.propensity).collect();
        let halves = propensities.iter().filter(|one| **one == Some(0.5)).count();
        assert_eq!((propensities[1], halves), (None, 2), "{propensities:?}");
        let mut sorted = numbers(&shop, &page);
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3, 4, 20], "a swap changes no set");
    }
}

#[test]
fn new_items_get_their_share_of_the_page_in_the_mean_and_never_less_by_their_own_score() {
    let shop = shop();
    // Thing n is n + 1 days old: nine are new, and they are at the top; turned around they are at the bottom.
    let new = NewItems { fraction: 0.25, days: Some(10.0), ..NewItems::default() };
    let asked = request().new_items(new).limit(10);
    let page = reranked(&shop, &asked, "a");
    assert_eq!(numbers(&shop, &page), (0..10).collect::<Vec<_>>(), "they are on it by themselves");
    assert!(page.marks_new && page.hits[..9].iter().all(|hit| hit.marks.new) && !page.hits[9].marks.new);
    let mut taken = 0;
    for n in 0..400 {
        let page = shop.ask(&asked, |cx| {
            let turned = (0..THINGS).map(|n| scored(shop.nth(THINGS - 1 - n).0, 1.0 - n as f32 / 40.0)).collect();
            rerank(cx, &format!("{n:016x}"), turned).unwrap()
        });
        let order = numbers(&shop, &page);
        assert!(all_differ(&order) && order[..5] == [29, 28, 27, 26, 25], "the upper half stays: {order:?}");
        let new = order.iter().filter(|n| **n < 9).count();
        assert!(new == 2 || new == 3, "a quarter of ten, rounded down or up: {new}");
        taken += new;
    }
    // 2.5 of ten places in the mean: 1,000 of 400 pages, standard deviation 10.
    assert!((960..=1040).contains(&taken), "{taken}");
}

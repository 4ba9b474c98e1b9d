//! What the log relates to a history, computed from its lists by the formula.

use std::collections::BTreeMap;

use crate::api::event::{Action, Event};
use crate::base::id::ItemKey;
use crate::catalog::Relation;
use crate::store::cooccurrence::Cooccurrence;
use crate::store::snapshot::Snapshot;
use crate::testing::{Shop, ago, close, event, now, random_log, request};
use crate::understand::Scores;

fn scores(shop: &Shop, scores: &Scores) -> BTreeMap<usize, f64> {
    let (keys, scores): (Vec<ItemKey>, Vec<f32>) = scores.iter().unzip();
    shop.numbers(keys).into_iter().zip(scores.into_iter().map(f64::from)).collect()
}

#[test]
fn one_pair_is_worth_its_weight_over_the_damping_of_its_list() {
    let shop = Shop::of(10);
    // Twenty people went from 1 to 2 and three from 1 to 3, today: the list of 1 weighs 23.
    for user in 0..23 {
        let then = if user < 20 { 2 } else { 3 };
        let name = format!("user-{user}");
        shop.log([event(&name, Action::Click, 1, 0.0), event(&name, Action::Click, then, 0.0)]);
    }
    shop.settle();
    let asked = request().history(["thing-1"]);
    shop.ask(&asked, |cx| {
        let next = scores(&shop, &cx.understood.relations.next);
        // 20 / root(23 + 10) is above one half, so it is the best and scales to 1.
        assert_eq!(next.keys().copied().collect::<Vec<_>>(), [2, 3]);
        assert!(close(next[&2], 1.0) && close(next[&3], 3.0 / 20.0), "{next:?}");
        assert!(cx.understood.relations.previous.is_empty(), "nothing came before 1");
        let feature = cx.understood.relations.next.feature(shop.nth(3));
        assert!(close(f64::from(feature), (3.0f64 / 20.0).sqrt()));
        assert_eq!(cx.understood.relations.next.feature(shop.nth(9)), 0.0);
    });
    let back = request().history(["thing-3"]);
    shop.ask(&back, |cx| {
        let previous = scores(&shop, &cx.understood.relations.previous);
        // 3 / root(3 + 10) is 0.83: three people are a pattern.
        assert!(previous.len() == 1 && close(previous[&1], 1.0), "{previous:?}");
    });
    shop.log([event("one", Action::Click, 5, 0.0), event("one", Action::Click, 6, 0.0)]);
    shop.settle();
    let weak = shop.ask(&request().history(["thing-5"]), |cx| scores(&shop, &cx.understood.relations.next));
    // One pair of one person: 1 / root(1 + 10), against the least that counts as a best, 0.5.
    assert!(weak.len() == 1 && close(weak[&6], (1.0 / 11.0f64.sqrt()) / 0.5), "{weak:?}");
}

#[test]
fn pairs_count_half_after_a_thousand_days() {
    let shop = Shop::of(10);
    let pair = |user: &str, days: f64, then: usize| {
        shop.log([event(user, Action::Click, 1, days), event(user, Action::Click, then, days)]);
    };
    pair("old", 2_000.0, 2);
    pair("new", 0.0, 3);
    shop.settle();
    let next = shop.ask(&request().history(["thing-1"]), |cx| scores(&shop, &cx.understood.relations.next));
    assert!(close(next[&2] / next[&3], 0.25), "{next:?}");
}

/// The lists of a history added up: the newest counts most, and each list is damped by its own weight.
fn by_hand(cx: &Snapshot, relation: Relation, history: &[ItemKey], decay: f64) -> BTreeMap<ItemKey, f64> {
    let mut sums: BTreeMap<ItemKey, f64> = BTreeMap::new();
    for (step, item) in history.iter().enumerate() {
        let list = cx.catalog.view().neighbours(relation, *item).unwrap();
        let total: f64 = list.at(now()).map(|(_, weight)| f64::from(weight)).sum();
        // No list of this store was ever cut, so that its total is the sum of what it holds.
        let damping = if matches!(relation, Relation::Cooccurrence(_)) { 1.0 } else { (total + 10.0).sqrt() };
        for (other, weight) in list.at(now()) {
            *sums.entry(other).or_default() += decay.powi(step as i32) * f64::from(weight) / damping;
        }
    }
    let best = sums.values().copied().fold(0.5, f64::max);
    sums.into_iter().map(|(item, sum)| (item, sum / best)).collect()
}

#[test]
fn the_lists_of_a_history_add_up_the_newest_counting_most() {
    let shop = Shop::of(50);
    let in_baskets = |(place, event): (usize, Event)| event.basket(format!("basket-{}", place / 5));
    shop.log(random_log(31, 50, 400).into_iter().enumerate().map(in_baskets));
    shop.settle();
    // More than the twelve that are read, with repetitions.
    let history: Vec<String> = (0..20).map(|n| format!("thing-{}", n * n % 17)).collect();
    shop.ask(&request().history(history), |cx| {
        let liked = &cx.understood.liked;
        let mut distinct = Vec::new();
        liked.iter().for_each(|key| {
            if !distinct.contains(key) {
                distinct.push(*key)
            }
        });
        let together = Cooccurrence::read(cx.snapshot.catalog.view()).unwrap().unwrap().relation();
        let relations = &cx.understood.relations;
        for (found, relation, history, decay) in [
            (&relations.next, Relation::Next, &liked[..12], 0.5),
            (&relations.previous, Relation::Previous, &liked[..12], 0.5),
            (&relations.basket, Relation::Basket, &liked[..12], 0.9),
            (&relations.cooccurrence, together, &distinct[..], 1.0),
        ] {
            let expected = by_hand(cx.snapshot, relation, history, decay);
            assert!(expected.len() > 20, "{relation:?} relates {}", expected.len());
            assert_eq!(found.len(), expected.len());
            for (key, score) in found.iter() {
                assert!(
                    (f64::from(score) - expected[&key]).abs() < 1e-4,
                    "{relation:?} {key:?}: {score} {}",
                    expected[&key]
                );
            }
        }
    });
}

#[test]
fn without_a_history_the_seeds_are_related_and_before_the_first_build_nobody_is_together() {
    let shop = Shop::of(10);
    shop.log([event("ada", Action::Click, 1, 2.0), event("ada", Action::Click, 2, 1.0)]);
    shop.core.flush().unwrap();
    let relations = |request| shop.ask(&request, |cx| cx.understood.relations.clone());
    let seeds = relations(request().like(["thing-1"]));
    assert_eq!(seeds.next.iter().map(|(key, _)| key).collect::<Vec<_>>(), [shop.nth(2)]);
    assert!(seeds.cooccurrence.is_empty() && seeds.basket.is_empty());
    let with_history = relations(request().like(["thing-1"]).history(["thing-2"]));
    assert!(with_history.next.is_empty(), "a history speaks for itself");
    assert_eq!(with_history.previous.iter().map(|(key, _)| key).collect::<Vec<_>>(), [shop.nth(1)]);
    shop.settle();
    assert!(!relations(request().like(["thing-1"])).cooccurrence.is_empty());
    let before = relations(request().like(["thing-1"]).now(ago(400.0)));
    assert!(before.next.iter().all(|(_, score)| score.is_finite()), "weights do not grow backwards");
}

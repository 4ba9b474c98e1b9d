//! Neighbours, against every vector of the store; and what words find.

use std::collections::BTreeSet;

use super::super::nearest::{context, interests, semantic, similar, vectors};
use super::super::{lexical, semantic_ids};
use crate::api::event::Action;
use crate::api::filter::Filter;
use crate::api::item::{Item, Value};
use crate::api::request::Request;
use crate::api::source::Source;
use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::catalog::SpaceNumber;
use crate::store::Spaces;
use crate::testing::{Shop, all_differ, close, dated, event, request};
use crate::understand::RequestCx;

type Find = fn(RequestCx, usize) -> Result<Vec<Vec<(ItemKey, f32)>>>;

/// The `k` nearest of the things that pass, from all vectors of a space.
fn by_hand(cx: RequestCx, space: SpaceNumber, point: &[f32], k: usize) -> Vec<(ItemKey, f32)> {
    let mut scored: Vec<(ItemKey, f32)> = Vec::new();
    for key in (0..cx.snapshot.catalog.counters().next_item).map(ItemKey) {
        if let Some(vector) = cx.snapshot.vector(space, key).unwrap().filter(|_| cx.admits(key)) {
            scored.push((key, vector.iter().zip(point).map(|(a, b)| a * b).sum()));
        }
    }
    scored.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    scored.truncate(k);
    scored
}

fn check_exact(found: &[(ItemKey, f32)], expected: &[(ItemKey, f32)]) {
    assert_eq!(found.len(), expected.len());
    let same = |(a, b): (&(ItemKey, f32), &(ItemKey, f32))| close(f64::from(a.1), f64::from(b.1));
    assert!(found.iter().zip(expected).all(same), "{found:?} {expected:?}");
    assert!(all_differ(&found.iter().map(|(key, _)| *key).collect::<Vec<_>>()));
}

#[test]
fn with_a_filter_neighbours_are_exact_and_without_one_nearly_so() {
    let shop = Shop::of(150);
    shop.log((0..3).map(|n| event("ada", Action::Buy, n * 5, 3.0 - n as f64)));
    for flushed in [false, true] {
        if flushed {
            shop.core.flush().unwrap();
        }
        let filter = || Filter::less("n", 120.0).and(Filter::at_least("n", 10.0));
        for asked in
            [request().query("red leather boot"), request().like(["thing-30", "thing-31"]), request().user("ada")]
        {
            for (asked, exact) in [(asked.clone().filter(filter()), true), (asked, false)] {
                shop.ask(&asked, |cx| {
                    let (find, point) = match (&asked.query, asked.like.is_empty()) {
                        (Some(_), _) => (semantic as Find, cx.understood.context.query.clone()),
                        (None, true) => (context as Find, cx.understood.context.history.clone()),
                        (None, false) => (similar as Find, cx.understood.seed_vector.clone()),
                    };
                    let lists = find(cx, 20).unwrap();
                    let expected = by_hand(cx, cx.snapshot.item_space(), &point.unwrap(), 20);
                    assert_eq!(lists.len(), 1);
                    if exact {
                        return check_exact(&lists[0], &expected);
                    }
                    let expected: BTreeSet<ItemKey> = expected.into_iter().map(|(key, _)| key).collect();
                    let common = lists[0].iter().filter(|(key, _)| expected.contains(key)).count();
                    assert!(lists[0].len() == 20 && common >= 18, "{common} of 20");
                });
            }
        }
    }
}

#[test]
fn several_points_divide_the_places() {
    let shop = Shop::of(100);
    // Boots, teapots and guitars: far from one another.
    shop.log([1, 2, 8, 13, 14].into_iter().map(|n| event("ada", Action::Buy, n, 20.0 - n as f64)));
    shop.ask(&request().user("ada"), |cx| {
        let several = cx.understood.interests.len();
        assert!(several >= 2, "the history has more than one interest");
        let lists = interests(cx, 15).unwrap();
        assert_eq!(lists.len(), several);
        assert!(lists.iter().all(|list| list.len() == 15usize.div_ceil(several)), "each has its part");
    });
}

fn pictures() -> Shop {
    let shop = Shop::open(|_| {});
    let angle = |n: usize| (n as f32 * 0.11).sin_cos();
    shop.put((0..60).map(|n| {
        let (sound, image) = (angle(n + 7), angle(n));
        let item = dated(n, 1.0).with("image", Value::Vector(vec![image.0, image.1]));
        if n % 2 == 0 { item.with("sound", Value::Vector(vec![sound.0, sound.1, 1.0])) } else { item }
    }));
    shop
}

#[test]
fn vectors_that_are_searched_for_have_all_places_and_those_of_a_history_divide_them() {
    let shop = pictures();
    let filter = || Filter::less("n", 50.0);
    let searched = request().vector("image", vec![3.0, 4.0]).filter(filter());
    shop.ask(&searched, |cx| {
        let space = cx.snapshot.spaces.number(&Spaces::field_space("image")).unwrap();
        let lists = vectors(cx, 12).unwrap();
        check_exact(&lists[0], &by_hand(cx, space, &[0.6, 0.8], 12));
    });
    let both = searched.clone().vector("sound", vec![0.0, 1.0, 1.0]);
    let lengths = |request: &Request| shop.ask(request, |cx| vectors(cx, 12).unwrap().iter().map(Vec::len).collect());
    let of_search: Vec<usize> = lengths(&both);
    assert_eq!(of_search, [12, 12]);
    let of_history: Vec<usize> = lengths(&request().history(["thing-2", "thing-4"]).filter(filter()));
    assert_eq!(of_history, [6, 6], "two fields share what a history gets");
}

#[test]
fn words_find_what_has_them_and_is_let_in() {
    let shop = Shop::of(100);
    let asked = request().query("teapot").filter(Filter::at_least("n", 20.0)).exclude_seen().user("ada");
    shop.log([event("ada", Action::View, 26, 1.0)]);
    shop.put([Item::new("thing-38").text("title", "no longer the same")]);
    shop.delete(&["thing-50"]);
    let found = shop.ask(&asked, |cx| lexical::lexical(cx, 100).unwrap().remove(0));
    let numbers: BTreeSet<usize> = shop.numbers(found.iter().map(|(key, _)| *key)).into_iter().collect();
    let expected = (20..100).filter(|n| n % 12 == 2 && ![26, 38, 50].contains(n)).collect();
    assert_eq!(numbers, expected);
    assert!(found.windows(2).all(|pair| pair[0].1 >= pair[1].1) && found.iter().all(|(_, score)| *score > 0.0));
    let few = shop.ask(&asked, |cx| lexical::lexical(cx, 2).unwrap().remove(0));
    assert_eq!(few, found[..2]);
}

#[test]
fn items_of_a_semantic_id_share_its_codes_and_every_prefix_has_its_part() {
    let shop = Shop::of(300);
    shop.log([5, 100, 205].into_iter().map(|n| event("ada", Action::Buy, n, 1.0 + n as f64 / 1000.0)));
    shop.log(crate::testing::random_log(7, 300, 100));
    shop.settle();
    let asked = request().user("ada");
    shop.ask(&asked, |cx| {
        let first = |key| cx.snapshot.sid(key).unwrap().unwrap()[0];
        let liked: Vec<u8> = cx.understood.liked.iter().map(|key| first(*key)).collect();
        for k in [3, 10, 60] {
            let found = semantic_ids::semantic_ids(cx, k).unwrap().remove(0);
            assert!(found.len() <= k && all_differ(&found.iter().map(|(key, _)| *key).collect::<Vec<_>>()));
            assert!(found.iter().all(|(key, _)| liked.contains(&first(*key))), "they share the first code");
            assert!(found.windows(2).all(|pair| pair[0].1 >= pair[1].1));
            let leaders = found.iter().filter(|(_, score)| *score == 1.0).count();
            assert!((1..=3).contains(&leaders), "each prefix has a first place: {found:?}");
        }
    });
    let kept = shop.ask(&asked.clone().exclude_seen(), |cx| semantic_ids::semantic_ids(cx, 60).unwrap().remove(0));
    assert!(kept.iter().all(|(key, _)| ![5, 100, 205].contains(&shop.numbers([*key])[0])), "not what was had");
    assert!(
        shop.rank(&asked.limit(50)).hits.iter().any(|hit| hit.sources.iter().any(|of| of.source == Source::SemanticId))
    );
}

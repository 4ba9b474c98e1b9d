//! The answer: reasons in words, shares of words, the fields that are asked for, and what is remembered.

use std::collections::BTreeSet;

use super::influence::terms;
use super::reason::reason;
use super::{impression, respond};
use crate::api::candidate::{Page, Scored};
use crate::api::event::Action;
use crate::api::feature::Feature;
use crate::api::item::Value;
use crate::api::ranking::{Contribution, TermPart};
use crate::api::request::Request;
use crate::base::limits::{MAX_IMPRESSION_PLACES, MAX_IMPRESSION_QUERY_BYTES};
use crate::base::time::Timestamp;
use crate::catalog::Impression;
use crate::testing::{Shop, close, dated, event, now, request, scored};

fn shop() -> Shop {
    let shop = Shop::of(14);
    shop.put([dated(20, 1.0).with("image", Value::Vector(vec![1.0, 0.0]))]);
    shop.log([event("ada", Action::Buy, 1, 3.0), event("ada", Action::View, 2, 2.0)]);
    shop
}

/// The reason of a feature of `thing-13`, which is a boot as `thing-1` is.
fn words(shop: &Shop, request: &Request, feature: &str) -> String {
    let term = |term: &str| TermPart { term: term.to_owned(), amount: 0.5 };
    shop.ask(request, |cx| reason(cx, (shop.nth(13), &[term("blue"), term("boot")]), feature).unwrap())
}

#[test]
fn every_feature_has_its_reason_in_words() {
    let shop = shop();
    let asked = request().user("ada").query("blue boot");
    for feature in Feature::ALL {
        let found = words(&shop, &asked, feature.name());
        let declared = feature.declaration().reason;
        match feature {
            Feature::Bm25 => assert_eq!(found, "matches blue boot"),
            Feature::CosLast => assert_eq!(found, "like the last one, red leather teapot"),
            Feature::CosNearest => assert_eq!(found, "like red blue boot", "of the two, the boot"),
            _ => assert_eq!(found, declared),
        }
        assert!(!declared.is_empty() && !declared.contains('_'), "{declared}");
        assert_eq!(words(&shop, &asked, feature.declaration().former), found, "a former name means the same");
    }
    let declared: BTreeSet<&str> = Feature::ALL.iter().map(|feature| feature.declaration().reason).collect();
    assert_eq!(declared.len(), Feature::ALL.len(), "no two features have one reason");
}

#[test]
fn reasons_name_what_the_request_compares_with() {
    let shop = shop();
    assert_eq!(words(&shop, &request().like(["thing-1"]), "cos_query"), "like what was given");
    let by_picture = words(&shop, &request().history(["thing-20"]), Feature::Vector.name());
    assert_eq!(by_picture, "fits the history by its vector fields");
    let given = words(&shop, &request().vector("image", vec![1.0, 0.0]), Feature::Vector.name());
    assert_eq!(given, "close to the given vector");
    for (name, expected) in [
        ("unlike", "like what is not wanted"),
        ("boost", "boosted"),
        ("bury", "buried"),
        ("of_the_next_version", "of the next version"),
    ] {
        assert_eq!(words(&shop, &request(), name), expected);
    }
    shop.delete(&["thing-2"]);
    assert_eq!(
        words(&shop, &request().user("ada"), Feature::CosLast.name()),
        "like the last one, an item that is gone"
    );
}

#[test]
fn words_share_what_matching_adds_by_their_part_of_it() {
    let shop = shop();
    let part = |amount| [Contribution { feature: Feature::Bm25.name().to_owned(), amount }];
    let of =
        |query: &str, amount| shop.ask(&request().query(query), |cx| terms(cx, shop.nth(1), &part(amount)).unwrap());
    let both = of("red boot camera", 0.8);
    assert_eq!(both.iter().map(|part| part.term.as_str()).collect::<BTreeSet<_>>(), ["boot", "red"].into());
    assert!(close(f64::from(both.iter().map(|part| part.amount).sum::<f32>()), 0.8), "{both:?}");
    let amount = |term: &str| both.iter().find(|part| part.term == term).unwrap().amount;
    assert!(amount("boot") > amount("red") && amount("red") > 0.0, "a rare word counts more");
    let halved = of("red boot camera", 0.4);
    assert!(both.iter().zip(&halved).all(|(whole, half)| close(f64::from(whole.amount), f64::from(2.0 * half.amount))));
    assert_eq!(of("camera", 0.8), [], "it is not in the item");
    let nothing = shop.ask(&request().user("ada"), |cx| terms(cx, shop.nth(1), &part(0.8)).unwrap());
    assert_eq!(nothing, [], "nothing was searched for");
}

#[test]
fn the_line_names_the_four_strongest_and_says_when_there_is_none() {
    let shop = shop();
    for hit in shop.rank(&request().user("ada").query("blue boot").explain()).hits {
        let why = hit.why.unwrap();
        let amounts: Vec<f32> = why.contributions.iter().map(|part| part.amount.abs()).collect();
        assert!(amounts.is_sorted_by(|a, b| a >= b), "the strongest first: {amounts:?}");
        let named: Vec<_> = why.contributions.iter().take(4).filter(|part| part.amount.abs() >= 0.005).collect();
        assert!(named.iter().all(|part| why.line.contains(&format!("({:+.2})", part.amount))), "{}", why.line);
        let amounts = why.line.matches("(+").count() + why.line.matches("(-").count();
        assert!(amounts <= named.len() + 1, "four features and an item of the history: {}", why.line);
    }
    let silent = Shop::open(|config| config.weights = vec![vec![0.0; Feature::COLUMNS + Feature::GRAPH]; 4]);
    silent.put([dated(1, 1.0)]);
    let hit = silent.rank(&request().explain()).hits.remove(0);
    assert_eq!((hit.score, hit.why.unwrap().line.as_str()), (0.0, "no feature counts for it or against it"));
    assert!(silent.rank(&request()).hits[0].why.is_none(), "only who asks is told");
}

fn page(shop: &Shop, numbers: &[usize]) -> Page {
    let hits: Vec<Scored> = numbers.iter().map(|n| scored(shop.nth(*n).0, 1.0 / (*n as f32 + 1.0))).collect();
    Page { candidates: hits.len(), hits, next_page_token: None, explored: false, marks_new: false }
}

#[test]
fn an_answer_has_the_fields_that_are_asked_for_and_no_item_that_is_gone() {
    let shop = shop();
    let fields = |asked: Request| -> Vec<Vec<String>> {
        let ranking = shop.ask(&asked, |cx| respond(cx, page(&shop, &[1, 20]), "id".to_owned()).unwrap());
        assert_eq!(ranking.rank_id, "id");
        ranking.hits.iter().map(|hit| hit.fields.keys().cloned().collect()).collect()
    };
    let names = |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    assert_eq!(fields(request()), [names(&["n", "released", "title"]), names(&["image", "n", "released", "title"])]);
    let mut few = request();
    few.fields = Some(names(&["title", "no such field"]));
    assert_eq!(fields(few.clone()), [names(&["title"]), names(&["title"])]);
    few.fields = Some(Vec::new());
    assert_eq!(fields(few), [names(&[]), names(&[])]);
    // An index may still propose what the catalog no longer has.
    let proposed = page(&shop, &[1, 2, 20]);
    shop.delete(&["thing-2"]);
    let ranking = shop.ask(&request(), |cx| respond(cx, proposed, "id".to_owned()).unwrap());
    assert_eq!(ranking.hits.iter().map(|hit| hit.id.as_str()).collect::<Vec<_>>(), ["thing-1", "thing-20"]);
    let noted =
        shop.ask(&request().like(["no such thing"]), |cx| respond(cx, page(&shop, &[1]), String::new()).unwrap());
    assert_eq!(noted.warnings.len(), 1);
}

fn remembered(shop: &Shop, request: &Request, page: &Page) -> Option<Box<Impression>> {
    shop.ask(request, |cx| impression(cx, page, "0123456789abcdef", 7))
}

#[test]
fn what_was_shown_is_remembered_with_its_request() {
    let shop = shop();
    let long = "é".repeat(MAX_IMPRESSION_QUERY_BYTES);
    let asked = Request::new().now(now()).user("ada").query(long.clone()).offset(30);
    let found = remembered(&shop, &asked, &page(&shop, &[3, 1, 2])).unwrap();
    assert_eq!(shop.numbers(found.slate.iter().copied()), [3, 1, 2]);
    assert_eq!((found.rank_id.as_str(), found.user.as_deref(), found.features), ("0123456789abcdef", Some("ada"), 7));
    assert_eq!(
        (found.time, found.offset, found.query.as_deref()),
        (now(), 30, Some(&long[..MAX_IMPRESSION_QUERY_BYTES]))
    );
    assert_eq!((found.explored, found.propensities.len(), found.new.clone()), (false, 0, None));
    let later = Request::new().now(Timestamp::MAX);
    let before = Timestamp::now();
    let time = remembered(&shop, &later, &page(&shop, &[1])).unwrap().time;
    assert!(time >= before && time <= Timestamp::now(), "no request is remembered as of the future");
}

#[test]
fn a_drawn_order_is_remembered_with_its_probabilities_and_new_items_with_their_places() {
    let shop = shop();
    let mut drawn = page(&shop, &[3, 1, 2]);
    (drawn.explored, drawn.marks_new) = (true, true);
    drawn.hits[0].marks.propensity = Some(0.5);
    drawn.hits[2].marks.new = true;
    let found = remembered(&shop, &Request::new().now(now()), &drawn).unwrap();
    assert_eq!((found.propensities.clone(), found.new.clone()), (vec![0.5, 0.0, 0.0], Some(vec![2])));
    let many: Vec<usize> = (0..MAX_IMPRESSION_PLACES + 5).map(|n| n % 14).collect();
    assert_eq!(remembered(&shop, &Request::new(), &page(&shop, &many)).unwrap().slate.len(), MAX_IMPRESSION_PLACES);
}

#[test]
fn nothing_is_remembered_where_nothing_was_shown_or_nobody_wants_it() {
    let shop = shop();
    assert!(remembered(&shop, &Request::new(), &page(&shop, &[])).is_none());
    assert!(remembered(&shop, &Request::new().unlogged(), &page(&shop, &[1])).is_none());
    for (enabled, share, expected) in [(false, 1.0, 0), (true, 0.0, 0), (true, 0.25, 50), (true, 1.0, 200)] {
        let shop = Shop::open(|config| (config.impressions.enabled, config.impressions.fraction) = (enabled, share));
        shop.put([dated(1, 1.0)]);
        let page = page(&shop, &[1]);
        let kept = |n: u32| shop.ask(&Request::new(), |cx| impression(cx, &page, &format!("{n:016x}"), 7).is_some());
        let found = (0..200).filter(|n| kept(*n)).count();
        // Binomial of 200 and 1/4: standard deviation 6.1, here within four of them.
        assert!(found.abs_diff(expected) <= if share == 0.25 { 25 } else { 0 }, "{found} of {share}");
    }
}

//! Rules and controls, resolved: whose rule comes first, what names no field, and what is left out with a note.

use crate::api::controls::Cap;
use crate::api::filter::Filter;
use crate::api::item::Value;
use crate::api::request::Request;
use crate::api::rule::{Rule, Which};
use crate::testing::{Shop, dated, request};
use crate::understand::stored_scenarios;

fn pin(n: usize, position: usize) -> Rule {
    Rule::Pin { item: format!("thing-{n}"), position }
}

fn pins(shop: &Shop, request: &Request) -> Vec<(String, usize, usize)> {
    let pins = shop.ask(request, |cx| cx.understood.controls.pins.clone());
    pins.into_iter().map(|pin| (pin.label, shop.numbers([pin.key])[0], pin.position)).collect()
}

#[test]
fn the_rules_of_a_request_come_before_those_of_its_scenario() {
    let shop = Shop::of(12);
    shop.set_scenario("sale", &[pin(1, 3), pin(2, 1), Rule::Cap(Cap::new("title", 2))]);
    let own = |rule| request().scenario("sale").rule(rule);
    let found = pins(&shop, &own(pin(1, 1)));
    let expected = [("rules[0] pin".to_owned(), 1, 1), ("sale[1] pin".to_owned(), 2, 1)];
    assert_eq!(found, expected, "of two pins of one item the request's stays");
    assert_eq!(shop.ids(&own(pin(1, 1)).limit(3))[..2], ["thing-1", "thing-2"], "and of one position it stands first");
    let labels = shop.ask(&own(Rule::Cap(Cap::new("n", 1))).cap("title", 5), |cx| {
        cx.understood.controls.caps.iter().map(|named| (named.label.clone(), named.cap.max)).collect::<Vec<_>>()
    });
    assert_eq!(labels, [(None, 5), (Some("rules[0] cap".to_owned()), 1), (Some("sale[2] cap".to_owned()), 2)]);
    assert_eq!(stored_scenarios(&shop.stores).unwrap()["sale"].len(), 3);
}

#[test]
fn a_rule_speaks_of_ids_or_of_what_a_filter_matches() {
    let shop = Shop::of(12);
    let which = |which| {
        let lifts =
            shop.ask(&request().rule(Rule::Bury { which, amount: 0.5 }), |cx| cx.understood.controls.lifts.clone());
        assert_eq!((lifts.len(), lifts[0].amount, lifts[0].label.as_str()), (1, -0.5, "rules[0] bury"));
        shop.numbers(lifts[0].keys.iter().map(crate::base::id::ItemKey))
    };
    assert_eq!(which(Which::ids(["thing-3", "thing-7", "no such thing"])), [3, 7]);
    assert_eq!(which(Which::Matching(Filter::at_least("n", 10.0))), [10, 11]);
    let gone = request()
        .rule(Rule::Exclude(Which::ids(["thing-3"])))
        .rule(Rule::Exclude(Which::Matching(Filter::less("n", 2.0))));
    let admitted: Vec<usize> = (0..12).filter(|n| shop.ask(&gone, |cx| cx.admits(shop.nth(*n)))).collect();
    assert_eq!(admitted, [2, 4, 5, 6, 7, 8, 9, 10, 11]);
    let both = gone.rule(Rule::Require(Filter::less("n", 6.0))).filter(Filter::at_least("n", 4.0));
    let admitted: Vec<usize> = (0..12).filter(|n| shop.ask(&both, |cx| cx.admits(shop.nth(*n)))).collect();
    assert_eq!(admitted, [4, 5]);
    assert_eq!(shop.ask(&both, |cx| cx.understood.controls.required.clone()), ["rules[2] require"]);
}

#[test]
fn an_unknown_scenario_is_refused_with_the_names_that_there_are() {
    let shop = Shop::of(2);
    let refused = |name: &str| shop.refuses(&request().scenario(name));
    let (kind, text) = refused("sale");
    assert!(kind == "UnknownScenario" && text.contains("sale") && text.contains("none yet"), "{text}");
    (0..25).for_each(|n| shop.set_scenario(&format!("s{n:02}"), &[pin(0, 1)]));
    let (_, text) = refused("s99");
    assert!(text.contains("s00, s01") && text.contains("s19 and 5 more") && !text.contains("s20"), "{text}");
}

#[test]
fn a_pin_that_cannot_stand_is_left_out_with_a_note() {
    let shop = Shop::of(6);
    shop.delete(&["thing-2"]);
    let asked = |rule: Rule| request().rule(rule).filter(Filter::less("n", 5.0));
    let notes = |request: &Request| shop.ask(request, |cx| cx.understood.warnings.clone());
    for (n, reason) in
        [(2, "`thing-2` is not in the catalog"), (77, "`thing-77` is not in the catalog"), (5, "`thing-5` is excluded")]
    {
        assert_eq!(pins(&shop, &asked(pin(n, 1))), []);
        let notes = notes(&asked(pin(n, 1)));
        assert!(
            notes.len() == 1 && notes[0].starts_with("rules[0] pin was left out") && notes[0].contains(reason),
            "{notes:?}"
        );
    }
    assert_eq!((pins(&shop, &asked(pin(1, 1))).len(), notes(&asked(pin(1, 1)))), (1, Vec::new()));
    // On a later page, a pin that was shown is passed over without a word.
    let first = shop.rank(&asked(pin(1, 1)).limit(1));
    let later = asked(pin(1, 1)).limit(1).page_token(first.next_page_token.expect("there is more"));
    assert_eq!((pins(&shop, &later), notes(&later)), (Vec::new(), Vec::new()));
}

#[test]
fn what_cannot_be_grouped_or_is_no_field_is_refused_and_an_empty_store_has_nothing_to_group() {
    let shop = Shop::of(3);
    shop.put([dated(9, 1.0)
        .with("image", Value::Vector(vec![1.0, 0.0]))
        .with("place", Value::Geo { lat: 1.0, lon: 2.0 })]);
    for (field, kind) in [("image", "InvalidArgument"), ("place", "InvalidArgument"), ("brand", "UnknownField")] {
        for asked in [
            request().cap(field, 1),
            request().match_history_mix(field, 0.5),
            request().rule(Rule::Cap(Cap::new(field, 1))),
        ] {
            let (found, text) = shop.refuses(&asked);
            assert!(found == kind && text.contains(field), "{text}");
        }
    }
    let empty = Shop::open(|_| {});
    for asked in [
        request().cap("brand", 1),
        request().match_history_mix("brand", 1.0),
        request().filter(Filter::exists("brand")),
    ] {
        assert_eq!(empty.ids(&asked), Vec::<String>::new());
    }
    let capped = request().cap("semantic_id:1", 1).match_history_mix("semantic_id:2", 0.5);
    assert_eq!(shop.ask(&capped, |cx| cx.understood.controls.caps.len()), 1, "codes are groups without being fields");
    let mut many = (0..16).fold(request(), |request, _| request.cap("n", 1));
    assert_eq!(shop.ask(&many, |cx| cx.understood.controls.caps.len()), 16);
    many = many.rule(Rule::Cap(Cap::new("n", 1)));
    assert_eq!(shop.refuses(&many).0, "LimitExceeded");
}

#[test]
fn controls_without_strength_are_no_controls() {
    let shop = Shop::of(3);
    let idle =
        request().diversity(0.0).match_history_mix("n", 0.0).explore(crate::api::exploration::Exploration::default());
    assert!(shop.ask(&idle, |cx| cx.understood.controls.are_plain()));
    let notes = shop.ask(&request().match_history_mix("n", 0.5), |cx| {
        assert!(cx.understood.controls.mix.is_none());
        cx.understood.warnings.clone()
    });
    assert!(notes.len() == 1 && notes[0].contains("match_history_mix"), "{notes:?}");
    assert!(
        shop.ask(&request().match_history_mix("n", 0.5).history(["thing-1"]), |cx| cx
            .understood
            .controls
            .mix
            .is_some())
    );
    for asked in [request().like(["no such thing"]), request().unlike(["no such thing"])] {
        let notes = shop.ask(&asked, |cx| cx.understood.warnings.clone());
        assert!(notes.len() == 1 && notes[0].contains("like`"), "{notes:?}");
    }
}

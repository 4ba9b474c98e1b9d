//! What is collected for a request: which sources are asked, for how many items, and what they find together.

mod behaviour;
mod lists;
mod vectors;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config as Runs, TestRunner};

use super::plan::Plan;
use super::retrieve;
use super::table::{Row, TABLE};
use crate::api::controls::Personalization;
use crate::api::event::Action;
use crate::api::exploration::NewItems;
use crate::api::filter::Filter;
use crate::api::item::Value;
use crate::api::request::Request;
use crate::api::rule::Rule;
use crate::api::source::Source;
use crate::base::limits;
use crate::model::tests::network::trained::Trained;
use crate::testing::{Shop, all_differ, dated, event, request};

/// Things with pictures, and users with a history: all that a source works from.
fn busy() -> Shop {
    let shop = Shop::open(|_| {});
    shop.put((0..40).map(|n| dated(n, n as f64 + 1.0)).map(|item| match item.fields["n"] {
        Value::Number(n) if n % 2.0 == 0.0 => item.with("image", Value::Vector(vec![1.0, n as f32 / 40.0, 0.5])),
        _ => item,
    }));
    for user in 0..6 {
        let visit = |n, days: f64| event(&format!("user-{user}"), Action::Buy, n, days).basket(format!("b{user}"));
        shop.log((1..5).map(|n| visit(n, 9.0 - n as f64).segment("country", "UK")));
    }
    shop.log([event("ada", Action::Buy, 1, 3.0), event("ada", Action::Buy, 2, 2.0)]);
    shop.log([event("eve", Action::Dislike, 1, 3.0)]);
    shop.settle();
    shop
}

fn asked(shop: &Shop, request: &Request) -> BTreeSet<Source> {
    shop.ask(request, |cx| Plan::new(cx).quotas.iter().map(|(row, _)| row.source).collect())
}

#[test]
fn every_source_has_its_fraction_of_the_budget_and_is_asked_once() {
    for source in Source::ALL {
        let rows: Vec<_> = TABLE.iter().filter(|row| row.source == *source).collect();
        // These two are named by a request, whatever the budget.
        assert_eq!(rows.is_empty(), matches!(source, Source::Among | Source::Pinned), "{}", source.name());
        for row in &rows {
            let fractions = [row.searching, row.with_history, row.without_history];
            assert!(fractions.iter().all(|fraction| (0.0..=1.0).contains(fraction)), "{}", source.name());
            assert!(fractions.iter().any(|fraction| *fraction > 0.0), "{} is never asked", source.name());
        }
        for cell in 0..3 {
            let fraction = |row: &Row| [row.searching, row.with_history, row.without_history][cell];
            let asked = rows.iter().filter(|row| fraction(row) > 0.0).count();
            assert!(asked <= 1, "{} is asked {asked} times", source.name());
        }
    }
}

#[test]
fn a_source_is_asked_exactly_when_the_request_has_what_it_works_from() {
    use Source::*;
    let shop = busy();
    let new = |fraction| NewItems { fraction, days: Some(30.0), ..NewItems::default() };
    let everyone = [Popular7, Popular90, Trending, Fresh].as_slice();
    let words = [Lexical, Semantic].as_slice();
    let behaviour = [Covisit, Cooccurrence, Basket].as_slice();
    let personal = [&[Repeat, Context], behaviour].concat();
    let browsing = [&personal, everyone, &[SemanticId, Vector]].concat();
    let cases: Vec<(Request, Vec<Source>)> = vec![
        (request(), everyone.to_vec()),
        (request().query("red shoe"), words.to_vec()),
        (request().query("  \n"), everyone.to_vec()),
        (request().user("an unknown user"), everyone.to_vec()),
        (request().like(["thing-1"]), [&[Similar], behaviour].concat()),
        (request().like(["thing-2"]), [&[Similar, Vector], behaviour].concat()),
        (request().like(["thing-30"]), vec![Similar, Vector]),
        (request().like(["no such thing"]), everyone.to_vec()),
        (request().vector("image", vec![1.0, 0.0, 0.0]), vec![Vector]),
        (request().user("ada"), browsing.clone()),
        (request().history(["thing-1", "thing-2"]), browsing.clone()),
        (request().user("ada").exclude_seen(), browsing.iter().copied().filter(|of| *of != Repeat).collect()),
        (request().user("ada").personalization(Personalization::Off), everyone.to_vec()),
        (request().user("ada").query("red shoe"), [words, &personal].concat()),
        (request().user("eve"), [everyone, &[Context]].concat()),
        (request().segment("country", "UK"), [everyone, &[Segment]].concat()),
        (request().segment("country", "FR"), everyone.to_vec()),
        (request().segment("country", "UK").query("red shoe"), words.to_vec()),
        (request().new_items(new(0.5)), [everyone, &[Explore]].concat()),
        (request().new_items(new(0.0)), everyone.to_vec()),
        (request().new_items(new(0.5)).query("red shoe"), words.to_vec()),
    ];
    for (request, expected) in cases {
        let found = asked(&shop, &request);
        // How many interests a history has is the model's business.
        let interests = shop.ask(&request, |cx| !cx.understood.interests.is_empty() && !cx.understood.searches());
        assert_eq!(found.contains(&Interests), interests, "{request:?}");
        let found: BTreeSet<Source> = found.into_iter().filter(|source| *source != Interests).collect();
        assert_eq!(found, expected.into_iter().collect(), "{request:?}");
    }
}

#[test]
fn a_trained_model_has_a_source_of_its_own_in_search_and_in_browsing() {
    let folder = tempfile::tempdir().unwrap();
    Trained::new("1", 0.5).write(folder.path()).unwrap();
    let shop = Shop::open(|config| config.model = Some(folder.path().to_owned()));
    shop.put((0..20).map(|n| dated(n, 1.0)));
    shop.log([event("ada", Action::Buy, 3, 1.0)]);
    for request in [request().user("ada"), request().user("ada").query("red boot")] {
        assert!(asked(&shop, &request).contains(&Source::ModelContext), "{request:?}");
        let found = shop.ask(&request, |cx| retrieve(cx).unwrap());
        let proposed = found.iter().any(|one| one.proposals.iter().any(|of| of.source == Source::ModelContext));
        assert!(proposed, "it finds something: {request:?}");
    }
}

#[test]
fn quotas_are_fractions_of_the_budget_and_never_less_than_the_page_needs() {
    let shop = busy();
    let quotas = |request: &Request| {
        shop.ask(request, |cx| {
            let plan = Plan::new(cx);
            let quotas: Vec<(f32, usize)> =
                plan.quotas.iter().map(|(row, quota)| (row.without_history, *quota)).collect();
            (plan.want, quotas)
        })
    };
    for (limit, offset, candidates) in
        [(10, 0, None), (1, 0, Some(1000)), (50, 30, Some(20)), (10_000, 0, Some(20_000))]
    {
        let mut request = request().limit(limit).offset(offset);
        request.candidates = candidates;
        let (want, quotas) = quotas(&request);
        assert_eq!((want, quotas.len()), (offset + limit, 4));
        let budget = candidates.unwrap_or(200).max(want);
        for (fraction, quota) in quotas {
            assert!(quota >= want && quota <= limits::MAX_CANDIDATES.max(want), "{quota}");
            let expected = (budget as f32 * fraction).floor() as usize;
            assert_eq!(quota, expected.max(want), "{fraction} of {budget}");
        }
    }
    let first = shop.rank(&request().limit(6));
    let second = request().limit(6).page_token(first.next_page_token.expect("there are 40 things"));
    assert_eq!(quotas(&second).0, 12, "what earlier pages have shown is asked for on top");
    let nothing = request().limit(0);
    assert_eq!(shop.ask(&nothing, |cx| retrieve(cx).unwrap()), [], "who wants nothing gets no candidates");
}

#[test]
fn few_allowed_items_are_all_candidates() {
    let shop = busy();
    let found = |request: &Request| -> BTreeSet<usize> {
        let found = shop.ask(request, |cx| retrieve(cx).unwrap());
        assert!(found.iter().all(|one| one.proposals.iter().any(|of| of.source == Source::Among)));
        shop.numbers(found.into_iter().map(|one| one.key)).into_iter().collect()
    };
    let few = request().filter(Filter::less("n", 7.0)).limit(3);
    assert_eq!(found(&few), (0..7).collect(), "no source can miss any");
    assert_eq!(found(&few.clone().query("sofa")), (0..7).collect());
    assert_eq!(found(&few.exclude_seen().user("ada")), [0, 3, 4, 5, 6].into());
    let mut named = request().among((0..30).map(|n| format!("thing-{n}"))).limit(2);
    named.candidates = Some(5);
    assert_eq!(found(&named).len(), 30, "what the request names is scored beyond the budget");
    let pinned = request().rule(Rule::Pin { item: "thing-39".to_owned(), position: 1 }).limit(2);
    let sources = shop.ask(&pinned, |cx| retrieve(cx).unwrap()).remove(0);
    assert_eq!((sources.key, sources.proposals[0].source), (shop.nth(39), Source::Pinned));
}

/// Requests that let few or many of sixty things in, and want few or many of them.
fn any_request() -> impl Strategy<Value = (Request, BTreeSet<usize>)> {
    let excluded = prop::collection::btree_set(0usize..60, 0..60);
    let query = prop::option::of(prop::sample::select(vec!["shoe", "cheap tent", "no such word"]));
    let user = prop::option::of(prop::sample::select(vec!["user-1", "user-5", "an unknown user"]));
    let budget = prop::option::of(1usize..20);
    (excluded, query, user, (2usize..30, 0usize..20), prop::option::of(0usize..60), budget).prop_map(
        |(excluded, query, user, (limit, offset), below, budget)| {
            let mut asked = request().limit(limit).offset(offset);
            asked.exclude = excluded.iter().map(|n| format!("thing-{n}")).collect();
            (asked.query, asked.user) = (query.map(str::to_owned), user.map(str::to_owned));
            asked.candidates = budget;
            asked.filter = below.map(|below| Filter::less("n", below as f64));
            let allowed = (0..below.unwrap_or(60)).filter(|n| !excluded.contains(n)).collect();
            (asked, allowed)
        },
    )
}

#[test]
fn a_page_is_full_as_long_as_enough_items_are_allowed() {
    let shop = Shop::of(60);
    shop.log(crate::testing::random_log(1, 25, 200));
    shop.settle();
    let mut runner = TestRunner::new(Runs { cases: 96, ..Runs::default() });
    let result = runner.run(&any_request(), |(request, allowed)| {
        let found = shop.ask(&request, |cx| retrieve(cx).unwrap());
        let want = (request.limit + request.offset).min(allowed.len());
        prop_assert!(found.len() >= want, "{} of {want}", found.len());
        let keys: Vec<_> = found.iter().map(|one| one.key).collect();
        prop_assert!(all_differ(&keys));
        prop_assert!(shop.numbers(keys).iter().all(|n| allowed.contains(n)));
        for candidate in &found {
            let sources: Vec<Source> = candidate.proposals.iter().map(|proposal| proposal.source).collect();
            prop_assert!(!sources.is_empty() && all_differ(&sources), "{sources:?}");
            prop_assert!(candidate.proposals.iter().all(|proposal| proposal.rank >= 1 && proposal.score.is_finite()));
        }
        Ok(())
    });
    result.expect("holds");
}

//! Every feature against its formula, on a log that was made by hand.

use std::collections::BTreeMap;

use super::Features;
use super::personal::is_scaled;
use crate::api::candidate::Candidate;
use crate::api::controls::Personalization;
use crate::api::event::Action;
use crate::api::feature::{Feature, Needs, Origin};
use crate::api::history::HistoryEvent;
use crate::api::item::{Item, Value};
use crate::api::request::Request;
use crate::testing::{Shop, close, dated, event, now, request};

const THINGS: usize = 12;

/// A dozen things, every second with a picture, under weights of one: a contribution is its feature.
fn shop() -> Shop {
    let shop = Shop::open(|config| config.weights = vec![vec![1.0; Feature::COLUMNS + Feature::GRAPH]; 4]);
    shop.put((0..THINGS).map(|n| match n % 2 {
        0 => dated(n, n as f64 + 1.0).with("image", Value::Vector(vec![1.0, n as f32 / 4.0])),
        _ => dated(n, n as f64 + 1.0),
    }));
    shop
}

/// The features of every thing, for a request; one that is absent is zero.
struct Found(BTreeMap<String, BTreeMap<String, f32>>);

impl Found {
    fn of(shop: &Shop, request: &Request) -> Found {
        let all = (0..THINGS).map(|n| format!("thing-{n}")).chain(["bare".to_owned()]);
        let hits = shop.rank(&request.clone().among(all).limit(100).explain()).hits;
        let of = |hit: crate::api::ranking::Hit| {
            let parts = hit.why.unwrap().contributions.into_iter().map(|part| (part.feature, part.amount));
            (hit.id, parts.collect())
        };
        Found(hits.into_iter().map(of).collect())
    }

    fn of_id(&self, id: &str, feature: Feature) -> f64 {
        f64::from(self.0[id].get(feature.name()).copied().unwrap_or_default())
    }

    fn get(&self, n: usize, feature: Feature) -> f64 {
        self.of_id(&format!("thing-{n}"), feature)
    }

    fn all(&self, feature: Feature) -> Vec<f64> {
        self.0.keys().map(|id| self.of_id(id, feature)).collect()
    }
}

fn assert_close(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() < 2e-4, "{what}: {found}, expected {expected}");
}

#[test]
fn popularity_is_the_log_of_a_decayed_count_beside_the_largest() {
    let shop = shop();
    let log = [
        (1, 2.0, Action::Buy),
        (1, 2.0, Action::Buy),
        (1, 40.0, Action::View),
        (2, 60.0, Action::Click),
        (3, 0.5, Action::Cart),
    ];
    shop.log(
        log.clone()
            .into_iter()
            .enumerate()
            .map(|(user, (n, days, action))| event(&format!("u{user}"), action, n, days)),
    );
    shop.core.flush().unwrap();
    let weight = |action: &Action| match action {
        Action::Buy => 2.0,
        Action::Cart => 1.5,
        Action::View => 0.5,
        _ => 1.0,
    };
    let count = |n: usize, half_life: f64| -> f64 {
        let of_item = log.iter().filter(|(item, ..)| *item == n);
        of_item.map(|(_, days, action)| weight(action) * (-days / half_life).exp2()).sum()
    };
    let found = Found::of(&shop, &request());
    for n in 1..4 {
        // Less than twenty events stand beside twenty.
        for (feature, half_life) in [(Feature::Popular90d, 90.0), (Feature::PopularEver, f64::INFINITY)] {
            assert_close(found.get(n, feature), count(n, half_life).ln_1p() / 21f64.ln(), feature.name());
        }
        for (feature, half_life) in [(Feature::Popular1d, 1.0), (Feature::Popular7d, 7.0)] {
            let most = (1..4).map(|n| count(n, half_life)).fold(0.0, f64::max);
            let of = |most: f64| count(n, half_life).ln_1p() / 21f64.ln() * most / (most + 20.0);
            // The largest count is read from the list, which is in steps of one twelfth of a logarithm.
            let value = found.get(n, feature);
            assert!(value <= of(most) + 1e-6 && value >= of(most * 0.92) - 1e-6, "{n}: {value} {}", of(most));
        }
        let (fast, slow, prior) = (count(n, 7.0) / 7.0, count(n, 90.0) / 90.0, 1.0 / 90.0);
        assert_close(found.get(n, Feature::Trend), (fast + prior) / (fast + slow + 2.0 * prior), "trend");
    }
    assert_eq!(
        (found.get(5, Feature::Trend), found.get(5, Feature::PopularEver)),
        (0.5, 0.0),
        "of it nothing is known"
    );
}

#[test]
fn the_most_popular_item_of_a_busy_store_has_all_of_it() {
    let shop = shop();
    shop.log((0..60).map(|user| event(&format!("u{user}"), Action::Buy, 1, 1.0)));
    shop.log((0..10).map(|user| event(&format!("u{user}"), Action::Buy, 2, 1.0)));
    shop.core.flush().unwrap();
    let found = Found::of(&shop, &request());
    assert_close(found.get(1, Feature::PopularEver), 1.0, "never above one, though the list is in steps");
    let part = found.get(2, Feature::PopularEver);
    assert!(part >= 21f64.ln() / 121f64.ln() && part <= 21f64.ln() / (120.0 * 0.92f64).ln_1p(), "{part}");
    let week = 120.0 * (-1.0f64 / 7.0).exp2();
    let confidence = found.get(1, Feature::Popular7d);
    assert!(
        confidence <= week / (week + 20.0) + 1e-6 && confidence > 0.92 * week / (0.92 * week + 20.0) - 1e-6,
        "{confidence}"
    );
}

#[test]
fn what_is_fresh_decays_with_its_age_and_choices_are_held_against_impressions() {
    let shop = shop();
    shop.put([dated(11, -3.0)]);
    let asked = Request::new().now(now()).among(["thing-3", "thing-4"]).limit(2);
    let shown: Vec<_> = (0..6).map(|_| shop.rank(&asked)).collect();
    shop.core.flush().unwrap();
    let first = shown[0].hits[0].id.clone();
    shop.log(shown[..2].iter().map(|ranking| {
        crate::api::event::Event::new("ada", Action::Click).item(first.clone()).answers(ranking.rank_id.clone())
    }));
    shop.core.flush().unwrap();
    let found = Found::of(&shop, &request());
    for n in 0..11 {
        assert_close(found.get(n, Feature::Fresh), (-(n as f64 + 1.0) / 30.0).exp(), "fresh");
    }
    assert_close(found.get(11, Feature::Fresh), 1.0, "what is still to come is new");
    let second = shown[0].hits[1].id.clone();
    // The first place is examined for certain, the second with probability 1 / log2(3).
    let examined = 6.0 / 3f64.log2();
    assert_close(found.of_id(&first, Feature::Ctr), (4.0f64 / 26.0 / 0.1).log10(), "two of six chose it");
    assert_close(found.of_id(&second, Feature::Ctr), (2.0 / (examined + 20.0) / 0.1).log10(), "nobody chose it");
    assert_eq!(found.get(7, Feature::Ctr), 0.0, "what was never shown is as usual");
}

#[test]
fn what_the_user_did_with_an_item_and_saw_of_it() {
    let shop = shop();
    shop.log((0..4).map(|n| event("ada", Action::View, 1, 45.0 - n as f64 * 5.0)));
    shop.log([
        event("ada", Action::Dislike, 2, 9.0),
        event("ada", Action::Skip, 3, 9.0),
        event("ada", Action::Hide, 4, 9.0),
    ]);
    shop.log([
        event("ada", Action::Buy, 4, 3.0),
        event("ada", Action::Buy, 5, 9.0),
        event("ada", Action::Dislike, 5, 3.0),
    ]);
    shop.log((0..40).map(|n| event("ada", Action::View, 6, 50.0 - n as f64)));
    shop.core.flush().unwrap();
    let seen = || shop.rank(&Request::new().now(now()).user("ada").among(["thing-1", "thing-9"]));
    (0..3).for_each(|_| drop(seen()));
    shop.core.flush().unwrap();
    let found = Found::of(&shop, &request().user("ada"));
    for (n, events, days) in [(1, 4, 30.0), (2, 1, 9.0), (4, 2, 3.0), (6, 40, 11.0)] {
        assert_eq!(found.get(n, Feature::InteractedEver), 1.0);
        assert_close(
            found.get(n, Feature::Interacted),
            ((1.0 + events as f64).ln() / 21f64.ln()).min(1.0),
            "interacted",
        );
        assert_close(found.get(n, Feature::InteractedRecently), 1.0 / (1.0 + days / 30.0), "recently");
    }
    let disliked = [1, 2, 3, 4, 5, 6].map(|n| found.get(n, Feature::Disliked));
    assert!(close(disliked[2 - 1], 1.0) && close(disliked[3 - 1], 0.2) && close(disliked[5 - 1], 1.0), "{disliked:?}");
    assert_eq!([disliked[0], disliked[4 - 1], disliked[6 - 1]], [0.0; 3], "a later purchase takes it back");
    for n in [1, 9] {
        assert_close(found.get(n, Feature::Impressions), 1.0 - 0.8f64.powi(3), "three times in vain");
    }
    assert_eq!((found.get(9, Feature::InteractedEver), found.get(2, Feature::Impressions)), (0.0, 0.0));
    shop.log([event("ada", Action::Click, 1, 0.0)]);
    assert_eq!(Found::of(&shop, &request().user("ada")).get(1, Feature::Impressions), 0.0, "an event answers them");
}

#[test]
fn words_score_by_their_share_of_the_best_match() {
    let shop = shop();
    shop.put([Item::new("bare").number("n", 1.0)]);
    let found = Found::of(&shop, &request().query("red boot"));
    let all = found.all(Feature::Bm25);
    assert!(all.iter().all(|score| (0.0..=1.2).contains(score)), "{all:?}");
    // All are red; one is a boot.
    assert!(found.get(1, Feature::Bm25) > found.get(2, Feature::Bm25) && found.get(2, Feature::Bm25) > 0.0);
    assert_eq!(found.of_id("bare", Feature::Bm25), 0.0);
    let (longer, once) = (Found::of(&shop, &request().query("red boot boot")), found.get(1, Feature::Bm25));
    assert!((longer.get(1, Feature::Bm25) - once).abs() < 0.2, "about the same however long the query is");
    // A candidate that another source proposed is looked up, with the same result.
    shop.ask(&request().query("red boot").limit(3), |cx| {
        let candidates = crate::retrieve::retrieve(cx).unwrap();
        let bare = |one: &Candidate| Candidate { key: one.key, proposals: Vec::new() };
        let looked_up: Vec<Candidate> = candidates.iter().map(bare).collect();
        let bm25 = |candidates: &[Candidate]| -> Vec<f32> {
            let columns = Features::read(cx, candidates).unwrap().columns;
            columns.chunks(Feature::COLUMNS).map(|row| row[Feature::Bm25 as usize]).collect()
        };
        let pairs: Vec<_> = bm25(&candidates).into_iter().zip(bm25(&looked_up)).collect();
        assert!(pairs.iter().all(|(a, b)| (a - b).abs() < 1e-5) && pairs.iter().any(|(a, _)| *a > 0.0), "{pairs:?}");
    });
}

#[test]
fn pictures_score_by_their_best_cosine_and_what_has_none_is_marked() {
    let shop = shop();
    shop.put([Item::new("bare").number("n", 1.0)]);
    let found = Found::of(&shop, &request().vector("image", vec![0.0, 2.0]));
    for n in (0..THINGS).step_by(2) {
        let y = n as f64 / 4.0;
        assert!((found.get(n, Feature::Vector) - y / (1.0 + y * y).sqrt()).abs() < 2e-3);
        assert_eq!(found.get(n, Feature::VectorMissing), 0.0);
    }
    assert_eq!((found.get(3, Feature::Vector), found.get(3, Feature::VectorMissing)), (0.0, 1.0));
    assert_eq!((found.of_id("bare", Feature::ContentMissing), found.get(3, Feature::ContentMissing)), (1.0, 0.0));
    let two = Found::of(&shop, &request().like(["thing-0", "thing-8"]));
    assert!((two.get(8 - 2, Feature::Vector) - (1.0 + 2.0 * 1.5) / (5.0f64.sqrt() * 3.25f64.sqrt())).abs() < 2e-3);
    assert_eq!(
        Found::of(&shop, &request().query("boot")).all(Feature::VectorMissing),
        [0.0; THINGS + 1],
        "no picture was asked for"
    );
    let personal = Found::of(&shop, &request().history(["thing-0"]));
    let usual = shop.ask(&request().history(["thing-0"]), |cx| f64::from(cx.understood.vectors[0].usual));
    assert!(
        usual > 0.3 && (personal.get(0, Feature::Vector) - (1.0 - usual)).abs() < 2e-3,
        "less what is usual: {usual}"
    );
}

#[test]
fn cosines_are_those_of_the_stored_vectors() {
    let shop = shop();
    let acted = |n: usize, action: Action| HistoryEvent { action, ..HistoryEvent::new(format!("thing-{n}")) };
    let mut asked = request().query("antique boot");
    asked.history =
        vec![acted(1, Action::Buy), acted(2, Action::View), acted(3, Action::Dislike), acted(4, Action::Hide)];
    let found = Found::of(&shop, &asked);
    shop.ask(&asked, |cx| {
        let vector = |n| cx.snapshot.vector(cx.snapshot.item_space(), shop.nth(n)).unwrap().unwrap();
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        let context = &cx.understood.context;
        let (query, history) = (context.query.clone().unwrap(), context.history.clone().unwrap());
        for n in 0..THINGS {
            let item = vector(n);
            let norm = |of: &[f32]| dot(of, of).sqrt();
            assert_close(found.get(n, Feature::CosQuery), dot(&query, &item) / norm(&query), "query");
            assert_close(found.get(n, Feature::CosHistory), dot(&history, &item) / norm(&history), "history");
            assert_close(found.get(n, Feature::CosLast), dot(&vector(2), &item), "the last that speaks for its item");
            let nearest = dot(&vector(1), &item).max(dot(&vector(2), &item));
            assert_close(found.get(n, Feature::CosNearest), nearest, "nearest");
            let disliked = dot(&vector(3), &item).max(dot(&vector(4), &item)).max(0.0);
            assert_close(found.get(n, Feature::CosDisliked), disliked, "disliked");
        }
    });
}

/// A store in which every feature is felt by somebody.
fn lively() -> Shop {
    let shop = shop();
    shop.put([Item::new("bare").number("n", 1.0)]);
    for user in 0..6 {
        let name = format!("user-{user}");
        shop.log(
            (1..5).map(|n| event(&name, Action::Buy, n, 6.0 - n as f64).basket(name.clone()).segment("country", "UK")),
        );
    }
    shop.log([
        event("ada", Action::Buy, 2, 2.0),
        event("ada", Action::Buy, 3, 1.0),
        event("ada", Action::Dislike, 4, 1.0),
    ]);
    let shown = shop.rank(&Request::new().now(now()).user("ada").limit(5));
    shop.core.flush().unwrap();
    let chosen = crate::api::event::Event::new("bob", Action::Click).item(shown.hits[0].id.clone());
    shop.log([chosen.answers(shown.rank_id)]);
    shop.settle();
    shop
}

#[test]
fn a_feature_whose_needs_are_not_met_is_zero_in_its_cell_and_felt_in_another() {
    let shop = lively();
    let cells = [
        (false, false, request()),
        (false, true, request().user("ada")),
        (true, false, request().query("red boot").vector("image", vec![1.0, 1.0])),
        (true, true, request().query("red boot").vector("image", vec![1.0, 1.0]).user("ada")),
    ];
    for feature in Feature::ALL.iter().filter(|feature| feature.declaration().origin != Origin::Network) {
        let mut felt = 0;
        for (query, history, asked) in &cells {
            for segment in [false, true] {
                let asked = if segment { asked.clone().segment("country", "UK") } else { asked.clone() };
                let met = match feature.declaration().needs {
                    Needs::Nothing => true,
                    Needs::Query => *query,
                    Needs::History => *history,
                    Needs::Either => *query || *history,
                    Needs::Segment => segment,
                };
                let values = Found::of(&shop, &asked).all(*feature);
                let is_felt = values.iter().any(|value| *value != 0.0);
                assert!(met || !is_felt, "{} in {:?}: {values:?}", feature.name(), (query, history, segment));
                felt += usize::from(is_felt);
            }
        }
        assert!(felt > 0, "nothing of this store has `{}`", feature.name());
    }
}

#[test]
fn a_feature_depends_on_no_other_candidate() {
    let shop = lively();
    for asked in
        [request(), request().user("ada"), request().query("red boot"), request().query("red boot").user("ada")]
    {
        shop.ask(&asked, |cx| {
            let one = |n: usize| Candidate { key: shop.nth(n), proposals: Vec::new() };
            let all: Vec<Candidate> = (0..THINGS).rev().map(one).collect();
            let together = Features::read(cx, &all).unwrap();
            let width = cx.snapshot.model().width();
            for (at, candidate) in all.iter().enumerate() {
                let alone = Features::read(cx, std::slice::from_ref(candidate)).unwrap();
                let same = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits());
                assert!(same(&alone.columns, &together.columns[at * Feature::COLUMNS..][..Feature::COLUMNS]), "{at}");
                assert!(same(&alone.vectors, &together.vectors[at * width..][..width]), "{at}");
            }
            assert_eq!(together.hash(), Features::read(cx, &all).unwrap().hash());
            let other: Vec<Candidate> = all.into_iter().rev().collect();
            assert_ne!(together.hash(), Features::read(cx, &other).unwrap().hash());
        });
    }
}

#[test]
fn only_low_and_high_scale_and_only_where_there_is_a_history() {
    let shop = lively();
    for level in Personalization::ALL {
        let scaled = |request: Request| shop.ask(&request.personalization(level), |cx| is_scaled(cx.understood));
        let expected = matches!(level, Personalization::Low | Personalization::High);
        assert_eq!(scaled(request().user("ada")), expected, "{level:?}");
        assert!(!scaled(request().user("an unknown user")) && !scaled(request().query("boot")), "{level:?}");
    }
}

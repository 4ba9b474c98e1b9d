//! Why a hit stands where it stands: what is said of its history and its words holds when it is tried.

use std::sync::LazyLock;

use onelist::{Action, Event, HistoryEvent, Hit, Request, Timestamp, Why};
use onelist_tests::{Shop, shop};

/// One time for all requests, after that of the items' `put`.
fn now() -> Timestamp {
    static NOW: LazyLock<Timestamp> = LazyLock::new(|| Timestamp::from_seconds(Timestamp::now().seconds() + 3_600.0));
    *NOW
}

fn past(item: &str, action: Action, days: f64) -> HistoryEvent {
    let mut event = HistoryEvent::new(item);
    (event.action, event.time) = (action, Some(Timestamp::from_seconds(now().seconds() - days * 86_400.0)));
    event
}

/// The shop, with people whose steps relate its items.
fn busy() -> Shop {
    let shop = shop().expect("opens");
    let mut events = Vec::new();
    let paths = [["boots", "backpack", "bag"], ["boots", "backpack", "red-shoes"], ["teapot", "kettle", "bag"]];
    for (person, path) in paths.iter().cycle().take(30).enumerate() {
        for (step, item) in path.iter().enumerate() {
            let time = Timestamp::from_seconds(now().seconds() - 3e6 + person as f64 * 4_000.0 + step as f64 * 60.0);
            let basket = format!("b{person}");
            events.push(Event::new(format!("p{person}"), Action::Buy).item(*item).at(time).basket(basket));
        }
    }
    shop.db.log(events).expect("logs");
    shop.db.rebuild_cooccurrence().expect("fits");
    shop
}

fn history() -> Vec<HistoryEvent> {
    vec![
        past("teapot", Action::Dislike, 30.0),
        past("boots", Action::Buy, 9.0),
        past("red-shoes", Action::View, 4.0),
        past("boots", Action::View, 3.0),
        past("kettle", Action::Click, 0.01),
    ]
}

fn asked(history: Vec<HistoryEvent>) -> Request {
    let mut request = Request::new().now(now()).limit(7).explain();
    request.history = history;
    request
}

fn hits(shop: &Shop, request: &Request) -> Vec<Hit> {
    shop.db.rank(request).expect("ranks").hits
}

fn why(hit: &Hit) -> &Why {
    hit.why.as_ref().expect("is explained")
}

/// Ranks without each item of the history, and compares every score with what was said.
fn check(shop: &Shop, request: &Request, without: impl Fn(&str) -> Request) {
    let explained = hits(shop, request);
    let items: Vec<String> = explained.iter().flat_map(|hit| &why(hit).history).map(|i| i.item.clone()).collect();
    assert!(!items.is_empty(), "the history moves nothing");
    for item in ["teapot", "boots", "red-shoes", "kettle"] {
        let others = hits(shop, &without(item));
        for hit in &explained {
            let said = why(hit).history.iter().find(|said| said.item == item).map_or(0.0, |said| said.amount);
            let score = others.iter().find(|other| other.id == hit.id).expect("all seven are hits").score;
            let found = hit.score - score;
            assert!((said - found).abs() < 1e-4, "{} without {item}: said {said}, found {found}", hit.id);
        }
    }
    for hit in explained {
        let amounts: Vec<f32> = why(&hit).history.iter().map(|said| said.amount.abs()).collect();
        assert!(amounts.windows(2).all(|pair| pair[0] >= pair[1]), "largest first: {amounts:?}");
    }
}

#[test]
fn what_an_item_of_the_history_adds_is_missing_without_it() {
    let shop = busy();
    let without = |item: &str| asked(history().into_iter().filter(|event| event.item != item).collect());
    check(&shop, &asked(history()), without);
    let query = |request: Request| request.query("leather bag for hiking");
    check(&shop, &query(asked(history())), |item| query(without(item)));
    let high = |mut request: Request| {
        request.personalization = onelist::Personalization::High;
        request
    };
    check(&shop, &high(asked(history())), |item| high(without(item)));
}

#[test]
fn the_only_event_is_left_out_like_any_other() {
    let shop = busy();
    let explained = hits(&shop, &asked(vec![past("boots", Action::Buy, 1.0)]));
    let others = hits(&shop, &asked(Vec::new()));
    for hit in explained {
        let score = others.iter().find(|other| other.id == hit.id).expect("all seven are hits").score;
        let said = why(&hit).history.first().map_or(0.0, |said| said.amount);
        assert!((said - (hit.score - score)).abs() < 1e-4, "{}: said {said}", hit.id);
    }
}

#[test]
fn a_stored_history_is_explained_like_one_that_is_given() {
    let shop = busy();
    let event = |past: &HistoryEvent| {
        Event::new("eve", past.action.clone()).item(past.item.as_str()).at(past.time.expect("has a time"))
    };
    shop.db.log(history().iter().map(event).collect()).expect("logs");
    shop.db.rebuild_cooccurrence().expect("fits");
    let without = |item: &str| asked(history().into_iter().filter(|event| event.item != item).collect());
    check(&shop, &asked(Vec::new()).user("eve"), without);
}

#[test]
fn the_line_names_the_strongest_item_and_what_was_done() {
    let shop = busy();
    let hits = hits(&shop, &asked(vec![past("boots", Action::Buy, 1.0), past("teapot", Action::View, 0.5)]));
    let backpack = hits.iter().find(|hit| hit.id == "backpack").expect("is a hit");
    assert_eq!(why(backpack).history[0].item, "boots");
    let said = format!("because you bought Leather hiking boots ({:+.2})", why(backpack).history[0].amount);
    assert!(why(backpack).line.contains(&said) && why(backpack).history[0].amount > 0.0, "{}", why(backpack).line);
}

#[test]
fn words_share_what_matching_adds() {
    let shop = busy();
    let hits = hits(&shop, &asked(Vec::new()).query("leather hiking gear boots"));
    let boots = why(&hits[0]);
    let words: Vec<&str> = boots.terms.iter().map(|part| part.term.as_str()).collect();
    assert_eq!((hits[0].id.as_str(), words), ("boots", vec!["leather", "hiking", "boots"]));
    let bm25 = boots.contributions.iter().find(|part| part.feature == "bm25").expect("matches").amount;
    assert!((boots.terms.iter().map(|part| part.amount).sum::<f32>() - bm25).abs() < 1e-5);
    assert!(boots.terms[2].amount > boots.terms[0].amount, "the rarer word says more");
    assert!(boots.history.is_empty());
}

#[test]
fn explanations_are_bounded_and_on_request() {
    let shop = busy();
    let mut plain = asked(history());
    plain.explain = false;
    assert!(hits(&shop, &plain).iter().all(|hit| hit.why.is_none()));
    let items = (0..40).map(|n| onelist::Item::new(format!("many{n}")).text("title", format!("Hiking boots {n}")));
    shop.db.put(items.collect()).expect("puts");
    let long = (0..40).map(|n| past(&format!("many{n}"), Action::View, 40.0 - f64::from(n))).collect();
    let explained = hits(&shop, &asked(long));
    let named = explained.iter().map(|hit| why(hit).history.len()).max().expect("has hits");
    assert!((1..=onelist::limits::MAX_LEFT_OUT).contains(&named), "{named}");
    assert!(explained.iter().flat_map(|hit| &why(hit).history).all(|said| said.item != "many0"), "the newest only");
}

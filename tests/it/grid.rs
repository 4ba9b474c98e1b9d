//! The four cells of the grid: query or not, history or not.

use onelist::{Request, Source};
use onelist_tests::{empty, goods, ids, shop};

#[test]
fn a_query_alone_is_a_search() {
    let shop = shop().expect("opens");
    let found = ids(&shop.db, &Request::new().query("running shoes")).expect("ranks");
    assert_eq!(found.len(), 7, "a list is as long as the catalog allows: {found:?}");
    assert!(found[..2].contains(&"red-shoes".to_owned()) && found[..2].contains(&"blue-shoes".to_owned()), "{found:?}");
}

#[test]
fn meaning_finds_what_words_do_not() {
    // Nobody has done anything yet: meaning alone decides.
    let shop = empty().expect("opens");
    shop.db.put(goods()).expect("puts");
    let found = ids(&shop.db, &Request::new().query("rucksack, trekking")).expect("ranks");
    assert!(found[..2].contains(&"backpack".to_owned()), "{found:?}");
}

#[test]
fn a_history_alone_is_a_recommendation() {
    let shop = shop().expect("opens");
    let ranking = shop.db.rank(&Request::new().user("cook").exclude_seen()).expect("ranks");
    // Nobody ever looked at the kettle: what the cook bought raises it to the popular ones, and a first visit has it far down.
    let place = |hits: &[onelist::Hit]| hits.iter().position(|hit| hit.id == "kettle").expect("is listed");
    let kettle = place(&ranking.hits);
    assert!(kettle < 3, "{ranking:?}");
    assert!(ranking.hits[kettle].sources.iter().any(|p| p.source == Source::Context && p.rank == 1), "{ranking:?}");
    assert!(place(&shop.db.rank(&Request::new()).expect("ranks").hits) > kettle);
    assert!(ranking.hits.iter().all(|hit| hit.id != "teapot"), "what was bought is left out");
}

#[test]
fn a_query_and_a_history_are_a_personal_search() {
    let shop = shop().expect("opens");
    let leather = |request: Request| ids(&shop.db, &request.query("leather")).expect("ranks");
    let (hiker, nobody) = (leather(Request::new().user("hiker")), leather(Request::new()));
    assert!(nobody[..2].contains(&"boots".to_owned()) && nobody[..2].contains(&"bag".to_owned()), "{nobody:?}");
    // The words decide, but for the backpack that the hiker had in hand a moment ago.
    assert_eq!((hiker[0].as_str(), hiker[3].as_str()), ("boots", "red-shoes"), "{hiker:?}");
    assert!(hiker[1..3].contains(&"bag".to_owned()) && hiker[1..3].contains(&"backpack".to_owned()), "{hiker:?}");
    assert_eq!(nobody.len(), 7);
}

#[test]
fn a_first_visit_sees_what_is_popular() {
    let shop = shop().expect("opens");
    let ranking = shop.db.rank(&Request::new()).expect("ranks");
    assert_eq!(ranking.hits[0].id, "red-shoes", "{ranking:?}");
    assert_eq!(ranking.hits.len(), 7);
}

#[test]
fn nobody_is_left_with_an_empty_page() {
    let shop = shop().expect("opens");
    let with_hits = |request: Request| assert_eq!(ids(&shop.db, &request).expect("ranks").len(), 7, "{request:?}");
    with_hits(Request::new().user("never seen"));
    with_hits(Request::new().query(""));
    with_hits(Request::new().query("   \t\n"));
    with_hits(Request::new().query("!!! ??? ..."));
    with_hits(Request::new().query("the of and"));
    with_hits(Request::new().query("zzzxqqq"));
    with_hits(Request::new().history(["no such item", "nor this"]));
    with_hits(Request::new().like(["no such item"]));
}

#[test]
fn an_empty_catalog_is_an_empty_list() {
    let shop = empty().expect("opens");
    for request in [Request::new(), Request::new().query("shoes"), Request::new().user("u").exclude_seen()] {
        let ranking = shop.db.rank(&request).expect("ranks");
        assert!(ranking.hits.is_empty() && ranking.candidates == 0);
    }
}

//! Pages by `next`: nothing comes twice, whatever happens in between.

use std::collections::BTreeSet;

use onelist::{Action, Event, Item, Request, Rule, Timestamp};
use onelist_tests::{empty, ids, shop};

fn items(from: usize, to: usize) -> Vec<Item> {
    let words = ["red shoes", "blue bag", "green kettle", "black boots", "white lamp"];
    (from..to).map(|n| Item::new(format!("i{n}")).text("title", format!("{} {n}", words[n % 5]))).collect()
}

#[test]
fn pages_never_repeat_while_events_and_puts_come_in() {
    let shop = empty().expect("opens");
    shop.db.put(items(0, 100)).expect("puts");
    let requests = [
        Request::new().user("u"),
        Request::new().query("red shoes").user("u"),
        Request::new(),
        Request::new().query("red shoes").diversity(0.6).cap("title", 1),
        Request::new().like(["i3"]),
    ];
    for request in requests {
        let mut request = request.limit(7);
        let mut seen = BTreeSet::new();
        loop {
            let page = shop.db.rank(&request).expect("ranks");
            for hit in &page.hits {
                assert!(seen.insert(hit.id.clone()), "{} again", hit.id);
            }
            let Some(next) = page.next_page_token else { break };
            request = request.page_token(next);
            // What was shown becomes popular and known, is put again and is deleted; the time moves on.
            let first = page.hits[0].id.clone();
            let bought = |user: &str| Event::new(user, Action::Buy).item(first.clone());
            shop.db.log(vec![bought("u"), bought("v"), bought("w")]).expect("logs");
            let last = page.hits[6].id.clone();
            shop.db.delete(&[&last]).expect("deletes");
            shop.db.put(vec![Item::new(last).text("title", "red shoes, better than ever")]).expect("puts");
            request = request.now(Timestamp::now());
        }
        let seeds = request.like.len();
        assert_eq!(seen.len(), 100 - seeds, "all are shown at last");
    }
}

#[test]
fn a_page_after_an_offset_leaves_out_what_was_passed_over() {
    let shop = shop().expect("opens");
    let whole = ids(&shop.db, &Request::new()).expect("ranks");
    let second = shop.db.rank(&Request::new().limit(2).offset(2)).expect("ranks");
    let token = second.next_page_token.expect("there is more");
    // The limit may change from page to page.
    let third = shop.db.rank(&Request::new().limit(5).page_token(token)).expect("ranks");
    assert_eq!(third.hits.iter().map(|hit| hit.id.as_str()).collect::<Vec<_>>(), whole[4..]);
    assert_eq!(third.next_page_token, None, "a page that is not full is the last one");
    assert_eq!(shop.db.rank(&Request::new().limit(0)).expect("ranks").next_page_token, None);
}

#[test]
fn a_pin_counts_from_the_first_page() {
    let shop = empty().expect("opens");
    shop.db.put(items(0, 30)).expect("puts");
    let pin = |item: &str, position| Rule::Pin { item: item.to_owned(), position };
    let request = || Request::new().query("red shoes").limit(5).rule(pin("i4", 2)).rule(pin("i9", 8));
    let first = shop.db.rank(&request()).expect("ranks");
    assert_eq!(first.hits[1].id, "i4");
    assert!(first.hits.iter().all(|hit| hit.id != "i9"), "its place is on the second page");
    let second = shop.db.rank(&request().page_token(first.next_page_token.expect("there is more"))).expect("ranks");
    assert_eq!(second.hits[2].id, "i9");
    assert_eq!(second.warnings, Vec::<String>::new(), "what was shown is not missing");
}

#[test]
fn a_token_is_for_its_request_and_whole() {
    let shop = shop().expect("opens");
    let token =
        shop.db.rank(&Request::new().query("shoes").limit(2)).expect("ranks").next_page_token.expect("there is more");
    let refused = |request: Request| shop.db.rank(&request).expect_err("must be refused");
    let other = refused(Request::new().query("boots").limit(2).page_token(token.clone()));
    assert_eq!(other.name(), "InvalidArgument");
    assert!(other.to_string().contains("another request"), "{other}");
    let damaged = refused(Request::new().query("shoes").page_token(token[1..].to_owned()));
    assert_eq!(damaged.name(), "InvalidArgument");
    for text in ["", "x", "ÿ", "AAAA", &"A".repeat(1000)] {
        assert_eq!(refused(Request::new().query("shoes").page_token(text)).name(), "InvalidArgument");
    }
    assert_eq!(refused(Request::new().page_token("A".repeat(200_000))).name(), "LimitExceeded");
    assert_eq!(refused(Request::new().query("shoes").page_token(token.clone()).offset(1)).name(), "InvalidArgument");
    assert_eq!(refused(Request::new().query("shoes").page_token(token).limit(9_999)).name(), "LimitExceeded");
}

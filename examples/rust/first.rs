//! The first program: the same story as examples/c/first.c and examples/python/first.py.
//!
//! Three things in a shop, one person, and the four kinds of list.

use onelist::{Action, Config, Engine, Event, Item, Ranking, Request};

fn main() -> onelist::Result<()> {
    // A directory on disk and a library in this process: there is no server.
    let folder = std::env::temp_dir().join(format!("onelist-first-{}", std::process::id()));
    let db = Engine::open(&folder, Config::default())?;

    // One atomic batch; durable when `put` returns, and ranked by the next call.
    db.put(vec![
        Item::new("red-shoes").text("title", "Red running shoes").number("price", 59.0).tags("tags", ["shoes"]),
        Item::new("boots").text("title", "Leather hiking boots").number("price", 149.0).tags("tags", ["shoes"]),
        Item::new("bag").text("title", "Leather travel bag").number("price", 120.0).tags("tags", ["bags"]),
    ])?;
    // What people do. Anna is created by her first event.
    db.log(vec![Event::new("anna", Action::Buy).item("boots"), Event::new("ben", Action::View).item("red-shoes")])?;

    // One call answers all four: with or without a query, with or without a history.
    show("first visit", &db.rank(&Request::new())?);
    show("search", &db.rank(&Request::new().query("running shoes"))?);
    show("for anna", &db.rank(&Request::new().user("anna").exclude_seen())?);
    show("search, for anna", &db.rank(&Request::new().query("leather").user("anna").explain())?);

    db.close()?;
    std::fs::remove_dir_all(&folder).map_err(|source| onelist::Error::Io { action: "remove", path: folder, source })
}

fn show(what: &str, ranking: &Ranking) {
    println!("{what}:");
    for hit in &ranking.hits {
        let why = hit.why.as_ref().map(|why| why.line.as_str()).unwrap_or_default();
        println!("  {:6.3}  {:<10} {why}", hit.score, hit.id);
    }
}

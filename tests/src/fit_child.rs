//! The process that the test of fits kills: checks what the last one left, then puts items while the space is fitted
//! again and again, until it dies.
//!
//! Arguments: directory, and items that were acknowledged. Prints `verified ITEMS FITS`, `put ITEMS` after each
//! acknowledged write and `fitted FITS` after each fit.

use std::io::Write;

use onelist::{Config, Engine, Item, Request, Source, Value};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() {
    if let Err(error) = run() {
        say(&format!("failed {error}"));
        std::process::exit(1);
    }
}

fn run() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, acknowledged] = arguments.as_slice() else { return Err("two arguments".into()) };
    let mut config = Config::default();
    config.sessions = 1;
    let db = Engine::open(directory, config)?;
    let items = verify(&db, acknowledged.parse()?)?;
    say(&format!("verified {items} {}", db.stats()?.space.fits));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            loop {
                match db.fit_space() {
                    Ok(_) => say(&format!("fitted {}", db.stats().map_or(0, |stats| stats.space.fits))),
                    Err(error) => say(&format!("failed {error}")),
                }
            }
        });
        for n in items.. {
            // One new item, and one old one that is put again.
            db.put(vec![item(n), item(n / 2)])?;
            say(&format!("put {}", n + 1));
        }
        Ok(())
    })
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // A parent that is gone has nothing to hear.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn item(n: u64) -> Item {
    let words =
        ["red", "blue", "leather", "wooden", "electric", "small", "heavy", "antique", "cheap", "bright", "soft"];
    let nouns = ["shoe", "boot", "teapot", "kettle", "backpack", "tent", "novel", "camera", "guitar", "sofa"];
    let word = |n: u64| words[(n % 11) as usize];
    let title = format!("{} {} {}", word(n), word(n / 11), nouns[(n / 121 % 10) as usize]);
    Item::new(format!("item-{n}")).text("title", title)
}

/// Every acknowledged item is there, with a vector and a semantic id of one space, and is found by its meaning.
fn verify(db: &Engine, acknowledged: u64) -> Result<u64> {
    let stats = db.stats()?;
    if stats.items < acknowledged {
        return Err(format!("{acknowledged} items were acknowledged, {} are there", stats.items).into());
    }
    let found = db.verify_vectors()?;
    if found.wrong > 0 || found.vectors != stats.items || found.semantic_ids != stats.items {
        return Err(format!("{} items, {found:?}", stats.items).into());
    }
    let held: u64 = stats.vectors.iter().map(|space| space.indexed.max(space.tail)).sum();
    if held > stats.items {
        return Err(format!("{} items, {:?}", stats.items, stats.vectors).into());
    }
    // A graph is approximate, and ten items share each title here: one search in a hundred may come by none of them.
    let (mut looks, mut missed) = (0, Vec::new());
    for n in (0..stats.items).step_by(23) {
        looks += 1;
        let item = item(n);
        let Some(Value::Text(title)) = item.fields.get("title") else { return Err("no title".into()) };
        let hits = db.rank(&Request::new().query(title.clone()).limit(20))?.hits;
        let near = |hit: &onelist::Hit| hit.sources.iter().any(|p| p.source == Source::Semantic && p.score > 0.99);
        if !hits.iter().any(|hit| near(hit) && hit.fields.get("title") == item.fields.get("title")) {
            missed.push(item.id);
        }
    }
    if missed.len() * 100 > looks {
        return Err(format!("of {looks} items {} are not found by their meaning: {missed:?}", missed.len()).into());
    }
    Ok(stats.items)
}

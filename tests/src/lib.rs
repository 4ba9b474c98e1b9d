//! What the integration tests share: a small shop, and a temporary directory to open it in.

pub mod adapter;
pub mod journal;
pub mod trained;

use onelist::{Action, Config, Engine, Event, Item, Request, Timestamp, Value};

/// An engine in a directory of its own, which goes away with it.
pub struct Shop {
    /// The open engine.
    pub db: Engine,
    /// Where it lives.
    pub dir: tempfile::TempDir,
}

/// Opens an empty engine in a new temporary directory.
///
/// # Errors
/// What [`Engine::open`] answers.
pub fn empty() -> onelist::Result<Shop> {
    let dir = tempfile::tempdir().map_err(|source| onelist::Error::Io {
        action: "create",
        path: std::env::temp_dir(),
        source,
    })?;
    let db = Engine::open(dir.path().join("shop.onelist"), Config::default())?;
    Ok(Shop { db, dir })
}

/// Seven things that differ in words, price, colour, place and picture.
pub fn goods() -> Vec<Item> {
    let thing = |id: &str, title: &str, price: f64, tags: &[&str], place: (f64, f64), image: [f32; 3]| {
        Item::new(id)
            .text("title", title)
            .number("price", price)
            .with("stocked", Value::Bool(price < 100.0))
            .with("released", Value::Date(Timestamp::from_seconds(1.7e9 + price * 86_400.0)))
            .tags("tags", tags.iter().copied())
            .with("store", Value::Geo { lat: place.0, lon: place.1 })
            .with("image", Value::Vector(image.to_vec()))
    };
    let (paris, london) = ((48.85, 2.35), (51.51, -0.13));
    vec![
        thing("red-shoes", "Red running shoes for women", 59.0, &["shoes", "red"], paris, [1.0, 0.1, 0.0]),
        thing("blue-shoes", "Blue running shoes for men", 69.0, &["shoes", "blue"], paris, [0.9, 0.2, 0.0]),
        thing("boots", "Leather hiking boots", 149.0, &["shoes", "brown"], london, [0.8, 0.3, 0.1]),
        thing("bag", "Leather travel bag", 120.0, &["bags", "brown"], london, [0.0, 1.0, 0.1]),
        thing("backpack", "Hiking backpack, 40 litres", 89.0, &["bags", "blue"], paris, [0.1, 0.9, 0.0]),
        thing("teapot", "Porcelain teapot with flowers", 35.0, &["kitchen", "white"], london, [0.0, 0.0, 1.0]),
        thing("kettle", "Electric kettle, stainless steel", 45.0, &["kitchen", "grey"], paris, [0.1, 0.0, 0.9]),
    ]
}

/// The shop with its goods, and two people: `hiker` likes to be outside, `cook` likes to be in the kitchen.
///
/// # Errors
/// What the engine answers.
pub fn shop() -> onelist::Result<Shop> {
    let shop = empty()?;
    shop.db.put(goods())?;
    let event = |user: &str, item: &str, action: Action| Event::new(user, action).item(item);
    shop.db.log(vec![
        event("hiker", "boots", Action::Buy),
        event("hiker", "backpack", Action::Click),
        event("cook", "teapot", Action::Buy),
        event("someone", "red-shoes", Action::Click),
        event("another", "red-shoes", Action::Click),
    ])?;
    // What people have in common is counted a moment after it is logged; tests compare lists before and after.
    shop.db.flush()?;
    Ok(shop)
}

/// The ids of a ranking, best first. It leaves no impression, so that it can be asked again and compared.
///
/// # Errors
/// What [`Engine::rank`] answers.
pub fn ids(db: &Engine, request: &Request) -> onelist::Result<Vec<String>> {
    Ok(db.rank(&request.clone().unlogged())?.hits.into_iter().map(|hit| hit.id).collect())
}

/// An item with about so many bytes of text, no two alike.
pub fn thing_of_bytes(n: usize, bytes: usize) -> Item {
    let words = (0..bytes / 8).map(|word| format!("w{:06}", (n * 7_919 + word * 104_729) % 999_983));
    Item::new(format!("thing-{n}")).text("title", format!("thing {}", words.collect::<Vec<_>>().join(" ")))
}

//! Writes the fixture store of the current format (`tests/fixtures/`), into the folder that it is given: the same content whatever the
//! version, and since format 6 an event of an import. It ends without closing, so that the last events are still in the journal.
//!
//! `cargo run --release -p onelist-tests --bin fixture-store -- DIR && tar -czf format-N.tar.gz -C DIR --exclude=lock.mdb --exclude=LOCK --exclude=writer.sock .`

use onelist::{Action, Config, Engine, Event, Item, Request, Rule, Timestamp, Value};

fn main() -> onelist::Result<()> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "fixture".to_owned());
    let db = Engine::open(&path, Config::default())?;
    db.put((0..12).map(item).collect())?;
    db.delete(&["i11"])?;
    db.log((0..60).map(event).collect())?;
    db.set_scenario("pinned", &[Rule::Pin { item: "i9".to_owned(), position: 1 }])?;
    db.rank(&Request::new().user("u1").query("thing").limit(5))?;
    db.log(vec![Event::new("u0", Action::Share).item("i1").at(Timestamp::from_seconds(1.8e9 - 1e8)).batch("import")])?;
    db.flush()?;
    db.log((60..70).map(event).collect())?;
    std::process::exit(0);
}

/// An item with a field of every type.
fn item(n: usize) -> Item {
    let item =
        Item::new(format!("i{n}")).text("title", format!("thing number{n} word{n}")).number("price", 0.1 + n as f64);
    let item = item.with("sold", Value::Bool(n.is_multiple_of(2))).tags("tags", (0..n % 3).map(|k| format!("t{k}")));
    let item = item.with("made", Value::Date(Timestamp::from_millis(n as i64 * 1_234_567)));
    let item = item.with("place", Value::Geo { lat: n as f64 / 3.0, lon: -1.0 / (n + 1) as f64 });
    item.with("image", Value::Vector(vec![0.1 + n as f32, 1.0 / 3.0, -0.7]))
}

/// Events of five users; every ninth is a search.
fn event(n: usize) -> Event {
    let action = [Action::View, Action::Click, Action::Buy, Action::Dislike][n % 4].clone();
    let event = Event::new(format!("u{}", n % 5), action).at(Timestamp::from_seconds(1.7e9 + 60.0 * n as f64));
    let event = match n % 9 {
        8 => event.query(format!("words {n}")),
        _ => event.item(format!("i{}", n * 7 % 10)),
    };
    if n.is_multiple_of(3) { event.basket(format!("b{}", n / 6)) } else { event }
}

//! What is put again, and what is changed.

use std::sync::Arc;

use super::prepare::{prepare_items, prepare_updates};
use crate::api::item::{Item, Value};
use crate::api::update::Update;
use crate::testing::Shop;

fn thing(n: usize) -> Item {
    Item::new(format!("thing-{n}")).text("title", format!("A thing of number {n}")).integer("price", n as i64)
}

impl Shop {
    fn seq(&self) -> u64 {
        self.stores.catalog.read().expect("reads").counters().seq.0
    }

    fn update(&self, updates: impl IntoIterator<Item = Update>) -> crate::Result<()> {
        let prepared = prepare_updates(&self.stores, updates.into_iter().collect::<Vec<_>>())?;
        self.core.access()?.writer()?.put(prepared).map(drop)
    }

    fn item(&self, id: &str) -> Item {
        let found = crate::store::items::get(&self.stores, &[id]).expect("reads");
        found.into_iter().flatten().next().expect("is there")
    }

    fn vector(&self, id: &str) -> Option<Vec<u8>> {
        let (read, space) = (self.stores.catalog.read().expect("reads"), self.stores.item_space().expect("open"));
        let key = read.view().item_key(id).expect("reads").expect("known");
        read.view().vector(space.number, key).expect("reads").map(<[u8]>::to_vec)
    }
}

#[test]
fn what_has_not_changed_is_not_written() {
    let shop = Shop::open(|_| {});
    shop.put((0..20).map(thing));
    let before = shop.seq();
    shop.put((0..20).map(thing));
    assert_eq!(shop.seq(), before, "no commit");
    // One of them changes: it alone is written.
    let changed = (0..20).map(|n| if n == 7 { thing(7).text("title", "Another one") } else { thing(n) });
    let prepared = prepare_items(&shop.stores, changed.collect::<Vec<_>>()).expect("prepares");
    assert_eq!(prepared.iter().filter(|one| !one.is_unchanged()).count(), 1);
    assert!(prepared.iter().all(|one| one.is_unchanged() == one.placed.is_none()), "nothing else is embedded");
    shop.core.access().expect("open").writer().expect("writes").put(prepared).expect("puts");
    assert_eq!(shop.seq(), before + 1);
    let read = shop.stores.catalog.read().expect("reads");
    let generations = (0..20).map(|n| read.view().head(shop.nth(n)).expect("reads").expect("there").generation.0);
    let written: Vec<usize> = generations.enumerate().filter(|(_, seq)| *seq > before).map(|(n, _)| n).collect();
    assert_eq!(written, [7]);
}

#[test]
fn the_text_that_an_item_had_is_not_embedded_again() {
    let shop = Shop::open(|_| {});
    shop.put([thing(1), Item::new("bare").integer("price", 1)]);
    let vector = shop.vector("thing-1");
    assert!(vector.is_some());
    let prepared = prepare_items(&shop.stores, vec![thing(1).integer("price", 99)]).expect("prepares");
    assert!(prepared[0].placed.is_none() && !prepared[0].is_unchanged());
    shop.core.access().expect("open").writer().expect("writes").put(prepared).expect("puts");
    assert_eq!((shop.vector("thing-1"), shop.item("thing-1")), (vector.clone(), thing(1).integer("price", 99)));
    shop.put([Item::new("bare").integer("price", 2)]);
    assert_eq!(shop.vector("bare"), None);
    shop.put([thing(1).text("title", "Something else")]);
    assert_ne!(shop.vector("thing-1"), vector);
}

#[test]
fn what_another_writer_changed_meanwhile_is_written_all_the_same() {
    let shop = Shop::open(|_| {});
    shop.put([thing(1), thing(2), thing(3)]);
    let writer = shop.core.access().expect("open").writer().expect("writes").clone();
    // Compared with a version that is replaced, and with one that is deleted, before the writer's turn comes.
    let prepared =
        prepare_items(&shop.stores, vec![thing(1), thing(2), thing(3).integer("price", 9)]).expect("prepares");
    shop.put([thing(1).text("title", "Replaced")]);
    shop.delete(&["thing-2"]);
    shop.put([thing(3).text("title", "Replaced as well")]);
    writer.put(prepared).expect("puts");
    assert_eq!((shop.item("thing-1"), shop.item("thing-2")), (thing(1), thing(2)));
    assert_eq!(shop.item("thing-3"), thing(3).integer("price", 9));
    let fresh = Shop::open(|_| {});
    fresh.put([thing(1), thing(2), thing(3)]);
    for n in 1..4 {
        let id = format!("thing-{n}");
        assert_eq!(shop.vector(&id), fresh.vector(&id), "the vector is that of the text: {id}");
    }
}

#[test]
fn an_update_changes_what_it_names() {
    let shop = Shop::open(|_| {});
    shop.put([thing(1).with("stock", Value::Bool(true)).with("look", Value::Vector(vec![1.0, 2.0])), thing(2)]);
    let vector = shop.vector("thing-1");
    let update = Update::new("thing-1").set("price", Value::Integer(5)).remove("stock").remove("never had");
    shop.update([update]).expect("updates");
    assert_eq!(shop.item("thing-1"), thing(1).integer("price", 5).with("look", Value::Vector(vec![1.0, 2.0])));
    assert_eq!(shop.vector("thing-1"), vector);
    shop.update([Update::new("thing-1").set("title", Value::Text("Shoes".to_owned()))]).expect("updates");
    assert_ne!(shop.vector("thing-1"), vector);
    // Each after the one before it; a plain list goes into the vector field as a vector.
    let list = Value::Numbers(vec![crate::Number::Integer(3), crate::Number::Integer(4)]);
    let both = [Update::new("thing-2").set("look", list), Update::new("thing-2").set("price", Value::Integer(8))];
    shop.update(both).expect("updates");
    assert_eq!(shop.item("thing-2"), thing(2).integer("price", 8).with("look", Value::Vector(vec![3.0, 4.0])));
    let before = shop.seq();
    shop.update([Update::new("thing-2").set("price", Value::Integer(8)), Update::new("thing-1")])
        .expect("nothing to do");
    assert_eq!(shop.seq(), before);
}

#[test]
fn an_update_is_made_of_the_version_that_is_current_when_it_is_written() {
    let shop = Shop::open(|_| {});
    shop.put([thing(1), thing(2)]);
    let prepare = |id: &str| prepare_updates(&shop.stores, vec![Update::new(id).set("price", Value::Integer(50))]);
    let (first, second) = (prepare("thing-1").expect("prepares"), prepare("thing-2").expect("prepares"));
    shop.put([thing(1).text("title", "Newer text").text("note", "kept")]);
    shop.delete(&["thing-2"]);
    let writer = shop.core.access().expect("open").writer().expect("writes").clone();
    writer.put(first).expect("puts");
    assert_eq!(shop.item("thing-1"), thing(1).text("title", "Newer text").text("note", "kept").integer("price", 50));
    assert_eq!(writer.put(second).expect_err("it is gone").name(), "UnknownItem");
    let fresh = Shop::open(|_| {});
    fresh.put([shop.item("thing-1")]);
    assert_eq!(shop.vector("thing-1"), fresh.vector("thing-1"));
}

#[test]
fn updates_are_all_or_nothing_and_name_what_is_wrong() {
    let shop = Shop::open(|_| {});
    shop.put([thing(1), thing(2)]);
    let price = |id: &str, value: Value| Update::new(id).set("price", value);
    let text = || Value::Text("much".to_owned());
    let refused =
        shop.update([price("thing-1", Value::Integer(7)), price("nowhere", Value::Integer(7))]).expect_err("unknown");
    assert_eq!((refused.name(), refused.to_string().contains("items[1]")), ("UnknownItem", true));
    let rows = [price("thing-1", text()), price("gone", text()), price("", text()), price("thing-2", text())];
    let crate::Error::BadRows { rows, total, .. } = shop.update(rows).expect_err("bad") else { panic!("several rows") };
    let told: Vec<_> = rows.iter().map(|row| (row.row, row.error)).collect();
    assert_eq!((total, told), (4, vec![(0, "FieldType"), (1, "UnknownItem"), (2, "InvalidId"), (3, "FieldType")]));
    assert_eq!((shop.item("thing-1"), shop.item("thing-2")), (thing(1), thing(2)));
}

#[test]
fn writers_that_update_different_fields_lose_nothing() {
    let shop = Arc::new(Shop::open(|_| {}));
    shop.put([thing(1)]);
    std::thread::scope(|scope| {
        for field in ["a", "b", "c", "d"] {
            let shop = &shop;
            scope.spawn(move || {
                for n in 0..25 {
                    shop.update([Update::new("thing-1").set(field, Value::Integer(n))]).expect("updates");
                }
            });
        }
    });
    let item = shop.item("thing-1");
    assert!(["a", "b", "c", "d"].iter().all(|field| item.fields[*field] == Value::Integer(24)), "{item:?}");
}

#[test]
fn every_bad_item_of_a_batch_is_told() {
    let shop = Shop::open(|_| {});
    shop.put([thing(1)]);
    let mut items: Vec<Item> = (10..20).map(thing).collect();
    items[3] = thing(13).text("price", "x");
    items[5] = Item::new("").integer("price", 5);
    items[7] = thing(17).number("weight", f64::NAN);
    items[9] = thing(19).text("released", "some day");
    let before = shop.seq();
    let Err(crate::Error::BadRows { rows, total, .. }) = prepare_items(&shop.stores, items).map(|_| ()) else {
        panic!("several rows")
    };
    let told: Vec<_> = rows.iter().map(|row| (row.row, row.id.as_deref(), row.field.as_deref(), row.error)).collect();
    assert_eq!(
        told,
        [
            (3, Some("thing-13"), Some("price"), "FieldType"),
            (5, None, Some("id"), "InvalidId"),
            (7, Some("thing-17"), Some("weight"), "NonFinite"),
            (9, Some("thing-19"), Some("released"), "FieldType"),
        ]
    );
    assert_eq!((total, shop.seq()), (4, before));
    // Of two items with one id the last counts, so the first may have another type; but not none at all.
    shop.put([thing(30).text("fresh", "text"), thing(30).integer("fresh", 1), thing(31).integer("fresh", 2)]);
    assert_eq!(shop.item("thing-30").fields["fresh"], Value::Integer(1));
}

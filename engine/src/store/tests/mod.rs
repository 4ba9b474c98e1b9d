//! What a request reads while others write, and the records of weights and spaces.

mod space;
mod weights;

use std::sync::atomic::{AtomicBool, Ordering};

use super::snapshot::Snapshot;
use super::spaces::{SpaceRow, Spaces};
use crate::api::event::{Action, Event};
use crate::api::filter::{Compare, Filter, Scalar};
use crate::api::item::{Item, Value};
use crate::base::id::ItemKey;
use crate::base::time::Timestamp;
use crate::catalog::{SpaceNumber, Window};
use crate::testing::{Shop, ago, dated, event, thing};

const ITEMS: usize = 12;

/// The number that all items of a snapshot have; they are put together, so it is the same everywhere.
fn version(snapshot: &Snapshot) -> f64 {
    let view = snapshot.catalog.view();
    let items: Vec<_> = view.items(ItemKey(0)).unwrap().map(|row| row.unwrap().1.item).collect();
    assert_eq!(items.len(), ITEMS);
    let Value::Number(version) = items[0].fields["version"] else { panic!("no version") };
    assert!(items.iter().all(|item| item.fields["version"] == Value::Number(version)), "{items:?}");
    version
}

/// The text index and the catalog speak of the same commit.
fn check_filter(snapshot: &Snapshot, version: f64) {
    let at = |op| Filter::Compare { field: "version".to_owned(), compare: op, value: Scalar::Number(version) };
    let visible = |key, generation| snapshot.is_current(key, Some(generation));
    let count = |filter: Filter| {
        let resolved = filter.resolve(&snapshot.schema).unwrap();
        snapshot.text.matching(&resolved, &snapshot.schema, &visible).unwrap().len()
    };
    assert_eq!(
        (count(at(Compare::Equal)), count(at(Compare::Less)), count(at(Compare::Greater))),
        (ITEMS as u64, 0, 0)
    );
}

/// Both things of a visit are logged together, and the counts of an item are those of all histories.
fn check_events(snapshot: &Snapshot) {
    let mut counts = [0, 0];
    for user in ["ada", "bob"] {
        let Some(person) = snapshot.person(user).unwrap() else { continue };
        let history = snapshot.history(&person, Timestamp::MAX, usize::MAX).unwrap();
        assert!(history.windows(2).all(|pair| pair[0].time >= pair[1].time), "newest first");
        let of_user = [0, 1].map(|n| history.iter().filter(|event| event.item == Some(ItemKey(n))).count());
        assert_eq!(of_user[0], of_user[1], "{user}");
        counts[0] += of_user[0];
        counts[1] += of_user[1];
    }
    for (n, count) in counts.into_iter().enumerate() {
        let signals = snapshot.signals(ItemKey(n as u64)).unwrap();
        let found = signals.map_or(0.0, |signals| signals.mass(Window::Ever).exp());
        // A view weighs one half.
        assert!((found - count as f64 / 2.0).abs() < 1e-6, "{found} of {count}");
    }
}

#[test]
fn a_pinned_commit_is_whole_and_stays_as_it_is_while_writers_go_on() {
    let shop = Shop::open(|_| {});
    let one = |n: usize, version: usize| Item { id: format!("item-{n}"), ..thing(n + version) };
    let put = |version: usize| shop.put((0..ITEMS).map(|n| one(n, version).number("version", version as f64)));
    put(0);
    let (done, pinned) = (AtomicBool::new(false), Snapshot::pin(&shop.stores).unwrap());
    std::thread::scope(|scope| {
        let reader = || {
            let (mut last, mut pins) = ((0.0, 0), 0);
            while !done.load(Ordering::SeqCst) || pins == 0 {
                let snapshot = Snapshot::pin(&shop.stores).unwrap();
                let now = (version(&snapshot), snapshot.catalog.counters().seq.0);
                assert!(now.0 >= last.0 && now.1 >= last.1, "no reader goes back: {now:?} {last:?}");
                check_filter(&snapshot, now.0);
                check_events(&snapshot);
                let has_vector = |key: &u64| snapshot.vector(SpaceNumber(0), ItemKey(*key)).unwrap().is_some();
                assert!((0..ITEMS as u64).all(|key| has_vector(&key)));
                std::thread::yield_now();
                assert_eq!((version(&snapshot), snapshot.catalog.counters().seq.0), now, "read again");
                (last, pins) = (now, pins + 1);
            }
        };
        let readers = [scope.spawn(reader), scope.spawn(reader)];
        for round in 1..40usize {
            put(round);
            let user = ["ada", "bob"][round % 2];
            let at = |item: &str| Event::new(user, Action::View).item(item).at(ago(round as f64));
            shop.log([at("item-0"), at("item-1")]);
            if round % 8 == 0 {
                shop.core.flush().unwrap();
            }
        }
        done.store(true, Ordering::SeqCst);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
    assert_eq!(version(&pinned), 0.0, "what was pinned before is as it was");
    check_filter(&pinned, 0.0);
    check_events(&pinned);
    assert_eq!(version(&Snapshot::pin(&shop.stores).unwrap()), 39.0);
}

#[test]
fn a_pinned_commit_knows_what_was_deleted_and_logged_after_it_no_more_than_before() {
    let shop = Shop::of(6);
    shop.log([event("ada", Action::Buy, 1, 2.0)]);
    let pinned = Snapshot::pin(&shop.stores).unwrap();
    let known = |snapshot: &Snapshot| {
        let person = snapshot.person("ada").unwrap().unwrap();
        let history = snapshot.history(&person, Timestamp::MAX, 10).unwrap().len();
        let unknown_user = snapshot.person("bob").unwrap().is_some();
        (history, unknown_user, snapshot.is_current(ItemKey(3), None), snapshot.catalog.counters().items)
    };
    let before = known(&pinned);
    assert_eq!(before, (1, false, true, 6));
    shop.delete(&["thing-3"]);
    shop.log([event("ada", Action::Buy, 2, 1.0), event("bob", Action::Buy, 2, 1.0)]);
    for _ in 0..2 {
        assert_eq!(known(&pinned), before);
        assert_eq!(known(&Snapshot::pin(&shop.stores).unwrap()).0, 2);
        assert_eq!(known(&Snapshot::pin(&shop.stores).unwrap()).3, 5);
        shop.core.flush().unwrap();
    }
    let now = Snapshot::pin(&shop.stores).unwrap();
    assert!(now.catalog.head(ItemKey(3)).unwrap().is_none() && pinned.catalog.head(ItemKey(3)).unwrap().is_some());
}

#[test]
fn the_nearest_of_a_set_are_exact_and_what_has_no_vector_is_passed_over() {
    let shop = Shop::of(20);
    shop.put([Item::new("bare").number("n", 1.0)]);
    let snapshot = Snapshot::pin(&shop.stores).unwrap();
    let space = snapshot.item_space();
    let query = snapshot.vector(space, ItemKey(4)).unwrap().unwrap();
    assert!(snapshot.vector(space, shop.key("bare")).unwrap().is_none());
    let keys = || (0..21).filter(|key| key % 3 != 2).map(ItemKey);
    let found = snapshot.nearest_among(space, &query, keys(), 5).unwrap();
    assert_eq!((found[0].0, found.len()), (ItemKey(4), 5));
    let cosine =
        |key| snapshot.vector(space, key).unwrap().map(|of| of.iter().zip(&query).map(|(a, b)| a * b).sum::<f32>());
    let worst = found[4].1;
    for key in keys().filter(|key| found.iter().all(|(known, _)| known != key)) {
        assert!(cosine(key).is_none_or(|cosine| cosine <= worst + 1e-5), "{key:?} was left out");
    }
    assert_eq!(snapshot.nearest_among(space, &query, std::iter::empty(), 5).unwrap(), []);
}

#[test]
fn spaces_have_their_numbers_by_the_order_in_which_they_came() {
    let row = |name: &str| SpaceRow { name: name.to_owned(), id: name.to_owned(), dimensions: 2 };
    let spaces = Spaces(vec![row("item"), row("field:image"), row("field:sound")]);
    assert_eq!(spaces.number(&Spaces::field_space("sound")), Some(SpaceNumber(2)));
    assert_eq!(spaces.number("sound"), None, "a field called `item` cannot take the place of the items");
    assert_eq!(spaces.items().unwrap().name, "item");
    let numbered: Vec<_> = spaces.rows().map(|(number, row)| (number.0, row.name.as_str())).collect();
    assert_eq!(numbered, [(0, "item"), (1, "field:image"), (2, "field:sound")]);
    let shop = Shop::open(|_| {});
    shop.put([dated(1, 1.0).with("item", Value::Vector(vec![1.0, 0.0]))]);
    let snapshot = Snapshot::pin(&shop.stores).unwrap();
    assert_eq!(snapshot.spaces.number(&Spaces::field_space("item")), Some(SpaceNumber(1)));
    assert_eq!(snapshot.vector(SpaceNumber(1), ItemKey(0)).unwrap(), Some(vec![1.0, 0.0]));
    assert_eq!(snapshot.item_space(), SpaceNumber(0));
}

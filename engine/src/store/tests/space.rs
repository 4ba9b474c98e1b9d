//! The records of vector spaces: which is current, how it is called, and how new items fit into it.

use crate::base::id::ItemKey;
use crate::catalog::{CatalogWrite, SpaceNumber, View};
use crate::store::item_space::{
    Drift, FittedSpace, ItemSpace, ItemSpaces, complete_sids, settle, sids_are_complete, stats,
};
use crate::testing::{Shop, close};

fn write(shop: &Shop, change: impl FnOnce(&mut CatalogWrite)) {
    let mut write = shop.stores.catalog.write().unwrap();
    change(&mut write);
    write.commit_bookkeeping().unwrap();
}

fn read<T>(shop: &Shop, look: impl FnOnce(View) -> T) -> T {
    look(shop.stores.catalog.read().unwrap().view())
}

/// A fit of the shipped space under the second number.
fn fit(shop: &Shop, id: &str, fits: u64) -> FittedSpace {
    let base = shop.stores.model().space_id().to_owned();
    FittedSpace { id: id.to_owned(), base, number: SpaceNumber(u16::MAX), fits, items: 50, error: 0.5 }
}

fn space(shop: &Shop, fit: FittedSpace) -> ItemSpace {
    ItemSpace::new(fit, None, shop.stores.item_space().unwrap().graph.clone())
}

#[test]
fn a_fit_takes_the_other_number_and_its_own_name() {
    let shop = Shop::of(3);
    let first = shop.stores.item_space().unwrap();
    let base = shop.stores.model().space_id().to_owned();
    assert_eq!(
        (first.number, first.other_number(), first.name()),
        (SpaceNumber(0), SpaceNumber(u16::MAX), base.as_str())
    );
    let fitted = space(&shop, fit(&shop, "a fit", 1));
    assert_eq!((fitted.other_number(), fitted.name()), (SpaceNumber(0), "a fit"));
    // Moved into the space that another model ships with: nothing is fitted, and vectors compare with other stores.
    let moved = FittedSpace::shipped_with(&shop.stores.model(), SpaceNumber(0));
    assert_ne!(
        moved.id,
        FittedSpace::shipped_with(&shop.stores.model(), SpaceNumber(0)).id,
        "no two generations are one"
    );
    assert!(moved.id.starts_with(&format!("{base}+")));
    assert_eq!(space(&shop, moved).name(), base);
}

#[test]
fn a_reader_finds_the_space_of_its_commit_among_those_in_use() {
    let shop = Shop::of(3);
    let first = shop.stores.item_space().unwrap();
    let second = std::sync::Arc::new(space(&shop, fit(&shop, "a fit", 1)));
    let before = shop.stores.catalog.read().unwrap();
    write(&shop, |write| fit(&shop, "a fit", 1).make_live(write).unwrap());
    let after = shop.stores.catalog.read().unwrap();
    let both = ItemSpaces { current: second.clone(), all: vec![first.clone(), second] };
    let id = |spaces: &ItemSpaces, view| spaces.at(view).unwrap().map(|space| space.id.clone());
    assert_eq!(id(&both, before.view()), Some(first.id.clone()));
    assert_eq!(id(&both, after.view()).as_deref(), Some("a fit"));
    assert_eq!(id(&ItemSpaces::of(first), after.view()), None, "a flip that this reader's set does not know");
    assert_eq!(FittedSpace::current(after.view()).unwrap(), Some(fit(&shop, "a fit", 1)));
    assert_eq!(FittedSpace::current(before.view()).unwrap(), None);
}

#[test]
fn an_empty_store_forgets_a_fit_of_another_base_with_its_rows() {
    let shop = Shop::of(4);
    let model = shop.stores.model();
    let foreign = FittedSpace { base: "another model".to_owned(), ..fit(&shop, "a fit", 1) };
    write(&shop, |write| {
        foreign.make_live(write).unwrap();
        let bytes = vec![0; 2 * model.width()];
        (0..4).for_each(|key| write.set_vector(foreign.number, ItemKey(key), Some(&bytes)).unwrap());
        write.set_sid(foreign.number, ItemKey(0), Some([1, 2, 3])).unwrap();
    });
    assert!(read(&shop, |view| view.has_space(foreign.number).unwrap()));
    write(&shop, |write| settle(write, "another model", false).unwrap());
    assert_eq!(read(&shop, |view| FittedSpace::current(view).unwrap()), Some(foreign.clone()), "its own base keeps it");
    write(&shop, |write| settle(write, model.space_id(), true).unwrap());
    read(&shop, |view| {
        assert_eq!(FittedSpace::current(view).unwrap(), None);
        assert!(!view.has_space(foreign.number).unwrap() && !view.has_space(SpaceNumber(0)).unwrap());
        assert!(sids_are_complete(view).unwrap(), "no item lacks one");
    });
}

#[test]
fn an_older_store_lacks_semantic_ids_until_they_are_complete() {
    let shop = Shop::of(2);
    assert!(read(&shop, |view| sids_are_complete(view).unwrap()));
    write(&shop, |write| write.set_meta("semantic_ids", &None::<bool>).unwrap());
    assert!(!read(&shop, |view| sids_are_complete(view).unwrap()), "its record is missing");
    write(&shop, |write| complete_sids(write).unwrap());
    assert!(read(&shop, |view| sids_are_complete(view).unwrap()));
}

#[test]
fn drift_is_the_mean_of_the_last_thousand_or_so_over_what_was_not_fitted_to() {
    let shop = Shop::of(2);
    let fitted = space(&shop, fit(&shop, "a fit", 1));
    let drift_of = |space: &ItemSpace| read(&shop, |view| stats(space, view).unwrap().drift);
    assert_eq!(drift_of(&fitted), None, "no item was put since");
    let mut drift = read(&shop, |view| Drift::read(view, &fitted).unwrap());
    (1..=9).for_each(|n| drift.add(n as f32));
    write(&shop, |write| drift.write(write).unwrap());
    assert!(close(drift_of(&fitted).unwrap(), 5.0 / 0.5), "the plain mean of a few");
    assert_eq!(read(&shop, |view| Drift::read(view, &fitted).unwrap()), drift);
    (0..3_000).for_each(|_| drift.add(5.0));
    (0..1_000).for_each(|_| drift.add(25.0));
    write(&shop, |write| drift.write(write).unwrap());
    // Of many, each weighs a thousandth: after a thousand, 1/e of what was before is left.
    let expected = 25.0 - 20.0 * (1.0f64 - 1.0 / 1000.0).powi(1000);
    assert!((drift_of(&fitted).unwrap() - expected / 0.5).abs() < 1e-3);
    let other = space(&shop, fit(&shop, "the next fit", 2));
    assert_eq!(drift_of(&other), None, "that was about another space");
    assert_eq!(
        drift_of(&space(&shop, FittedSpace { error: 0.0, ..fit(&shop, "a fit", 1) })),
        None,
        "nothing to compare with"
    );
    let shipped = read(&shop, |view| stats(&shop.stores.item_space().unwrap(), view).unwrap());
    assert_eq!((shipped.fits, shipped.fitted_items, shipped.drift), (0, 0, None));
}

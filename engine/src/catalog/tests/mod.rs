//! Tests of the whole catalog: applying a journal, removing events, cached states, semantic ids.

mod beside;
mod order;
mod vector_slots;

use proptest::prelude::*;

use crate::api::config::Config;
use crate::api::event::{Action, Event};
use crate::api::item::Item;
use crate::api::retention::Retention;
use crate::base::id::ItemKey;
use crate::base::time::Timestamp;

use super::rows::format_v2::OldEntry;
use super::rows::format_v5::SegmentedEntry;
use super::rows::{codec, keys};
use super::{
    Catalog, CatalogRead, CatalogWrite, Entry, Impression, LoggedEvent, SidPrefix, SignalRebuild, SpaceNumber, View,
    without,
};

const ITEMS: u64 = 12;

/// An impression (`None`) or an event: action, user, item, time, and which ranking it belongs to.
type Step = (Option<usize>, u64, u64, i64, u64);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (prop::option::weighted(0.7, 0usize..5), 0..6u64, 0..ITEMS, 0..50i64, 0..20u64);
    prop::collection::vec(step, 1..120)
}

fn entry(n: usize, (action, user, item, time, shown): Step) -> Entry {
    let (user, time, arrived) =
        (format!("u{user}"), Timestamp::from_millis(time * 1000), Timestamp::from_millis(40_000));
    let Some(action) = action else {
        let slate = (0..4).map(|k| ItemKey((item + k * 3) % ITEMS)).collect();
        let (rank_id, user) = (format!("r{n}"), Some(user));
        return Entry::Impression(Impression { rank_id, user, time: arrived, slate, ..Impression::default() });
    };
    let action = [Action::Click, Action::Buy, Action::View, Action::Skip, Action::Dislike][action].clone();
    let mut event = Event::new(user, action).item(format!("i{item}"));
    event.rank_id = Some(format!("r{}", (n as u64).saturating_sub(shown)));
    event.basket = Some(format!("b{}", shown % 3));
    if shown.is_multiple_of(2) {
        event = event.segment("country", format!("c{}", item % 3)).segment("plan", format!("p{}", shown % 5));
    }
    event.time = Some(time);
    Entry::Event(LoggedEvent { event, arrived, dated: true })
}

/// A catalog with some items, in a temporary folder.
fn catalog() -> (tempfile::TempDir, Catalog) {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(dir.path(), 1 << 26).unwrap();
    let mut write = catalog.write().unwrap();
    for n in 0..ITEMS {
        write.put(&Item::new(format!("i{n}")), None, Timestamp::from_millis(0), &[]).unwrap();
    }
    write.commit().unwrap();
    (dir, catalog)
}

/// Every row of the tables that entries are applied to. Without `orders`, the keys of events lack the number of the
/// commit, which differs when the same entries are logged in other commits.
fn rows(view: View<'_>, orders: bool) -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let tables = view.tables;
    let all = [
        ("users", tables.users),
        ("ids", tables.ids),
        ("people", tables.people),
        ("signals", tables.signals),
        ("segments", tables.segments),
        ("neighbours", tables.neighbours),
        ("impressions", tables.impressions),
        ("impressions_by_time", tables.impressions_by_time),
        ("popular", tables.popular),
        ("journal", tables.journal),
    ];
    let mut rows = Vec::new();
    for (name, table) in all {
        for row in table.iter(view.txn).unwrap() {
            let (key, value) = row.unwrap();
            // Without seq and position: user, 0, time.
            let event = name == "people" && key.len() > 17;
            let key = if event && !orders { &key[..17] } else { key };
            rows.push((name, key.to_vec(), value.to_vec()));
        }
    }
    rows
}

#[test]
fn journals_of_older_formats_are_applied() {
    // Entries without segments, which that format did not have.
    let plain =
        |n: usize| entry(n, ((!n.is_multiple_of(7)).then_some(n % 5), n as u64 % 6, n as u64 % ITEMS, n as i64, 1));
    let entries: Vec<Entry> = (0..60).map(plain).collect();
    let (_new_dir, new) = catalog();
    let (_old_dir, old) = catalog();
    let (_later_dir, later) = catalog();
    let mut write = new.write().unwrap();
    write.append(&entries).unwrap();
    write.commit().unwrap();
    let oldest: Vec<OldEntry> = entries.iter().map(|entry| OldEntry::of(entry).unwrap()).collect();
    let segmented: Vec<SegmentedEntry> = entries.iter().map(|entry| SegmentedEntry::of(entry).unwrap()).collect();
    let rows_of_old = [codec::encode(&oldest), codec::encode_as(codec::SEGMENTED, &segmented)].map(Result::unwrap);
    for (catalog, row) in [&old, &later].into_iter().zip(rows_of_old) {
        let mut write = catalog.write().unwrap();
        write.append(&entries).unwrap();
        let seq = write.seq();
        let CatalogWrite { tables, txn, .. } = &mut write;
        assert_ne!(tables.journal.get(txn, &keys::seq(seq)).unwrap().unwrap(), row);
        tables.journal.put(txn, &keys::seq(seq), &row).unwrap();
        write.commit().unwrap();
    }
    for catalog in [&new, &old, &later] {
        let mut write = catalog.write().unwrap();
        assert!(write.apply_journal(&config(), usize::MAX).unwrap());
        write.commit_bookkeeping().unwrap();
    }
    let (new, old, later) = (new.read().unwrap(), old.read().unwrap(), later.read().unwrap());
    assert_eq!(rows(new.view(), true), rows(old.view(), true));
    assert_eq!(rows(new.view(), true), rows(later.view(), true));
    assert!(new.view().all_events().unwrap().len() > 40);
}

fn config() -> Config {
    let mut config = Config::default();
    config.impressions.max = 7;
    config
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_journal_leaves_the_same_tables_however_it_is_cut(steps in steps(), cut in 1usize..20) {
        let entries: Vec<Entry> = steps.into_iter().enumerate().map(|(n, step)| entry(n, step)).collect();
        let config = config();
        let logged = || {
            let (dir, catalog) = catalog();
            for entry in &entries {
                let mut write = catalog.write().unwrap();
                write.append(std::slice::from_ref(entry)).unwrap();
                write.commit().unwrap();
            }
            (dir, catalog)
        };
        // Logged one by one, applied in one go.
        let (_whole_dir, whole) = logged();
        let mut write = whole.write().unwrap();
        write.apply_journal(&config, usize::MAX).unwrap();
        write.commit_bookkeeping().unwrap();
        // Logged one by one, applied in portions; some are dropped before they are committed, as in a crash.
        let (_cut_dir, portions) = logged();
        for n in 0.. {
            let mut write = portions.write().unwrap();
            let more = write.apply_journal(&config, cut).unwrap();
            if n % 3 != 1 {
                write.commit_bookkeeping().unwrap();
            }
            if !more {
                break;
            }
        }
        // Logged and applied in one commit.
        let (_bulk_dir, bulk) = catalog();
        let mut write = bulk.write().unwrap();
        write.append_and_apply(&config, &entries).unwrap();
        write.commit().unwrap();

        let (whole, portions, bulk) = (whole.read().unwrap(), portions.read().unwrap(), bulk.read().unwrap());
        prop_assert_eq!(rows(whole.view(), true), rows(portions.view(), true));
        prop_assert_eq!(rows(whole.view(), false), rows(bulk.view(), false));
        let shown = entries.iter().filter(|entry| matches!(entry, Entry::Impression(_))).count() as u64;
        prop_assert_eq!(whole.counters().impressions, shown.min(7));
        prop_assert_eq!((whole.counters().events, whole.counters().users), (bulk.counters().events, bulk.counters().users));
    }

    #[test]
    fn removing_events_gives_the_same_with_a_separate_rebuild_and_in_place(steps in steps(), most in 1usize..60) {
        let entries: Vec<Entry> = steps.into_iter().enumerate().map(|(n, step)| entry(n, step)).collect();
        let retention = Retention { per_user: Some(9), total: Some(30), days: None };
        let config = config();
        let logged = || {
            let (dir, catalog) = catalog();
            let mut write = catalog.write().unwrap();
            write.append_and_apply(&config, &entries).unwrap();
            write.commit().unwrap();
            (dir, catalog)
        };
        let expired = |read: &CatalogRead| read.view().expired_events(&retention, Timestamp::MAX, most).unwrap();
        let (dir, separate) = logged();
        let read = separate.read().unwrap();
        let rebuild = SignalRebuild::run(dir.path().join("rebuild"), (&read, &without(&expired(&read))), &config, || Ok(())).unwrap();
        let mut write = separate.write().unwrap();
        prop_assert!(write.is_current(&rebuild).unwrap());
        let removed = write.remove_events(&config, &expired(&read)).unwrap();
        prop_assert_eq!(write.is_current(&rebuild).unwrap(), removed == 0, "a rebuild from before a removal is stale");
        write.adopt(&rebuild).unwrap();
        write.commit_bookkeeping().unwrap();
        drop((read, rebuild));
        prop_assert!(!dir.path().join("rebuild").exists());

        let (_other_dir, in_place) = logged();
        let read = in_place.read().unwrap();
        let mut write = in_place.write().unwrap();
        prop_assert_eq!(write.remove_events(&config, &expired(&read)).unwrap(), removed);
        write.rebuild_signals(&config).unwrap();
        write.commit_bookkeeping().unwrap();
        let (separate, in_place) = (separate.read().unwrap(), in_place.read().unwrap());
        prop_assert_eq!(rows(separate.view(), true), rows(in_place.view(), true));
        prop_assert_eq!(separate.counters(), in_place.counters());
        let left = separate.view().all_events().unwrap().len() as u64;
        prop_assert_eq!(left, separate.counters().events);
        prop_assert!(left <= 30 || removed == most as u64);
    }
}

/// Compares the cached states with the tables, for every pinned reader.
fn cached_is_stored(readers: &[CatalogRead]) {
    for read in readers {
        for key in (0..ITEMS + 2).map(ItemKey) {
            let cached = (read.head(key).unwrap(), read.signals(key).unwrap());
            assert_eq!(cached, (read.view().head(key).unwrap(), read.view().signals(key).unwrap()), "{key:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn cached_states_are_those_of_the_pinned_tables(
        steps in steps(),
        writes in prop::collection::vec((0..5u8, 0..ITEMS, any::<bool>(), any::<bool>()), 1..40),
    ) {
        let (_dir, catalog) = catalog();
        let config = config();
        let mut entries = steps.into_iter().enumerate().map(|(n, step)| entry(n, step));
        let mut readers = vec![catalog.read().unwrap()];
        for (what, item, dropped, checked) in writes {
            let id = format!("i{item}");
            let mut write = catalog.write().unwrap();
            match what {
                0 => drop(write.put(&Item::new(id), Some(Timestamp::from_millis(item as i64)), Timestamp::MIN, &[]).unwrap()),
                1 => drop(write.delete(&id, &[]).unwrap()),
                2 => write.append_and_apply(&config, &entries.by_ref().take(5).collect::<Vec<_>>()).unwrap(),
                3 => write.append(&entries.by_ref().take(3).collect::<Vec<_>>()).unwrap(),
                _ => write.verify_signals(&config).map(drop).unwrap(),
            }
            if checked {
                cached_is_stored(&readers);
            }
            // Some transactions are dropped, and the next one gets their number.
            if !dropped {
                write.commit().unwrap();
            } else {
                drop(write);
            }
            readers.push(catalog.read().unwrap());
            if checked {
                cached_is_stored(&readers);
            }
        }
        cached_is_stored(&readers);
    }
}

/// The items with a prefix, newest first, by a scan of all items.
fn scanned(view: View<'_>, prefix: SidPrefix) -> Vec<ItemKey> {
    let with = |key: &ItemKey| {
        let sid = view.sid(SpaceNumber(0), *key).unwrap();
        view.head(*key).unwrap().is_some() && sid.is_some_and(|sid| SidPrefix::of(sid).contains(&prefix))
    };
    (0..ITEMS).rev().map(ItemKey).filter(with).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn lists_of_prefixes_are_what_a_scan_finds(
        steps in prop::collection::vec((0..ITEMS, prop::option::of((0u8..2, 0u8..3, 0u8..2)), 0..4u8), 1..80),
    ) {
        let (_dir, catalog) = catalog();
        let space = SpaceNumber(0);
        for (n, (item, codes, fate)) in steps.into_iter().enumerate() {
            let id = format!("i{item}");
            let mut write = catalog.write().unwrap();
            if fate == 0 {
                write.delete(&id, &[space]).unwrap();
            } else {
                let vector = codes.map(|_| [0u8, 0x3c]);
                let vectors = [(space, vector.as_ref().map(|bytes| bytes.as_slice()))];
                let key = write.put(&Item::new(id), None, Timestamp::from_millis(0), &vectors).unwrap();
                write.set_sid(space, key, codes.map(|(a, b, c)| [a, b, c])).unwrap();
            }
            // Some transactions are dropped, as in a crash.
            if n % 5 != 4 {
                write.commit().unwrap();
            }
        }
        let read = catalog.read().unwrap();
        let view = read.view();
        for first in 0..2 {
            let second = (0..3).map(|second| SidPrefix::Two(first, second));
            for prefix in second.chain([SidPrefix::One(first)]) {
                let listed: Vec<ItemKey> = view.sid_prefix(space, prefix).unwrap().map(|key| key.unwrap()).collect();
                prop_assert_eq!(&listed, &scanned(view, prefix), "{:?}", prefix);
            }
        }
        let check = view.check_sids(space).unwrap();
        prop_assert_eq!((check.wrong, check.vectors), (0, check.sids));
        prop_assert_eq!(view.sid_prefix(space, SidPrefix::One(9)).unwrap().count(), 0);
    }
}

#[test]
fn the_check_of_semantic_ids_finds_every_fault() {
    let (_dir, catalog) = catalog();
    let space = SpaceNumber(0);
    let mut write = catalog.write().unwrap();
    write.put(&Item::new("i0"), None, Timestamp::from_millis(0), &[(space, Some(&[0, 0x3c]))]).unwrap();
    assert_eq!(write.view().check_sids(space).unwrap().wrong, 1, "a vector without an id");
    write.set_sid(space, ItemKey(0), Some([1, 2, 3])).unwrap();
    assert_eq!(write.view().check_sids(space).unwrap().wrong, 0);
    write.set_sid(space, ItemKey(1), Some([1, 2, 4])).unwrap();
    assert_eq!(write.view().check_sids(space).unwrap().wrong, 3, "three rows without a vector");
    let other = keys::sid_posting(space, SidPrefix::One(7), ItemKey(0));
    write.set_sid(space, ItemKey(1), None).unwrap();
    write.tables.sids.put(&mut write.txn, &other, &[]).unwrap();
    assert_eq!(write.view().check_sids(space).unwrap().wrong, 1, "a list that does not belong to the id");
}

//! Events in any order, in any batches, leave the state of the events in order of time.

use super::*;

const USERS: u64 = 6;

type Row = (&'static str, Vec<u8>, Vec<u8>);

/// One event: user, item, action, basket, hours since the one before: few, because events that are 56 half-lives older than
/// others may round the last bits of a sum, which no reader sees.
type Drawn = (u64, u64, usize, u64, u32);

fn drawn(items: u64) -> impl Strategy<Value = Vec<Drawn>> {
    prop::collection::vec((0..USERS, 0..items, 0usize..8, 0u64..4, 0u32..14), 1..90)
}

/// The events of users with keys in a fixed order, at different times: the first of each user is a search that counts for
/// nothing.
fn entries(drawn: &[Drawn]) -> (Vec<Entry>, Vec<Entry>) {
    let mut time = 1_600_000_000_000;
    let arrived = Timestamp::from_millis(1_700_000_000_000);
    let logged = |event: Event| Entry::Event(LoggedEvent { event, arrived, dated: true });
    let first =
        |user: u64| Event::new(format!("u{user}"), Action::Search).query("x").at(Timestamp::from_millis(user as i64));
    let firsts = (0..USERS).map(|user| logged(first(user))).collect();
    let event = |(user, item, action, basket, hours): &Drawn| {
        time += 1 + i64::from(*hours) * 3_600_000;
        let actions = ["click", "buy", "view", "wishlist", "rate", "skip", "dislike", "returned"];
        let mut event = Event::new(format!("u{user}"), Action::named(actions[*action])).item(format!("i{item}"));
        event.value = (actions[*action] == "rate").then_some(f64::from(hours % 5 + 1));
        event.basket = (*basket > 0).then(|| format!("b{basket}"));
        if basket % 2 == 1 {
            event = event.segment("country", format!("c{}", item % 3)).segment("plan", format!("p{}", hours % 5));
        }
        logged(event.at(Timestamp::from_millis(time)))
    };
    (firsts, drawn.iter().map(event).collect())
}

/// Logs entries in batches of these sizes; those of an odd size by way of the journal.
fn log(first: &[Entry], entries: &[Entry], sizes: &[usize]) -> (tempfile::TempDir, Catalog) {
    let (dir, catalog) = catalog();
    let mut rest = entries;
    let mut sizes = sizes.iter().cycle();
    let mut write = catalog.write().unwrap();
    write.append_and_apply(&config(), first).unwrap();
    write.commit().unwrap();
    while !rest.is_empty() {
        let size = sizes.next().copied().unwrap_or(1).min(rest.len());
        let mut write = catalog.write().unwrap();
        match size % 2 {
            0 => write.append_and_apply(&config(), &rest[..size]).unwrap(),
            _ => write.append(&rest[..size]).unwrap(),
        }
        write.commit().unwrap();
        rest = &rest[size..];
    }
    let mut write = catalog.write().unwrap();
    while write.apply_journal(&config(), 7).unwrap() {}
    write.commit_bookkeeping().unwrap();
    (dir, catalog)
}

/// Whether the signals are what a count of the log in order of time gives, and their digest.
fn verified(catalog: &Catalog) -> (bool, u64) {
    let mut write = catalog.write().unwrap();
    let (before, after) = write.verify_signals(&config()).unwrap();
    (before == after, after)
}

/// Every row of the signals.
fn signals(catalog: &Catalog) -> Vec<Row> {
    let read = catalog.read().unwrap();
    rows(read.view(), false).into_iter().filter(|(table, ..)| !["ids", "popular"].contains(table)).collect()
}

/// Rows are the same; else the first that differ.
fn same(found: &[Row], wanted: &[Row]) {
    let differs = found.iter().zip(wanted).find(|(a, b)| a != b);
    assert!(differs.is_none() && found.len() == wanted.len(), "{differs:?} {} {}", found.len(), wanted.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn any_order_and_any_batches_leave_the_rows_of_the_order_in_time(
        drawn in drawn(ITEMS),
        shuffles in prop::collection::vec((any::<u64>(), prop::collection::vec(1usize..30, 1..5)), 3),
    ) {
        let (first, sorted) = entries(&drawn);
        let (_dir, in_time) = log(&first, &sorted, &[1_000]);
        let (wanted, digest) = (signals(&in_time), verified(&in_time));
        prop_assert!(digest.0);
        for (place, (seed, sizes)) in shuffles.iter().enumerate() {
            let mut other = sorted.clone();
            match place {
                0 => other.reverse(),
                _ => shuffle(&mut other, *seed),
            }
            // Some are delivered twice, the second time anywhere.
            let twice: Vec<Entry> = other.iter().step_by(5).cloned().collect();
            other.extend(twice);
            let (_dir, catalog) = log(&first, &other, sizes);
            same(&signals(&catalog), &wanted);
            prop_assert_eq!(verified(&catalog), digest);
            same(&signals(&catalog), &wanted);
        }
    }
}

/// Fisher and Yates, by a generator of its own.
fn shuffle<T>(list: &mut [T], seed: u64) {
    let mut state = seed | 1;
    for last in (1..list.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        list.swap(last, (state >> 33) as usize % (last + 1));
    }
}

#[test]
fn long_lists_differ_in_their_light_end_only() {
    // One item with 300 others after it, some of them more often; lists hold 96 to 128.
    let (dir, one) = catalog();
    let (other_dir, other) = catalog();
    let at = |user: usize, minute: i64| {
        Timestamp::from_millis(1_600_000_000_000 + user as i64 * 86_400_000 + minute * 60_000)
    };
    let arrived = Timestamp::from_millis(1_700_000_000_000);
    let logged = |user: usize, item: String, minute: i64| {
        let event = Event::new(format!("u{user}"), Action::Click).item(item).at(at(user, minute));
        Entry::Event(LoggedEvent { event, arrived, dated: true })
    };
    let follower = |user: usize| if user.is_multiple_of(3) { user % 10 } else { user };
    let sorted: Vec<Entry> = (0..300)
        .flat_map(|user| [logged(user, "i0".to_owned(), 0), logged(user, format!("n{}", follower(user)), 1)])
        .collect();
    let mut shuffled = sorted.clone();
    shuffle(&mut shuffled, 5);
    for (catalog, entries) in [(&one, &sorted), (&other, &shuffled)] {
        let mut write = catalog.write().unwrap();
        // Keys in the same order.
        let mut known: Vec<Entry> = (0..300).map(|user| logged(user, format!("n{user}"), -1)).collect();
        known.iter_mut().for_each(|entry| {
            if let Entry::Event(logged) = entry {
                logged.event.action = Action::Skip
            }
        });
        write.append_and_apply(&config(), &known).unwrap();
        write.append_and_apply(&config(), entries).unwrap();
        write.commit().unwrap();
    }
    let (first, second) = (verified(&one), verified(&other));
    assert_eq!((first.0, second), (true, first), "the sums are the same");
    let list = |catalog: &Catalog| {
        let read = catalog.read().unwrap();
        let mut list: Vec<_> =
            read.view().neighbours(crate::catalog::Relation::Next, ItemKey(0)).unwrap().at(arrived).collect();
        list.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.0.cmp(&b.0.0)));
        list.truncate(10);
        list
    };
    assert_eq!(list(&one), list(&other), "after the count, the heaviest are as well");
    drop((dir, other_dir));
}

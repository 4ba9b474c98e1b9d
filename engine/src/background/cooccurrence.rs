//! Rebuilding the co-occurrence lists from the whole log: for each item, the items that the same users chose.
//!
//! A user with a hundred events relates ten thousand pairs; counted incrementally, each event would write a hundred rows.
//! So the lists are rebuilt from time to time, in the background, into the generation that is not current; one pointer
//! then flips. Between two builds the co-visits of `Relation::Next` carry what is new.

use crate::api::config::{Config, Meaning};
use crate::base::error::Result;
use crate::base::id::{ItemKey, KeyMap};
use crate::base::score::top_k;
use crate::base::time::Timestamp;
use crate::base::watch;
use crate::catalog::{Neighbours, View};
use crate::store::Stores;
use crate::store::cooccurrence::Cooccurrence;

/// Positive events of one user that are related to one another: the newest.
const WINDOW: usize = 100;
/// Neighbours that are kept of each item.
const KEPT: usize = 128;
/// A pair of this weight counts half: shrinkage for pairs that few users share.
const PRIOR_WEIGHT: f32 = 2.0;
/// Rows of one transaction.
const ROWS: usize = 2_000;
/// Powers that damp popular items: of the item's own sum of weights, and of the neighbour's events. Chosen on the
/// validation splits of two logs (docs/RECOMMEND.md).
const OWN_POWER: f32 = 0.5;
const OTHER_POWER: f32 = 0.6;

/// Rebuilds the lists and makes them current.
///
/// # Errors
/// [`crate::Error::Closed`] when the engine closes meanwhile, and those of a call that is stopped: the lists stay as they were.
pub(crate) fn rebuild(stores: &Stores) -> Result<()> {
    let (log, built) = {
        let catalog = stores.catalog.read()?;
        let counters = catalog.counters();
        let generation = Cooccurrence::read(catalog.view())?.is_none_or(|before| !before.generation);
        let events = catalog.view().events_logged(&counters)?;
        (Log::read(catalog.view(), &stores.config)?, Cooccurrence { generation, events, seq: counters.applied })
    };
    let mut write = stores.catalog.write()?;
    write.clear_neighbours(built.relation())?;
    write.commit_bookkeeping()?;
    let mut sums = Sums::new(log.items.len());
    for rows in (0..log.items.len()).collect::<Vec<_>>().chunks(ROWS) {
        let list = |item: &usize| {
            stores.check_open()?;
            Ok((log.items[*item], log.neighbours(*item, &mut sums)))
        };
        let lists = rows.iter().map(list).collect::<Result<Vec<_>>>()?;
        watch::report("relate", rows.last().map_or(0, |last| last + 1), log.items.len());
        let mut write = stores.catalog.write()?;
        for (item, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            write.set_neighbours(built.relation(), item, list)?;
        }
        write.commit_bookkeeping()?;
    }
    let mut write = stores.catalog.write()?;
    built.write(&mut write)?;
    write.commit_bookkeeping()
}

/// The positive events of all users, by user and time, with dense numbers for items.
struct Log {
    items: Vec<ItemKey>,
    /// Events of each item, raised to `OTHER_POWER` once all are counted.
    counts: Vec<f32>,
    /// Item and time of each event, user after user.
    events: Vec<(u32, Timestamp)>,
    /// The range of each user's events.
    users: Vec<std::ops::Range<usize>>,
    /// User and place of the events of each item.
    of_item: Vec<Vec<(u32, u32)>>,
}

impl Log {
    fn read(view: View<'_>, config: &Config) -> Result<Log> {
        let mut log =
            Log { items: Vec::new(), counts: Vec::new(), events: Vec::new(), users: Vec::new(), of_item: Vec::new() };
        let mut numbers: KeyMap<ItemKey, u32> = KeyMap::default();
        let mut last = None;
        for row in view.events_by_user()? {
            let (user, event) = row?;
            let (meaning, _) = event.action.meaning(event.value, config);
            let Some(item) = event.item.filter(|_| meaning == Meaning::Positive) else { continue };
            if last.replace(user) != Some(user) {
                log.users.push(log.events.len()..log.events.len());
            }
            let number = *numbers.entry(item).or_insert_with(|| {
                log.items.push(item);
                log.counts.push(0.0);
                log.of_item.push(Vec::new());
                log.items.len() as u32 - 1
            });
            let place = log.events.len() as u32;
            log.counts[number as usize] += 1.0;
            log.of_item[number as usize].push((log.users.len() as u32 - 1, place));
            log.events.push((number, event.time));
            if let Some(user) = log.users.last_mut() {
                user.end = log.events.len();
            }
        }
        log.counts.iter_mut().for_each(|count| *count = count.powf(OTHER_POWER));
        Ok(log)
    }

    /// The best neighbours of one item: how often the others came after it, or at the same time, in one user's last
    /// events; divided by powers of both items' popularity.
    fn neighbours(&self, item: usize, sums: &mut Sums) -> Neighbours {
        for (user, place) in &self.of_item[item] {
            let whole = &self.users[*user as usize];
            let place = *place as usize;
            let time = self.events[place].1;
            // Events of the same time have no order: those before count as well.
            let same = self.events[whole.start..place].iter().rev().take(WINDOW).take_while(|(_, t)| *t == time);
            let after = self.events[place + 1..whole.end].iter().take(WINDOW);
            for (other, _) in same.chain(after).filter(|(other, _)| *other as usize != item) {
                sums.add(*other);
            }
        }
        let total: f32 = sums.touched.iter().map(|other| sums.weights[*other as usize]).sum();
        let own = total.powf(OWN_POWER);
        let damped = |other: u32, weight: f32| {
            // Two users who agree are chance, twenty are not.
            let weight = weight * weight / (weight + PRIOR_WEIGHT);
            weight / (own * self.counts[other as usize]).max(f32::MIN_POSITIVE)
        };
        // By key where weights are the same: numbers depend on which user was logged first.
        let scored = sums
            .touched
            .iter()
            .map(|other| (self.items[*other as usize], damped(*other, sums.weights[*other as usize])));
        let best = top_k(scored.collect(), KEPT);
        sums.clear();
        Neighbours::of(best)
    }
}

/// Sums by item number, and which of them are not zero.
struct Sums {
    weights: Vec<f32>,
    touched: Vec<u32>,
}

impl Sums {
    fn new(items: usize) -> Sums {
        Sums { weights: vec![0.0; items], touched: Vec::new() }
    }

    fn add(&mut self, item: u32) {
        let weight = &mut self.weights[item as usize];
        if *weight == 0.0 {
            self.touched.push(item);
        }
        *weight += 1.0;
    }

    fn clear(&mut self) {
        self.touched.drain(..).for_each(|item| self.weights[item as usize] = 0.0);
    }
}

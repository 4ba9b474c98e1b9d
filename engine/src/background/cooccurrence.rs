//! Fitting to the whole log what cannot be kept event by event: which items the same people have.
//!
//! A person with a hundred events relates ten thousand pairs; kept event by event, each event would write a hundred
//! rows. So these lists are fitted from time to time, in the background, into the generation that is not live; one
//! pointer then flips. Between two fits the co-visits of `Relation::Next` carry what is new.

use serde::{Deserialize, Serialize};

use crate::api::config::{Config, Meaning};
use crate::base::error::Result;
use crate::base::id::{ItemKey, KeyMap, Seq};
use crate::base::score::top_k;
use crate::base::time::Timestamp;
use crate::catalog::{Neighbours, Relation, View};
use crate::store::Stores;

/// The meta record of the live fit.
const TOGETHER: &str = "together";
/// Positive events of one person that are related to one another: the newest.
const WINDOW: usize = 100;
/// Neighbours that are kept of each item.
const KEPT: usize = 128;
/// Weight of a pair that counts half of what it says.
const FEW: f32 = 2.0;
/// Rows of one transaction.
const ROWS: usize = 2_000;
/// Powers that calm what is had by all: of the item's own sum of weights, and of the neighbour's events. Chosen beside
/// others on the validation splits of two logs (docs/RECOMMEND.md).
const OWN_POWER: f32 = 0.5;
const OTHER_POWER: f32 = 0.6;

/// What is known of the live fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Together {
    /// Which of the two generations is live.
    pub live: bool,
    /// Events ever logged when it was fitted.
    pub events: u64,
    /// The commit that it was fitted to.
    pub seq: Seq,
}

impl Together {
    /// The live fit, when there is one.
    pub(crate) fn read(view: View<'_>) -> Result<Option<Together>> {
        view.meta(TOGETHER)
    }

    /// The relation that requests read.
    pub(crate) fn relation(self) -> Relation {
        Relation::Cooccurrence(self.live)
    }
}

/// Fits the lists anew and makes them live. Ends early, with nothing changed, when the engine closes.
pub(crate) fn fit_together(stores: &Stores) -> Result<()> {
    let (log, fitted) = {
        let catalog = stores.catalog.read()?;
        let counters = catalog.counters();
        let live = Together::read(catalog.view())?.is_none_or(|before| !before.live);
        let events = catalog.view().events_logged(&counters)?;
        (Log::read(catalog.view(), &stores.config)?, Together { live, events, seq: counters.applied })
    };
    let mut write = stores.catalog.write()?;
    write.clear_neighbours(fitted.relation())?;
    write.commit_bookkeeping()?;
    let mut scratch = Scratch::new(log.items.len());
    for rows in (0..log.items.len()).collect::<Vec<_>>().chunks(ROWS) {
        if stores.progress.is_closing() {
            return Ok(());
        }
        let lists: Vec<_> = rows.iter().map(|item| (log.items[*item], log.neighbours(*item, &mut scratch))).collect();
        let mut write = stores.catalog.write()?;
        for (item, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            write.set_neighbours(fitted.relation(), item, list)?;
        }
        write.commit_bookkeeping()?;
    }
    let mut write = stores.catalog.write()?;
    write.set_meta(TOGETHER, &fitted)?;
    write.commit_bookkeeping()
}

/// The positive events of everybody, by person and time, with dense numbers for items.
struct Log {
    items: Vec<ItemKey>,
    /// Events of each item, and later their power `OTHER_POWER`.
    counts: Vec<f32>,
    /// Item and time of each event, person after person.
    events: Vec<(u32, Timestamp)>,
    /// Where each event's person begins and ends.
    people: Vec<std::ops::Range<usize>>,
    /// Person and place of the events of each item.
    of_item: Vec<Vec<(u32, u32)>>,
}

impl Log {
    fn read(view: View<'_>, config: &Config) -> Result<Log> {
        let mut log =
            Log { items: Vec::new(), counts: Vec::new(), events: Vec::new(), people: Vec::new(), of_item: Vec::new() };
        let mut numbers: KeyMap<ItemKey, u32> = KeyMap::default();
        let mut last = None;
        for row in view.events_by_user()? {
            let (user, event) = row?;
            let (meaning, _) = event.action.meaning(event.value, config);
            let Some(item) = event.item.filter(|_| meaning == Meaning::Positive) else { continue };
            if last.replace(user) != Some(user) {
                log.people.push(log.events.len()..log.events.len());
            }
            let number = *numbers.entry(item).or_insert_with(|| {
                log.items.push(item);
                log.counts.push(0.0);
                log.of_item.push(Vec::new());
                log.items.len() as u32 - 1
            });
            let place = log.events.len() as u32;
            log.counts[number as usize] += 1.0;
            log.of_item[number as usize].push((log.people.len() as u32 - 1, place));
            log.events.push((number, event.time));
            if let Some(person) = log.people.last_mut() {
                person.end = log.events.len();
            }
        }
        log.counts.iter_mut().for_each(|count| *count = count.powf(OTHER_POWER));
        Ok(log)
    }

    /// The best neighbours of one item: how often the others came after it, or at the same time, in one person's last
    /// events; divided by powers of how much there is of either.
    fn neighbours(&self, item: usize, scratch: &mut Scratch) -> Neighbours {
        for (person, place) in &self.of_item[item] {
            let whole = &self.people[*person as usize];
            let place = *place as usize;
            let time = self.events[place].1;
            // Events of the same time have no order: those before count as well.
            let same = self.events[whole.start..place].iter().rev().take(WINDOW).take_while(|(_, t)| *t == time);
            let after = self.events[place + 1..whole.end].iter().take(WINDOW);
            for (other, _) in same.chain(after).filter(|(other, _)| *other as usize != item) {
                scratch.add(*other);
            }
        }
        let total: f32 = scratch.touched.iter().map(|other| scratch.weights[*other as usize]).sum();
        let own = total.powf(OWN_POWER);
        let calm = |other: u32, weight: f32| {
            // Two people who agree are chance, twenty are not.
            let weight = weight * weight / (weight + FEW);
            weight / (own * self.counts[other as usize]).max(f32::MIN_POSITIVE)
        };
        let scored = scratch.touched.iter().map(|other| (ItemKey(u64::from(*other)), *other)).map(|(key, other)| {
            let weight = calm(other, scratch.weights[other as usize]);
            (key, weight)
        });
        let best = top_k(scored.collect(), KEPT);
        scratch.clear();
        Neighbours::of(best.into_iter().map(|(number, weight)| (self.items[number.0 as usize], weight)))
    }
}

/// Sums by item number, and which of them are not zero.
struct Scratch {
    weights: Vec<f32>,
    touched: Vec<u32>,
}

impl Scratch {
    fn new(items: usize) -> Scratch {
        Scratch { weights: vec![0.0; items], touched: Vec::new() }
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

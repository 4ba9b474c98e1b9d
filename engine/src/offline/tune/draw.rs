//! Which past events become samples.
//!
//! An event stands for a request that was answered: just before it, its user could have been shown a list with its item on
//! top. Events that begin a visit and events within one are drawn separately, as are requests that exclude items the user has
//! interacted with, because weights that suit one do not suit the other. Signals are sparse at the beginning of a log, so
//! samples are drawn from its later part.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::api::calibration::Situation;
use crate::base::random::unit_hash;
use crate::base::time::Timestamp;

/// Most samples of one situation. A few hundred fit a weight for each feature as well as thousands (measured).
const MAX_SAMPLES: usize = 1_000;
/// The fraction of the log, from its beginning, that only builds up signals.
const WARM_UP: f64 = 0.3;
const SEED: u64 = 20_261_124;

/// One past event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Past {
    pub user: u32,
    /// The item of a positive event; `None` for any other event.
    pub item: Option<u32>,
    pub time: Timestamp,
    /// It names the query that led to the item.
    pub query: bool,
}

/// An event that becomes a sample: asked just before it is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Draw {
    /// Its place in the log.
    pub at: usize,
    pub situation: Situation,
}

/// Draws samples from events in order of time; the draws come in that order, too. A pause of `gap` seconds ends a visit.
pub(crate) fn draw(events: &[Past], gap: f64) -> Vec<Draw> {
    let mut pools: HashMap<(Situation, bool), Vec<usize>> = HashMap::new();
    let from = (events.len() as f64 * WARM_UP) as usize;
    each(events, gap, |at, situations, begins| {
        for situation in situations.into_iter().filter(|situation| at >= from || !situation.history) {
            // The new items that follow one another in a basket are many, and much alike: half of the samples are
            // the first of a visit, where there are enough.
            pools.entry((situation, begins)).or_default().push(at);
        }
    });
    let mut draws: Vec<Draw> = Vec::new();
    for situation in Situation::ALL {
        let pool = |first: bool| pools.get(&(situation, first)).map_or(&[][..], Vec::as_slice);
        let firsts = drawn(situation, pool(true), MAX_SAMPLES.saturating_sub(pool(false).len()).max(MAX_SAMPLES / 2));
        let others = drawn(situation, pool(false), MAX_SAMPLES - firsts.len());
        draws.extend(firsts.into_iter().chain(others).map(|at| Draw { at, situation }));
    }
    draws.sort_by_key(|draw| (draw.at, draw.situation));
    draws
}

/// Calls `found` for each event in order, with its place, its situations, and whether its visit had no new item before it.
fn each(events: &[Past], gap: f64, mut found: impl FnMut(usize, Vec<Situation>, bool)) {
    let mut people: HashMap<u32, Visitor> = HashMap::new();
    for (at, event) in events.iter().enumerate() {
        let visitor = people.entry(event.user).or_insert_with(|| Visitor::new(gap));
        found(at, visitor.situations(event), visitor.begins(event));
        visitor.step(event);
    }
}

/// Stratified sampling: draws at most `max` events, each for one situation, the same number of each kind; what rare kinds
/// lack goes to the others. An event whose item is new to its user stands for a list without known items, or by chance for
/// one with them. The beginning of the log, where signals are sparse, is left out when there are enough events after it.
pub(crate) fn spread(events: &[Past], gap: f64, max: usize) -> Vec<Draw> {
    let late = (events.len() as f64 * WARM_UP) as usize;
    let enough = events.iter().skip(late).filter(|event| event.item.is_some()).count() >= max;
    let from = if enough { late } else { 0 };
    let mut pools: BTreeMap<(Situation, bool), Vec<usize>> = BTreeMap::new();
    each(events, gap, |at, mut situations, begins| {
        if situations.len() > 1 {
            situations.swap_remove(usize::from(unit_hash([SEED, at as u64, u64::MAX]) < 0.5));
        }
        if let Some(situation) = situations.pop().filter(|_| at >= from) {
            pools.entry((situation, begins)).or_default().push(at);
        }
    });
    let cap = fair_cap(pools.values().map(Vec::len).collect(), max);
    // The remainder of the division: one more of a kind each.
    let mut over = max.saturating_sub(pools.values().map(|pool| pool.len().min(cap)).sum());
    let mut draws: Vec<Draw> = Vec::new();
    for ((situation, _), pool) in pools {
        let more = usize::from(over > 0 && pool.len() > cap);
        over -= more;
        draws.extend(drawn(situation, &pool, cap + more).into_iter().map(|at| Draw { at, situation }));
    }
    draws.sort_by_key(|draw| draw.at);
    draws
}

/// The largest number that each pool may give so that all together give at most `max`.
fn fair_cap(mut pools: Vec<usize>, max: usize) -> usize {
    pools.sort_unstable();
    let mut left = max;
    for (place, pool) in pools.iter().enumerate() {
        let fair = left / (pools.len() - place);
        if *pool > fair {
            return fair;
        }
        left -= pool;
    }
    usize::MAX
}

/// The random position of an event in the draw of a situation, 0 to 1: the smallest are drawn.
pub(super) fn position(situation: Situation, at: usize) -> f64 {
    unit_hash([SEED, situation.cell() as u64, at as u64])
}

/// At most `max` of a pool, by a hash of their place in the log.
fn drawn(situation: Situation, pool: &[usize], max: usize) -> Vec<usize> {
    let mut drawn = pool.to_vec();
    drawn.sort_by(|a, b| position(situation, *a).total_cmp(&position(situation, *b)));
    drawn.truncate(max);
    drawn
}

/// A user while the log is replayed.
pub(super) struct Visitor {
    /// Seconds without an event that end a visit.
    gap: f64,
    last: Option<Timestamp>,
    items: HashSet<u32>,
    /// The visit has an item that was new to the user.
    found_new: bool,
}

impl Visitor {
    pub(super) fn new(gap: f64) -> Visitor {
        Visitor { gap, last: None, items: HashSet::new(), found_new: false }
    }

    /// The situations that an event is a sample of.
    pub(super) fn situations(&self, event: &Past) -> Vec<Situation> {
        let Some(item) = event.item else { return Vec::new() };
        let (query, history) = (event.query, self.last.is_some());
        let of = |exclude_seen, in_visit| Situation { query, history, exclude_seen, in_visit };
        if !history {
            return vec![of(false, false)];
        }
        let in_visit = self.in_visit(event.time);
        let mut found = vec![of(false, in_visit)];
        if !self.items.contains(&item) {
            found.push(of(true, in_visit));
        }
        found
    }

    /// Whether the visit had no item that was new to its user before this event.
    pub(super) fn begins(&self, event: &Past) -> bool {
        !self.found_new || !self.in_visit(event.time)
    }

    fn in_visit(&self, time: Timestamp) -> bool {
        self.last.is_some_and(|last| time.seconds_since(last) < self.gap)
    }

    pub(super) fn step(&mut self, event: &Past) {
        if !self.in_visit(event.time) {
            self.found_new = false;
        }
        if let Some(item) = event.item {
            self.found_new |= self.items.insert(item);
            self.last = Some(event.time);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(user: u32, item: u32, seconds: f64) -> Past {
        Past { user, item: Some(item), time: Timestamp::from_seconds(seconds), query: false }
    }

    #[test]
    fn every_kind_of_request_is_drawn_and_none_before_its_history() {
        let mut events = Vec::new();
        for visit in 0..40 {
            for (place, item) in [visit % 7, 100 + visit, 200 + visit].into_iter().enumerate() {
                events.push(past(visit % 3, item, f64::from(visit) * 86_400.0 + place as f64 * 60.0));
            }
        }
        let draws = draw(&events, 1_800.0);
        let of = |exclude_seen, in_visit| {
            draws
                .iter()
                .filter(|d| d.situation.exclude_seen == exclude_seen && d.situation.in_visit == in_visit)
                .count()
        };
        assert!(of(false, false) > 20 && of(false, true) > 40 && of(true, true) > 10, "{draws:?}");
        assert!(draws.iter().filter(|d| !d.situation.history).all(|d| d.at < 9), "a first event has no history");
        assert!(draws.windows(2).all(|pair| pair[0].at <= pair[1].at));
        assert_eq!(draws, draw(&events, 1_800.0), "the same log gives the same samples");
        assert!(draw(&events, 30.0).iter().all(|d| !d.situation.in_visit), "a minute is longer than this gap");
    }

    #[test]
    fn a_spread_draws_each_event_once_and_rare_kinds_whole() {
        let visit = |visit: u32| {
            (0..20)
                .map(move |place| past(visit % 5, visit * 20 + place, f64::from(visit) * 86_400.0 + f64::from(place)))
        };
        let events: Vec<Past> = (0..50).flat_map(visit).collect();
        let draws = spread(&events, 1_800.0, 200);
        assert!((190..=200).contains(&draws.len()), "{}", draws.len());
        assert!(draws.windows(2).all(|pair| pair[0].at < pair[1].at), "each event once, in order");
        let first = draws.iter().filter(|draw| !draw.situation.in_visit).count();
        assert_eq!(first, 35, "every first of a visit behind the beginning of the log");
        let new = draws.iter().filter(|draw| draw.situation.exclude_seen).count();
        assert!((70..130).contains(&new), "{new}");
        assert_eq!(draws, spread(&events, 1_800.0, 200), "the same log gives the same draws");
        assert_eq!(spread(&events, 1_800.0, 1_000).len(), 1_000, "all of them, where there is room");
        for few in [1, 2, 3, 199] {
            assert_eq!(spread(&events, 1_800.0, few).len(), few, "as many as asked for, fewer than kinds too");
        }
    }

    #[test]
    fn small_pools_give_their_part_to_the_others() {
        assert_eq!(fair_cap(vec![10, 1, 100], 40), 29);
        assert_eq!(fair_cap(vec![10, 1, 100], 111), usize::MAX);
        assert_eq!(fair_cap(vec![50, 50], 40), 20);
        assert_eq!(fair_cap(Vec::new(), 40), usize::MAX);
    }
}

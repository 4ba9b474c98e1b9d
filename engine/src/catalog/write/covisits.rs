//! Relates a positive event to those before it.
//!
//! A visit adds one pair for each visit shortly before it in the events of its user. A visit that arrives late comes
//! between others: what these had added is taken away where it is another with the late one in between. So the lists are
//! those of the events in order of time, in whatever order they arrive.

use crate::api::config::Config;
use crate::base::error::Result;
use crate::base::id::{ItemKey, UserKey};
use crate::base::time::Timestamp;
use crate::catalog::rows::events::StoredEvent;
use crate::catalog::rows::key_parts::Relation;

use super::transaction::CatalogWrite;
use super::visits::{MAX_VISITS, RecentVisits, Visit};

/// Visits before one that it is related to as next.
const SEQUENCE_WINDOW: usize = 10;
/// Visits of the same basket, among the [`MAX_VISITS`] before one, that it is related to.
const BASKET_WINDOW: usize = 10;
/// Stored events that are searched for visits.
const MAX_SEARCHED: usize = 1_000;

/// The weight of a pair that is `steps` visits apart: the harmonic series. Among the windows and the decays by step and
/// by time that were tried (docs/RECOMMEND.md), this one was among the best on both logs.
fn sequence_weight(steps: usize) -> f32 {
    1.0 / steps as f32
}

impl CatalogWrite<'_> {
    /// The key of a user id, with the user's newest visits in the batch.
    pub(super) fn user_in_batch(&mut self, config: &Config, id: &str) -> Result<UserKey> {
        if let Some(key) = self.batch.users.get(id) {
            return Ok(*key);
        }
        let key = self.ensure_user(id)?;
        let mut visits = RecentVisits::default();
        for event in self.view().history(key, Timestamp::MAX)?.take(MAX_SEARCHED) {
            if let Some(visit) = Visit::of(&event?, config) {
                visits.push_older(visit);
            }
            if visits.is_full() {
                break;
            }
        }
        self.batch.users.insert(id.to_owned(), key);
        self.batch.visits.insert(key, visits);
        Ok(key)
    }

    /// Relates a visit to those around it, and keeps it in the batch for those to come.
    pub(super) fn relate(&mut self, config: &Config, user: UserKey, visit: Visit) -> Result<()> {
        let Some(recent) = self.batch.visits.get_mut(&user) else { return Ok(()) };
        match recent.add(visit) {
            Some(before) => pairs(&before, visit).into_iter().try_for_each(|pair| self.count_pair(pair)),
            None => self.relate_late(config, user, visit),
        }
    }

    /// Relates a visit that is not the user's newest: the visits after it have it among those before them now.
    fn relate_late(&mut self, config: &Config, user: UserKey, visit: Visit) -> Result<()> {
        let (before, after) = self.visits_around(config, user, visit)?;
        pairs(&before, visit).into_iter().try_for_each(|pair| self.count_pair(pair))?;
        for (place, later) in after.iter().enumerate() {
            let between = || after[..place].iter().rev().copied();
            let window = |visits: &mut dyn Iterator<Item = Visit>| visits.take(MAX_VISITS).collect::<Vec<_>>();
            let was = window(&mut between().chain(before.iter().copied()));
            let is = window(&mut between().chain([visit]).chain(before.iter().copied()));
            let mut added = pairs(&is, *later);
            for pair in pairs(&was, *later) {
                match added.iter().position(|other| *other == pair) {
                    Some(same) => drop(added.swap_remove(same)),
                    None => self.discount_pair(pair)?,
                }
            }
            added.into_iter().try_for_each(|pair| self.count_pair(pair))?;
        }
        Ok(())
    }

    /// The stored visits before one and after it, the nearest first.
    fn visits_around(&self, config: &Config, user: UserKey, visit: Visit) -> Result<(Vec<Visit>, Vec<Visit>)> {
        let before = |other: &Visit| other.position() < visit.position();
        let after = |other: &Visit| other.position() > visit.position();
        let view = self.view();
        Ok((
            visits(config, view.history(user, visit.time)?, before)?,
            visits(config, view.history_from(user, visit.time)?, after)?,
        ))
    }

    /// Counts a pair with both items.
    fn count_pair(&mut self, pair: Pair) -> Result<()> {
        let Pair { relation, first, then, weight, time } = pair;
        self.neighbours_of(relation, first)?.add(then, weight, time);
        self.neighbours_of(relation.reversed(), then)?.add(first, weight, time);
        Ok(())
    }

    /// Undoes [`CatalogWrite::count_pair`].
    fn discount_pair(&mut self, pair: Pair) -> Result<()> {
        let Pair { relation, first, then, weight, time } = pair;
        self.neighbours_of(relation, first)?.remove(then, weight, time);
        self.neighbours_of(relation.reversed(), then)?.remove(first, weight, time);
        Ok(())
    }
}

/// Two items that are related by two visits.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Pair {
    relation: Relation,
    first: ItemKey,
    then: ItemKey,
    weight: f32,
    time: Timestamp,
}

/// The pairs that a visit adds, with the visits before it, newest first.
fn pairs(before: &[Visit], visit: Visit) -> Vec<Pair> {
    let sequence = (1..=SEQUENCE_WINDOW).zip(before).map(|(steps, other)| Pair {
        relation: Relation::Next,
        first: other.item,
        then: visit.item,
        weight: sequence_weight(steps),
        time: visit.counted,
    });
    let in_basket = |other: &&Visit| visit.basket != 0 && other.basket == visit.basket;
    let basket = before.iter().filter(in_basket).take(BASKET_WINDOW).map(|other| Pair {
        relation: Relation::Basket,
        first: other.item,
        then: visit.item,
        weight: 1.0,
        time: visit.counted.max(other.counted),
    });
    sequence.chain(basket).filter(|pair| pair.first != pair.then).collect()
}

/// The nearest visits among stored events, in their order, that lie on one side of another.
fn visits(
    config: &Config,
    events: impl Iterator<Item = Result<StoredEvent>>,
    is_beside: impl Fn(&Visit) -> bool,
) -> Result<Vec<Visit>> {
    let mut found = Vec::new();
    for event in events.take(MAX_SEARCHED) {
        found.extend(Visit::of(&event?, config).filter(&is_beside));
        if found.len() == MAX_VISITS {
            break;
        }
    }
    Ok(found)
}

//! Relates a positive event to those around it.

use crate::api::config::Config;
use crate::base::error::Result;
use crate::base::id::{ItemKey, UserKey};
use crate::base::time::Timestamp;
use crate::catalog::rows::events::StoredEvent;
use crate::catalog::rows::key_parts::Relation;

use super::transaction::CatalogWrite;
use super::visits::{MAX_VISITS, RecentVisits, Visit};

/// Visits on either side of a new one that it is related to as next or previous.
const SEQUENCE_WINDOW: usize = 10;
/// Visits of the same basket that a new one is related to.
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
        let (before, after) = match recent.add(visit) {
            Some(before) => (before, Vec::new()),
            // An event that arrives out of order finds the events around it in the tables.
            None => self.visits_around(config, user, visit)?,
        };
        self.relate_sequence(&before, visit, &after)?;
        if visit.basket != 0 {
            let same = before.iter().chain(&after).filter(|other| other.basket == visit.basket).take(BASKET_WINDOW);
            self.relate_basket(same, visit)?;
        }
        Ok(())
    }

    /// The stored visits before one and after it, the nearest first.
    fn visits_around(&self, config: &Config, user: UserKey, visit: Visit) -> Result<(Vec<Visit>, Vec<Visit>)> {
        let mut before = visits(config, self.view().history(user, visit.time)?, visit)?;
        let mut after = visits(config, self.view().history_from(user, visit.time)?, visit)?;
        before.retain(|other| other.position() < visit.position());
        after.retain(|other| other.position() > visit.position());
        Ok((before, after))
    }

    fn relate_sequence(&mut self, before: &[Visit], visit: Visit, after: &[Visit]) -> Result<()> {
        for (steps, other) in (1..=SEQUENCE_WINDOW).zip(before) {
            self.follow(other.item, visit.item, sequence_weight(steps), visit.counted)?;
        }
        for (steps, other) in (1..=SEQUENCE_WINDOW).zip(after) {
            self.follow(visit.item, other.item, sequence_weight(steps), other.counted)?;
        }
        Ok(())
    }

    /// Counts that one item came after another, with both items.
    fn follow(&mut self, first: ItemKey, then: ItemKey, weight: f32, time: Timestamp) -> Result<()> {
        if first != then {
            self.neighbours_of(Relation::Next, first)?.add(then, weight, time);
            self.neighbours_of(Relation::Previous, then)?.add(first, weight, time);
        }
        Ok(())
    }

    fn relate_basket<'v>(&mut self, others: impl Iterator<Item = &'v Visit>, visit: Visit) -> Result<()> {
        for other in others.filter(|other| other.item != visit.item) {
            let time = visit.counted.max(other.counted);
            self.neighbours_of(Relation::Basket, other.item)?.add(visit.item, 1.0, time);
            self.neighbours_of(Relation::Basket, visit.item)?.add(other.item, 1.0, time);
        }
        Ok(())
    }
}

/// The visits among stored events, in their order, that were logged before `visit`.
fn visits(config: &Config, events: impl Iterator<Item = Result<StoredEvent>>, visit: Visit) -> Result<Vec<Visit>> {
    let mut found = Vec::new();
    for event in events.take(MAX_SEARCHED) {
        // A rebuild of the signals also finds events that were logged later.
        found.extend(Visit::of(&event?, config).filter(|other| other.order < visit.order));
        if found.len() == MAX_VISITS {
            break;
        }
    }
    Ok(found)
}

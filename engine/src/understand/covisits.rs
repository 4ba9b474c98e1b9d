//! What the log relates to a request's history: co-visits of its last events in both directions, co-occurrence by
//! user, and shared baskets.
//!
//! A list is read for each event, the newest counting most, and the lists are added up. Weights of an item's list are
//! divided by a root of their sum, so that an item which every user has predicts less.

use crate::base::error::Result;
use crate::base::id::{ItemKey, KeyMap};
use crate::base::time::Timestamp;
use crate::catalog::{Neighbours, Relation};
use crate::store::cooccurrence::Cooccurrence;
use crate::store::snapshot::Snapshot;

/// Events whose co-visits are read: at half the weight from step to step, more would not count.
const NEXT_EVENTS: usize = 12;
const NEXT_DECAY: f32 = 0.5;
/// Events whose baskets are read.
const BASKET_EVENTS: usize = 12;
const BASKET_DECAY: f32 = 0.9;
/// Distinct items whose co-occurring items are read.
const COOCCURRENCE_ITEMS: usize = 30;

/// Weight that is added to that of every list, as a prior: one event of one user is not yet a pattern.
const PRIOR_WEIGHT: f32 = 10.0;
/// The least sum that scales to 1: below it, even the best of a list scores less.
const MIN_TOP_SCORE: f32 = 0.5;

/// Scores by item, each list scaled so that a clear best is 1.
#[derive(Debug, Clone, Default)]
pub(crate) struct Relations {
    pub next: Scores,
    pub previous: Scores,
    pub cooccurrence: Scores,
    pub basket: Scores,
}

/// Items with their scores, 0 to 1.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scores(Sums);

type Sums = KeyMap<ItemKey, f32>;

impl Relations {
    /// Reads the lists of a history of items that were liked, newest first, as of a time.
    pub(crate) fn read(snapshot: &Snapshot, history: &[ItemKey], now: Timestamp) -> Result<Relations> {
        if history.is_empty() {
            return Ok(Relations::default());
        }
        let fitted = Cooccurrence::read(snapshot.catalog.view())?;
        let mut distinct = Vec::with_capacity(COOCCURRENCE_ITEMS);
        for item in history {
            if distinct.len() < COOCCURRENCE_ITEMS && !distinct.contains(item) {
                distinct.push(*item);
            }
        }
        let newest = |count: usize| &history[..count.min(history.len())];
        Ok(Relations {
            next: Scores::sum(snapshot, Relation::Next, (newest(NEXT_EVENTS), NEXT_DECAY), now)?,
            previous: Scores::sum(snapshot, Relation::Previous, (newest(NEXT_EVENTS), NEXT_DECAY), now)?,
            basket: Scores::sum(snapshot, Relation::Basket, (newest(BASKET_EVENTS), BASKET_DECAY), now)?,
            cooccurrence: match fitted {
                Some(fitted) => Scores::sum(snapshot, fitted.relation(), (&distinct, 1.0), now)?,
                None => Scores::default(),
            },
        })
    }
}

impl Scores {
    fn sum(
        snapshot: &Snapshot,
        relation: Relation,
        (items, decay): (&[ItemKey], f32),
        now: Timestamp,
    ) -> Result<Scores> {
        let view = snapshot.catalog.view();
        let mut sums = Sums::default();
        let mut weight = 1.0;
        for item in items {
            let list = view.neighbours(relation, *item)?;
            let share = weight / damping(relation, &list, now);
            for (other, strength) in list.at(now) {
                *sums.entry(other).or_default() += share * strength;
            }
            weight *= decay;
        }
        let best = sums.values().copied().fold(MIN_TOP_SCORE, f32::max);
        sums.values_mut().for_each(|sum| *sum /= best);
        Ok(Scores(sums))
    }

    /// Items with scores that were found elsewhere.
    pub(crate) fn of(scores: impl IntoIterator<Item = (ItemKey, f32)>) -> Scores {
        Scores(scores.into_iter().collect())
    }

    /// The score of an item as it is; 0 for one that is not related.
    pub(crate) fn get(&self, item: ItemKey) -> f32 {
        self.0.get(&item).copied().unwrap_or_default()
    }

    /// The score of an item as a feature. The root lifts the middle of the list, which decays fast.
    pub(crate) fn feature(&self, item: ItemKey) -> f32 {
        self.get(item).max(0.0).sqrt()
    }

    /// All items with their scores.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ItemKey, f32)> + '_ {
        self.0.iter().map(|(item, score)| (*item, *score))
    }

    /// How many are related.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is related.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What the weights of a list are divided by. Fitted lists are damped already.
fn damping(relation: Relation, list: &Neighbours, now: Timestamp) -> f32 {
    match relation {
        Relation::Cooccurrence(_) => 1.0,
        Relation::Next | Relation::Basket | Relation::Previous => (list.total(now) + PRIOR_WEIGHT).sqrt(),
    }
}

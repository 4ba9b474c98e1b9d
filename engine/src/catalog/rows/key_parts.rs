//! Small values that keys are made of.

use serde::{Deserialize, Serialize};

use crate::api::event::Action;
use crate::base::id::{ItemKey, SemanticId, UserKey};
use crate::base::time::Timestamp;

/// The number of a vector space in keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct SpaceNumber(pub u16);

/// How two items are related by what users did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Relation {
    /// The other item came after this one in the events of one user. Counted event by event.
    Next,
    /// Both items were in one basket. Counted event by event.
    Basket,
    /// The other item came before this one in the events of one user: `Next` from its other end. Counted event by
    /// event.
    Previous,
    /// The same users interacted with both, this one first. Rebuilt in batches from the whole log. The flag tells the
    /// two generations apart: one is active, the other is being rebuilt.
    Cooccurrence(bool),
}

impl Relation {
    /// The relations that are counted event by event; rebuilding the signals rebuilds these.
    pub(crate) const COUNTED: [Relation; 3] = [Relation::Next, Relation::Basket, Relation::Previous];

    /// The relation of the other item to this one.
    pub(crate) fn reversed(self) -> Relation {
        match self {
            Relation::Next => Relation::Previous,
            Relation::Previous => Relation::Next,
            same => same,
        }
    }

    /// The byte that names the relation in keys.
    pub(crate) fn number(self) -> u8 {
        match self {
            Relation::Next => 0,
            Relation::Basket => 1,
            Relation::Cooccurrence(false) => 2,
            Relation::Cooccurrence(true) => 3,
            Relation::Previous => 4,
        }
    }
}

/// Conditions on events, with keys for ids: those for which all that is given holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct EventMatch {
    pub user: Option<UserKey>,
    pub item: Option<ItemKey>,
    /// From this time on, itself included.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    pub action: Option<Action>,
    pub batch: Option<String>,
}

/// The first codes of a semantic id. Items that share them are similar, more so the longer the prefix is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum SidPrefix {
    /// The code of the first level.
    One(u8),
    /// The codes of the first two levels.
    Two(u8, u8),
}

impl SidPrefix {
    /// Both prefixes of an id, the short one first.
    pub(crate) fn of([first, second, _]: SemanticId) -> [SidPrefix; 2] {
        [SidPrefix::One(first), SidPrefix::Two(first, second)]
    }
}

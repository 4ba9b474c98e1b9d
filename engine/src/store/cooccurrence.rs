//! Which of the two generations of co-occurrence lists requests read.

use serde::{Deserialize, Serialize};

use crate::base::error::Result;
use crate::base::id::Seq;
use crate::catalog::{CatalogWrite, Relation, View};

/// The meta record.
const RECORD: &str = "together";

/// In place of the number of events.
const OUTDATED: u64 = u64::MAX;

/// The co-occurrence lists that are current.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cooccurrence {
    /// Which of the two generations is current.
    pub generation: bool,
    /// Events ever logged when the lists were built.
    pub events: u64,
    /// The commit that they were built from.
    pub seq: Seq,
}

impl Cooccurrence {
    /// The record of the current lists; `None` before the first build.
    pub(crate) fn read(view: View<'_>) -> Result<Option<Cooccurrence>> {
        view.meta(RECORD)
    }

    /// Makes the lists current.
    pub(crate) fn write(&self, write: &mut CatalogWrite<'_>) -> Result<()> {
        write.set_meta(RECORD, self)
    }

    /// The same, marked as counting events that are gone: it is due to be rebuilt.
    pub(crate) fn outdated(self) -> Cooccurrence {
        Cooccurrence { events: OUTDATED, ..self }
    }

    /// Whether the lists count events that are gone.
    pub(crate) fn is_outdated(self) -> bool {
        self.events == OUTDATED
    }

    /// The relation that requests read.
    pub(crate) fn relation(self) -> Relation {
        Relation::Cooccurrence(self.generation)
    }
}

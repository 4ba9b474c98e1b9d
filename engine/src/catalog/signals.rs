//! What is counted of an item: decayed popularity over several half-lives, and how often it was shown and chosen.

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;
use crate::base::time::Timestamp;

use super::popularity::{self, Window};
use super::read::View;
use super::store::storage;
use super::{codec, keys};

/// The counters of one item.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct ItemSignals {
    /// Log masses in the order of [`Window::ALL`].
    pub masses: [f64; Window::ALL.len()],
    /// Impressions, each counted as likely as its place is to be looked at.
    pub shown: f64,
    /// Positive events that answered an impression.
    pub chosen: f64,
}

impl Default for ItemSignals {
    fn default() -> Self {
        ItemSignals { masses: [f64::NEG_INFINITY; Window::ALL.len()], shown: 0.0, chosen: 0.0 }
    }
}

impl ItemSignals {
    /// Adds one positive event.
    pub(crate) fn add_event(&mut self, time: Timestamp, weight: f32) {
        for (mass, window) in self.masses.iter_mut().zip(Window::ALL) {
            *mass = popularity::add(*mass, window.event(time) + f64::from(weight).ln());
        }
    }

    /// The log mass of a window.
    pub(crate) fn mass(&self, window: Window) -> f64 {
        self.masses[window.place()]
    }
}

impl<'t> View<'t> {
    /// The counters of every item that has any.
    pub(super) fn all_signals(&self) -> Result<impl Iterator<Item = Result<(ItemKey, ItemSignals)>> + use<'t>> {
        let rows = self.tables.signals.iter(self.txn).map_err(storage)?;
        Ok(rows.map(|row| {
            let (key, value) = row.map_err(storage)?;
            let item = keys::last_item(key).ok_or_else(|| Error::damaged("signals", "a short key"))?;
            Ok((item, codec::decode("signals of an item", value)?))
        }))
    }

    /// The counters of an item; `None` when nothing ever happened to it.
    pub(crate) fn signals(&self, item: ItemKey) -> Result<Option<ItemSignals>> {
        let bytes = self.tables.signals.get(self.txn, &keys::item(item)).map_err(storage)?;
        bytes.map(|bytes| codec::decode("signals of an item", bytes)).transpose()
    }
}

//! The counts of an item: decayed popularity over several half-lives, impressions and choices.

use serde::{Deserialize, Serialize};

use crate::base::error::Result;
use crate::base::time::Timestamp;

use super::codec;
use super::mass::Mass;
use super::popularity::{self, Window};

/// The version of records with exact sums. Older ones have logarithms.
const SUMMED: u8 = 2;
/// The name of these records in errors.
const WHAT: &str = "signals of an item";

/// The counts of one item, as they are read.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct ItemSignals {
    /// Log masses in the order of [`Window::ALL`].
    pub masses: [f64; Window::ALL.len()],
    /// Impressions, each weighted by the probability that its position is examined.
    pub shown: f64,
    /// Positive events that were joined to an impression.
    pub chosen: f64,
}

impl Default for ItemSignals {
    fn default() -> Self {
        ItemSignals { masses: [f64::NEG_INFINITY; Window::ALL.len()], shown: 0.0, chosen: 0.0 }
    }
}

impl ItemSignals {
    /// Counts a positive event.
    pub(crate) fn add_event(&mut self, time: Timestamp, weight: f32) {
        for (mass, window) in self.masses.iter_mut().zip(Window::ALL) {
            *mass = popularity::add(*mass, window.event(time) + f64::from(weight).ln());
        }
    }

    /// The log mass of a window.
    pub(crate) fn mass(&self, window: Window) -> f64 {
        self.masses[window.position()]
    }

    /// A stored record.
    pub(crate) fn decode(bytes: &[u8]) -> Result<ItemSignals> {
        match bytes.first() {
            Some(&SUMMED) => codec::decode_as(SUMMED, WHAT, bytes).map(|counts: ItemCounts| counts.signals()),
            _ => codec::decode(WHAT, bytes),
        }
    }
}

/// The counts of one item, as they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ItemCounts {
    /// In the order of [`Window::ALL`].
    pub masses: [Mass; Window::ALL.len()],
    /// As in [`ItemSignals`].
    pub shown: f64,
    /// As in [`ItemSignals`].
    pub chosen: f64,
}

impl ItemCounts {
    /// Counts a positive event.
    pub(crate) fn add_event(&mut self, time: Timestamp, weight: f32) {
        for (mass, window) in self.masses.iter_mut().zip(Window::ALL) {
            *mass = mass.plus(Mass::event(window, time, weight));
        }
    }

    /// The counts as they are read.
    pub(crate) fn signals(&self) -> ItemSignals {
        ItemSignals { masses: self.masses.map(Mass::ln), shown: self.shown, chosen: self.chosen }
    }

    /// A stored record; one of an older version is converted.
    pub(crate) fn decode(bytes: &[u8]) -> Result<ItemCounts> {
        if bytes.first() == Some(&SUMMED) {
            return codec::decode_as(SUMMED, WHAT, bytes);
        }
        let old: ItemSignals = codec::decode(WHAT, bytes)?;
        Ok(ItemCounts { masses: old.masses.map(Mass::from_ln), shown: old.shown, chosen: old.chosen })
    }

    /// The record to store.
    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        codec::encode_as(SUMMED, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_an_older_version_counts_on() {
        let time = Timestamp::from_seconds(1.7e9);
        let mut old = ItemSignals { shown: 3.5, chosen: 1.0, ..ItemSignals::default() };
        old.add_event(time, 2.0);
        let bytes = codec::encode(&old).unwrap();
        assert_eq!(ItemSignals::decode(&bytes).unwrap(), old, "bit for bit, as it is listed");
        let mut counts = ItemCounts::decode(&bytes).unwrap();
        counts.add_event(time, 2.0);
        old.add_event(time, 2.0);
        let stored = ItemSignals::decode(&counts.encode().unwrap()).unwrap();
        assert_eq!(stored, counts.signals());
        assert!(stored.masses.iter().zip(old.masses).all(|(a, b)| (a - b).abs() < 1e-9), "{stored:?} {old:?}");
        assert_eq!((stored.shown, stored.chosen), (3.5, 1.0));
        assert!(ItemCounts::decode(&bytes[..9]).is_err());
    }
}

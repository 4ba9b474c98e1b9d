//! The counts of an item: decayed popularity over several half-lives, impressions and choices.

use serde::{Deserialize, Serialize};

use crate::base::time::Timestamp;

use super::popularity::{self, Window};

/// The counts of one item.
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
}

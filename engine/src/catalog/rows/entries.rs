//! What a commit appends to the journal: events and impressions.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::api::event::Event;
use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::base::time::Timestamp;

use super::codec;

/// One entry of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Entry {
    /// What a user did.
    Event(LoggedEvent),
    /// What a user was shown.
    Impression(Impression),
}

/// An event with its time of arrival. It holds the caller's ids: keys are assigned when the journal is applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LoggedEvent {
    /// Its `time` is always set.
    pub event: Event,
    /// When it was logged. Signals count an event dated later than this as of this time.
    pub arrived: Timestamp,
    /// Whether the caller set the time. Only such an event can be recognised as a duplicate.
    pub dated: bool,
}

/// A ranking that was answered, as far as it is stored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Impression {
    pub rank_id: String,
    pub user: Option<String>,
    pub query: Option<String>,
    pub time: Timestamp,
    /// The hits of the page, best first.
    pub slate: Vec<ItemKey>,
    /// Hits on the pages before this one.
    pub offset: u32,
    /// Whether the order was drawn at random.
    pub explored: bool,
    /// For each hit, the probability of its position given the hits before it; 0 where nothing was drawn. Empty when
    /// the order was not drawn.
    pub propensities: Vec<f32>,
    /// Positions of new items, when newness was looked up.
    pub new: Option<Vec<u32>>,
    /// Hash of the features that the candidates were scored by.
    pub features: u64,
    /// First eight bytes of the model's SHA-256.
    pub model: u64,
    /// Version of the weights in use.
    pub weights: u64,
}

impl LoggedEvent {
    /// The time that signals count by: an event dated in the year 9999 must not lead every list for ever.
    pub(crate) fn counted(&self) -> Timestamp {
        self.event.time.unwrap_or(self.arrived).min(self.arrived)
    }

    /// A hash of everything that two deliveries of one event have in common: all but the time of arrival.
    pub(crate) fn fingerprint(&self) -> Result<u128> {
        let Event { user, action, item, query, value, time, rank_id, basket, segments, .. } = &self.event;
        let same = (user, action, item, query, value.map(f64::to_bits), time, rank_id, basket, segments);
        Ok(xxh3_128(&codec::encode(&same)?))
    }
}

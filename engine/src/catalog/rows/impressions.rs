//! An impression as stored, and the examination curve.

use serde::{Deserialize, Serialize};

use super::entries::Impression;

/// An impression with the positions of the slate that were chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredImpression {
    pub impression: Impression,
    pub chosen: Vec<u32>,
}

/// The probability that position `rank` (from 1) of a list is examined: the discount of DCG (Järvelin and Kekäläinen
/// 2002), which fits clicks on web search about as well as a fitted click model.
pub(crate) fn examination(rank: usize) -> f64 {
    1.0 / (rank as f64 + 1.0).log2()
}

//! What was shown, as it is read back.

use crate::base::time::Timestamp;

/// A ranking that was answered, and what was chosen of it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Impression {
    /// The ranking's name.
    pub rank_id: String,
    /// The time of the request.
    pub time: Timestamp,
    /// Who was shown it.
    pub user: Option<String>,
    /// What was searched for, the first [`crate::base::limits::MAX_IMPRESSION_QUERY_BYTES`] bytes of it.
    pub query: Option<String>,
    /// How many hits were passed over before the slate.
    pub offset: usize,
    /// The items shown, best first, at most [`crate::base::limits::MAX_IMPRESSION_PLACES`]; `None` for one that was deleted since.
    pub slate: Vec<Option<String>>,
    /// Whether the order was drawn at random.
    pub explored: bool,
    /// For each item the probability that it stood at its place, given those before; `None` where nothing was drawn.
    pub propensities: Vec<Option<f32>>,
    /// Places (from 0) of items that were new, when the request or the configuration said what is new.
    pub new: Option<Vec<usize>>,
    /// Places (from 0) of items that a positive event with this `rank_id` has answered, in order.
    pub chosen: Vec<usize>,
    /// Hash of the features that all candidates were scored by.
    pub features: u64,
    /// The first eight bytes of the model's SHA-256.
    pub model: u64,
    /// The version of the weights in force; 0 is what the model ships.
    pub weights: u64,
}

/// How much of what was shown were new items, over the impressions that are kept and say what was new.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct Exposure {
    /// Impressions that were counted.
    pub impressions: u64,
    /// Their places.
    pub places: u64,
    /// Those of them that new items had.
    pub new_places: u64,
}

impl Exposure {
    /// The share of places that new items had; 0 without places.
    pub fn share(&self) -> f64 {
        if self.places == 0 { 0.0 } else { self.new_places as f64 / self.places as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exposure_without_places_is_none() {
        assert_eq!(Exposure::default().share(), 0.0);
        assert_eq!(Exposure { impressions: 2, places: 20, new_places: 5 }.share(), 0.25);
    }
}

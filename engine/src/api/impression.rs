//! What was shown, as it is read back.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::base::time::Timestamp;

/// A ranking that was answered, and what was chosen of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    #[serde(serialize_with = "hex")]
    pub features: u64,
    /// The first eight bytes of the model's SHA-256.
    #[serde(serialize_with = "hex")]
    pub model: u64,
    /// The version of the weights in force; 0 is what the model ships.
    pub weights: u64,
}

/// How much of what was shown were new items, over the impressions that are kept and say what was new.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct NewItemExposure {
    /// Impressions that were counted.
    pub impressions: u64,
    /// Their places.
    pub places: u64,
    /// Those of them that new items had.
    pub new_places: u64,
}

impl NewItemExposure {
    /// The fraction of places that new items had; 0 without places.
    pub fn fraction(&self) -> f64 {
        if self.places == 0 { 0.0 } else { self.new_places as f64 / self.places as f64 }
    }
}

/// A hash in JSON, whose numbers hold 53 bits only.
fn hex<S: Serializer>(hash: &u64, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{hash:016x}"))
}

/// With the fraction, which is no field.
impl Serialize for NewItemExposure {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = to.serialize_struct("NewItemExposure", 4)?;
        object.serialize_field("impressions", &self.impressions)?;
        object.serialize_field("places", &self.places)?;
        object.serialize_field("new_places", &self.new_places)?;
        object.serialize_field("fraction", &self.fraction())?;
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exposure_without_places_is_none() {
        assert_eq!(NewItemExposure::default().fraction(), 0.0);
        assert_eq!(NewItemExposure { impressions: 2, places: 20, new_places: 5 }.fraction(), 0.25);
    }
}

//! The constants that make the vector space of items: inputs of the graph, whose defaults are what the file ships.

use serde::{Deserialize, Serialize};

use crate::base::id::SemanticId;
use crate::model::contract::{CODES, LEVELS};
use crate::model::feed::Feed;
use crate::model::scan::Scanned;

/// The constants of one space. Vectors of two spaces have no common cosine, and codes of two no common meaning.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct SpaceTensors {
    /// Weight of each token in a text: V values, 0 or more.
    pub token_weights: Vec<f32>,
    /// What is taken off a content vector: De values.
    pub mean: Vec<f32>,
    /// What it is multiplied with then: De x D, row by row.
    pub projection: Vec<f32>,
    /// Centres of the semantic ids: levels x codes x D.
    pub codebook: Vec<f32>,
}

impl SpaceTensors {
    /// The defaults in the file. Their shapes are checked with those of all inputs.
    pub(super) fn shipped(onnx: &[u8], scanned: &Scanned) -> SpaceTensors {
        let read = |name: &str| {
            let tensor = scanned.initializers.iter().find(|tensor| tensor.name == name);
            let raw = tensor.and_then(|tensor| onnx.get(tensor.raw.clone())).unwrap_or_default();
            raw.as_chunks::<4>().0.iter().map(|word| f32::from_le_bytes(*word)).collect()
        };
        SpaceTensors {
            token_weights: read("token_weights"),
            mean: read("content_mean"),
            projection: read("projection"),
            codebook: read("codebook"),
        }
    }

    /// How many values each constant has: token weights, mean, projection, codebook.
    pub(crate) fn lengths(&self) -> [usize; 4] {
        [self.token_weights.len(), self.mean.len(), self.projection.len(), self.codebook.len()]
    }

    /// De.
    pub(crate) fn content_width(&self) -> usize {
        self.mean.len()
    }

    /// D.
    pub(crate) fn width(&self) -> usize {
        self.projection.len() / self.mean.len().max(1)
    }

    /// The centres of a level, one after the other.
    pub(crate) fn centres(&self, level: usize) -> &[f32] {
        let size = CODES * self.width();
        self.codebook.get(level * size..(level + 1) * size).unwrap_or_default()
    }

    /// The squared distance of an item vector (D values) from the centres that its codes add up to: 0 to about 2.
    pub(crate) fn error(&self, vector: &[f32], sid: SemanticId) -> f32 {
        let width = self.width();
        let mut rest = vector.to_vec();
        for (level, code) in sid.into_iter().enumerate() {
            let start = usize::from(code) * width;
            let centre = self.centres(level).get(start..start + width).unwrap_or_default();
            rest.iter_mut().zip(centre).for_each(|(rest, centre)| *rest -= centre);
        }
        rest.iter().map(|rest| rest * rest).sum()
    }

    /// What a call that reads text is fed.
    pub(super) fn text_feeds(&self) -> [Feed<'_>; 1] {
        [Feed::f32("token_weights", &[self.token_weights.len()], &self.token_weights)]
    }

    /// What a call that places content is fed.
    pub(super) fn place_feeds(&self) -> [Feed<'_>; 2] {
        let (content, width) = (self.content_width(), self.width());
        [
            Feed::f32("content_mean", &[content], &self.mean),
            Feed::f32("projection", &[content, width], &self.projection),
        ]
    }

    /// What a call that reads codes is fed beside.
    pub(super) fn code_feeds(&self) -> [Feed<'_>; 1] {
        [Feed::f32("codebook", &[LEVELS, CODES, self.width()], &self.codebook)]
    }
}

//! One past request: the features of its candidates, and the one that was taken.

use crate::api::calibration::Situation;

/// The candidates of one past request, and what was taken.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub situation: Situation,
    /// K x F, row by row: each candidate's features at the time.
    pub features: Vec<f32>,
    /// The row that was taken; `None` when no source proposed it.
    pub taken: Option<usize>,
}

impl Sample {
    /// Rows of features.
    pub(super) fn rows(&self, width: usize) -> std::slice::ChunksExact<'_, f32> {
        self.features.chunks_exact(width.max(1))
    }

    /// NDCG@10 of what was taken under some weights, with ties at their mean place; 0 when it is no candidate.
    pub(super) fn ndcg(&self, weights: &[f64]) -> f64 {
        let Some(taken) = self.taken else { return 0.0 };
        let scores: Vec<f64> = self.rows(weights.len()).map(|row| dot(row, weights)).collect();
        let Some(own) = scores.get(taken) else { return 0.0 };
        let above = scores.iter().filter(|score| *score > own).count() as f64;
        let equal = scores.iter().filter(|score| *score == own).count() as f64;
        let place = above + (equal + 1.0) / 2.0;
        if place <= 10.0 { 1.0 / (place + 1.0).log2() } else { 0.0 }
    }
}

pub(super) fn dot(row: &[f32], weights: &[f64]) -> f64 {
    row.iter().zip(weights).map(|(x, w)| f64::from(*x) * w).sum()
}

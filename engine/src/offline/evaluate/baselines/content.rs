//! Items similar to those of the user's history, by their vectors.

use crate::offline::evaluate::log::{Log, LogEvent};
use crate::offline::evaluate::subject::Question;

use super::scorer::{Scorer, wanted};

/// Decay of each step back in the history.
const PER_STEP: f32 = 0.9;
/// Items of the history that are read: beyond, `PER_STEP` leaves under half a percent.
const READ: usize = 50;

/// Neighbours of the last item.
pub(super) struct LastItem;

impl Scorer for LastItem {
    fn name(&self) -> String {
        "content, last item".to_owned()
    }

    fn log(&mut self, _log: &Log, _event: &LogEvent, _history: &[u32]) {}

    fn score(&mut self, log: &Log, question: &Question, scores: &mut [f32]) {
        if let Some(vector) = wanted(log, question).find_map(|item| log.vectors.get(item)) {
            log.vectors.products(vector, scores);
        }
    }
}

/// Neighbours of the mean of the history, later items counting more.
#[derive(Default)]
pub(super) struct RecentMean {
    mean: Vec<f32>,
}

impl Scorer for RecentMean {
    fn name(&self) -> String {
        "content, recent mean".to_owned()
    }

    fn log(&mut self, _log: &Log, _event: &LogEvent, _history: &[u32]) {}

    fn score(&mut self, log: &Log, question: &Question, scores: &mut [f32]) {
        self.mean.clear();
        self.mean.resize(log.vectors.width(), 0.0);
        let vectors = wanted(log, question).filter_map(|item| log.vectors.get(item)).take(READ);
        for (step, vector) in vectors.enumerate() {
            let weight = PER_STEP.powi(step as i32);
            self.mean.iter_mut().zip(vector).for_each(|(mean, x)| *mean += weight * x);
        }
        log.vectors.products(&self.mean, scores);
    }
}

//! A different random order for every question: the floor.

use crate::base::random::unit_hash;
use crate::offline::evaluate::log::{Log, LogEvent};
use crate::offline::evaluate::subject::Question;

use super::scorer::Scorer;

pub(super) struct Random {
    pub(super) seed: u64,
}

impl Scorer for Random {
    fn name(&self) -> String {
        "random".to_owned()
    }

    fn searches(&self) -> bool {
        true
    }

    fn log(&mut self, _log: &Log, _event: &LogEvent, _history: &[u32]) {}

    fn score(&mut self, _log: &Log, question: &Question, scores: &mut [f32]) {
        for (item, score) in scores.iter_mut().enumerate() {
            *score = unit_hash([self.seed, question.number as u64, item as u64]) as f32;
        }
    }
}

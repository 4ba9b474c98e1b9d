//! Popularity: of all time, of the last days, or with a half-life.

use std::collections::VecDeque;

use crate::base::time::Timestamp;
use crate::offline::evaluate::log::{Log, LogEvent};
use crate::offline::evaluate::subject::Question;

use super::scorer::Scorer;

const DAY: f64 = 86_400.0;

/// Events of all time.
pub(super) struct AllTime(Vec<f32>);

impl AllTime {
    pub(super) fn new(items: usize) -> AllTime {
        AllTime(vec![0.0; items])
    }
}

impl Scorer for AllTime {
    fn name(&self) -> String {
        "popular, all time".to_owned()
    }

    fn searches(&self) -> bool {
        true
    }

    fn log(&mut self, _log: &Log, event: &LogEvent, _history: &[u32]) {
        if let Some(count) = event.wanted().and_then(|item| self.0.get_mut(item)) {
            *count += 1.0;
        }
    }

    fn score(&mut self, _log: &Log, _question: &Question, scores: &mut [f32]) {
        scores.copy_from_slice(&self.0);
    }
}

/// Events of the last days before the question.
pub(super) struct Window {
    days: f64,
    counts: Vec<f32>,
    inside: VecDeque<(Timestamp, usize)>,
}

impl Window {
    pub(super) fn new(items: usize, days: f64) -> Window {
        Window { days, counts: vec![0.0; items], inside: VecDeque::new() }
    }

    fn forget(&mut self, now: Timestamp) {
        while let Some((time, item)) = self.inside.front().copied() {
            if now.seconds_since(time) <= self.days * DAY {
                break;
            }
            self.inside.pop_front();
            if let Some(count) = self.counts.get_mut(item) {
                *count -= 1.0;
            }
        }
    }
}

impl Scorer for Window {
    fn name(&self) -> String {
        format!("popular, last {} days", self.days)
    }

    fn log(&mut self, _log: &Log, event: &LogEvent, _history: &[u32]) {
        if let Some(item) = event.wanted() {
            if let Some(count) = self.counts.get_mut(item) {
                *count += 1.0;
            }
            self.inside.push_back((event.time, item));
            self.forget(event.time);
        }
    }

    fn score(&mut self, _log: &Log, question: &Question, scores: &mut [f32]) {
        self.forget(question.now);
        scores.copy_from_slice(&self.counts);
    }
}

/// Events with an exponential decay.
pub(super) struct Decayed {
    half_life: f64,
    /// Decayed count, and the time as of which it is that count.
    counts: Vec<(f64, Timestamp)>,
}

impl Decayed {
    /// `half_life` in days.
    pub(super) fn new(items: usize, half_life: f64) -> Decayed {
        Decayed { half_life, counts: vec![(0.0, Timestamp::MIN); items] }
    }

    fn left(&self, from: Timestamp, to: Timestamp) -> f64 {
        (-std::f64::consts::LN_2 * to.seconds_since(from).max(0.0) / (self.half_life * DAY)).exp()
    }
}

impl Scorer for Decayed {
    fn name(&self) -> String {
        format!("popular, half-life {} days", self.half_life)
    }

    fn log(&mut self, _log: &Log, event: &LogEvent, _history: &[u32]) {
        let Some(item) = event.wanted() else { return };
        let Some((count, since)) = self.counts.get(item).copied() else { return };
        self.counts[item] = (count * self.left(since, event.time) + 1.0, event.time);
    }

    fn score(&mut self, _log: &Log, question: &Question, scores: &mut [f32]) {
        for (score, (count, since)) in scores.iter_mut().zip(&self.counts) {
            if *count > 0.0 {
                *score = (count * self.left(*since, question.now)) as f32;
            }
        }
    }
}

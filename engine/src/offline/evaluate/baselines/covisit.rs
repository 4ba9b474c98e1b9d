//! Directional co-visits: which item came next after which.

use std::collections::HashMap;

use crate::offline::evaluate::log::{Log, LogEvent};
use crate::offline::evaluate::subject::Question;

use super::scorer::{Scorer, wanted};

/// Earlier items that an event follows.
const STEPS: usize = 10;
/// Recent items of a user whose followers are scored.
const READ: usize = 20;
/// Decay of each step back in the history, when scoring.
const PER_STEP: f32 = 0.8;
/// Exponent of the discount for popularity.
const DISCOUNT: f32 = 0.3;
/// Followers kept of one item; the weaker half goes when there are twice as many.
const KEPT: usize = 1000;

pub(super) struct CoVisits {
    next: Vec<HashMap<u32, f32>>,
    counts: Vec<f32>,
}

impl CoVisits {
    pub(super) fn new(items: usize) -> CoVisits {
        CoVisits { next: vec![HashMap::new(); items], counts: vec![0.0; items] }
    }
}

impl Scorer for CoVisits {
    fn name(&self) -> String {
        "co-visits".to_owned()
    }

    fn log(&mut self, log: &Log, event: &LogEvent, history: &[u32]) {
        let Some(item) = event.wanted() else { return };
        if let Some(count) = self.counts.get_mut(item) {
            *count += 1.0;
        }
        let earlier = history.iter().rev().filter_map(|place| log.events.get(*place as usize)).take(STEPS);
        for (step, before) in earlier.enumerate() {
            let Some(from) = before.wanted().filter(|from| *from != item) else { continue };
            let days = (event.time.seconds_since(before.time) / 86_400.0).max(0.0) as f32;
            let weight = 1.0 / ((step + 1) as f32 * (1.0 + days.ln_1p()));
            if let Some(followers) = self.next.get_mut(from) {
                *followers.entry(item as u32).or_default() += weight;
                prune(followers);
            }
        }
    }

    fn score(&mut self, log: &Log, question: &Question, scores: &mut [f32]) {
        for (step, from) in wanted(log, question).take(READ).enumerate() {
            let weight = PER_STEP.powi(step as i32);
            for (item, strength) in self.next.get(from).into_iter().flatten() {
                if let Some(score) = scores.get_mut(*item as usize) {
                    *score += weight * strength;
                }
            }
        }
        for (score, count) in scores.iter_mut().zip(&self.counts).filter(|(score, _)| **score > 0.0) {
            *score /= (count + 10.0).powf(DISCOUNT);
        }
    }
}

fn prune(followers: &mut HashMap<u32, f32>) {
    if followers.len() < 2 * KEPT {
        return;
    }
    let mut strengths: Vec<f32> = followers.values().copied().collect();
    strengths.select_nth_unstable_by(KEPT, |a, b| b.total_cmp(a));
    let least = strengths[KEPT];
    followers.retain(|_, strength| *strength > least);
}

//! A baseline gives every item a score; the rest is the same for all of them.

use std::time::Instant;

use crate::api::evaluation::SystemKind;
use crate::base::error::Result;
use crate::offline::evaluate::log::{Log, LogEvent};
use crate::offline::evaluate::subject::{Answer, Question, Ranked, Subject, Task};

/// A baseline that gives every item a score.
pub(super) trait Scorer {
    /// Its name in reports.
    fn name(&self) -> String;

    /// Whether it also answers searches.
    fn searches(&self) -> bool {
        false
    }

    /// An event with an item happened; `history` has the user's earlier ones.
    fn log(&mut self, log: &Log, event: &LogEvent, history: &[u32]);

    /// Writes the scores of all items; they are zeros before.
    fn score(&mut self, log: &Log, question: &Question, scores: &mut [f32]);

    /// Why its answers turned out to be meaningless, at the end of the log.
    fn not_run(&self) -> Option<String> {
        None
    }
}

/// A scorer as a subject: the same exclusion of seen items for all.
pub(super) struct Baseline(pub Box<dyn Scorer>);

impl Subject for Baseline {
    fn systems(&self) -> Vec<(String, SystemKind)> {
        vec![(self.0.name(), SystemKind::Baseline)]
    }

    fn log(&mut self, log: &Log, event: usize, history: &[u32]) -> Result<()> {
        if let Some(event) = log.events.get(event).filter(|event| event.item.is_some()) {
            self.0.log(log, event, history);
        }
        Ok(())
    }

    fn rank(&mut self, log: &Log, question: &Question) -> Result<Vec<Option<Answer>>> {
        if question.task != Task::NextItem && !self.0.searches() {
            return Ok(vec![None]);
        }
        let start = Instant::now();
        let mut scores = vec![0.0; log.items.len()];
        self.0.score(log, question, &mut scores);
        if question.exclude_seen {
            for item in past(log, question).filter_map(|event| event.item) {
                if let Some(score) = scores.get_mut(item as usize) {
                    *score = f32::NEG_INFINITY;
                }
            }
        }
        let micros = start.elapsed().as_micros() as u64;
        Ok(vec![Some(Answer { ranked: Ranked::Scores(scores), retrieved: None, micros, by_place: false })])
    }

    fn not_run(&self) -> Option<String> {
        self.0.not_run()
    }
}

/// The events of a question's history, newest first.
fn past<'l>(log: &'l Log, question: &'l Question) -> impl Iterator<Item = &'l LogEvent> {
    question.history.iter().rev().filter_map(|place| log.events.get(*place as usize))
}

/// Items that the user wanted, newest first.
pub(super) fn wanted<'l>(log: &'l Log, question: &'l Question) -> impl Iterator<Item = usize> + 'l {
    past(log, question).filter_map(LogEvent::wanted)
}

//! What `rank` has to beat: systems that are simple, known, and often hard to beat.
//!
//! Each learns event by event, so that it too knows the past alone. The ones that search (BM25, vectors, their fusion) are
//! made from the engine's own candidates, beside `rank`.

mod chance;
mod content;
mod cooccurrence;
mod covisit;
mod ease;
mod inverse;
mod popular;

use std::time::Instant;

use crate::api::evaluation::SystemKind;
use crate::base::error::Result;

use super::log::{Log, LogEvent};
use super::subject::{Answer, Question, Ranked, Subject, Task};

/// A baseline that gives every item a score.
pub(super) trait Scorer {
    /// Its name in reports.
    fn name(&self) -> String;

    /// Whether it has something to say to searches too.
    fn searches(&self) -> bool {
        false
    }

    /// An event with an item happened; `history` has the user's earlier ones.
    fn log(&mut self, log: &Log, event: &LogEvent, history: &[u32]);

    /// Writes the scores of all items; they are zeros before.
    fn score(&mut self, log: &Log, question: &Question, scores: &mut [f32]);

    /// Why its answers, looking back from the end, say nothing.
    fn not_run(&self) -> Option<String> {
        None
    }
}

/// All of them.
pub(super) fn all(log: &Log, seed: u64) -> Vec<Box<dyn Subject>> {
    let items = log.items.len();
    let scorers: Vec<Box<dyn Scorer>> = vec![
        Box::new(chance::Random { seed }),
        Box::new(popular::AllTime::new(items)),
        Box::new(popular::Window::new(items, 7.0)),
        Box::new(popular::Decayed::new(items, 7.0)),
        Box::new(popular::Decayed::new(items, 90.0)),
        Box::new(content::LastItem),
        Box::new(content::RecentMean::default()),
        Box::new(cooccurrence::ItemNeighbours::new(log)),
        Box::new(cooccurrence::BoughtTogether::new(log)),
        Box::new(covisit::CoVisits::new(items)),
        Box::new(ease::Ease::new(log)),
    ];
    scorers.into_iter().map(|scorer| Box::new(Baseline(scorer)) as Box<dyn Subject>).collect()
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
fn wanted<'l>(log: &'l Log, question: &'l Question) -> impl Iterator<Item = usize> + 'l {
    past(log, question).filter_map(LogEvent::wanted)
}

//! The point-in-time check: a system's answers must depend on the past alone.
//!
//! The first questions are asked a second time, of new systems that get the same log up to the last of these questions, and a
//! different future after it. Honest systems cannot tell the difference. A system made from the whole log (a count over all
//! events, a model fitted to them) answers differently, and the report names it.
//!
//! Approximate search builds its graph with several threads, so the answers of an honest system may vary a little between
//! runs, and weights fitted to such answers may vary more. A suspect is therefore asked twice more: with a third future, and
//! again with the first. A leak shows with every other future and never with the same one.

use std::collections::{BTreeSet, HashMap};

use crate::api::evaluation::{Plan, PointInTime};
use crate::base::error::Result;

use super::log::Log;
use super::positions::Positions;
use super::replay::{Moment, replay};
use super::subject::{Answer, Ranked, Subject};
use super::targets::{Ask, Withheld};

/// Places of a list that are compared.
const COMPARED: usize = 200;
/// Scores that differ by less than this, relative to their size, are equal: sums in another order round differently.
const TOLERANCE: f32 = 1e-4;
/// Share of two lists that has to be the same. Neighbours are found through a graph that threads build side by side, so
/// the last candidates may differ from one build to the next.
const COMMON: f64 = 0.9;

/// The head of a ranking, to compare with another one.
type Head = HashMap<u32, f32>;

/// The first answers: by question, then by system.
#[derive(Default)]
pub(super) struct Heads(Vec<Vec<Option<Head>>>);

impl Heads {
    /// Keeps the answers to the next question.
    pub(super) fn keep(&mut self, answers: &[Option<Answer>]) {
        self.0.push(answers.iter().map(|answer| answer.as_ref().and_then(head)).collect());
    }
}

/// How the systems of a run are made.
pub(super) type Make<'m> = dyn Fn(&Log) -> Result<Vec<Box<dyn Subject>>> + 'm;

/// Asks again, with another future. `asks` are the questions that `first` has the answers to.
pub(super) fn check(
    log: &Log,
    plan: &Plan,
    asks: &[Ask],
    withheld: &Withheld,
    make: &Make,
    first: &Heads,
) -> Result<PointInTime> {
    let Some(last) = asks.last() else { return Ok(PointInTime::default()) };
    let changed = |log: &Log| changed(log, asks, withheld, make, first);
    let suspects = changed(&log.with_another_future(last.at, plan.seed))?;
    let (mut leaks, mut unsteady) = (suspects.clone(), BTreeSet::new());
    if !suspects.is_empty() {
        let (again, control) = (changed(&log.with_another_future(last.at, plan.seed.wrapping_add(1)))?, changed(log)?);
        leaks.retain(|name| again.contains(name) && !control.contains(name));
        unsteady.extend(suspects.difference(&leaks).cloned());
    }
    let (leaks, unsteady) = (leaks.into_iter().collect(), unsteady.into_iter().collect());
    Ok(PointInTime { questions: asks.len(), leaks, unsteady })
}

/// The systems whose answers to the same questions change with this log.
fn changed(log: &Log, asks: &[Ask], withheld: &Withheld, make: &Make, first: &Heads) -> Result<BTreeSet<String>> {
    let mut subjects = make(log)?;
    let names: Vec<String> = subjects.iter().flat_map(|s| s.systems()).map(|(name, _)| name).collect();
    let mut changed = BTreeSet::new();
    let mut question = 0;
    let mut compare = |_: &Moment, answers: Vec<Vec<Option<Answer>>>| {
        let again = answers.into_iter().flatten();
        let before = first.0.get(question).into_iter().flatten();
        for ((before, again), name) in before.zip(again).zip(&names) {
            let same = match (before, again.as_ref().and_then(head)) {
                (Some(before), Some(again)) => alike(before, &again),
                (None, None) => true,
                _ => false,
            };
            if !same {
                changed.insert(name.clone());
            }
        }
        question += 1;
        Ok(())
    };
    replay(log, asks, withheld, COMPARED, &mut subjects, &mut compare)?;
    Ok(changed)
}

/// `None` for an answer that cannot be compared.
fn head(answer: &Answer) -> Option<Head> {
    if answer.by_place {
        return None;
    }
    let ranked = &answer.ranked;
    let score = |item: u32| match ranked {
        Ranked::Scores(scores) => scores.get(item as usize).copied().unwrap_or_default(),
        Ranked::List(list) => list.iter().find(|(other, _)| *other == item).map_or(0.0, |(_, score)| *score),
    };
    let positions = Positions::of(ranked, COMPARED);
    Some(positions.groups().iter().flatten().take(COMPARED).map(|item| (*item, score(*item))).collect())
}

fn alike(a: &Head, b: &Head) -> bool {
    let mut common = 0;
    for (item, score) in a {
        if let Some(other) = b.get(item) {
            common += 1;
            if (score - other).abs() > TOLERANCE * score.abs().max(other.abs()).max(1e-3) {
                return false;
            }
        }
    }
    common as f64 >= COMMON * a.len().max(b.len()) as f64
}

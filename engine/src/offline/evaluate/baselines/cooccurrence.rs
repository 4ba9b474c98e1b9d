//! Items that go together: in the histories of the same users (item-kNN), or in the same purchase.
//!
//! Both are cosines of co-occurrence, `co(i, j) / sqrt(n_i n_j)` (Sarwar et al., WWW 2001), summed over the history, with
//! all neighbours. No table of pairs is kept: `sum_j co(i, j) w_j` is a sum over groups, of what the group shares with
//! the history, which two passes over sparse lists give exactly.

use std::collections::HashSet;

use crate::offline::evaluate::log::{Log, LogEvent};
use crate::offline::evaluate::subject::Question;

use super::scorer::{Scorer, wanted};

/// Decay of each step back in the history of purchases: the last purchase counts most.
const PER_STEP: f32 = 0.9;
/// Items of the history that are read then.
const READ: usize = 50;

/// Which items each group has, and which groups each item is in.
struct Groups {
    members: Vec<Vec<u32>>,
    of: Vec<Vec<u32>>,
    known: HashSet<(u32, u32)>,
}

impl Groups {
    fn new(items: usize) -> Groups {
        Groups { members: Vec::new(), of: vec![Vec::new(); items], known: HashSet::new() }
    }

    fn add(&mut self, group: u32, item: usize) {
        let Some(of) = self.of.get_mut(item) else { return };
        if self.known.insert((group, item as u32)) {
            of.push(group);
            if self.members.len() <= group as usize {
                self.members.resize(group as usize + 1, Vec::new());
            }
            self.members[group as usize].push(item as u32);
        }
    }

    /// Adds `sum_j w_j co(i, j) / sqrt(n_i n_j)` over the weighted items `j`.
    fn score(&self, history: &[(usize, f32)], scores: &mut [f32]) {
        let mut shared = vec![0.0f32; self.members.len()];
        for (item, weight) in history {
            let Some(of) = self.of.get(*item) else { continue };
            let part = weight / (of.len() as f32).sqrt();
            of.iter().for_each(|group| shared[*group as usize] += part);
        }
        for (members, shared) in self.members.iter().zip(&shared).filter(|(_, shared)| **shared > 0.0) {
            members.iter().for_each(|item| scores[*item as usize] += shared);
        }
        for (score, of) in scores.iter_mut().zip(&self.of).filter(|(_, of)| !of.is_empty()) {
            *score /= (of.len() as f32).sqrt();
        }
    }
}

/// Item-kNN: groups are users.
pub(super) struct ItemNeighbours(Groups);

impl ItemNeighbours {
    pub(super) fn new(log: &Log) -> ItemNeighbours {
        ItemNeighbours(Groups::new(log.items.len()))
    }
}

impl Scorer for ItemNeighbours {
    fn name(&self) -> String {
        "item-kNN".to_owned()
    }

    fn log(&mut self, _log: &Log, event: &LogEvent, _history: &[u32]) {
        if let Some(item) = event.wanted() {
            self.0.add(event.user, item);
        }
    }

    fn score(&mut self, log: &Log, question: &Question, scores: &mut [f32]) {
        let history: HashSet<usize> = wanted(log, question).collect();
        let mut history: Vec<(usize, f32)> = history.into_iter().map(|item| (item, 1.0)).collect();
        // Sums are the same on every run only in one order.
        history.sort_unstable_by_key(|(item, _)| *item);
        self.0.score(&history, scores);
    }
}

/// Bought together: groups are purchases.
pub(super) struct BoughtTogether {
    groups: Groups,
    /// The purchase that each event belongs to is given by the log, or is what one user did at one time.
    current: Vec<Option<(u32, i64, u32)>>,
    next: u32,
}

impl BoughtTogether {
    pub(super) fn new(log: &Log) -> BoughtTogether {
        BoughtTogether { groups: Groups::new(log.items.len()), current: vec![None; log.users.len()], next: 0 }
    }

    fn purchase(&mut self, event: &LogEvent) -> Option<u32> {
        let stamp =
            (event.basket.map_or(0, |basket| basket + 1), if event.basket.is_some() { 0 } else { event.time.millis() });
        let current = self.current.get_mut(event.user as usize)?;
        match current {
            Some((basket, time, group)) if (*basket, *time) == stamp => Some(*group),
            _ => {
                let group = self.next;
                self.next += 1;
                *current = Some((stamp.0, stamp.1, group));
                Some(group)
            }
        }
    }
}

impl Scorer for BoughtTogether {
    fn name(&self) -> String {
        "bought together".to_owned()
    }

    fn log(&mut self, _log: &Log, event: &LogEvent, _history: &[u32]) {
        if let Some((item, group)) = event.wanted().and_then(|item| Some((item, self.purchase(event)?))) {
            self.groups.add(group, item);
        }
    }

    fn score(&mut self, log: &Log, question: &Question, scores: &mut [f32]) {
        let recent = wanted(log, question).take(READ).enumerate();
        let history: Vec<(usize, f32)> = recent.map(|(step, item)| (item, PER_STEP.powi(step as i32))).collect();
        self.groups.score(&history, scores);
    }

    fn not_run(&self) -> Option<String> {
        let none = self.groups.members.iter().all(|members| members.len() < 2);
        none.then(|| "no two events of one purchase (one basket, or one user and time)".to_owned())
    }
}

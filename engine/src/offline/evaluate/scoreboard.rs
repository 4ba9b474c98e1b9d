//! The scoreboard: figures of every system, gathered question by question.

use std::collections::BTreeMap;

use crate::api::evaluation::{Measure, Plan, Slice, SystemKind, SystemReport, TaskReport};

use super::accuracy::{self, NAMES};
use super::beyond::Lists;
use super::interval::Bootstrap;
use super::log::Log;
use super::positions::{Positions, expected_rank};
use super::replay::Moment;
use super::subject::{Answer, Task};
use super::{significance, slices};

/// Items of a ranking that count as retrieved, for a system that does not report what it retrieved.
pub(super) const RETRIEVED: usize = 200;
/// Upper ends of the bins of ranks; behind the last come "further down" and "not ranked".
const BINS: [(f64, &str); 7] = [
    (1.0, "1"),
    (3.0, "2-3"),
    (10.0, "4-10"),
    (30.0, "11-30"),
    (100.0, "31-100"),
    (300.0, "101-300"),
    (1000.0, "301-1000"),
];

/// All tasks of a report.
pub(super) struct Scoreboard<'b> {
    log: &'b Log,
    plan: &'b Plan,
    systems: Vec<(String, SystemKind)>,
    tasks: BTreeMap<Task, TaskScores>,
}

/// One task: units and slices of its questions, and a column for each system that answers it.
#[derive(Default)]
struct TaskScores {
    units: Vec<usize>,
    slices: Vec<Vec<&'static str>>,
    columns: BTreeMap<usize, Column>,
}

/// What one system scored on the questions of a task.
struct Column {
    /// By measure, k by k in the order of the plan; then by question.
    values: Vec<Vec<f64>>,
    retrieved: Vec<f64>,
    micros: Vec<u64>,
    ranks: Vec<u32>,
    lists: Lists,
}

impl<'b> Scoreboard<'b> {
    pub(super) fn new(log: &'b Log, plan: &'b Plan, systems: Vec<(String, SystemKind)>) -> Scoreboard<'b> {
        Scoreboard { log, plan, systems, tasks: BTreeMap::new() }
    }

    /// Takes the answers to one question.
    pub(super) fn add(&mut self, moment: &Moment, answers: &[Option<Answer>]) {
        let task = self.tasks.entry(moment.question.task).or_default();
        task.units.push(moment.ask.unit);
        task.slices.push(slices::of(self.log, moment));
        for (system, answer) in answers.iter().enumerate() {
            if let Some(answer) = answer {
                let column = task.columns.entry(system).or_insert_with(|| Column::new(self.plan));
                column.add(self.log, self.plan, moment, answer);
            }
        }
    }

    /// The reports of all tasks that had a question, without the systems that did not run.
    pub(super) fn finish(self, not_run: &[(String, String)]) -> Vec<TaskReport> {
        let bootstrap = Bootstrap { resamples: self.plan.resamples, seed: self.plan.seed };
        let tasks = self.tasks.iter().filter(|(_, scores)| !scores.units.is_empty());
        tasks.map(|(task, scores)| self.task(*task, scores, bootstrap, not_run)).collect()
    }

    fn task(&self, task: Task, scores: &TaskScores, bootstrap: Bootstrap, not_run: &[(String, String)]) -> TaskReport {
        let rank = scores.columns.iter().find(|(system, _)| self.systems[**system].1 == SystemKind::Rank);
        let mut systems: Vec<SystemReport> = scores
            .columns
            .iter()
            .filter(|(system, _)| not_run.iter().all(|(name, _)| *name != self.systems[**system].0))
            .filter(|(system, column)| !self.changes_nothing(**system, column, rank.map(|(_, rank)| rank)))
            .map(|(system, column)| {
                let (name, kind) = self.systems[*system].clone();
                let other = rank.map(|(_, rank)| rank).filter(|_| kind != SystemKind::Rank);
                let measures = self.measures((column, other), scores, bootstrap);
                SystemReport {
                    name,
                    kind,
                    rank_minus: measures.first().and_then(|measure| measure.rank_minus),
                    measures,
                    retrieved: mean(&column.retrieved),
                    beyond: column.lists.figures(self.log.items.len()),
                    slices: slice_figures(column, scores, bootstrap),
                    latency_ms: [percentile(&column.micros, 0.5), percentile(&column.micros, 0.99)],
                    ranks: column.ranks.clone(),
                }
            })
            .collect();
        let score = |system: &SystemReport| system.measures.first().map_or(0.0, |m| m.value.mean);
        systems.sort_by(|a, b| {
            (b.kind == SystemKind::Rank).cmp(&(a.kind == SystemKind::Rank)).then(score(b).total_cmp(&score(a)))
        });
        let k = self.plan.ks[0];
        TaskReport {
            name: task.name().to_owned(),
            questions: scores.units.len(),
            k,
            verdict: significance::of(&systems, k),
            systems,
            not_run: match task {
                Task::NextItem => not_run.iter().map(|(name, reason)| format!("{name}: {reason}")).collect(),
                _ => Vec::new(),
            },
            rank_bins: BINS
                .iter()
                .map(|(_, name)| *name)
                .chain(["over 1000", "not ranked"])
                .map(str::to_owned)
                .collect(),
        }
    }

    /// Whether leaving something out of `rank` changed nothing: not worth a row.
    fn changes_nothing(&self, system: usize, column: &Column, rank: Option<&Column>) -> bool {
        let (name, kind) = &self.systems[system];
        let left_out = *kind == SystemKind::Variant && name.starts_with("without ");
        left_out && rank.is_some_and(|rank| rank.values == column.values && rank.ranks == column.ranks)
    }

    /// The figures of a column, and how far those of `rank` lie above them.
    fn measures(
        &self,
        (column, rank): (&Column, Option<&Column>),
        scores: &TaskScores,
        bootstrap: Bootstrap,
    ) -> Vec<Measure> {
        let names = self.plan.ks.iter().flat_map(|k| NAMES.map(|name| (name, *k)));
        let measure = |(place, (name, k)): (usize, (&'static str, usize))| {
            let values = column.values.get(place)?;
            let rank = rank.and_then(|rank| rank.values.get(place));
            let rank_minus = rank.map(|rank| bootstrap.of_difference(rank, values, &scores.units));
            Some(Measure { name, k, value: bootstrap.of(values, &scores.units), rank_minus })
        };
        names.enumerate().filter_map(measure).collect()
    }
}

impl Column {
    fn new(plan: &Plan) -> Column {
        Column {
            values: vec![Vec::new(); plan.ks.len() * NAMES.len()],
            retrieved: Vec::new(),
            micros: Vec::new(),
            ranks: vec![0; BINS.len() + 2],
            lists: Lists::default(),
        }
    }

    fn add(&mut self, log: &Log, plan: &Plan, moment: &Moment, answer: &Answer) {
        let grades = &moment.ask.relevant;
        let positions = Positions::of(&answer.ranked, moment.question.depth);
        let scored = plan.ks.iter().flat_map(|k| accuracy::measures(&positions, grades, *k));
        self.values.iter_mut().zip(scored).for_each(|(values, value)| values.push(value));
        self.retrieved.push(match &answer.retrieved {
            Some(items) => share_of(grades, items),
            None => accuracy::measures(&positions, grades, RETRIEVED)[2],
        });
        self.micros.push(answer.micros);
        let relevant = grades.iter().filter(|(_, grade)| **grade > 0.0).map(|(item, _)| *item);
        let bin = match expected_rank(&answer.ranked, relevant) {
            Some(rank) => BINS.iter().position(|(end, _)| rank <= *end).unwrap_or(BINS.len()),
            None => BINS.len() + 1,
        };
        self.ranks[bin] += 1;
        self.lists.add(log, moment, &positions.list(plan.ks[0], plan.seed, moment.question.number));
    }
}

/// Share of the relevant items that are in `items`.
fn share_of(grades: &accuracy::Grades, items: &[u32]) -> f64 {
    let relevant: Vec<&u32> = grades.iter().filter(|(_, grade)| **grade > 0.0).map(|(item, _)| item).collect();
    let found = relevant.iter().filter(|item| items.contains(item)).count();
    found as f64 / relevant.len().max(1) as f64
}

fn slice_figures(column: &Column, scores: &TaskScores, bootstrap: Bootstrap) -> Vec<Slice> {
    let mut members: BTreeMap<(usize, &str), Vec<usize>> = BTreeMap::new();
    for (question, names) in scores.slices.iter().enumerate() {
        for name in names {
            members.entry((slices::place(name), name)).or_default().push(question);
        }
    }
    let slice = |((_, name), questions): ((usize, &str), Vec<usize>)| {
        let pick = |question: &usize| column.values[0].get(*question).copied().unwrap_or_default();
        let values: Vec<f64> = questions.iter().map(pick).collect();
        let units: Vec<usize> = questions.iter().map(|question| scores.units[*question]).collect();
        Slice { name: name.to_owned(), questions: questions.len(), value: bootstrap.of(&values, &units) }
    };
    members.into_iter().map(slice).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Milliseconds at a share of the sorted times.
fn percentile(micros: &[u64], share: f64) -> f64 {
    let mut sorted = micros.to_vec();
    sorted.sort_unstable();
    let at = (share * sorted.len().saturating_sub(1) as f64).round() as usize;
    sorted.get(at).map_or(0.0, |micros| *micros as f64 / 1000.0)
}

//! Tests of measuring, on small synthetic logs.

mod baselines;
mod counterfactual;
mod external;
mod protocol;
mod report;
mod ties;

use std::collections::BTreeMap;

use crate::api::evaluation::{Plan, Report, SystemKind, SystemReport};
use crate::api::event::Action;
use crate::base::error::Result;
use crate::base::random::Seeded;
use crate::base::time::Timestamp;

use super::log::{Log, LogEvent, LogItem, Vectors};
use super::subject::{Answer, Question, Ranked, Subject};

/// An event of one user, `day` days after the beginning.
fn event(user: u32, item: u32, day: f64) -> LogEvent {
    LogEvent {
        user,
        item: Some(item),
        action: Action::Buy,
        query: None,
        value: None,
        time: Timestamp::from_seconds(1.6e9 + day * 86_400.0),
        negative: false,
        basket: None,
        segments: None,
    }
}

/// A log of `users` users who each take `each` of `items` items; an item's vector says which third it is from, and a user
/// stays in one third nearly always.
fn synthetic(users: u32, items: u32, each: u32, seed: u64) -> Log {
    let mut random = Seeded::new(seed);
    let mut events = Vec::new();
    for user in 0..users {
        for step in 0..each {
            let third = if random.below(10) == 0 { random.below(3) as u32 } else { user % 3 };
            let item = (random.below(items as usize / 3) as u32) * 3 + third;
            events.push(event(user, item, f64::from(step * users + user) / 10.0));
        }
    }
    events.sort_by_key(|event| event.time);
    let mut vectors = Vectors::zeros(items as usize, 3);
    (0..items).for_each(|item| {
        let unit: Vec<f32> = (0..3).map(|axis| if item % 3 == axis { 1.0 } else { 0.0 }).collect();
        vectors.set(item as usize, &unit);
    });
    Log {
        items: (0..items)
            .map(|item| LogItem {
                id: format!("i{item}"),
                available: Timestamp::from_seconds(1.6e9),
                categories: vec![item % 3],
            })
            .collect(),
        users: (0..users).map(|user| format!("u{user}")).collect(),
        segments: Vec::new(),
        events,
        vectors,
        unknown_items: 0,
    }
}

/// A subject made of a function from the question to the scores of all items.
struct Scores<F>(&'static str, F);

impl<F: FnMut(&Log, &Question) -> Vec<f32>> Subject for Scores<F> {
    fn systems(&self) -> Vec<(String, SystemKind)> {
        vec![(self.0.to_owned(), SystemKind::Rank)]
    }

    fn log(&mut self, _log: &Log, _event: usize, _history: &[u32]) -> Result<()> {
        Ok(())
    }

    fn rank(&mut self, log: &Log, question: &Question) -> Result<Vec<Option<Answer>>> {
        let ranked = Ranked::Scores((self.1)(log, question));
        Ok(vec![Some(Answer { ranked, retrieved: None, micros: 1, by_place: false })])
    }
}

fn constant(log: &Log, _question: &Question) -> Vec<f32> {
    vec![0.5; log.items.len()]
}

/// Measures a function as `rank`, beside the baselines.
fn measure(log: Log, plan: &Plan, score: impl Fn(&Log, &Question) -> Vec<f32> + Copy + 'static) -> Result<Report> {
    super::run(log, plan, &|_: &Log| Ok(vec![Box::new(Scores("rank", score)) as Box<dyn Subject>]))
}

fn system<'r>(report: &'r Report, name: &str) -> &'r SystemReport {
    report.tasks[0].systems.iter().find(|system| system.name == name).expect("is there")
}

fn figure(report: &Report, name: &str, measure: &str) -> f64 {
    system(report, name).measures.iter().find(|m| m.name == measure).expect("is there").value.mean
}

fn grades(list: &[(u32, f64)]) -> BTreeMap<u32, f64> {
    list.iter().copied().collect()
}

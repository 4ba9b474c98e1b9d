//! Parts of the questions that are worth a figure of their own.

use super::log::Log;
use super::replay::Moment;
use super::subject::Task;

/// Events below which an item or a user counts as cold.
const COLD: u32 = 5;

/// All parts, in the order of reports.
const ORDER: [&str; 10] = [
    "head item",
    "torso item",
    "tail item",
    "cold item (under 5 events)",
    "without history",
    "cold user (1 to 4 events)",
    "user with 5 events or more",
    "query of one word",
    "query of 2 or 3 words",
    "query of 4 words or more",
];

/// A part's place in reports.
pub(super) fn place(name: &str) -> usize {
    ORDER.iter().position(|part| *part == name).unwrap_or(ORDER.len())
}

/// The names of the parts that a question belongs to.
pub(super) fn of(log: &Log, moment: &Moment) -> Vec<&'static str> {
    let mut names = Vec::new();
    if let Some(query) = moment.question.query {
        names.push(match query.split_whitespace().count() {
            0 | 1 => "query of one word",
            2 | 3 => "query of 2 or 3 words",
            _ => "query of 4 words or more",
        });
    }
    if moment.question.task != Task::Query {
        names.push(match moment.question.history.len() as u32 {
            0 => "without history",
            1..COLD => "cold user (1 to 4 events)",
            _ => "user with 5 events or more",
        });
    }
    if moment.question.task == Task::NextItem && !log.events.is_empty() {
        names.extend(of_target(moment));
    }
    names
}

/// Where the target stands in popularity at the time of the question.
fn of_target(moment: &Moment) -> Vec<&'static str> {
    let Some(target) = moment.ask.relevant.keys().next() else { return Vec::new() };
    let own = moment.counts.get(*target as usize).copied().unwrap_or_default();
    let total: u64 = moment.counts.iter().map(|count| u64::from(*count)).sum();
    let above: u64 = moment.counts.iter().filter(|count| **count > own).map(|count| u64::from(*count)).sum();
    // Head, torso and tail hold a third of all events each.
    let part = match above * 3 {
        above if above < total => "head item",
        above if above < 2 * total => "torso item",
        _ => "tail item",
    };
    if own < COLD { vec![part, "cold item (under 5 events)"] } else { vec![part] }
}

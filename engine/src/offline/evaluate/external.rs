//! External systems: the questions to ask them, and their answers as one more subject.
//!
//! Their answers are fixed, so the point-in-time check cannot test them; the report warns of that.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::api::evaluation::{External, ExternalAnswer, OpenQuestion, Plan, Protocol, Questions, SplitAt, SystemKind};
use crate::api::request::HistoryEvent;
use crate::base::error::{Error, Result};

use super::asked::Asked;
use super::log::Log;
use super::replay::replay;
use super::subject::{Answer, Question, Ranked, Subject, Task};
use super::targets::{self, Ask, Withheld};

/// The questions of a plan, with what is known when each is asked.
///
/// # Errors
/// [`Error::InvalidArgument`] when the plan leaves no question to ask.
pub(crate) fn questions(mut log: Log, plan: &Plan) -> Result<Questions> {
    if let Some(until) = plan.until {
        log.cut(until);
    }
    let log = &log;
    let withheld = Withheld::draw(log, plan);
    let asks = Asked::of(log, plan, &withheld)?.asks;
    let mut asked = Questions {
        targets_hash: targets::hash(log, &asks),
        hidden_items: hidden(&withheld.items, |item| log.items.get(item).map(|item| item.id.clone())),
        hidden_users: hidden(&withheld.users, |user| log.users.get(user).cloned()),
        ..Questions::default()
    };
    if plan.next_item
        && let Protocol::GlobalTimeSplit { at } = plan.protocol
    {
        asked.split = match at {
            SplitAt::Time(time) => Some(time),
            SplitAt::Share(_) => log.events.get(targets::first_target(log, plan.protocol)).map(|event| event.time),
        };
    }
    replay(log, &asks, &withheld, 0, &mut [], &mut |moment, _| {
        asked.questions.push(open(log, &moment.question));
        Ok(())
    })?;
    Ok(asked)
}

fn hidden(flags: &[bool], id: impl Fn(usize) -> Option<String>) -> Vec<String> {
    flags.iter().enumerate().filter(|(_, hidden)| **hidden).filter_map(|(number, _)| id(number)).collect()
}

fn open(log: &Log, question: &Question) -> OpenQuestion {
    OpenQuestion {
        id: question.number,
        task: question.task.name(),
        user: question.user.and_then(|user| log.users.get(user as usize)).cloned(),
        time: question.now,
        query: question.query.map(str::to_owned),
        exclude_seen: question.exclude_seen,
        history: past(log, question),
    }
}

/// The history of a question, oldest first.
pub(crate) fn past(log: &Log, question: &Question) -> Vec<HistoryEvent> {
    let events = question.history.iter().filter_map(|place| log.events.get(*place as usize));
    let history = events.filter_map(|event| {
        let item = log.items.get(event.item? as usize)?;
        let mut past = HistoryEvent::new(item.id.as_str());
        past.action = event.action.clone();
        past.value = event.value;
        past.time = Some(event.time);
        Some(past)
    });
    history.collect()
}

/// The plan's external systems as subjects.
///
/// # Errors
/// [`Error::InvalidArgument`] for answers to other questions, too few or too many of them, or items that are not in the catalog.
pub(super) fn all(log: &Log, plan: &Plan, asks: &[Ask], hash: &str) -> Result<Vec<Box<dyn Subject>>> {
    let items: HashMap<&str, u32> = match plan.external.is_empty() {
        true => HashMap::new(),
        false => log.items.iter().enumerate().map(|(number, item)| (item.id.as_str(), number as u32)).collect(),
    };
    let subject = |external: &External| -> Result<Box<dyn Subject>> {
        check_questions(external, asks, hash)?;
        let lists = external.answers.iter().map(|(question, answer)| {
            Ok((*question, numbered(answer, &items).map_err(|unknown| unknown_item(external, *question, unknown))?))
        });
        Ok(Box::new(Elsewhere { name: external.name.clone(), lists: lists.collect::<Result<_>>()? }))
    };
    plan.external.iter().map(subject).collect()
}

/// Refuses a name that another system of the report has: figures could not be told apart.
pub(super) fn check_names(plan: &Plan, others: &[(String, SystemKind)]) -> Result<()> {
    let mut taken: BTreeSet<&str> = others.iter().map(|(name, _)| name.as_str()).collect();
    match plan.external.iter().find(|external| !taken.insert(&external.name)) {
        Some(twice) => {
            let found = format!("`{}`, which another system has", twice.name);
            Err(Error::argument("name of an external system", "a name of its own", found))
        }
        None => Ok(()),
    }
}

/// The warning that a report with external systems has.
pub(super) fn warning(plan: &Plan) -> Option<String> {
    let names: Vec<&str> = plan.external.iter().map(|external| external.name.as_str()).collect();
    let of = |names: &[&str]| {
        format!(
            "answers of {} were given from elsewhere: whether they know the future cannot be checked",
            names.join(", ")
        )
    };
    (!names.is_empty()).then(|| of(&names))
}

/// The answers are to these questions, and to all of each kind that is answered at all.
fn check_questions(external: &External, asks: &[Ask], hash: &str) -> Result<()> {
    let what = format!("external system `{}`", external.name);
    if external.targets_hash != hash {
        let expected = format!("answers to the targets {hash} of this plan and log (`questions` lists them)");
        let found: String = external.targets_hash.chars().take(32).collect();
        return Err(Error::argument(what, expected, format!("answers to the targets `{found}`")));
    }
    if let Some((question, _)) = external.answers.iter().find(|(question, _)| **question >= asks.len()) {
        let expected = format!("answers to the questions 0 to {}", asks.len().saturating_sub(1));
        return Err(Error::argument(what, expected, format!("an answer to question {question}")));
    }
    if external.answers.is_empty() {
        return Err(Error::argument(what, format!("answers to {} questions", asks.len()), "none"));
    }
    let mut missing: BTreeMap<Task, (usize, usize)> = BTreeMap::new();
    for (number, ask) in asks.iter().enumerate().filter(|(number, _)| !external.answers.contains_key(number)) {
        missing.entry(ask.task).or_insert((0, number)).0 += 1;
    }
    for (task, (count, first)) in missing {
        let all = asks.iter().filter(|ask| ask.task == task).count();
        if count < all {
            let expected = format!(
                "an answer to each of the {all} questions `{}`, an empty one where there is nothing",
                task.name()
            );
            return Err(Error::argument(what, expected, format!("none to {count} of them, the first is {first}")));
        }
    }
    Ok(())
}

fn unknown_item(external: &External, question: usize, unknown: &str) -> Error {
    let shown: String = unknown.chars().take(64).collect();
    Error::argument(external.place(question), "ids of items in the catalog", format!("`{shown}`"))
}

/// Items by number, best first, with the place of their score among the scores: ties stay ties, whatever the precision.
///
/// # Errors
/// An id that is not in the catalog.
fn numbered<'a>(
    answer: &'a ExternalAnswer,
    items: &HashMap<&str, u32>,
) -> std::result::Result<Vec<(u32, f32)>, &'a str> {
    let number = |id: &'a str| items.get(id).copied().ok_or(id);
    match answer {
        ExternalAnswer::Ranked(ids) => {
            ids.iter().enumerate().map(|(place, id)| Ok((number(id)?, -(place as f32)))).collect()
        }
        ExternalAnswer::Scored(scores) => {
            let mut sorted: Vec<(u32, f64)> =
                scores.iter().map(|(id, score)| Ok((number(id)?, *score))).collect::<std::result::Result<_, &str>>()?;
            sorted.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            let groups = sorted.chunk_by(|a, b| a.1 == b.1).enumerate();
            Ok(groups.flat_map(|(place, tied)| tied.iter().map(move |(item, _)| (*item, -(place as f32)))).collect())
        }
    }
}

/// An external system: all of its answers are given.
struct Elsewhere {
    name: String,
    lists: HashMap<usize, Vec<(u32, f32)>>,
}

impl Subject for Elsewhere {
    fn systems(&self) -> Vec<(String, SystemKind)> {
        vec![(self.name.clone(), SystemKind::External)]
    }

    fn log(&mut self, _log: &Log, _event: usize, _history: &[u32]) -> Result<()> {
        Ok(())
    }

    fn rank(&mut self, log: &Log, question: &Question) -> Result<Vec<Option<Answer>>> {
        let Some(list) = self.lists.get(&question.number) else { return Ok(vec![None]) };
        let mut list = list.clone();
        if question.exclude_seen {
            let past = question.history.iter().filter_map(|place| log.events.get(*place as usize)?.item);
            let seen: HashSet<u32> = past.collect();
            list.retain(|(item, _)| !seen.contains(item));
        }
        Ok(vec![Some(Answer { ranked: Ranked::List(list), retrieved: None, micros: 0, by_place: false })])
    }
}

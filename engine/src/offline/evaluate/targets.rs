//! Which events are targets, what is withheld from the systems, and a hash that names the choice.

use std::collections::{BTreeMap, HashMap, HashSet};

use sha2::{Digest, Sha256};

use crate::api::evaluation::{JudgedQuery, Plan, Protocol, SplitAt, Targets};
use crate::base::random::unit_hash;
use crate::base::time::Timestamp;

use super::log::Log;
use super::subject::Task;

/// A question to be asked just before event `at` is logged.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ask {
    pub at: usize,
    pub task: Task,
    pub user: Option<u32>,
    pub query: Option<String>,
    pub now: Timestamp,
    pub exclude_seen: bool,
    /// Grades of the relevant items.
    pub relevant: BTreeMap<u32, f64>,
    /// What intervals resample as a whole: the user, or the query.
    pub unit: usize,
}

/// What no system gets to see.
#[derive(Debug, Clone, Default)]
pub(super) struct Withheld {
    pub items: Vec<bool>,
    pub users: Vec<bool>,
}

impl Withheld {
    /// Draws what the protocol hides.
    pub(super) fn draw(log: &Log, plan: &Plan) -> Withheld {
        // The given fraction, at least one: those of the lowest hash.
        let drawn = |count: usize, share: f64, which: u64| -> Vec<bool> {
            let mut order: Vec<usize> = (0..count).collect();
            order.sort_by(|a, b| {
                let hash = |number: usize| unit_hash([plan.seed, which, number as u64]);
                hash(*a).total_cmp(&hash(*b))
            });
            let mut hidden = vec![false; count];
            order.iter().take((count as f64 * share).ceil() as usize).for_each(|number| hidden[*number] = true);
            hidden
        };
        match plan.protocol {
            Protocol::ItemCold { share } => {
                Withheld { items: drawn(log.items.len(), share, 1), users: vec![false; log.users.len()] }
            }
            Protocol::UserCold { share } => {
                Withheld { items: vec![false; log.items.len()], users: drawn(log.users.len(), share, 2) }
            }
            _ => Withheld { items: vec![false; log.items.len()], users: vec![false; log.users.len()] },
        }
    }

    pub(super) fn item(&self, item: Option<u32>) -> bool {
        item.is_some_and(|item| self.items.get(item as usize) == Some(&true))
    }

    pub(super) fn user(&self, user: u32) -> bool {
        self.users.get(user as usize) == Some(&true)
    }
}

/// The targets of recommendation, in order of time; and how many there were before drawing.
pub(super) fn next_items(log: &Log, plan: &Plan, withheld: &Withheld) -> (Vec<Ask>, usize) {
    let eligible = eligible(log, plan, withheld);
    let mut chosen = by_rule(log, plan, &eligible);
    let found = chosen.len();
    if found > plan.max_targets {
        chosen.sort_by(|a, b| draw(plan, *a).total_cmp(&draw(plan, *b)));
        chosen.truncate(plan.max_targets);
        chosen.sort_unstable();
    }
    let asks = chosen.into_iter().map(|at| {
        let event = &log.events[at];
        let relevant = event.item.map(|item| (item, 1.0)).into_iter().collect();
        Ask {
            at,
            task: Task::NextItem,
            user: Some(event.user),
            query: None,
            now: event.time,
            exclude_seen: plan.exclude_seen,
            relevant,
            unit: event.user as usize,
        }
    });
    (asks.collect(), found)
}

fn draw(plan: &Plan, at: usize) -> f64 {
    unit_hash([plan.seed, 3, at as u64])
}

/// One event that may be a target.
struct Eligible {
    at: usize,
    user: u32,
    /// Whether its item is new to the user.
    new: bool,
}

/// Events that the protocol admits, whose user has history enough.
fn eligible(log: &Log, plan: &Plan, withheld: &Withheld) -> Vec<Eligible> {
    let from = first_target(log, plan.protocol);
    let mut had: HashMap<u32, HashSet<u32>> = HashMap::new();
    let mut known_events: HashMap<u32, usize> = HashMap::new();
    let mut found = Vec::new();
    for (at, event) in log.events.iter().enumerate() {
        let Some(item) = event.item else { continue };
        let hidden = withheld.item(Some(item));
        let admitted = match plan.protocol {
            Protocol::ItemCold { .. } => hidden,
            Protocol::UserCold { .. } => withheld.user(event.user),
            _ => at >= from,
        };
        let new = had.entry(event.user).or_default().insert(item);
        let events = known_events.entry(event.user).or_default();
        if admitted && !event.negative && *events >= plan.min_history && (new || !plan.exclude_seen) {
            found.push(Eligible { at, user: event.user, new });
        }
        *events += usize::from(!hidden);
    }
    found
}

/// The place of the first event that may be a target.
pub(super) fn first_target(log: &Log, protocol: Protocol) -> usize {
    match protocol {
        Protocol::GlobalTimeSplit { at: SplitAt::Time(time) } => log.events.partition_point(|event| event.time < time),
        Protocol::GlobalTimeSplit { at: SplitAt::Share(share) } => {
            // Events of one moment are not torn apart.
            let time = log.events.get((log.events.len() as f64 * share) as usize).map(|event| event.time);
            time.map_or(log.events.len(), |time| log.events.partition_point(|event| event.time < time))
        }
        _ => 0,
    }
}

fn by_rule(log: &Log, plan: &Plan, eligible: &[Eligible]) -> Vec<usize> {
    let rule = if plan.protocol == Protocol::LeaveLastOut { Targets::Last } else { plan.targets };
    let mut of_user: Vec<Option<usize>> = vec![None; log.users.len()];
    let mut every = Vec::new();
    for event in eligible {
        let Some(place) = of_user.get_mut(event.user as usize) else { continue };
        match rule {
            Targets::Every => every.push(event.at),
            Targets::Last => *place = Some(event.at),
            Targets::FirstNew if !event.new => {}
            Targets::First | Targets::FirstNew => *place = place.or(Some(event.at)),
        }
    }
    every.extend(of_user.into_iter().flatten());
    every.sort_unstable();
    every
}

/// The judged queries as questions, and how many grades name an item that is not in the catalog.
pub(super) fn searches(log: &Log, plan: &Plan) -> (Vec<Ask>, usize) {
    let items: HashMap<&str, u32> =
        log.items.iter().enumerate().map(|(n, item)| (item.id.as_str(), n as u32)).collect();
    let users: HashMap<&str, u32> = log.users.iter().enumerate().map(|(n, id)| (id.as_str(), n as u32)).collect();
    let latest = log.events.last().map(|event| event.time);
    let end = latest.or_else(|| log.items.iter().map(|item| item.available).max()).unwrap_or_default();
    let mut unknown = 0;
    let mut ask = |(number, judged): (usize, &JudgedQuery)| {
        let user = judged.user.as_deref().and_then(|id| users.get(id).copied());
        let relevant: BTreeMap<u32, f64> =
            judged.grades.iter().filter_map(|(id, grade)| Some((*items.get(id.as_str())?, *grade))).collect();
        unknown += judged.grades.len() - relevant.len();
        Ask {
            at: judged.time.map_or(log.events.len(), |time| log.events.partition_point(|event| event.time < time)),
            task: if judged.user.is_some() { Task::QueryAndHistory } else { Task::Query },
            user,
            query: Some(judged.query.clone()),
            now: judged.time.unwrap_or(end),
            exclude_seen: false,
            relevant,
            // The queries of one user are not independent.
            unit: user.map_or(log.users.len() + number, |user| user as usize),
        }
    };
    let asks: Vec<Ask> = plan.queries.iter().enumerate().map(&mut ask).collect();
    // A query without a relevant item in the catalog scores 0 whatever is shown, so it is left out.
    (asks.into_iter().filter(|ask| ask.relevant.values().any(|grade| *grade > 0.0)).collect(), unknown)
}

/// Names the questions and their answers: two reports with one hash are about the same targets.
pub(super) fn hash(log: &Log, asks: &[Ask]) -> String {
    let mut sha = Sha256::new();
    for ask in asks {
        sha.update(ask.user.and_then(|user| log.users.get(user as usize)).map_or(&[][..], |id| id.as_bytes()));
        sha.update([0]);
        sha.update(ask.query.as_deref().unwrap_or_default().as_bytes());
        sha.update([0]);
        sha.update(ask.now.millis().to_le_bytes());
        for (item, grade) in &ask.relevant {
            sha.update(log.items.get(*item as usize).map_or(&[][..], |item| item.id.as_bytes()));
            sha.update([0]);
            sha.update(grade.to_le_bytes());
        }
    }
    sha.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

//! The whole measurement, step by step.

use std::time::Instant;

use crate::api::evaluation::{LogFigures, Plan, PointInTime, Protocol, Report, SplitAt, SystemKind, Targets};
use crate::base::error::{Error, Result};

use super::baselines;
use super::board::{Board, RETRIEVED};
use super::external;
use super::leaks::{self, Heads, Make};
use super::log::Log;
use super::replay::replay;
use super::subject::Subject;
use super::targets::{self, Ask, Withheld};

/// Measures. `make` makes the engine's side: the subjects besides the baselines. It is called a second time for the
/// point-in-time check.
///
/// # Errors
/// [`Error::InvalidArgument`] when the plan leaves no question to ask; what a subject answers.
pub(crate) fn run(mut log: Log, plan: &Plan, make: &Make) -> Result<Report> {
    let start = Instant::now();
    if let Some(until) = plan.until {
        log.cut(until);
    }
    let log = &log;
    let withheld = Withheld::draw(log, plan);
    let Asked { asks, mut warnings } = Asked::of(log, plan, &withheld)?;
    let targets_hash = targets::hash(log, &asks);
    let elsewhere = external::all(log, plan, &asks, &targets_hash)?;
    warnings.extend(external::warning(plan));
    let everybody = |log: &Log| -> Result<Vec<Box<dyn Subject>>> {
        let mut subjects = make(log)?;
        if plan.baselines {
            subjects.extend(baselines::all(log, plan.seed));
        }
        Ok(subjects)
    };

    let mut subjects = everybody(log)?;
    external::check_names(plan, &systems_of(&subjects))?;
    // Behind the others: the check below asks the others again, and passes over these.
    subjects.extend(elsewhere);
    let systems = systems_of(&subjects);
    let mut board = Board::new(log, plan, systems);
    let mut heads = Heads::default();
    let checked = plan.check_targets.min(asks.len());
    let depth = plan.ks.iter().copied().max().unwrap_or(1).max(RETRIEVED);
    replay(log, &asks, &withheld, depth, &mut subjects, &mut |moment, answers| {
        let answers: Vec<_> = answers.into_iter().flatten().collect();
        if moment.question.number < checked {
            heads.keep(&answers);
        }
        board.add(moment, &answers);
        Ok(())
    })?;
    let reasons = subjects.iter().map(|subject| (subject.systems(), subject.not_run()));
    let not_run: Vec<(String, String)> =
        reasons.filter_map(|(systems, reason)| Some((systems.into_iter().next()?.0, reason?))).collect();
    drop(subjects);
    let point_in_time = match checked {
        0 => PointInTime::default(),
        _ => leaks::check(log, plan, &asks[..checked], &withheld, &everybody, &heads)?,
    };
    Ok(Report {
        protocol: protocol(plan),
        warnings,
        log: figures(log),
        targets_hash,
        tasks: board.finish(&not_run),
        point_in_time,
        seconds: start.elapsed().as_secs_f64(),
    })
}

fn systems_of(subjects: &[Box<dyn Subject>]) -> Vec<(String, SystemKind)> {
    subjects.iter().flat_map(|subject| subject.systems()).collect()
}

/// The questions in the order in which they are asked, and what is to be said about them.
pub(super) struct Asked {
    pub asks: Vec<Ask>,
    warnings: Vec<String>,
}

impl Asked {
    pub(super) fn of(log: &Log, plan: &Plan, withheld: &Withheld) -> Result<Asked> {
        let mut warnings = Vec::new();
        let (mut asks, found) = if plan.next_item { targets::next_items(log, plan, withheld) } else { (Vec::new(), 0) };
        if found > asks.len() {
            warnings.push(format!("{} of {found} targets were drawn (max_targets)", asks.len()));
        }
        let (searches, unknown) = targets::searches(log, plan);
        if unknown > 0 {
            warnings.push(format!("{unknown} grades name items that are not in the catalog; they were left out"));
        }
        if searches.len() < plan.queries.len() {
            let without = plan.queries.len() - searches.len();
            warnings.push(format!("{without} queries have no relevant item in the catalog; they were left out"));
        }
        asks.extend(searches);
        // Stable: questions at one place keep their order.
        asks.sort_by_key(|ask| ask.at);
        if asks.is_empty() {
            let found = format!("none ({} events, {} queries)", log.events.len(), plan.queries.len());
            return Err(Error::argument(
                "plan",
                "a log and a protocol with at least one target, or judged queries",
                found,
            ));
        }
        warnings.extend(about_time(log, plan, &asks));
        Ok(Asked { asks, warnings })
    }
}

/// What the reader should know about times.
fn about_time(log: &Log, plan: &Plan, asks: &[Ask]) -> Vec<String> {
    let mut warnings = Vec::new();
    if plan.next_item && plan.protocol == Protocol::LeaveLastOut {
        warnings.push(
            "leave-last-out leaks time: targets of some users lie before events of others, so whatever was fitted to the \
             whole log (a trained model, calibrated weights) has seen the future of these targets. Counts and \
             histories are replayed and do not leak"
                .to_owned(),
        );
    }
    let first = asks.first().map(|ask| ask.now).unwrap_or_default();
    let later = log.items.iter().filter(|item| item.available > first).count();
    // Without a date field every item counts from its put, which says nothing about the past.
    if later > 0 && later < log.items.len() && !log.events.is_empty() {
        warnings.push(format!(
            "{later} items became available after the first question; all systems rank them all the time"
        ));
    }
    let same = log.same_time_share();
    if same > 0.25 {
        warnings.push(format!(
            "{:.0} % of the events share their time with another of the same user; their order is that of logging",
            same * 100.0
        ));
    }
    warnings
}

fn figures(log: &Log) -> LogFigures {
    LogFigures {
        items: log.items.len(),
        users: log.users.len(),
        events: log.events.len(),
        same_time: log.same_time_share(),
        unknown_items: log.unknown_items,
    }
}

/// The protocol in words.
fn protocol(plan: &Plan) -> String {
    if !plan.next_item {
        return "judged queries; full ranking of all items; what has no grade counts as not relevant".to_owned();
    }
    let split = match plan.protocol {
        Protocol::GlobalTimeSplit { at: SplitAt::Share(share) } => {
            format!("global time split after {:.0} % of the events", share * 100.0)
        }
        Protocol::GlobalTimeSplit { at: SplitAt::Time(time) } => {
            format!("global time split at {}", time.date())
        }
        Protocol::LeaveLastOut => "leave last out".to_owned(),
        Protocol::ItemCold { share } => format!("{:.0} % of the items hidden", share * 100.0),
        Protocol::UserCold { share } => format!("{:.0} % of the users hidden", share * 100.0),
    };
    let rule = match (plan.protocol, plan.targets) {
        (Protocol::LeaveLastOut, _) | (_, Targets::Last) => "the last event of each user",
        (_, Targets::FirstNew) => "each user's first item that is new to them",
        (_, Targets::First) => "the first event of each user",
        (_, Targets::Every) => "every event",
    };
    let seen = if plan.exclude_seen { "items a user had are left out" } else { "items a user had count too" };
    format!("{split}; {rule}; full ranking of all items; {seen}")
}

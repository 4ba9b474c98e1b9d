//! The whole measurement, step by step.

use std::time::Instant;

use crate::api::evaluation::{LogFigures, Plan, PointInTime, Protocol, Report, SplitAt, SystemKind, Targets};
use crate::base::error::Result;
use crate::base::watch;

use super::asked::Asked;
use super::baselines;
use super::external;
use super::leaks::{self, Heads, Make};
use super::log::Log;
use super::replay::replay;
use super::scoreboard::{RETRIEVED, Scoreboard};
use super::subject::Subject;
use super::targets::{self, Ask, Withheld};

/// Measures. `make` makes the engine's side: the subjects besides the baselines. It is called a second time for the
/// point-in-time check.
///
/// # Errors
/// [`InvalidArgument`](crate::Error::InvalidArgument) when the plan leaves no question to ask; what a subject answers.
pub(crate) fn run(mut log: Log, plan: &Plan, make: &Make) -> Result<Report> {
    let start = Instant::now();
    if let Some(until) = plan.until {
        log.cut(until);
    }
    let log = &log;
    let withheld = Withheld::draw(log, plan);
    let Asked { asks, mut warnings } = Asked::of(log, plan, &withheld)?;
    let targets_hash = targets::hash(log, &asks);
    let external = external::all(log, plan, &asks, &targets_hash)?;
    warnings.extend(external::warning(plan));
    let all_subjects = |log: &Log| -> Result<Vec<Box<dyn Subject>>> {
        let mut subjects = make(log)?;
        if plan.baselines {
            subjects.extend(baselines::all(log, plan.seed));
        }
        Ok(subjects)
    };
    let mut subjects = all_subjects(log)?;
    external::check_names(plan, &systems_of(&subjects))?;
    // After the others: the check below asks only the others again.
    subjects.extend(external);
    let mut scoreboard = Scoreboard::new(log, plan, systems_of(&subjects));
    let checked = plan.check_targets.min(asks.len());
    let heads = ask_all((log, plan), &asks, &withheld, &mut subjects, (&mut scoreboard, checked))?;
    let not_run = not_run(&subjects);
    drop(subjects);
    let point_in_time = match checked {
        0 => PointInTime::default(),
        _ => leaks::check(log, plan, &asks[..checked], &withheld, &all_subjects, &heads)?,
    };
    let tasks = scoreboard.finish(&not_run);
    // Resampling may have ended early.
    watch::check()?;
    Ok(Report {
        protocol: protocol(plan),
        warnings,
        log: figures(log),
        targets_hash,
        tasks,
        point_in_time,
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// Replays the log, asks every subject, and fills the scoreboard. Returns the heads of the first `checked` answers.
fn ask_all(
    (log, plan): (&Log, &Plan),
    asks: &[Ask],
    withheld: &Withheld,
    subjects: &mut [Box<dyn Subject>],
    (scoreboard, checked): (&mut Scoreboard<'_>, usize),
) -> Result<Heads> {
    let mut heads = Heads::default();
    let depth = plan.ks.iter().copied().max().unwrap_or(1).max(RETRIEVED);
    replay(log, asks, withheld, depth, subjects, &mut |moment, answers| {
        let answers: Vec<_> = answers.into_iter().flatten().collect();
        if moment.question.number < checked {
            heads.keep(&answers);
        }
        scoreboard.add(moment, &answers);
        Ok(())
    })?;
    Ok(heads)
}

/// The subjects whose answers are meaningless, with the reason.
fn not_run(subjects: &[Box<dyn Subject>]) -> Vec<(String, String)> {
    let reasons = subjects.iter().map(|subject| (subject.systems(), subject.not_run()));
    reasons.filter_map(|(systems, reason)| Some((systems.into_iter().next()?.0, reason?))).collect()
}

fn systems_of(subjects: &[Box<dyn Subject>]) -> Vec<(String, SystemKind)> {
    subjects.iter().flat_map(|subject| subject.systems()).collect()
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
        Protocol::GlobalTimeSplit { at: SplitAt::Fraction(fraction) } => {
            format!("global time split after {:.0} % of the events", fraction * 100.0)
        }
        Protocol::GlobalTimeSplit { at: SplitAt::Time(time) } => {
            format!("global time split at {}", time.date())
        }
        Protocol::LeaveLastOut => "leave last out".to_owned(),
        Protocol::ItemCold { fraction } => format!("{:.0} % of the items hidden", fraction * 100.0),
        Protocol::UserCold { fraction } => format!("{:.0} % of the users hidden", fraction * 100.0),
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

//! Targets, what is withheld, and the point-in-time check.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use crate::api::evaluation::{JudgedQuery, Protocol, SplitAt, Targets};
use crate::offline::evaluate::replay::replay;
use crate::offline::evaluate::targets::{self, Withheld};

fn plan(protocol: Protocol, targets: Targets) -> Plan {
    Plan { protocol, targets, ..Plan::default() }
}

fn places(log: &Log, plan: &Plan) -> Vec<usize> {
    targets::next_items(log, plan, &Withheld::draw(log, plan)).0.into_iter().map(|ask| ask.at).collect()
}

/// Two users: 0 has items 0, 1, then 0 again and 2; 1 has item 3 alone.
fn small() -> Log {
    let mut log = synthetic(2, 6, 0, 1);
    log.events = vec![event(0, 0, 0.0), event(0, 1, 1.0), event(1, 3, 2.0), event(0, 0, 3.0), event(0, 2, 4.0)];
    log
}

#[test]
fn rules_choose_targets() {
    let split = Protocol::GlobalTimeSplit { at: SplitAt::Time(small().events[3].time) };
    assert_eq!(places(&small(), &plan(split, Targets::FirstNew)), [4], "item 0 is not new");
    let mut rebuys = plan(split, Targets::First);
    rebuys.exclude_seen = false;
    assert_eq!(places(&small(), &rebuys), [3]);
    assert_eq!(places(&small(), &plan(Protocol::LeaveLastOut, Targets::Every)), [4], "user 1 has no history");
    let mut first_visits = plan(Protocol::LeaveLastOut, Targets::Last);
    first_visits.min_history = 0;
    assert_eq!(places(&small(), &first_visits), [2, 4]);
}

#[test]
fn negative_events_are_no_targets() {
    let mut log = small();
    log.events[4].negative = true;
    let split = Protocol::GlobalTimeSplit { at: SplitAt::Fraction(0.5) };
    assert!(places(&log, &plan(split, Targets::FirstNew)).is_empty());
}

#[test]
fn a_split_does_not_tear_one_moment_apart() {
    let mut log = small();
    (0..4).for_each(|place| log.events[place].time = log.events[0].time);
    let split = plan(Protocol::GlobalTimeSplit { at: SplitAt::Fraction(0.5) }, Targets::Every);
    // The middle of the log lies inside the one moment: all of it comes after the split, and has its order.
    assert_eq!(places(&log, &split), [1, 4]);
}

#[test]
fn more_targets_than_wanted_are_drawn_and_named() {
    let log = synthetic(50, 30, 20, 3);
    let mut plan = plan(Protocol::GlobalTimeSplit { at: SplitAt::Fraction(0.5) }, Targets::Every);
    plan.max_targets = 40;
    plan.check_targets = 0;
    let report = measure(log.clone(), &plan, constant).expect("measures");
    assert_eq!(report.tasks[0].questions, 40);
    assert!(report.warnings.iter().any(|warning| warning.contains("40 of")), "{:?}", report.warnings);
    let again = measure(log.clone(), &plan, constant).expect("measures");
    assert_eq!(report.targets_hash, again.targets_hash);
    plan.seed = 2;
    assert_ne!(report.targets_hash, measure(log, &plan, constant).expect("measures").targets_hash);
}

/// What a subject was shown.
#[derive(Default, Clone)]
struct Shown(Rc<RefCell<Vec<usize>>>);

impl Subject for Shown {
    fn systems(&self) -> Vec<(String, SystemKind)> {
        vec![("shown".to_owned(), SystemKind::Rank)]
    }

    fn log(&mut self, _log: &Log, event: usize, _history: &[u32]) -> Result<()> {
        self.0.borrow_mut().push(event);
        Ok(())
    }

    fn rank(&mut self, _log: &Log, _question: &Question) -> Result<Vec<Option<Answer>>> {
        Ok(vec![None])
    }
}

/// Replays a plan; answers the events shown before each question with the question's place.
fn shown(log: &Log, plan: &Plan) -> Vec<(usize, Vec<usize>, Vec<u32>)> {
    let withheld = Withheld::draw(log, plan);
    let asks = targets::next_items(log, plan, &withheld).0;
    let shown = Shown::default();
    let mut subjects: Vec<Box<dyn Subject>> = vec![Box::new(shown.clone())];
    let mut seen = Vec::new();
    replay(log, &asks, &withheld, 10, &mut subjects, &mut |moment, _| {
        seen.push((moment.ask.at, shown.0.borrow().clone(), moment.question.history.to_vec()));
        Ok(())
    })
    .expect("replays");
    seen
}

#[test]
fn nothing_is_shown_before_it_happened() {
    let log = synthetic(30, 30, 20, 4);
    for (at, events, history) in shown(&log, &plan(Protocol::LeaveLastOut, Targets::Last)) {
        assert_eq!(events, (0..at).collect::<Vec<_>>());
        assert!(history.iter().all(|place| (*place as usize) < at));
    }
}

#[test]
fn hidden_items_are_never_shown_and_always_asked() {
    let log = synthetic(30, 30, 20, 5);
    let plan = plan(Protocol::ItemCold { fraction: 0.3 }, Targets::Every);
    let withheld = Withheld::draw(&log, &plan);
    let hidden = withheld.items.iter().filter(|hidden| **hidden).count();
    assert!((4..=15).contains(&hidden), "{hidden} of 30");
    let questions = shown(&log, &plan);
    assert!(!questions.is_empty());
    for (at, events, history) in questions {
        assert!(withheld.item(log.events[at].item));
        let places = events.into_iter().chain(history.into_iter().map(|place| place as usize));
        assert!(places.into_iter().all(|place| !withheld.item(log.events[place].item)));
    }
}

#[test]
fn hidden_users_are_never_logged_but_their_history_is_given() {
    let log = synthetic(30, 30, 20, 6);
    let plan = plan(Protocol::UserCold { fraction: 0.3 }, Targets::Last);
    let withheld = Withheld::draw(&log, &plan);
    let questions = shown(&log, &plan);
    assert!(!questions.is_empty());
    for (at, events, history) in questions {
        let user = log.events[at].user;
        assert!(withheld.user(user) && !history.is_empty());
        assert!(events.iter().all(|place| !withheld.user(log.events[*place].user)));
        assert!(history.iter().all(|place| log.events[*place as usize].user == user));
    }
}

#[test]
fn a_leaky_feature_is_caught() {
    let log = synthetic(40, 30, 20, 7);
    // Popularity over the whole log: what a feature store that forgot the time of the request would give.
    let leaky = |log: &Log, _: &Question| {
        let mut counts = vec![0.0; log.items.len()];
        let last_tenth = log.events.len() * 9 / 10;
        log.events[last_tenth..].iter().filter_map(LogEvent::wanted).for_each(|item| counts[item] += 1.0);
        counts
    };
    let report = measure(log.clone(), &Plan::default(), leaky).expect("measures");
    assert_eq!(report.point_in_time.leaks, ["rank"], "and no baseline");
    assert!(report.text().contains("CHANGED with the future"));

    // One whose answers differ each time is no leak, but nothing can be said of it.
    static CALLS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let unsteady = |log: &Log, _: &Question| {
        let call = CALLS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        (0..log.items.len()).map(|item| crate::base::random::unit_hash([call, item as u64, 0]) as f32).collect()
    };
    let report = measure(log.clone(), &Plan::default(), unsteady).expect("measures");
    assert!(report.point_in_time.leaks.is_empty(), "{}", report.text());
    assert_eq!(report.point_in_time.unsteady, ["rank"]);
    assert!(report.text().contains("differ from run to run"));

    // The same from the history alone is honest.
    let honest = |log: &Log, question: &Question| {
        let mut counts = vec![0.0; log.items.len()];
        let past = question.history.iter().filter_map(|place| log.events[*place as usize].wanted());
        past.for_each(|item| counts[item] += 1.0);
        counts
    };
    let report = measure(log, &Plan::default(), honest).expect("measures");
    assert!(report.point_in_time.leaks.is_empty() && report.point_in_time.questions > 5, "{}", report.text());
}

#[test]
fn searches_are_asked_in_their_time() {
    let log = small();
    let judged = |user: Option<&str>, day: Option<f64>| JudgedQuery {
        query: "red shoes".to_owned(),
        grades: [("i3".to_owned(), 2.0), ("gone".to_owned(), 1.0)].into_iter().collect(),
        user: user.map(str::to_owned),
        time: day.map(|day| event(0, 0, day).time),
    };
    let queries = vec![judged(None, None), judged(Some("u0"), Some(1.0)), judged(Some("nobody"), Some(-5.0))];
    let plan = Plan { queries, ..Plan::default() };
    let (asks, unknown) = targets::searches(&log, &plan);
    assert_eq!(unknown, 3, "one grade of each names an item that is gone");
    assert_eq!(asks.iter().map(|ask| ask.at).collect::<Vec<_>>(), [5, 1, 0], "before the event of the same time");
    assert_eq!(asks.iter().map(|ask| ask.user).collect::<Vec<_>>(), [None, Some(0), None]);
}

#[test]
fn a_plan_without_a_question_is_refused() {
    let refused = measure(small(), &Plan { min_history: 9, ..Plan::default() }, constant).expect_err("no target");
    assert!(refused.to_string().contains("at least one target"), "{refused}");
    let mut empty = small();
    empty.events.clear();
    assert_eq!(measure(empty, &Plan::default(), constant).expect_err("no log").name(), "InvalidArgument");
}

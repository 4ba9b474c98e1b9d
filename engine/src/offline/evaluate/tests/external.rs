//! Systems from elsewhere: their figures are those of the same lists from inside, and wrong answers are refused.

use super::*;
use crate::api::evaluation::{External, ExternalAnswer, Interval, Outcome, Protocol, Questions, SplitAt, SystemReport};
use crate::base::error::Error;
use crate::offline::evaluate::external::questions;

fn plan() -> Plan {
    Plan { check_targets: 5, resamples: 100, ..Plan::default() }
}

fn log() -> Log {
    synthetic(60, 30, 8, 5)
}

fn figures(system: &SystemReport) -> Vec<(&'static str, usize, Interval)> {
    system.measures.iter().map(|measure| (measure.name, measure.k, measure.value)).collect()
}

/// Items of the user's own third first: a score with many ties.
fn own_third(log: &Log, question: &Question) -> Vec<f32> {
    let third = question.user.unwrap_or_default() % 3;
    let mut scores: Vec<f32> = (0..log.items.len()).map(|item| f32::from(item as u32 % 3 == third)).collect();
    for place in question.history {
        scores[log.events[*place as usize].item.expect("an item") as usize] = f32::NEG_INFINITY;
    }
    scores
}

/// The same from outside, by what the questions say: nothing is left out there, that is the engine's business.
fn answered(asked: &Questions) -> External {
    let answer = |user: &str| {
        let third = user[1..].parse::<u32>().expect("a number") % 3;
        let score = |item: u32| (format!("i{item}"), f64::from(item % 3 == third));
        ExternalAnswer::Scored((0..30).map(score).collect())
    };
    External {
        name: "elsewhere".to_owned(),
        targets_hash: asked.targets_hash.clone(),
        answers: asked.questions.iter().map(|q| (q.id, answer(q.user.as_deref().expect("a user")))).collect(),
    }
}

fn refused(external: External) -> String {
    let plan = Plan { external: vec![external], ..plan() };
    match plan.check().and_then(|()| measure(log(), &plan, own_third).map(|_| ())) {
        Err(error @ (Error::InvalidArgument { .. } | Error::NonFinite { .. } | Error::InvalidId { .. })) => {
            error.to_string()
        }
        other => panic!("expected an error of the input, found {other:?}"),
    }
}

#[test]
fn the_same_lists_have_the_same_figures() {
    let asked = questions(log(), &plan()).expect("lists");
    let plan = Plan { external: vec![answered(&asked)], ..plan() };
    let report = measure(log(), &plan, own_third).expect("measures");
    let (inside, outside) = (system(&report, "rank"), system(&report, "elsewhere"));
    assert_eq!((outside.kind, asked.questions.len()), (SystemKind::External, report.tasks[0].questions));
    let figures =
        |system: &SystemReport| -> Vec<_> { system.measures.iter().map(|m| (m.name, m.k, m.value)).collect() };
    assert_eq!(figures(inside), figures(outside), "ties at their expectation, the same resamples");
    assert!(inside.measures.iter().all(|measure| measure.rank_minus.is_none()));
    assert!(outside.measures.iter().all(|measure| measure.rank_minus == Some(Interval::default())));
    assert_eq!((&inside.ranks, inside.beyond), (&outside.ranks, outside.beyond));
    let difference = outside.rank_minus.expect("a difference");
    assert_eq!((difference.mean, difference.low, difference.high), (0.0, 0.0, 0.0));
    assert_eq!(report.targets_hash, asked.targets_hash);
    assert!(report.warnings.iter().any(|warning| warning.contains("elsewhere: whether")), "{:?}", report.warnings);
    assert_eq!(report.point_in_time.leaks, Vec::<String>::new());
    assert_eq!(report.tasks[0].verdict.best_baseline.as_deref(), Some("elsewhere"), "it has to be beaten too");
    assert_eq!(report.tasks[0].verdict.outcome, Outcome::Level);
    assert!(report.html().contains("from elsewhere"));
}

#[test]
fn a_list_of_ids_has_no_ties() {
    let asked = questions(log(), &plan()).expect("lists");
    let mut external = answered(&asked);
    for answer in external.answers.values_mut() {
        *answer = ExternalAnswer::Ranked((0..30).map(|item| format!("i{item}")).collect());
    }
    let plan = Plan { external: vec![external], ..plan() };
    // The first ten of those that the user has not had, in this order.
    let in_order = |log: &Log, question: &Question| {
        let mut scores: Vec<f32> = (0..log.items.len()).map(|item| -(item as f32)).collect();
        for place in question.history {
            scores[log.events[*place as usize].item.expect("an item") as usize] = f32::NEG_INFINITY;
        }
        scores
    };
    let report = measure(log(), &plan, in_order).expect("measures");
    assert_eq!(figures(system(&report, "rank")), figures(system(&report, "elsewhere")));
}

#[test]
fn questions_tell_the_past_and_not_the_answer() {
    let log = log();
    let asked = questions(log.clone(), &plan()).expect("lists");
    let split = asked.split.expect("a time split");
    for question in &asked.questions {
        let user = question.user.as_deref().expect("a user");
        let own: Vec<_> = log.events.iter().filter(|event| log.users[event.user as usize] == user).collect();
        assert!(question.time >= split && question.exclude_seen && question.query.is_none());
        let past: Vec<String> = question.history.iter().map(|event| event.item.clone()).collect();
        let before = own.iter().take(past.len()).map(|event| format!("i{}", event.item.expect("an item")));
        assert_eq!(past, before.collect::<Vec<_>>());
        assert_eq!(own[past.len()].time, question.time, "the next event is the one that is asked for");
        assert!(!past.contains(&format!("i{}", own[past.len()].item.expect("an item"))), "its item is new");
    }
    let hidden = Plan { protocol: Protocol::ItemCold { fraction: 0.1 }, ..plan() };
    let asked = questions(log.clone(), &hidden).expect("lists");
    assert_eq!((asked.hidden_items.len(), asked.hidden_users.len(), asked.split), (3, 0, None));
    let past = asked.questions.iter().flat_map(|question| &question.history);
    assert!(past.clone().count() > 0 && past.clone().all(|event| !asked.hidden_items.contains(&event.item)));
    let share = Plan { protocol: Protocol::GlobalTimeSplit { at: SplitAt::Fraction(0.5) }, ..plan() };
    assert!(questions(log, &share).expect("lists").split < Some(split));
}

#[test]
fn wrong_answers_are_refused_with_what_was_expected() {
    let asked = questions(log(), &plan()).expect("lists");
    let good = || answered(&asked);
    let all = asked.questions.len();

    let other = External { targets_hash: "0123456789abcdef".to_owned(), ..good() };
    let message = refused(other);
    assert!(message.contains(&asked.targets_hash) && message.contains("0123456789abcdef"), "{message}");

    let mut unknown = good();
    unknown.answers.insert(all, ExternalAnswer::Ranked(Vec::new()));
    let message = refused(unknown);
    assert!(
        message.contains(&format!("0 to {}", all - 1)) && message.contains(&format!("question {all}")),
        "{message}"
    );

    let mut missing = good();
    missing.answers.remove(&3);
    let message = refused(missing);
    assert!(message.contains(&format!("each of the {all} questions `next item`")), "{message}");
    assert!(message.contains("none to 1 of them, the first is 3"), "{message}");

    let refused_answer = |answer| {
        let mut external = good();
        external.answers.insert(2, answer);
        refused(external)
    };
    let ranked = |ids: [&str; 2]| ExternalAnswer::Ranked(ids.map(str::to_owned).to_vec());
    let message = refused_answer(ranked(["i1", "nothing"]));
    assert!(message.contains("`elsewhere`, answer to question 2") && message.contains("`nothing`"), "{message}");
    assert!(refused_answer(ranked(["i1", "i1"])).contains("`i1` twice"));
    let scored = ExternalAnswer::Scored([("i1".to_owned(), f64::NAN)].into());
    assert!(refused_answer(scored).contains("finite"));

    assert!(refused(External { answers: BTreeMap::new(), ..good() }).contains("found none"));
    assert!(refused(External { name: "rank".to_owned(), ..good() }).contains("another system has"));
    assert!(refused(External { name: String::new(), ..good() }).contains("external system id"));
}

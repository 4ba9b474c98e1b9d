//! Baselines against what they are defined as.

use std::collections::BTreeSet;

use super::*;
use crate::offline::evaluate::baselines;

/// The scores of a baseline for a user after the whole log.
fn scores(log: &Log, name: &str, user: u32) -> Vec<f32> {
    let mut all = baselines::all(log, 1);
    let subject = all.iter_mut().find(|subject| subject.systems()[0].0 == name).expect("is there");
    let mut histories: Vec<Vec<u32>> = vec![Vec::new(); log.users.len()];
    for (place, event) in log.events.iter().enumerate() {
        let history = &mut histories[event.user as usize];
        subject.log(log, place, history).expect("logs");
        history.push(place as u32);
    }
    let question = Question {
        number: 0,
        task: crate::offline::evaluate::Task::NextItem,
        user: Some(user),
        history: &histories[user as usize],
        hidden_user: false,
        query: None,
        now: log.events.last().expect("has events").time,
        exclude_seen: false,
        depth: 10,
    };
    match subject.rank(log, &question).expect("ranks").remove(0).expect("answers").ranked {
        Ranked::Scores(scores) => scores,
        Ranked::List(_) => panic!("a baseline scores everything"),
    }
}

#[test]
fn item_neighbours_are_the_cosines_of_co_occurrence() {
    let log = synthetic(25, 30, 12, 11);
    let of = |user: u32| -> BTreeSet<usize> {
        log.events.iter().filter(|event| event.user == user).filter_map(LogEvent::wanted).collect()
    };
    let users: Vec<BTreeSet<usize>> = (0..25).map(of).collect();
    let count = |i: usize| users.iter().filter(|items| items.contains(&i)).count() as f32;
    let found = scores(&log, "item-kNN", 3);
    for (i, found) in found.iter().enumerate() {
        let together = |j: usize| users.iter().filter(|items| items.contains(&i) && items.contains(&j)).count() as f32;
        let expected: f32 =
            users[3].iter().map(|j| together(*j) / (count(i) * count(*j)).sqrt()).filter(|x| x.is_finite()).sum();
        assert!((found - expected).abs() < 1e-3, "{i}: {found} {expected}");
    }
}

#[test]
fn co_visits_have_a_direction() {
    let mut log = synthetic(21, 6, 0, 1);
    // Twenty users take 0 and then 1; the last has just taken 0, or 1.
    log.events =
        (0..20).flat_map(|user| [event(user, 0, f64::from(user)), event(user, 1, f64::from(user) + 0.1)]).collect();
    let after = |item: u32| {
        let mut log = log.clone();
        log.events.push(event(20, item, 30.0));
        scores(&log, "co-visits", 20)
    };
    assert!(after(0)[1] > 0.0);
    assert_eq!(after(1)[0], 0.0, "0 never came after 1");
}

#[test]
fn a_purchase_is_what_one_user_did_at_one_time() {
    let mut log = synthetic(3, 6, 0, 1);
    log.events = vec![event(0, 0, 0.0), event(0, 1, 0.0), event(0, 2, 5.0), event(1, 0, 6.0)];
    let found = scores(&log, "bought together", 1);
    assert!(found[1] > 0.0 && found[2] == 0.0, "{found:?}");
    let mut baskets = log.clone();
    baskets.events[1].basket = Some(7);
    baskets.events[2].basket = Some(7);
    let found = scores(&baskets, "bought together", 1);
    assert!(found[1] == 0.0, "the log says that 1 and 2 went together: {found:?}");
}

#[test]
fn popularity_forgets_as_it_says() {
    let mut log = synthetic(9, 6, 0, 1);
    log.events = vec![event(0, 0, 0.0), event(1, 0, 0.0), event(2, 0, 0.0), event(3, 1, 93.0), event(4, 2, 100.0)];
    assert_eq!(scores(&log, "popular, all time", 8)[..3], [3.0, 1.0, 1.0]);
    assert_eq!(scores(&log, "popular, last 7 days", 8)[..3], [0.0, 1.0, 1.0]);
    let decayed = scores(&log, "popular, half-life 7 days", 8);
    assert!((decayed[1] - 0.5).abs() < 1e-6 && (decayed[2] - 1.0).abs() < 1e-6, "{decayed:?}");
    assert!((decayed[0] - 3.0 * 0.5f32.powf(100.0 / 7.0)).abs() < 1e-6);
}

#[test]
fn content_neighbours_find_the_third_that_a_user_likes() {
    let log = synthetic(9, 30, 10, 12);
    let report = measure(log, &Plan::default(), constant).expect("measures");
    for name in ["content, recent mean", "item-kNN", "co-visits", "EASE"] {
        assert!(figure(&report, name, "hit") > figure(&report, "rank", "hit"), "{name}\n{}", report.text());
    }
}

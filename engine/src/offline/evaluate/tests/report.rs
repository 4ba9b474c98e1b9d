//! The report: intervals, verdicts, and its three forms.

use super::*;
use crate::api::evaluation::Outcome;
use crate::offline::evaluate::interval::Bootstrap;

fn perfect(log: &Log, question: &Question) -> Vec<f32> {
    // The target is the user's next event: cheating, to have a system that wins.
    let next = question.history.last().map_or(0, |place| *place as usize + 1);
    let user = question.user.unwrap_or_default();
    let target = log.events[next..].iter().find(|event| event.user == user).and_then(LogEvent::wanted);
    (0..log.items.len()).map(|item| if Some(item) == target { 1.0 } else { 0.0 }).collect()
}

#[test]
fn intervals_hold_the_mean_and_shrink() {
    let bootstrap = Bootstrap { resamples: 500, seed: 1 };
    let mut random = Seeded::new(5);
    let values: Vec<f64> = (0..400).map(|_| random.below(2) as f64).collect();
    let alone: Vec<usize> = (0..400).collect();
    let few = bootstrap.of(&values[..100], &alone[..100]);
    let many = bootstrap.of(&values, &alone);
    assert!(few.low < few.mean && few.mean < few.high);
    // The standard error of a fair coin thrown n times is 0.5 / sqrt(n).
    assert!((many.high - many.low - 4.0 * 0.025).abs() < 0.02, "{many:?}");
    assert!(few.high - few.low > many.high - many.low);
    assert_eq!(bootstrap.of(&[], &[]), crate::api::evaluation::Interval::default());
}

#[test]
fn values_of_one_user_are_drawn_together() {
    let bootstrap = Bootstrap { resamples: 500, seed: 1 };
    // Ten users with 40 equal values each know no more than ten values.
    let values: Vec<f64> = (0..400).map(|i| f64::from(i / 40 % 2)).collect();
    let users: Vec<usize> = (0..400).map(|i| i / 40).collect();
    let alone: Vec<usize> = (0..400).collect();
    let width = |units: &[usize]| {
        let interval = bootstrap.of(&values, units);
        interval.high - interval.low
    };
    assert!(width(&users) > 4.0 * width(&alone));
}

#[test]
fn the_verdict_says_who_won() {
    let log = synthetic(60, 30, 20, 8);
    let protocol = crate::api::evaluation::Protocol::LeaveLastOut;
    let mut plan = Plan { protocol, exclude_seen: false, check_targets: 0, ..Plan::default() };
    let won = measure(log.clone(), &plan, perfect).expect("measures");
    assert_eq!(won.tasks[0].verdict.outcome, Outcome::Better, "{}", won.text());
    assert_eq!(figure(&won, "rank", "ndcg"), 1.0);
    let lost = measure(log.clone(), &plan, constant).expect("measures");
    assert_eq!(lost.tasks[0].verdict.outcome, Outcome::Worse, "{}", lost.text());
    assert!(lost.text().contains("rank is WORSE than the best baseline"));
    plan.baselines = false;
    let alone = measure(log, &plan, constant).expect("measures");
    assert_eq!(alone.tasks[0].verdict.outcome, Outcome::Alone);
}

#[test]
fn every_baseline_runs_and_every_figure_is_finite() {
    let report = measure(synthetic(40, 30, 20, 9), &Plan::default(), constant).expect("measures");
    let task = &report.tasks[0];
    assert_eq!(task.systems.len(), 11, "rank and ten baselines");
    assert!(task.not_run[0].starts_with("bought together: no two events"), "{:?}", task.not_run);
    for system in &task.systems {
        let figures = system.measures.iter().flat_map(|m| [m.value.mean, m.value.low, m.value.high]);
        assert!(figures.chain([system.retrieved, system.beyond.gini, system.beyond.novelty]).all(f64::is_finite));
        assert!(system.beyond.calibration.is_some_and(|divergence| divergence >= 0.0));
        assert_eq!(system.ranks.iter().sum::<u32>() as usize, task.questions);
        assert_eq!(system.measures.len(), 5);
    }
    // Lists of the content mean stay in the user's third, random ones do not.
    let calibration = |name: &str| system(&report, name).beyond.calibration.expect("has categories");
    assert!(calibration("content, recent mean") < calibration("random"));
}

#[test]
fn the_page_needs_no_network_and_no_script() {
    let mut log = synthetic(40, 30, 20, 10);
    log.items[0].id = "<script>alert(1)</script>".to_owned();
    let report = super::super::run(log, &Plan::default(), &|_: &Log| {
        Ok(vec![Box::new(Scores("rank <script>", constant)) as Box<dyn Subject>])
    })
    .expect("measures");
    let page = report.html();
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>"));
    assert!(!page.contains("<script") && !page.contains("http") && !page.contains("url("), "{page}");
    assert_eq!(page.matches("<svg").count(), 3);
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
    assert!(page.contains("prefers-color-scheme: dark"));
    let text = report.text();
    assert!(text.lines().count() > 20 && text.contains("EASE") && text.contains(&report.targets_hash));
}

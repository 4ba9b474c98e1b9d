//! Estimates against worked examples and known truth.

use super::*;
use crate::api::evaluation::{Decisions, Guards};
use crate::offline::evaluate::counterfactual;

/// Two actions: the logger takes the good one (reward 1) with 0.2, the policy in question with 0.8.
fn decisions(n: usize) -> Decisions {
    let mut random = Seeded::new(3);
    let mut decisions = Decisions::default();
    for _ in 0..n {
        let good = random.below(5) == 0;
        decisions.reward.push(if good { 1.0 } else { 0.25 });
        decisions.logged.push(if good { 0.2 } else { 0.8 });
        decisions.target.push(if good { 0.8 } else { 0.2 });
        decisions.q_logged.push(if good { 0.9 } else { 0.3 });
        decisions.q_target.push(0.8 * 0.9 + 0.2 * 0.3);
    }
    decisions
}

#[test]
fn the_truth_is_inside_the_intervals() {
    let estimated = counterfactual(&decisions(20_000), &Guards::default()).expect("estimates");
    let truth = 0.8 + 0.2 * 0.25;
    for estimate in &estimated.estimates {
        assert!(estimate.value.low <= truth && truth <= estimate.value.high, "{estimate:?}");
    }
    assert!((estimated.logged_value.mean - 0.4).abs() < 0.02);
    assert!(estimated.warnings.is_empty(), "{:?}", estimated.warnings);
    // w is 4 with probability 0.2 and 0.25 with 0.8: E w = 1, E w^2 = 3.25.
    assert!((estimated.effective / 20_000.0 - 1.0 / 3.25).abs() < 0.01, "{}", estimated.effective);
}

#[test]
fn a_worked_example_to_the_last_digit() {
    let decisions = Decisions {
        reward: vec![1.0, 0.0, 2.0],
        logged: vec![0.5, 0.25, 0.5],
        target: vec![0.25, 0.5, 0.5],
        q_logged: vec![0.5, 0.5, 1.0],
        q_target: vec![1.0, 1.0, 1.0],
    };
    let guards = Guards { min_effective: 0.0, clip: Some(1.5), ..Guards::default() };
    let estimated = counterfactual(&decisions, &guards).expect("estimates");
    // Weights 0.5, 2, 1.
    let expected =
        [2.5 / 3.0, 2.5 / 3.5, (3.0 + 0.25 - 1.0 + 1.0) / 3.0, 2.5 / 3.0, 2.5 / 3.0, (3.0 + 0.25 - 0.75 + 1.0) / 3.0];
    let found: Vec<f64> = estimated.estimates.iter().map(|estimate| estimate.value.mean).collect();
    found
        .iter()
        .zip(expected)
        .for_each(|(found, expected)| assert!((found - expected).abs() < 1e-12, "{found} {expected}"));
    assert!((estimated.effective - 3.5 * 3.5 / 5.25).abs() < 1e-12);
    assert!(
        (estimated.largest_fraction - 2.0 / 3.5).abs() < 1e-12
            && (estimated.clipped_fraction - 1.0 / 3.0).abs() < 1e-12
    );
    assert!((estimated.estimates[4].clipping_bias - (2.5 / 3.0 - 2.5 / 3.5)).abs() < 1e-12);
}

#[test]
fn what_cannot_be_estimated_is_refused() {
    let refused = |change: &dyn Fn(&mut Decisions), guards: Guards| {
        let mut decisions = decisions(500);
        change(&mut decisions);
        counterfactual(&decisions, &guards).expect_err("must be refused").to_string()
    };
    let usual = Guards::default();
    assert!(refused(&|d| d.logged[7] = 0.0, usual).contains("propensities above 0"), "a logger that never explores");
    assert!(refused(&|d| d.logged[7] = 1.5, usual).starts_with("logged[7]"));
    assert!(refused(&|d| d.target[0] = -0.1, usual).starts_with("target[0]"));
    assert!(refused(&|d| d.reward[3] = f64::NAN, usual).contains("index 3"));
    assert!(refused(&|d| d.q_target.clear(), usual).starts_with("q_target"));
    assert!(refused(&|d| d.logged.truncate(10), usual).starts_with("logged"));
    assert!(refused(&|d| *d = Decisions::default(), usual).starts_with("reward"));
    assert!(refused(&|_| (), Guards { min_effective: 400.0, ..usual }).contains("hardly overlap"));
    assert!(refused(&|_| (), Guards { clip: Some(0.0), ..usual }).starts_with("clip"));
    assert!(refused(&|_| (), Guards { resamples: 5, ..usual }).starts_with("resamples"));
    assert!(refused(&|d| d.target.fill(0.0), usual).contains("effective sample size"));
}

#[test]
fn wrong_propensities_are_warned_of() {
    let mut decisions = decisions(5_000);
    decisions.logged.iter_mut().for_each(|p| *p = 0.5);
    let estimated = counterfactual(&decisions, &Guards::default()).expect("estimates");
    assert!(estimated.warnings.iter().any(|warning| warning.contains("mean weight")), "{:?}", estimated.warnings);
}

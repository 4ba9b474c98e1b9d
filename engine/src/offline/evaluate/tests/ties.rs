//! Ties count at their expectation.

use proptest::prelude::*;

use super::*;
use crate::offline::evaluate::accuracy::measures;
use crate::offline::evaluate::positions::{Positions, expected_rank};

/// All orders of a list.
fn permutations(list: &[u32]) -> Vec<Vec<u32>> {
    match list {
        [] => vec![Vec::new()],
        _ => (0..list.len())
            .flat_map(|first| {
                let mut rest = list.to_vec();
                let head = rest.remove(first);
                permutations(&rest).into_iter().map(move |tail| [vec![head], tail].concat())
            })
            .collect(),
    }
}

/// The measures of one order without ties, from their definitions.
fn plain(order: &[u32], grades: &BTreeMap<u32, f64>, k: usize) -> [f64; 5] {
    let gain = |item: &u32| grades.get(item).map_or(0.0, |grade| grade.exp2() - 1.0);
    let dcg = |gains: Vec<f64>| -> f64 {
        gains.iter().take(k).enumerate().map(|(place, gain)| gain / (place as f64 + 2.0).log2()).sum()
    };
    let mut best: Vec<f64> = grades.keys().map(gain).collect();
    best.sort_by(|a, b| b.total_cmp(a));
    let relevant = |item: &u32| grades.get(item).is_some_and(|grade| *grade > 0.0);
    let total = grades.values().filter(|grade| **grade > 0.0).count();
    let hits: Vec<usize> = (0..order.len().min(k)).filter(|place| relevant(&order[*place])).collect();
    let precision: f64 = hits.iter().enumerate().map(|(before, place)| (before + 1) as f64 / (place + 1) as f64).sum();
    [
        dcg(order.iter().map(gain).collect()) / dcg(best),
        f64::from(u8::from(!hits.is_empty())),
        hits.len() as f64 / total as f64,
        hits.first().map_or(0.0, |place| 1.0 / (place + 1) as f64),
        precision / total.min(k) as f64,
    ]
}

proptest! {
    #[test]
    fn expectations_are_means_over_all_orders(
        scores in proptest::collection::vec(0u8..3, 1..6),
        graded in proptest::collection::vec(0u8..4, 6),
        k in 1usize..8,
    ) {
        let scores: Vec<f32> = scores.into_iter().map(f32::from).collect();
        let grades: BTreeMap<u32, f64> =
            (0..scores.len()).map(|item| (item as u32, f64::from(graded[item]))).collect();
        prop_assume!(grades.values().any(|grade| *grade > 0.0));
        let items: Vec<u32> = (0..scores.len() as u32).collect();
        let orders: Vec<Vec<u32>> = permutations(&items)
            .into_iter()
            .filter(|order| order.windows(2).all(|two| scores[two[0] as usize] >= scores[two[1] as usize]))
            .collect();
        let mut expected = [0.0; 5];
        for order in &orders {
            let one = plain(order, &grades, k);
            expected.iter_mut().zip(one).for_each(|(sum, value)| *sum += value / orders.len() as f64);
        }
        let found = measures(&Positions::of(&Ranked::Scores(scores), k), &grades, k);
        for (found, expected) in found.iter().zip(expected) {
            prop_assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
    }
}

#[test]
fn a_constant_scorer_gets_the_score_of_random() {
    let log = synthetic(60, 60, 40, 1);
    let plan = Plan { targets: crate::api::evaluation::Targets::Every, exclude_seen: false, ..Plan::default() };
    let report = measure(log, &plan, constant).expect("measures");
    // One target among 60 items: the mean discount of the first ten places over all sixty.
    let exact = (0..10).map(|place| 1.0 / (f64::from(place) + 2.0).log2()).sum::<f64>() / 60.0;
    let found = figure(&report, "rank", "ndcg");
    assert!((found - exact).abs() < 1e-9, "{found} {exact}");
    assert!((figure(&report, "rank", "hit") - 10.0 / 60.0).abs() < 1e-9);
    let random = system(&report, "random").measures[0].value;
    assert!(random.low < exact && exact < random.high, "{random:?} {exact}");
    // And its lists are as mixed as random ones, not the first ten items of the catalog for everybody.
    assert!(system(&report, "rank").beyond.coverage > 0.9);
}

#[test]
fn ties_stand_in_their_middle() {
    let ranked = Ranked::Scores(vec![3.0, 1.0, 1.0, 1.0, f32::NEG_INFINITY]);
    assert_eq!(expected_rank(&ranked, [2].into_iter()), Some(3.0));
    assert_eq!(expected_rank(&ranked, [4].into_iter()), None);
    let list = Ranked::List(vec![(9, 2.0), (4, 1.0), (2, 1.0)]);
    assert_eq!(expected_rank(&list, [2].into_iter()), Some(2.5));
    assert_eq!(expected_rank(&list, [9, 2].into_iter()), Some(1.0));
}

#[test]
fn what_is_left_out_is_not_ranked() {
    let ranked = Ranked::Scores(vec![f32::NEG_INFINITY, f32::NAN, 1.0]);
    let positions = Positions::of(&ranked, 10);
    assert_eq!(positions.groups(), [vec![2]]);
    assert_eq!(measures(&positions, &grades(&[(0, 1.0)]), 10), [0.0; 5]);
}

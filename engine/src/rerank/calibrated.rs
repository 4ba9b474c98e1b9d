//! The mix of the list follows that of the history (Steck, *Calibrated recommendations*, RecSys 2018).
//!
//! Each item spreads a mass of one over its categories. p is the mean of that over the history, q over the list so far; a
//! candidate costs the divergence KL(p || q') that the list would have with it. As in the paper, q' is q with a little of
//! p in it, so that a category that the list lacks costs much and not infinity.

use std::collections::HashMap;

use super::groups::Group;
use super::term::Term;

/// How much of p is in q'.
const SMOOTHING: f64 = 0.01;

/// The term of calibration over K candidates.
pub(super) struct Calibration {
    strength: f32,
    /// p by category, and the list's masses so far.
    target: Vec<f64>,
    mass: Vec<f64>,
    chosen: f64,
    /// Each candidate's categories that p has, and the mass in each of them.
    candidates: Vec<(Vec<usize>, f64)>,
    /// The parts of the divergence with one more hit that is in no category of p, and their sum.
    parts: Vec<f64>,
    sum: f64,
}

impl Calibration {
    /// `None` when no item of the history has a category.
    pub(super) fn new(strength: f32, history: &[Vec<Group>], candidates: &[Vec<Group>]) -> Option<Calibration> {
        let mut places: HashMap<&Group, usize> = HashMap::new();
        let mut target: Vec<f64> = Vec::new();
        let told: Vec<&Vec<Group>> = history.iter().filter(|groups| !groups.is_empty()).collect();
        for groups in &told {
            for group in *groups {
                let place = *places.entry(group).or_insert_with(|| {
                    target.push(0.0);
                    target.len() - 1
                });
                if let Some(share) = target.get_mut(place) {
                    *share += 1.0 / (groups.len() * told.len()) as f64;
                }
            }
        }
        let known = |groups: &Vec<Group>| groups.iter().filter_map(|group| places.get(group).copied()).collect();
        let candidates = candidates.iter().map(|groups| (known(groups), 1.0 / groups.len().max(1) as f64)).collect();
        let (mass, parts) = (vec![0.0; target.len()], vec![0.0; target.len()]);
        let mut term = Calibration { strength, target, mass, chosen: 0.0, candidates, parts, sum: 0.0 };
        term.refresh();
        (!term.target.is_empty()).then_some(term)
    }

    /// One category's part of the divergence when the list has one more hit and this mass in the category.
    fn part(&self, category: usize, mass: f64) -> f64 {
        let p = self.target[category];
        let q = (1.0 - SMOOTHING) * mass / (self.chosen + 1.0) + SMOOTHING * p;
        p * (p / q).ln()
    }

    fn refresh(&mut self) {
        self.parts = (0..self.target.len()).map(|category| self.part(category, self.mass[category])).collect();
        self.sum = self.parts.iter().sum();
    }
}

impl Term for Calibration {
    fn name(&self) -> &'static str {
        "match_history_mix"
    }

    fn strength(&self) -> f32 {
        self.strength
    }

    fn cost(&self, candidate: usize) -> f32 {
        let Some((categories, share)) = self.candidates.get(candidate) else { return 0.0 };
        let change = |category: &usize| self.part(*category, self.mass[*category] + share) - self.parts[*category];
        (self.sum + categories.iter().map(change).sum::<f64>()) as f32
    }

    fn choose(&mut self, candidate: usize) {
        let Some((categories, share)) = self.candidates.get(candidate) else { return };
        for category in categories {
            self.mass[*category] += share;
        }
        self.chosen += 1.0;
        self.refresh();
    }
}

#[cfg(test)]
mod tests {
    use super::super::select::order;
    use super::*;

    fn groups(names: &[&str]) -> Vec<Group> {
        names.iter().map(|name| Group::Text((*name).to_owned())).collect()
    }

    fn mixed(strength: f32, history: &[&[&str]], candidates: &[&[&str]], want: usize) -> Vec<usize> {
        let all = |items: &[&[&str]]| items.iter().map(|names| groups(names)).collect::<Vec<_>>();
        let term = Calibration::new(strength, &all(history), &all(candidates)).expect("the history has categories");
        let scores: Vec<f32> = (0..candidates.len()).map(|n| 1.0 - n as f32 / candidates.len() as f32).collect();
        order(&scores, vec![Box::new(term)], want)
    }

    #[test]
    fn the_list_has_the_mix_of_the_history() {
        let history: [&[&str]; 10] = [
            &["drama"],
            &["drama"],
            &["drama"],
            &["drama"],
            &["drama"],
            &["drama"],
            &["drama"],
            &["war"],
            &["war"],
            &["war"],
        ];
        let mut candidates: Vec<&[&str]> = vec![&["drama"]; 20];
        candidates.extend([&["war"] as &[&str]; 20]);
        let wars = |strength| mixed(strength, &history, &candidates, 10)[..10].iter().filter(|n| **n >= 20).count();
        assert_eq!(wars(0.0), 0, "relevance alone");
        assert_eq!(wars(0.95), 3, "seven to three, as in the history");
    }

    #[test]
    fn an_item_in_two_categories_counts_half_in_each() {
        let list = mixed(1.0, &[&["a", "b"]], &[&["a"], &["a"], &["a", "b"], &["b"]], 2);
        assert_eq!(list[0], 2, "it has the mix on its own");
        let foreign = mixed(1.0, &[&["a"]], &[&["x"], &[], &["a"]], 1);
        assert_eq!(foreign[0], 2);
    }

    #[test]
    fn the_cost_is_the_divergence() {
        let candidates = [groups(&["a"]), groups(&["b"]), groups(&["a", "c"])];
        let mut term =
            Calibration::new(1.0, &[groups(&["a"]), groups(&["a", "b"])], &candidates).expect("has categories");
        let p = [0.75, 0.25];
        let kl = |q: [f64; 2]| (0..2).map(|g| p[g] * (p[g] / (0.99 * q[g] + 0.01 * p[g])).ln()).sum::<f64>() as f32;
        assert!((term.cost(0) - kl([1.0, 0.0])).abs() < 1e-6);
        assert!((term.cost(2) - kl([0.5, 0.0])).abs() < 1e-6);
        term.choose(0);
        assert!((term.cost(1) - kl([0.5, 0.5])).abs() < 1e-6);
        assert!((term.cost(2) - kl([0.75, 0.0])).abs() < 1e-6);
    }

    #[test]
    fn a_history_without_categories_says_nothing() {
        assert!(Calibration::new(1.0, &[groups(&[])], &[groups(&["a"])]).is_none());
    }
}

//! How lists look, beyond who finds the target.

use std::collections::HashMap;

use crate::api::evaluation::Beyond;

use super::log::{Log, dot};
use super::replay::Moment;

/// Share of the history's mix that is blended into a list's, so that a missing category is not infinitely far (Steck, RecSys
/// 2018, section 3).
const SMOOTHING: f64 = 0.01;

/// Sums over the lists of one system.
#[derive(Default)]
pub(super) struct Lists {
    shown: HashMap<u32, u64>,
    questions: usize,
    empty: usize,
    novelty: Mean,
    distance: Mean,
    calibration: Mean,
}

#[derive(Default)]
struct Mean {
    sum: f64,
    count: usize,
}

impl Mean {
    fn add(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.sum += value;
            self.count += 1;
        }
    }

    fn value(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

impl Lists {
    /// Takes the list of one question.
    pub(super) fn add(&mut self, log: &Log, moment: &Moment, list: &[u32]) {
        self.questions += 1;
        self.empty += usize::from(list.is_empty());
        for item in list {
            *self.shown.entry(*item).or_default() += 1;
        }
        self.novelty.add(novelty(list, moment.counts));
        self.distance.add(distance(log, list));
        self.calibration.add(calibration(log, moment.question.history, list));
    }

    /// The figures, for a catalog of `items`.
    pub(super) fn figures(&self, items: usize) -> Beyond {
        Beyond {
            coverage: self.shown.len() as f64 / items.max(1) as f64,
            gini: gini(self.shown.values().copied().collect(), items),
            novelty: self.novelty.value().unwrap_or_default(),
            distance: self.distance.value().unwrap_or_default(),
            calibration: self.calibration.value(),
            empty: self.empty as f64 / self.questions.max(1) as f64,
        }
    }
}

/// Mean of `-log2` of the share of events, each item having one event more than it had.
fn novelty(list: &[u32], counts: &[u32]) -> Option<f64> {
    let total = counts.iter().map(|count| f64::from(*count)).sum::<f64>() + counts.len() as f64;
    let surprise = |item: &u32| {
        let count = f64::from(counts.get(*item as usize).copied().unwrap_or_default());
        -((count + 1.0) / total).log2()
    };
    (!list.is_empty()).then(|| list.iter().map(surprise).sum::<f64>() / list.len() as f64)
}

/// Mean cosine distance of the pairs that have vectors.
fn distance(log: &Log, list: &[u32]) -> Option<f64> {
    let vectors: Vec<&[f32]> = list.iter().filter_map(|item| log.vectors.get(*item as usize)).collect();
    let mut mean = Mean::default();
    for (place, first) in vectors.iter().enumerate() {
        for second in &vectors[place + 1..] {
            mean.add(Some(1.0 - f64::from(dot(first, second))));
        }
    }
    mean.value()
}

/// Kullback-Leibler divergence of the list's mix of categories from the history's, in nats.
fn calibration(log: &Log, history: &[u32], list: &[u32]) -> Option<f64> {
    let past = history.iter().filter_map(|place| log.events.get(*place as usize)).filter(|event| !event.negative);
    let wanted = mix(log, past.filter_map(|event| event.item))?;
    let shown = mix(log, list.iter().copied())?;
    let part = |(category, share): (&u32, &f64)| {
        let listed = shown.get(category).copied().unwrap_or_default();
        share * (share / ((1.0 - SMOOTHING) * listed + SMOOTHING * share)).ln()
    };
    Some(wanted.iter().map(part).sum())
}

/// Shares of categories; an item with several counts for each by a part. `None` when no item has any.
fn mix(log: &Log, items: impl Iterator<Item = u32>) -> Option<std::collections::BTreeMap<u32, f64>> {
    let mut shares = std::collections::BTreeMap::new();
    let mut total = 0.0;
    for item in items.filter_map(|item| log.items.get(item as usize)).filter(|item| !item.categories.is_empty()) {
        total += 1.0;
        for category in &item.categories {
            *shares.entry(*category).or_default() += 1.0 / item.categories.len() as f64;
        }
    }
    shares.values_mut().for_each(|share| *share /= total);
    (total > 0.0).then_some(shares)
}

/// The Gini coefficient of how often each of `items` was shown; those that never were count as zeros.
fn gini(mut shown: Vec<u64>, items: usize) -> f64 {
    shown.sort_unstable();
    let total: u64 = shown.iter().sum();
    if total == 0 || items == 0 {
        return 0.0;
    }
    let zeros = items.saturating_sub(shown.len());
    let weighted: f64 = shown
        .iter()
        .enumerate()
        .map(|(place, count)| (2.0 * (zeros + place + 1) as f64 - items as f64 - 1.0) * *count as f64)
        .sum();
    weighted / (items as f64 * total as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gini_of_even_and_of_single_exposure() {
        assert!(gini(vec![3, 3, 3], 3).abs() < 1e-12);
        assert!((gini(vec![9], 10) - 0.9).abs() < 1e-12, "one of ten gets all: (n - 1) / n");
        assert_eq!(gini(vec![], 5), 0.0);
    }

    #[test]
    fn novelty_is_bits() {
        // Counts with one more each: 1 of 8, then 7 of 8.
        let bits = novelty(&[0], &[0, 6]).expect("a list");
        assert!((bits - 3.0).abs() < 1e-12, "{bits}");
    }
}

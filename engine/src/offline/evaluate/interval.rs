//! Bootstrap intervals.

use crate::api::evaluation::Interval;
use crate::base::random::Seeded;
use crate::base::watch;

/// How intervals are drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bootstrap {
    pub resamples: usize,
    pub seed: u64,
}

impl Bootstrap {
    /// The mean of `values` with its 95 % interval: percentiles of the means of resampled units (Efron 1979). Values of the
    /// same unit (the targets of one user) are drawn as a whole, because they are not independent. Values that are compared
    /// must have the same units: then the same seed draws the same resamples.
    pub(super) fn of(&self, values: &[f64], units: &[usize]) -> Interval {
        let groups = sums(values, units);
        let ratio = |sum: f64, count: f64| if count > 0.0 { sum / count } else { 0.0 };
        let mean = ratio(values.iter().sum(), values.len() as f64);
        if groups.is_empty() {
            return Interval::default();
        }
        let mut random = Seeded::new(self.seed);
        let mut means: Vec<f64> = (0..self.resamples)
            // The report is not made when the call was stopped.
            .take_while(|_| !watch::is_stopped())
            .map(|_| {
                let (mut sum, mut count) = (0.0, 0.0);
                for _ in 0..groups.len() {
                    let (part, size) = groups[random.below(groups.len())];
                    sum += part;
                    count += size;
                }
                ratio(sum, count)
            })
            .collect();
        means.sort_by(f64::total_cmp);
        let at =
            |share: f64| means.get((share * (self.resamples - 1) as f64).round() as usize).copied().unwrap_or(mean);
        Interval { mean, low: at(0.025), high: at(0.975) }
    }

    /// The interval of the differences `a - b`, value by value.
    pub(super) fn of_difference(&self, a: &[f64], b: &[f64], units: &[usize]) -> Interval {
        let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        self.of(&differences, units)
    }
}

/// Sum and count of each unit, in order of the unit's number.
fn sums(values: &[f64], units: &[usize]) -> Vec<(f64, f64)> {
    let mut groups = std::collections::BTreeMap::<usize, (f64, f64)>::new();
    for (value, unit) in values.iter().zip(units) {
        let group = groups.entry(*unit).or_default();
        group.0 += value;
        group.1 += 1.0;
    }
    groups.into_values().collect()
}

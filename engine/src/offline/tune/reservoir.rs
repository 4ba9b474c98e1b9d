//! Drawing samples while a log is replayed, when its future is not known.
//!
//! At each moment the samples are those of the events so far that have the smallest hashes (bottom-k sampling, Cohen and
//! Kaplan, VLDB 2008). So they depend on the past alone: in a draw from the whole log its length would decide which of the
//! past events count, and an evaluation would leak a little of the future.

use std::collections::{BinaryHeap, HashMap};

use super::draw::{Draw, Past, Visitor, position};
use crate::api::calibration::Situation;

/// Samples of one situation: half of them the first new ones of a visit.
const MAX_SAMPLES: usize = 1_000;
/// The fraction of the log so far, from its beginning, whose samples are left out: signals were sparse then.
const WARM_UP: f64 = 0.3;

/// What was drawn so far.
pub(crate) struct Reservoir {
    /// Seconds without an event that end a visit.
    gap: f64,
    people: HashMap<u32, Visitor>,
    /// Hashes of the events that are held; the largest is the next to go.
    held: HashMap<(Situation, bool), BinaryHeap<u64>>,
}

impl Reservoir {
    /// Nothing drawn yet; a pause of `gap` seconds ends a visit.
    pub(crate) fn new(gap: f64) -> Reservoir {
        Reservoir { gap, people: HashMap::new(), held: HashMap::new() }
    }

    /// An event in order of time: the samples that it becomes.
    pub(crate) fn offer(&mut self, at: usize, event: &Past) -> Vec<Drawn> {
        let visitor = self.people.entry(event.user).or_insert_with(|| Visitor::new(self.gap));
        let first = visitor.begins(event);
        let mut taken = Vec::new();
        for situation in visitor.situations(event) {
            let held = self.held.entry((situation, first)).or_default();
            let hash = position(situation, at).to_bits();
            if held.len() == MAX_SAMPLES / 2 && held.peek().is_some_and(|largest| *largest <= hash) {
                continue;
            }
            held.push(hash);
            if held.len() > MAX_SAMPLES / 2 {
                held.pop();
            }
            taken.push(Drawn { draw: Draw { at, situation }, first, hash });
        }
        visitor.step(event);
        taken
    }

    /// Whether a sample still counts, `now` events into the log.
    pub(crate) fn holds(&self, drawn: &Drawn, now: usize) -> bool {
        let old = drawn.draw.situation.history && (drawn.draw.at as f64) < now as f64 * WARM_UP;
        let held = self.held.get(&(drawn.draw.situation, drawn.first));
        !old && held.and_then(BinaryHeap::peek).is_some_and(|largest| drawn.hash <= *largest)
    }
}

/// A sample and what decides how long it stays.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drawn {
    pub draw: Draw,
    first: bool,
    hash: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;

    #[test]
    fn what_counts_depends_on_the_past_alone_and_is_bounded() {
        let event = |n: usize| Past {
            user: (n % 50) as u32,
            item: Some((n % 997) as u32),
            time: Timestamp::from_seconds(n as f64 * 700.0),
            query: false,
        };
        let replay = |count: usize| {
            let (mut reservoir, mut drawn) = (Reservoir::new(1_800.0), Vec::new());
            (0..count).for_each(|at| drawn.extend(reservoir.offer(at, &event(at))));
            (reservoir, drawn)
        };
        let held = |(reservoir, drawn): &(Reservoir, Vec<Drawn>), now: usize| -> Vec<Draw> {
            drawn.iter().filter(|d| reservoir.holds(d, now)).map(|d| d.draw).collect()
        };
        let half = replay(10_000);
        let samples = held(&half, 10_000);
        assert!(samples.len() > 300 && samples.len() <= Situation::ALL.len() * MAX_SAMPLES, "{}", samples.len());
        assert!(samples.iter().all(|draw| draw.at >= 3_000 || !draw.situation.history));
        // Whatever comes later, at this moment the same samples counted.
        let whole = replay(20_000);
        let before: Vec<Draw> = whole.1.iter().map(|d| d.draw).filter(|draw| draw.at < 10_000).collect();
        assert_eq!(before, half.1.iter().map(|d| d.draw).collect::<Vec<_>>());
    }
}

//! The order of the list: the best by score, or by score and what else was asked for, one choice after the other.

use std::collections::VecDeque;

use crate::api::candidate::Scored;
use crate::api::config::Meaning;
use crate::api::ranking::Moved;
use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::understand::{Controls, RequestCx};

use super::calibrated::Calibration;
use super::caps::Caps;
use super::diversify::Diversity;
use super::groups::{Group, Grouped};
use super::term::Term;
use super::vectors::vector;

/// Candidates that greedy terms choose from beyond those that the page needs, and the step in which their number grows
/// (a pool that grew with every page would order the pages of one list differently).
const POOL: usize = 200;
/// Most candidates that greedy terms choose from, because they look at every one for each hit; what is further down
/// follows in the order of scores.
const LARGEST_POOL: usize = 1000;

/// Orders a list that is best first by what the controls ask for, as far as its first `want` places.
pub(super) fn select(cx: RequestCx, pinned: &[(usize, Scored)], list: Vec<Scored>, want: usize) -> Result<Vec<Scored>> {
    let controls = &cx.understood.controls;
    let terms = terms(cx, &list, want)?;
    if terms.is_empty() && controls.caps.is_empty() {
        return Ok(list);
    }
    let by = names(&terms, controls);
    let mut caps = Caps::new(cx.snapshot, &controls.caps);
    pinned.iter().try_for_each(|(_, scored)| caps.count(scored.candidate.key))?;
    let scores: Vec<f32> = list.iter().map(|scored| scored.score).collect();
    let mut slots: Vec<Option<Scored>> = list.into_iter().map(Some).collect();
    let mut greedy = Greedy::new(&scores, terms, want);
    let (mut chosen, mut over): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    while chosen.len() < want
        && let Some(best) = greedy.best()
    {
        let Some(Some(scored)) = slots.get_mut(best) else { break };
        match caps.refuse(scored.candidate.key)? {
            None => {
                greedy.choose(best);
                chosen.push(best);
            }
            Some(named) => {
                greedy.pass(best);
                scored.marks.rules.extend(named.label.clone());
                over.push(best);
            }
        }
    }
    chosen.extend(over);
    chosen.extend(greedy.left);
    Ok(chosen
        .into_iter()
        .enumerate()
        .filter_map(|(place, from)| moved(slots.get_mut(from)?.take()?, from, place, &by))
        .collect())
}

fn moved(mut scored: Scored, from: usize, to: usize, by: &str) -> Option<Scored> {
    if from != to {
        scored.marks.moved = Some(Moved { from: from + 1, by: by.to_owned() });
    }
    Some(scored)
}

/// What orders the list, for explanations.
fn names(terms: &[Box<dyn Term>], controls: &Controls) -> String {
    let caps = (!controls.caps.is_empty()).then_some("caps");
    terms.iter().map(|term| term.name()).chain(caps).collect::<Vec<_>>().join(", ")
}

/// The terms that a request asks for, over the candidates of the pool.
fn terms(cx: RequestCx, list: &[Scored], want: usize) -> Result<Vec<Box<dyn Term>>> {
    let mut terms: Vec<Box<dyn Term>> = Vec::new();
    let pool: Vec<ItemKey> = list.iter().take(pool_size(want)).map(|scored| scored.candidate.key).collect();
    if cx.understood.controls.diversity > 0.0 {
        let vectors = pool.iter().map(|key| vector(cx.snapshot, *key)).collect::<Result<_>>()?;
        terms.push(Box::new(Diversity::new(cx.understood.controls.diversity, vectors)));
    }
    if let Some(mix) = &cx.understood.controls.mix {
        let of = |key: ItemKey| -> Result<Vec<Group>> { Ok(Grouped::read(cx.snapshot, key)?.by(&mix.field)) };
        let liked = cx.understood.events.iter().filter(|event| event.meaning == Meaning::Positive);
        let history = liked.map(|event| of(event.key)).collect::<Result<Vec<_>>>()?;
        let candidates = pool.iter().map(|key| of(*key)).collect::<Result<Vec<_>>>()?;
        if let Some(term) = Calibration::new(mix.strength, &history, &candidates) {
            terms.push(Box::new(term));
        }
    }
    Ok(terms)
}

fn pool_size(want: usize) -> usize {
    (want.next_multiple_of(POOL) + POOL).min(LARGEST_POOL)
}

/// Chooses from a pool by relevance less the costs of the terms; beyond the pool, and without terms, by score.
struct Greedy {
    /// Scores of the pool, scaled to 0 to 1 by their range, so that they can be compared with costs.
    relevance: Vec<f32>,
    terms: Vec<Box<dyn Term>>,
    /// What is still to be chosen, by falling score; candidates of the pool first.
    left: VecDeque<usize>,
    /// How many of these are of the pool.
    in_pool: usize,
}

impl Greedy {
    /// `scores` fall.
    fn new(scores: &[f32], terms: Vec<Box<dyn Term>>, want: usize) -> Greedy {
        let in_pool = if terms.is_empty() { 0 } else { scores.len().min(pool_size(want)) };
        let pool = &scores[..in_pool];
        let (best, worst) = (pool.first().copied().unwrap_or(0.0), pool.last().copied().unwrap_or(0.0));
        let range = (best - worst).max(f32::MIN_POSITIVE);
        let relevance = pool.iter().map(|score| (score - worst) / range).collect();
        Greedy { relevance, terms, left: (0..scores.len()).collect(), in_pool }
    }

    /// The best of what is left; equals by score.
    fn best(&self) -> Option<usize> {
        let mut best: Option<(usize, f32)> = None;
        for candidate in self.left.iter().take(self.in_pool).copied() {
            let worth = self.worth(candidate);
            if best.is_none_or(|(_, most)| worth > most) {
                best = Some((candidate, worth));
            }
        }
        best.map(|(candidate, _)| candidate).or_else(|| self.left.front().copied())
    }

    fn worth(&self, candidate: usize) -> f32 {
        let relevance = self.relevance.get(candidate).copied().unwrap_or(0.0);
        let left_over: f32 = self.terms.iter().map(|term| 1.0 - term.strength()).product();
        let costs: f32 = self.terms.iter().map(|term| term.strength() * term.cost(candidate)).sum();
        left_over * relevance - costs
    }

    fn choose(&mut self, candidate: usize) {
        if self.in_pool > 0 {
            self.terms.iter_mut().for_each(|term| term.choose(candidate));
        }
        self.pass(candidate);
    }

    /// Takes a candidate out without choosing it.
    fn pass(&mut self, candidate: usize) {
        if let Ok(place) = self.left.binary_search(&candidate) {
            self.left.remove(place);
            self.in_pool = self.in_pool.saturating_sub(1);
        }
    }
}

/// The order that terms give to candidates of these falling scores, without caps.
#[cfg(test)]
pub(super) fn order(scores: &[f32], terms: Vec<Box<dyn Term>>, want: usize) -> Vec<usize> {
    let mut greedy = Greedy::new(scores, terms, want);
    let mut chosen = Vec::new();
    while chosen.len() < want
        && let Some(best) = greedy.best()
    {
        greedy.choose(best);
        chosen.push(best);
    }
    chosen.extend(greedy.left);
    chosen
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    pub(crate) use crate::testing::scored;

    /// The keys of a list.
    pub(crate) fn keys(list: &[Scored]) -> Vec<u64> {
        list.iter().map(|scored| scored.candidate.key.0).collect()
    }

    #[test]
    fn beyond_the_pool_scores_decide() {
        struct Backwards;
        impl Term for Backwards {
            fn name(&self) -> &'static str {
                "backwards"
            }
            fn strength(&self) -> f32 {
                1.0
            }
            fn cost(&self, candidate: usize) -> f32 {
                -(candidate as f32)
            }
            fn choose(&mut self, _: usize) {}
        }
        let scores: Vec<f32> = (0..1200).map(|n| 1.0 - n as f32).collect();
        let list = order(&scores, vec![Box::new(Backwards)], 1100);
        assert_eq!((list[0], list[999]), (999, 0), "the pool is turned around");
        assert_eq!(list[1000..], (1000..1200).collect::<Vec<_>>(), "the rest is not");
    }

    #[test]
    fn pools_of_neighbouring_pages_are_the_same() {
        assert_eq!(pool_size(1), pool_size(POOL));
        assert!((1..=10_000).all(|want| pool_size(want) <= LARGEST_POOL && pool_size(want) >= want.min(LARGEST_POOL)));
    }

    #[test]
    fn equal_scores_keep_their_order() {
        assert_eq!(order(&[0.5; 4], vec![Box::new(Diversity::new(0.5, vec![None; 4]))], 4), [0, 1, 2, 3]);
    }
}

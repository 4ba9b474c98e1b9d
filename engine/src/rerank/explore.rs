//! Exploration: an order that is drawn at random with known probabilities, so that what is logged can judge other orders.
//!
//! Two kinds, on shares of the requests. The order is drawn from a Plackett-Luce model over the scores (Plackett 1975), by
//! the Gumbel trick (Yellott 1977): sorting by log weight plus Gumbel noise is drawing one after the other without
//! putting back. Or a pair of neighbours changes places with probability 1/2, from which position bias is learnt
//! (Joachims, Swaminathan and Schnabel, WSDM 2017).

use crate::api::candidate::Scored;
use crate::api::exploration::Exploration;
use crate::api::ranking::Moved;
use crate::base::random::Draws;

/// Candidates that an order is drawn from: the best so many, or as many as the page needs when that is more.
const POOL: usize = 100;

/// The purposes of draws.
const KIND: u64 = 1;
const GUMBEL: u64 = 2;
const PAIR: u64 = 3;
const COIN: u64 = 4;

/// What is done to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Nothing,
    /// The whole order is drawn.
    Order,
    /// One pair of neighbours.
    Swap,
}

/// Which of the shares a request falls into.
pub(super) fn kind(exploration: &Exploration, draws: Draws) -> Kind {
    let at = draws.unit(KIND, 0);
    if at < exploration.fraction {
        return Kind::Order;
    }
    if at < exploration.fraction + exploration.swaps { Kind::Swap } else { Kind::Nothing }
}

/// Draws the order of the best of a list that is best first.
pub(super) fn draw_order(temperature: f32, draws: Draws, list: &mut Vec<Scored>, want: usize) {
    let pool = list.len().min(POOL.max(want));
    let rest = list.split_off(pool);
    let scores: Vec<f32> = list.iter().map(|scored| scored.score).collect();
    let drawn = plackett_luce(&scores, temperature, |n| draws.unit(GUMBEL, n));
    let mut slots: Vec<Option<Scored>> = std::mem::take(list).into_iter().map(Some).collect();
    for (place, (from, probability)) in drawn.into_iter().enumerate() {
        let Some(mut scored) = slots.get_mut(from).and_then(Option::take) else { continue };
        scored.marks.propensity = Some((probability as f32).max(f32::MIN_POSITIVE));
        if from != place {
            scored.marks.moved = Some(Moved { from: from + 1, by: "exploration".to_owned() });
        }
        list.push(scored);
    }
    list.extend(rest);
}

/// An order of these falling scores, each place with its probability given those before it.
fn plackett_luce(scores: &[f32], temperature: f32, uniform: impl Fn(u64) -> f64) -> Vec<(usize, f64)> {
    if temperature == 0.0 {
        return (0..scores.len()).map(|place| (place, 1.0)).collect();
    }
    let best = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weight = |place: usize| f64::from(scores[place] - best) / f64::from(temperature);
    let gumbel = |n: usize| -(-uniform(n as u64).max(f64::MIN_POSITIVE).ln()).ln();
    let mut keyed: Vec<(usize, f64)> = (0..scores.len()).map(|n| (n, weight(n) + gumbel(n))).collect();
    keyed.sort_by(|a, b| b.1.total_cmp(&a.1));
    // From the last place on: the log of the weights of all that were left when a place was drawn.
    let mut left = f64::NEG_INFINITY;
    for (from, key) in keyed.iter_mut().rev() {
        let own = weight(*from);
        left = log_add(left, own);
        *key = (own - left).exp().min(1.0);
    }
    keyed
}

/// `ln(e^a + e^b)`.
fn log_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

/// Lets one pair of neighbours of a page change places with probability 1/2. False when there is no pair whose places
/// come from the scores.
pub(super) fn swap(draws: Draws, page: &mut [Scored]) -> bool {
    let free = |at: usize| page.get(at).is_some_and(|scored: &Scored| !scored.marks.fixed);
    let pairs: Vec<usize> = (1..page.len()).filter(|at| free(at - 1) && free(*at)).collect();
    let Some(second) = pairs.get((draws.unit(PAIR, 0) * pairs.len() as f64) as usize).copied() else { return false };
    for scored in page.iter_mut().filter(|scored| !scored.marks.fixed) {
        scored.marks.propensity = Some(1.0);
    }
    let turned = draws.unit(COIN, 0) < 0.5;
    for at in [second - 1, second] {
        if let Some(scored) = page.get_mut(at) {
            scored.marks.propensity = Some(0.5);
            if turned {
                note(scored, at);
            }
        }
    }
    if turned {
        page.swap(second - 1, second);
    }
    true
}

/// Says that a hit of the page was moved from place `at`, unless something else has moved it before.
fn note(scored: &mut Scored, at: usize) {
    match &mut scored.marks.moved {
        Some(moved) => moved.by.push_str(", exploration"),
        slot => *slot = Some(Moved { from: at + 1, by: "exploration".to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::select::tests::{keys, scored};
    use super::*;
    use std::collections::HashMap;

    const SCORES: [f32; 4] = [0.9, 0.8, 0.5, 0.45];

    fn draws(n: u64) -> Draws {
        Draws::of(&format!("{n:016x}"))
    }

    fn orders(left: &[usize]) -> Vec<Vec<usize>> {
        if left.is_empty() {
            return vec![Vec::new()];
        }
        let rest = |first: usize| left.iter().copied().filter(|other| *other != first).collect::<Vec<_>>();
        let with = |first: usize| orders(&rest(first)).into_iter().map(move |o| [vec![first], o].concat());
        left.iter().flat_map(|first| with(*first)).collect()
    }

    /// The probability of a whole order, from the definition.
    fn probability(order: &[usize], temperature: f32) -> f64 {
        let weight = |place: &usize| (f64::from(SCORES[*place]) / f64::from(temperature)).exp();
        (0..order.len()).map(|n| weight(&order[n]) / order[n..].iter().map(weight).sum::<f64>()).product()
    }

    #[test]
    fn probabilities_of_all_orders_sum_to_one_and_are_those_that_are_logged() {
        let all = orders(&[0, 1, 2, 3]);
        assert_eq!(all.len(), 24);
        assert!((all.iter().map(|order| probability(order, 0.2)).sum::<f64>() - 1.0).abs() < 1e-12);
        for n in 0..200 {
            let drawn = plackett_luce(&SCORES, 0.2, |i| draws(n).unit(GUMBEL, i));
            let order: Vec<usize> = drawn.iter().map(|(from, _)| *from).collect();
            let logged: f64 = drawn.iter().map(|(_, probability)| probability).product();
            assert!((logged - probability(&order, 0.2)).abs() < 1e-12, "{order:?}");
        }
    }

    #[test]
    fn orders_come_as_often_as_their_probabilities_say() {
        const DRAWN: u64 = 40_000;
        let mut counts: HashMap<Vec<usize>, f64> = HashMap::new();
        for n in 0..DRAWN {
            let drawn = plackett_luce(&SCORES, 0.2, |i| draws(n).unit(GUMBEL, i));
            *counts.entry(drawn.iter().map(|(from, _)| *from).collect()).or_default() += 1.0;
        }
        // Pearson's chi-squared over 24 orders: 23 degrees of freedom, 0.999 quantile 49.7.
        let of = |order: Vec<usize>| {
            let expected = probability(&order, 0.2) * DRAWN as f64;
            (counts.get(&order).copied().unwrap_or_default() - expected).powi(2) / expected
        };
        let chi_squared: f64 = orders(&[0, 1, 2, 3]).into_iter().map(of).sum();
        assert!(chi_squared < 49.7, "{chi_squared}");
    }

    #[test]
    fn a_cold_draw_is_the_models_order() {
        for temperature in [0.0, 1e-30, 1e-4] {
            let mut list: Vec<Scored> = SCORES.iter().enumerate().map(|(key, s)| scored(key as u64, *s)).collect();
            draw_order(temperature, draws(7), &mut list, 2);
            assert_eq!(keys(&list), [0, 1, 2, 3]);
            assert!(list.iter().all(|hit| hit.marks.propensity == Some(1.0) && hit.marks.moved.is_none()));
        }
    }

    #[test]
    fn a_draw_is_the_same_for_the_same_rank_id_and_stays_in_its_pool() {
        let list = || -> Vec<Scored> { (0..300).map(|key| scored(key, 1.0 - key as f32 / 1000.0)).collect() };
        let drawn = |n| {
            let mut list = list();
            draw_order(0.5, draws(n), &mut list, 10);
            keys(&list)
        };
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
        assert_eq!(drawn(1)[POOL..], (POOL as u64..300).collect::<Vec<_>>());
    }

    #[test]
    fn one_pair_changes_places_half_of_the_time() {
        let (mut turned, mut pairs) = (0, HashMap::<usize, usize>::new());
        for n in 0..4000 {
            let mut page: Vec<Scored> = (0..5).map(|key| scored(key, 1.0 - key as f32)).collect();
            page[2].marks.fixed = true;
            assert!(swap(draws(n), &mut page));
            let half: Vec<usize> = (0..5).filter(|at| page[*at].marks.propensity == Some(0.5)).collect();
            assert_eq!((half.len(), page[2].marks.propensity), (2, None));
            *pairs.entry(half[0]).or_default() += 1;
            turned += usize::from(keys(&page) != [0, 1, 2, 3, 4]);
        }
        // Binomial of 4000 and 1/2: standard deviation 31.6, here within four of them.
        assert!((1874..=2126).contains(&turned), "{turned}");
        assert!(pairs.len() == 2 && pairs.values().all(|n| (1874..=2126).contains(n)), "{pairs:?}");
        assert!(!swap(draws(1), &mut [scored(1, 1.0)]), "one hit has no neighbour");
    }

    #[test]
    fn shares_of_requests_are_explored() {
        let exploration = Exploration { fraction: 0.2, swaps: 0.3, ..Exploration::default() };
        let of = |wanted| (0..10_000).filter(|n| kind(&exploration, draws(*n)) == wanted).count();
        assert!((1840..=2160).contains(&of(Kind::Order)) && (2816..=3184).contains(&of(Kind::Swap)));
    }
}

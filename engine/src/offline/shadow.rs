//! A shadow model: the same requests, asked of the active model and of another one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use crate::api::models::Shadow;
use crate::api::request::Request;
use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;
use crate::base::random::hex_id;
use crate::base::watch;
use crate::pipeline::{Clock, score_all};
use crate::registry;
use crate::rerank::rerank;
use crate::store::Stores;
use crate::store::active_model::ActiveModel;
use crate::store::snapshot::Snapshot;
use crate::understand::RequestCx;

/// Hits of a list that are compared.
const TOP: usize = 10;
/// Messages of failures that are kept.
const MESSAGES: usize = 10;

/// [`shadow`] on the newest `sample` impressions that are kept.
pub(crate) fn shadow_on_past(stores: &Stores, version: u64, sample: usize) -> Result<Shadow> {
    shadow(stores, version, &past(stores, sample)?)
}

/// The newest impressions as requests, newest first.
fn past(stores: &Stores, sample: usize) -> Result<Vec<Request>> {
    let catalog = stores.catalog.read()?;
    let mut kept = std::collections::VecDeque::new();
    for row in catalog.view().impressions(None)? {
        let shown = row?.impression;
        kept.push_back(Request { query: shown.query, user: shown.user, now: Some(shown.time), ..Request::new() });
        if kept.len() > sample {
            kept.pop_front();
        }
    }
    Ok(kept.into_iter().rev().collect())
}

/// Asks two models the same requests, and compares their lists.
pub(crate) fn shadow(stores: &Stores, version: u64, requests: &[Request]) -> Result<Shadow> {
    let (active, other) = (stores.active(), Arc::new(registry::beside(stores, version)?));
    let (wanted, space) = (active.model.space_id(), other.model.space_id());
    if wanted != space {
        let expected =
            format!("a model of vector space {wanted}, which the stored vectors active in; `evaluate` compares others");
        return Err(Error::argument("version", expected, format!("one of vector space {space}")));
    }
    let mut found = Shadow { active: active.version, shadow: version, ..Shadow::default() };
    let mut correlated = 0;
    for (place, request) in requests.iter().enumerate() {
        stores.check_open()?;
        watch::report("ask", place, requests.len());
        match ask_both(stores, request, [&active, &other], place % 2 == 0)? {
            (Ok(active), Ok(other)) => {
                found.requests += 1;
                found.active_us += active.micros;
                found.shadow_us += other.micros;
                found.common_top_10 += common(&active.top, &other.top);
                if let Some(correlation) = spearman(&active.scores, &other.scores) {
                    found.rank_correlation += correlation;
                    correlated += 1;
                }
            }
            (Ok(_), Err(error)) => note(&mut found, &error),
            (Err(_), _) => found.skipped += 1,
        }
    }
    // What was stopped would count as a failure.
    watch::check()?;
    let requests = found.requests.max(1) as f64;
    found.active_us /= requests;
    found.shadow_us /= requests;
    found.common_top_10 /= requests;
    found.rank_correlation /= f64::from(correlated.max(1));
    Ok(found)
}

/// Both models' answers to one request, from one snapshot. The model that is asked first warms the caches for the other, so
/// they take turns.
fn ask_both(
    stores: &Stores,
    request: &Request,
    [active, other]: [&Arc<ActiveModel>; 2],
    active_first: bool,
) -> Result<(Result<Answer>, Result<Answer>)> {
    let mut snapshot = Snapshot::pin(stores)?;
    let rank_id = hex_id();
    let mut ask = |of: &Arc<ActiveModel>| {
        snapshot.active = Arc::clone(of);
        answer(&snapshot, request, &rank_id)
    };
    if active_first {
        let first = ask(active);
        return Ok((first, ask(other)));
    }
    let first = ask(other);
    Ok((ask(active), first))
}

fn note(found: &mut Shadow, error: &Error) {
    found.failed += 1;
    let message = error.to_string();
    if found.errors.len() < MESSAGES && !found.errors.contains(&message) {
        found.errors.push(message);
    }
}

/// One model's answer.
struct Answer {
    top: Vec<ItemKey>,
    scores: HashMap<ItemKey, f32>,
    micros: f64,
}

fn answer(snapshot: &Snapshot, request: &Request, rank_id: &str) -> Result<Answer> {
    let start = Instant::now();
    let asked = score_all(snapshot, std::slice::from_ref(request), &mut Clock::start())?;
    let asked = asked.into_iter().next().ok_or_else(|| Error::internal("no candidates for the request"))?;
    let scores = asked.scored.iter().map(|scored| (scored.candidate.key, scored.score)).collect();
    let cx = RequestCx { snapshot, request, understood: &asked.understood };
    let page = rerank(cx, rank_id, asked.scored)?;
    let micros = start.elapsed().as_secs_f64() * 1e6;
    Ok(Answer { top: page.hits.iter().take(TOP).map(|hit| hit.candidate.key).collect(), scores, micros })
}

/// The share of two lists that both have, over the longer; 1 when both are empty.
fn common(a: &[ItemKey], b: &[ItemKey]) -> f64 {
    let longer = a.len().max(b.len());
    if longer == 0 {
        return 1.0;
    }
    a.iter().filter(|key| b.contains(key)).count() as f64 / longer as f64
}

/// Spearman's rank correlation of what both scored, ties at mid-rank; `None` with fewer than two, or when one side has only
/// ties, where it is not defined.
fn spearman(a: &HashMap<ItemKey, f32>, b: &HashMap<ItemKey, f32>) -> Option<f64> {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for (key, score) in a {
        if let Some(other) = b.get(key) {
            left.push(*score);
            right.push(*other);
        }
    }
    let (left, right) = (ranks(&left), ranks(&right));
    let mean = (left.len() as f64 + 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>();
    let spread = (product(&left, &left) * product(&right, &right)).sqrt();
    (left.len() > 1 && spread > 0.0).then(|| product(&left, &right) / spread)
}

/// The rank of each value from 1, the mean of the ranks for equal ones.
fn ranks(values: &[f32]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for tied in order.chunk_by(|a, b| values[*a].total_cmp(&values[*b]).is_eq()) {
        let mean = first as f64 + (tied.len() as f64 + 1.0) / 2.0;
        tied.iter().for_each(|place| ranks[*place] = mean);
        first += tied.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(values: &[f32]) -> HashMap<ItemKey, f32> {
        values.iter().enumerate().map(|(key, score)| (ItemKey(key as u64), *score)).collect()
    }

    #[test]
    fn correlation_is_that_of_ranks_with_ties_in_the_middle() {
        let correlation = |a: &[f32], b: &[f32]| spearman(&scores(a), &scores(b));
        assert_eq!(correlation(&[1.0, 2.0, 9.0], &[0.1, 0.2, 0.3]), Some(1.0));
        assert_eq!(correlation(&[1.0, 2.0, 9.0], &[3.0, 2.0, 1.0]), Some(-1.0));
        // Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: 4.5 / sqrt(4.5 * 5).
        let tied = correlation(&[1.0, 2.0, 2.0, 3.0], &[1.0, 2.0, 3.0, 4.0]).unwrap();
        assert!((tied - 4.5 / (4.5f64 * 5.0).sqrt()).abs() < 1e-12);
        assert_eq!(correlation(&[1.0, 1.0], &[1.0, 2.0]), None);
        assert_eq!(correlation(&[1.0], &[2.0]), None);
        assert_eq!(ranks(&[5.0, 1.0, 5.0]), [2.5, 1.0, 2.5]);
    }

    #[test]
    fn lists_are_compared_over_the_longer() {
        let keys = |keys: &[u64]| keys.iter().copied().map(ItemKey).collect::<Vec<_>>();
        assert_eq!(common(&keys(&[1, 2, 3, 4]), &keys(&[4, 9])), 0.25);
        assert_eq!(common(&[], &[]), 1.0);
    }
}

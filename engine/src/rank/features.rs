//! The features of candidates, in the order that the model's manifest lists and loading checks.

use crate::candidate::{Candidate, Source};
use crate::catalog::Window;
use crate::error::Result;
use crate::id::ItemKey;
use crate::intent::Intent;
use crate::snapshot::Snapshot;

/// Columns of one row. IMPORTANT: the order is a contract with the model file; `model::contract` names it.
const COLUMNS: usize = 9;
/// Age at which the fresh feature has fallen to 1/e, in days.
const FRESH_DAYS: f64 = 30.0;

/// A count that is popular in any catalog: below it, the most popular item of a young store is not called popular, as
/// two views among five say nothing yet.
const CALM_COUNT: f64 = 20.0;

/// Features and vectors of K candidates.
pub(crate) struct Features {
    /// K x 9, row by row.
    pub columns: Vec<f32>,
    /// K x D, row by row; zeros for an item without a vector.
    pub vectors: Vec<f32>,
}

impl Features {
    /// Reads everything that the model wants to know of the candidates, once.
    pub(crate) fn read(snapshot: &Snapshot, intent: &Intent, candidates: &[Candidate]) -> Result<Features> {
        let width = snapshot.stores.model.width();
        let bm25 = bm25(snapshot, intent, candidates)?;
        let scale = PopularScale::read(snapshot, intent)?;
        let mut columns = Vec::with_capacity(candidates.len() * COLUMNS);
        let mut vectors = vec![0.0; candidates.len() * width];
        for ((candidate, bm25), place) in candidates.iter().zip(bm25).zip(vectors.chunks_exact_mut(width)) {
            let has_content = read_vector(snapshot, candidate.key, place)?;
            columns.extend(row(snapshot, intent, &scale, candidate.key, bm25, has_content)?);
        }
        Ok(Features { columns, vectors })
    }
}

fn row(
    snapshot: &Snapshot,
    intent: &Intent,
    scale: &PopularScale,
    key: ItemKey,
    bm25: f32,
    has_content: bool,
) -> Result<[f32; COLUMNS]> {
    let [week, quarter, trend] = scale.features(snapshot, intent, key)?;
    let (vector, vector_missing) = own_vector(snapshot, intent, key)?;
    Ok([
        bm25,
        week,
        quarter,
        trend,
        fresh(snapshot, intent, key)?,
        flag(intent.has_had(snapshot, key)?),
        vector,
        flag(!has_content),
        flag(vector_missing),
    ])
}

fn flag(set: bool) -> f32 {
    if set { 1.0 } else { 0.0 }
}

/// BM25 over the query's upper bound, so that it is about 0 to 1 whatever the query's length. The lexical source has
/// said it already of its own candidates; the others are looked up.
fn bm25(snapshot: &Snapshot, intent: &Intent, candidates: &[Candidate]) -> Result<Vec<f32>> {
    let Some(query) = &intent.query else { return Ok(vec![0.0; candidates.len()]) };
    let said = |c: &Candidate| c.proposals.iter().find(|p| p.source == Source::Lexical).map(|p| p.score);
    let mut scores: Vec<Option<f32>> = candidates.iter().map(said).collect();
    let silent: Vec<ItemKey> =
        candidates.iter().zip(&scores).filter(|(_, said)| said.is_none()).map(|(c, _)| c.key).collect();
    let live = |key, generation| snapshot.is_live(key, Some(generation));
    let mut looked_up = snapshot.text.score(query, &silent, &live)?.into_iter();
    for score in scores.iter_mut().filter(|score| score.is_none()) {
        *score = looked_up.next();
    }
    let bound = query.bound().max(f32::MIN_POSITIVE);
    Ok(scores.into_iter().map(|score| score.unwrap_or_default() / bound).collect())
}

/// Copies an item's stored vector. False when it has none.
fn read_vector(snapshot: &Snapshot, key: ItemKey, into: &mut [f32]) -> Result<bool> {
    match snapshot.catalog.view().vector(snapshot.item_space()?, key)? {
        Some(bytes) => crate::vector::read_bytes(bytes, into).map(|()| true),
        None => Ok(false),
    }
}

/// The largest decayed counts of the catalog: what popularity is measured against.
struct PopularScale([f64; 2]);

/// The windows that popularity features speak of.
const WINDOWS: [Window; 2] = [Window::Week, Window::Quarter];

impl PopularScale {
    fn read(snapshot: &Snapshot, intent: &Intent) -> Result<PopularScale> {
        let mut largest = [CALM_COUNT.ln_1p(); 2];
        for (largest, window) in largest.iter_mut().zip(WINDOWS) {
            if let Some(first) = snapshot.catalog.view().popular(window)?.next() {
                *largest = window.count(first?.1, intent.now).ln_1p().max(*largest);
            }
        }
        Ok(PopularScale(largest))
    }

    /// `popular_7d`, `popular_90d` (log counts over the largest) and `trend`: the rate over 7 days against the rate over
    /// 90, from 0 (dying) over 0.5 (steady, or unknown) to 1 (rising).
    fn features(&self, snapshot: &Snapshot, intent: &Intent, key: ItemKey) -> Result<[f32; 3]> {
        let Some(signals) = snapshot.signals(key)? else { return Ok([0.0, 0.0, 0.5]) };
        let [week, quarter] = WINDOWS.map(|window| window.count(signals.mass(window), intent.now));
        let scaled = |count: f64, largest: f64| (count.ln_1p() / largest).min(1.0);
        let (fast, slow) = (week / Window::Week.days(), quarter / Window::Quarter.days());
        // One event in 90 days on either side keeps the ratio calm where there is little to see.
        let prior = 1.0 / Window::Quarter.days();
        let trend = (fast + prior) / (fast + slow + 2.0 * prior);
        Ok([scaled(week, self.0[0]), scaled(quarter, self.0[1]), trend].map(|x| x as f32))
    }
}

/// `exp(-age / 30 days)`; 1 for what is not available yet.
fn fresh(snapshot: &Snapshot, intent: &Intent, key: ItemKey) -> Result<f32> {
    let head = snapshot.catalog.view().head(key)?;
    let age = head.map_or(f64::INFINITY, |head| intent.now.seconds_since(head.available).max(0.0));
    Ok((-age / (FRESH_DAYS * 86_400.0)).exp() as f32)
}

/// The best cosine with the request's own vectors, and whether the item has none of those fields.
fn own_vector(snapshot: &Snapshot, intent: &Intent, key: ItemKey) -> Result<(f32, bool)> {
    let mut best: Option<f32> = None;
    for own in &intent.vectors {
        if let Some(bytes) = snapshot.catalog.view().vector(own.space, key)? {
            let cosine = crate::vector::dot_bytes(&own.vector, bytes);
            best = Some(best.map_or(cosine, |best| best.max(cosine)));
        }
    }
    Ok((best.unwrap_or_default(), best.is_none() && !intent.vectors.is_empty()))
}

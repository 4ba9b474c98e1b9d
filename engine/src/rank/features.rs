//! The features of candidates, in the order that the model's manifest lists and loading checks.

use xxhash_rust::xxh3::xxh3_64;

use super::column::Row;
use super::popularity::PopularityScale;
use crate::api::candidate::Candidate;
use crate::api::feature::Feature;
use crate::api::source::Source;
use crate::base::error::Result;
use crate::base::id::{ItemKey, SemanticId};
use crate::catalog::{ItemSignals, PRIOR_WEIGHT, UserItem};
use crate::understand::{RequestCx, Understood};

/// Age at which the fresh feature has fallen to 1/e, in days.
const FRESH_DAYS: f64 = 30.0;

/// Age at which an interaction counts half, in days.
const RECENT_DAYS: f64 = 30.0;
/// What one impression that led to nothing leaves of the interest in an item.
const KEPT_PER_IMPRESSION: f32 = 0.8;

/// Features and vectors of K candidates.
pub(crate) struct Features {
    /// K x [`Feature::COLUMNS`], row by row.
    pub columns: Vec<f32>,
    /// K x D, row by row; zeros for an item without a vector.
    pub vectors: Vec<f32>,
    /// K semantic ids, where the items have them; empty for a model that reads none.
    pub sids: Vec<Option<SemanticId>>,
}

impl Features {
    /// Reads everything that the model wants to know of the candidates, once.
    pub(crate) fn read(cx: RequestCx, candidates: &[Candidate]) -> Result<Features> {
        let (snapshot, width) = (cx.snapshot, cx.snapshot.model().width());
        let bm25 = bm25(cx, candidates)?;
        let scale = PopularityScale::read(cx)?;
        let mut columns = vec![0.0; candidates.len() * Feature::COLUMNS];
        let mut vectors = vec![0.0; candidates.len() * width];
        // In the order of the tables: rows that lie side by side share pages, and the way down to them.
        let mut places: Vec<_> = candidates.iter().zip(bm25).enumerate().collect();
        places.sort_unstable_by_key(|(_, (candidate, _))| candidate.key);
        // All are asked for before the first is read, so that the memory comes while the others are looked up.
        for (_, (candidate, _)) in &places {
            snapshot.catalog.prefetch_state(candidate.key);
            snapshot.catalog.prefetch_vector(candidate.key);
        }
        let (space, mut room) = (snapshot.item_space(), Vec::new());
        for (at, (candidate, bm25)) in places {
            let stored = snapshot.catalog.vector(space, candidate.key, &mut room)?;
            if let Some(bytes) = stored {
                crate::vector::read_bytes(bytes, &mut vectors[at * width..(at + 1) * width])?;
            }
            let mut row = Row(&mut columns[at * Feature::COLUMNS..(at + 1) * Feature::COLUMNS]);
            row.flag(Feature::ContentMissing, stored.is_none());
            fill(cx, &scale, candidate.key, bm25, &mut row)?;
        }
        let sids = match snapshot.model().reads_sids() {
            true => candidates.iter().map(|candidate| snapshot.sid(candidate.key)).collect::<Result<Vec<_>>>()?,
            false => Vec::new(),
        };
        Ok(Features { columns, vectors, sids })
    }

    /// Tells whether other features are the same, bit for bit.
    pub(crate) fn hash(&self) -> u64 {
        let bytes: Vec<u8> = self.columns.iter().flat_map(|value| value.to_bits().to_le_bytes()).collect();
        xxh3_64(&bytes)
    }
}

/// Fills in the features of one candidate.
fn fill(cx: RequestCx, scale: &PopularityScale, key: ItemKey, bm25: f32, row: &mut Row) -> Result<()> {
    let (snapshot, understood) = (cx.snapshot, cx.understood);
    let signals = snapshot.signals(key)?;
    row.set(Feature::Bm25, bm25);
    scale.fill(signals.as_ref(), understood.now, row);
    row.set(Feature::Fresh, fresh(cx, key)?);
    row.set(Feature::Ctr, signals.map_or(0.0, |signals| ctr(&signals)));
    let relations = &understood.relations;
    row.set(Feature::CovisitNext, relations.next.feature(key));
    row.set(Feature::CovisitPrevious, relations.previous.feature(key));
    row.set(Feature::Cooccurrence, relations.cooccurrence.feature(key));
    row.set(Feature::Basket, relations.basket.feature(key));
    row.set(Feature::PopularSegment, understood.segments.of(key));
    if let Some(done) = understood.interactions(snapshot, key)? {
        fill_interactions(&done, understood, row);
    }
    let (vector, vector_missing) = field_vector(cx, key)?;
    row.set(Feature::Vector, vector);
    row.flag(Feature::VectorMissing, vector_missing);
    Ok(())
}

/// What the user did with the item, and saw of it.
fn fill_interactions(done: &UserItem, understood: &Understood, row: &mut Row) {
    row.flag(Feature::InteractedEver, done.events > 0);
    row.set(Feature::Interacted, ((f64::from(done.events).ln_1p() / PRIOR_WEIGHT.ln_1p()) as f32).min(1.0));
    row.set(Feature::InteractedRecently, recency(done, understood));
    row.set(Feature::Impressions, 1.0 - KEPT_PER_IMPRESSION.powi(done.shown.min(100) as i32));
    if done.disliked > done.liked {
        row.set(Feature::Disliked, done.against.min(1.0));
    }
}

/// The rate of choices against what is usual: (chosen + 2) / (shown + 20) over a tenth, as a logarithm to base ten.
/// The two choices in twenty that are added keep an item that was hardly shown at 0, which is what is usual.
fn ctr(signals: &ItemSignals) -> f32 {
    let rate = (signals.chosen + 2.0) / (signals.shown + 20.0);
    ((rate / 0.1).log10() as f32).clamp(-1.0, 1.0)
}

/// How recently the user interacted with an item: 1 now, a half after thirty days.
fn recency(done: &UserItem, understood: &Understood) -> f32 {
    if done.events == 0 {
        return 0.0;
    }
    let days = understood.now.seconds_since(done.last.min(understood.now)) / 86_400.0;
    (1.0 / (1.0 + days / RECENT_DAYS)) as f32
}

/// BM25 over the query's upper bound, so that it is about 0 to 1 whatever the query's length. The lexical source has
/// said it already of its own candidates; the others are looked up.
fn bm25(cx: RequestCx, candidates: &[Candidate]) -> Result<Vec<f32>> {
    let (snapshot, query) = (cx.snapshot, &cx.understood.query);
    let Some(query) = query else { return Ok(vec![0.0; candidates.len()]) };
    let said = |c: &Candidate| c.proposals.iter().find(|p| p.source == Source::Lexical).map(|p| p.score);
    let mut scores: Vec<Option<f32>> = candidates.iter().map(said).collect();
    let silent: Vec<ItemKey> =
        candidates.iter().zip(&scores).filter(|(_, said)| said.is_none()).map(|(c, _)| c.key).collect();
    let visible = |key, generation| snapshot.is_current(key, Some(generation));
    let mut looked_up = snapshot.text.score(query, &silent, &visible)?.into_iter();
    for score in scores.iter_mut().filter(|score| score.is_none()) {
        *score = looked_up.next();
    }
    let bound = query.bound().max(f32::MIN_POSITIVE);
    Ok(scores.into_iter().map(|score| score.unwrap_or_default() / bound).collect())
}

/// `exp(-age / 30 days)`; 1 for what is not available yet.
fn fresh(cx: RequestCx, key: ItemKey) -> Result<f32> {
    let head = cx.snapshot.catalog.head(key)?;
    let age = head.map_or(f64::INFINITY, |head| cx.understood.now.seconds_since(head.available).max(0.0));
    Ok((-age / (FRESH_DAYS * 86_400.0)).exp() as f32)
}

/// The best cosine with the request's own vectors, over what is usual, and whether the item has none of those fields.
fn field_vector(cx: RequestCx, key: ItemKey) -> Result<(f32, bool)> {
    let mut best: Option<f32> = None;
    for field in &cx.understood.vectors {
        if let Some(bytes) = cx.snapshot.catalog.view().vector(field.space, key)? {
            let cosine = crate::vector::dot_bytes(&field.vector, bytes) - field.usual;
            best = Some(best.map_or(cosine, |best| best.max(cosine)));
        }
    }
    Ok((best.unwrap_or_default(), best.is_none() && !cx.understood.vectors.is_empty()))
}

//! The features of candidates, in the order that the model's manifest lists and loading checks.

use xxhash_rust::xxh3::xxh3_64;

use crate::api::candidate::{Candidate, Source};
use crate::base::error::Result;
use crate::base::id::{ItemKey, SemanticId};
use crate::base::time::Timestamp;
use crate::catalog::{ItemSignals, PRIOR_WEIGHT, UserItem, Window};
use crate::store::snapshot::Snapshot;
use crate::understand::Intent;

/// Columns of one row. IMPORTANT: the order is a contract with the model file; `model::contract` names it.
const COLUMNS: usize = 21;
/// Age at which the fresh feature has fallen to 1/e, in days.
const FRESH_DAYS: f64 = 30.0;

/// Age at which what was had counts half, in days.
const LATELY_DAYS: f64 = 30.0;
/// What is left of an item's charm after one impression that led to nothing.
const UNTIRED: f32 = 0.8;

/// Features and vectors of K candidates.
pub(crate) struct Features {
    /// K x 21, row by row.
    pub columns: Vec<f32>,
    /// K x D, row by row; zeros for an item without a vector.
    pub vectors: Vec<f32>,
    /// K semantic ids, where the items have them; empty for a model that reads none.
    pub sids: Vec<Option<SemanticId>>,
}

impl Features {
    /// Reads everything that the model wants to know of the candidates, once.
    pub(crate) fn read(snapshot: &Snapshot, intent: &Intent, candidates: &[Candidate]) -> Result<Features> {
        let width = snapshot.model().width();
        let bm25 = bm25(snapshot, intent, candidates)?;
        let scale = PopularScale::read(snapshot, intent)?;
        let mut columns = vec![0.0; candidates.len() * COLUMNS];
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
            let row = row(snapshot, intent, &scale, candidate.key, bm25, stored.is_some())?;
            columns[at * COLUMNS..(at + 1) * COLUMNS].copy_from_slice(&row);
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

fn row(
    snapshot: &Snapshot,
    intent: &Intent,
    scale: &PopularScale,
    key: ItemKey,
    bm25: f32,
    has_content: bool,
) -> Result<[f32; COLUMNS]> {
    let signals = snapshot.signals(key)?;
    let Popular { day, week, quarter, ever, trend } = scale.features(signals.as_ref(), intent.now);
    let (vector, vector_missing) = own_vector(snapshot, intent, key)?;
    let had = intent.had(snapshot, key)?;
    let relations = &intent.relations;
    Ok([
        bm25,
        day,
        week,
        quarter,
        ever,
        trend,
        fresh(snapshot, intent, key)?,
        relations.next.feature(key),
        relations.together.feature(key),
        relations.basket.feature(key),
        signals.map_or(0.0, |signals| chosen(&signals)),
        flag(had.is_some_and(|had| had.events > 0)),
        had.map_or(0.0, |had| ((f64::from(had.events).ln_1p() / PRIOR_WEIGHT.ln_1p()) as f32).min(1.0)),
        had.map_or(0.0, |had| lately(&had, intent)),
        had.map_or(0.0, |had| 1.0 - UNTIRED.powi(had.shown.min(100) as i32)),
        had.filter(|had| had.disliked > had.liked).map_or(0.0, |had| had.against.min(1.0)),
        vector,
        flag(!has_content),
        flag(vector_missing),
        relations.before.feature(key),
        intent.segments.of(key),
    ])
}

/// The rate of choices against what is usual: (chosen + 2) / (shown + 20) over a tenth, as a logarithm to base ten.
/// The two choices in twenty that are added keep an item that was hardly shown at 0, which is what is usual.
fn chosen(signals: &ItemSignals) -> f32 {
    let rate = (signals.chosen + 2.0) / (signals.shown + 20.0);
    ((rate / 0.1).log10() as f32).clamp(-1.0, 1.0)
}

/// How lately the user had an item: 1 now, a half after thirty days.
fn lately(had: &UserItem, intent: &Intent) -> f32 {
    if had.events == 0 {
        return 0.0;
    }
    let days = intent.now.seconds_since(had.last.min(intent.now)) / 86_400.0;
    (1.0 / (1.0 + days / LATELY_DAYS)) as f32
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

/// What popularity is measured against.
struct PopularScale {
    /// Logs of the largest decayed counts of the catalog, by window.
    largest: [f64; Window::ALL.len()],
    /// How much a window of days can say, by how much there is in it: 0 to 1.
    says: [f64; Window::ALL.len()],
}

/// Log counts over the largest, 0 to 1, and how the rate over 7 days stands against that over 90: from 0 (dying) over
/// 0.5 (steady, or unknown) to 1 (rising).
struct Popular {
    day: f32,
    week: f32,
    quarter: f32,
    ever: f32,
    trend: f32,
}

impl PopularScale {
    fn read(snapshot: &Snapshot, intent: &Intent) -> Result<PopularScale> {
        let mut scale =
            PopularScale { largest: [PRIOR_WEIGHT.ln_1p(); Window::ALL.len()], says: [1.0; Window::ALL.len()] };
        for (place, window) in Window::ALL.into_iter().enumerate() {
            let first = snapshot.catalog.view().popular(window)?.next().transpose()?;
            let most = first.map_or(0.0, |first| window.count(first.1, intent.now));
            scale.largest[place] = most.ln_1p().max(scale.largest[place]);
            // What few people did lately is chance: shrunk, as a rate of few is towards its prior (decision 0028).
            if matches!(window, Window::Day | Window::Week) {
                scale.says[place] = most / (most + PRIOR_WEIGHT);
            }
        }
        Ok(scale)
    }

    fn features(&self, signals: Option<&ItemSignals>, now: Timestamp) -> Popular {
        let Some(signals) = signals else {
            return Popular { day: 0.0, week: 0.0, quarter: 0.0, ever: 0.0, trend: 0.5 };
        };
        let [day, week, quarter, ever] = Window::ALL.map(|window| window.count(signals.mass(window), now));
        let scaled = |window: Window, count: f64| {
            let place = window.position();
            ((count.ln_1p() / self.largest[place]).min(1.0) * self.says[place]) as f32
        };
        let (fast, slow) = (week / Window::Week.days(), quarter / Window::Quarter.days());
        // One event in 90 days on either side keeps the ratio calm where there is little to see.
        let prior = 1.0 / Window::Quarter.days();
        Popular {
            day: scaled(Window::Day, day),
            week: scaled(Window::Week, week),
            quarter: scaled(Window::Quarter, quarter),
            ever: scaled(Window::Ever, ever),
            trend: ((fast + prior) / (fast + slow + 2.0 * prior)) as f32,
        }
    }
}

/// `exp(-age / 30 days)`; 1 for what is not available yet.
fn fresh(snapshot: &Snapshot, intent: &Intent, key: ItemKey) -> Result<f32> {
    let head = snapshot.catalog.head(key)?;
    let age = head.map_or(f64::INFINITY, |head| intent.now.seconds_since(head.available).max(0.0));
    Ok((-age / (FRESH_DAYS * 86_400.0)).exp() as f32)
}

/// The best cosine with the request's own vectors, over what is usual, and whether the item has none of those fields.
fn own_vector(snapshot: &Snapshot, intent: &Intent, key: ItemKey) -> Result<(f32, bool)> {
    let mut best: Option<f32> = None;
    for own in &intent.vectors {
        if let Some(bytes) = snapshot.catalog.view().vector(own.space, key)? {
            let cosine = crate::vector::dot_bytes(&own.vector, bytes) - own.usual;
            best = Some(best.map_or(cosine, |best| best.max(cosine)));
        }
    }
    Ok((best.unwrap_or_default(), best.is_none() && !intent.vectors.is_empty()))
}

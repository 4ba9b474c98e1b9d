//! Neighbours of a vector: through the graph, or exactly when a filter leaves few.

use super::found::Found;
use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;
use crate::catalog::SpaceNumber;
use crate::understand::{Allowed, RequestCx};
use crate::vector::Space;

/// Up to this many allowed items are scored one by one. Walking a graph whose nodes are mostly forbidden costs more:
/// measured, a filter that lets 1 % through visits 18 % of the graph.
const EXACT_ITEMS: u64 = 20_000;
/// Beyond that, up to this share of the catalog.
const EXACT_SHARE: f64 = 0.05;

/// Neighbours of the query's vector.
pub(super) fn semantic(cx: RequestCx, k: usize) -> Result<Vec<Found>> {
    points(cx, cx.understood.context.query.as_slice(), k)
}

/// Neighbours of the history's vector.
pub(super) fn context(cx: RequestCx, k: usize) -> Result<Vec<Found>> {
    points(cx, cx.understood.context.history.as_slice(), k)
}

/// Neighbours of the seeds' mean.
pub(super) fn similar(cx: RequestCx, k: usize) -> Result<Vec<Found>> {
    points(cx, cx.understood.seed_vector.as_slice(), k)
}

/// Neighbours of each interest of the history.
pub(super) fn interests(cx: RequestCx, k: usize) -> Result<Vec<Found>> {
    points(cx, &cx.understood.interests, k)
}

/// Neighbours of each vector that a trained model made of history and query.
pub(super) fn model_context(cx: RequestCx, k: usize) -> Result<Vec<Found>> {
    points(cx, &cx.understood.context.learned, k)
}

/// Neighbours of several points among the items. Each has its part, so that the strongest cannot take all places.
fn points(cx: RequestCx, points: &[Vec<f32>], k: usize) -> Result<Vec<Found>> {
    let items = (cx.snapshot.item.number, cx.snapshot.item.graph.as_ref());
    let each = k.div_ceil(points.len().max(1));
    points.iter().map(|point| nearest(cx, items, point, each)).collect()
}

/// Neighbours in the catalog's vector fields. Fields that a history makes a vector for divide the places; each vector that
/// is searched for has its own.
pub(super) fn vectors(cx: RequestCx, k: usize) -> Result<Vec<Found>> {
    let vectors = &cx.understood.vectors;
    let each = if cx.understood.has_query { k } else { k.div_ceil(vectors.len().max(1)) };
    let lists = vectors.iter().map(|field| {
        let graph = cx.snapshot.stores.vectors.space(&field.name);
        let graph = graph.ok_or_else(|| Error::internal("a vector space is missing"))?;
        nearest(cx, (field.space, &graph), &field.vector, each)
    });
    lists.collect()
}

/// The `k` nearest items of a space that the request admits, best first, with their cosines.
fn nearest(cx: RequestCx, space: (SpaceNumber, &Space), vector: &[f32], k: usize) -> Result<Found> {
    let (number, graph) = space;
    let admits = |key| cx.admits(key);
    if let Allowed::Only(keys) = &cx.understood.allowed {
        let items = cx.snapshot.catalog.counters().items as f64;
        if keys.len() <= EXACT_ITEMS || keys.len() as f64 <= EXACT_SHARE * items {
            let keys = keys.iter().map(ItemKey).filter(|key| admits(*key));
            return cx.snapshot.nearest_among(number, vector, keys, k);
        }
    }
    let allowed = match &cx.understood.allowed {
        Allowed::All => None,
        Allowed::Only(keys) => Some(keys),
    };
    graph.search(vector, k, allowed, &|key, generation| cx.snapshot.is_current(key, generation) && admits(key))
}

//! Searching one space: the overlay exactly, the graph approximately, one list.

use half::f16;
use roaring::RoaringTreemap;

use super::encode::{normalised, round, widen};
use super::graph::Wanted;
use super::space::Space;
use crate::base::error::{Error, Result};
use crate::base::id::{Generation, ItemKey};
use crate::base::limits::MAX_CANDIDATES;
use crate::base::score::top_k;

/// Hits that are fetched beyond `k`, besides a quarter of it: a few deletions then need no second search.
const SPARE: usize = 16;

impl Space {
    /// The `k` nearest by cosine, best first, equal cosines by ascending key; fewer when there are fewer.
    ///
    /// `query` is normalised here. `k` is cut to [`MAX_CANDIDATES`]. `is_current(key, Some(generation))` tells whether the
    /// caller's snapshot holds that version, `is_current(key, None)` whether it holds the item at all (the graph does not
    /// know generations); it must not search this space again. With `allowed`, only its keys are returned; a filter
    /// that allows little is better answered by scoring what it allows.
    ///
    /// # Errors
    /// [`Error::DimMismatch`], [`Error::NonFinite`], [`Error::ZeroNorm`] for the query; [`Error::Index`].
    pub(crate) fn search(
        &self,
        query: &[f32],
        k: usize,
        allowed: Option<&RoaringTreemap>,
        is_current: &dyn Fn(ItemKey, Option<Generation>) -> bool,
    ) -> Result<Vec<(ItemKey, f32)>> {
        let half = self.query(query)?;
        let k = k.min(MAX_CANDIDATES);
        if k == 0 {
            return Ok(Vec::new());
        }
        // The order matters. The graph object first: a rebuild stages everything before it puts an empty graph in
        // place, so an overlay taken after that graph is complete. The overlay before the search: what `drain` drops
        // from a later one is in the graph that is searched now.
        let graph = self.graph();
        let overlay = self.tail.snapshot();

        let is_allowed = |key: ItemKey| allowed.is_none_or(|keys| keys.contains(key.0));
        // The graph may hold the same vectors as the overlay, or older ones: what the overlay shows, it answers for.
        let mut hits = overlay.best(&widen(&half), k, |key, version| {
            is_allowed(key) && overlay.visible(key, is_current) == Some(version)
        });
        let in_overlay = overlay.len();
        let fetch = k + k / 4 + SPARE + in_overlay.min(k);
        let wanted = Wanted { query: &half, k, fetch, allowed };
        hits.extend(
            graph.nearest(&wanted, &|key| is_current(key, None) && overlay.visible(key, is_current).is_none())?,
        );
        Ok(top_k(hits, k))
    }

    /// Checks a query and brings it into the form of the stored vectors, so that overlay and graph score alike.
    fn query(&self, query: &[f32]) -> Result<Vec<f16>> {
        if query.len() != self.spec.dimensions {
            return Err(Error::DimMismatch {
                space: self.spec.name.clone(),
                expected: self.spec.dimensions,
                found: query.len(),
            });
        }
        Ok(round(&normalised(&format!("query of `{}`", self.spec.name), query)?))
    }
}

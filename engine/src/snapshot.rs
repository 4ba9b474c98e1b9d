//! The pinned view of a request: one commit of the catalog, and the indexes as of that commit.

use std::sync::Arc;

use crate::catalog::{CatalogRead, SpaceNumber};
use crate::error::{Error, Result};
use crate::id::{Generation, ItemKey};
use crate::schema::Schema;
use crate::stores::{RecentState, Spaces, Stores};
use crate::text::TextView;
use crate::vector;

/// How often a pin is tried again when a commit slips in between its steps. Each try is microseconds, a commit is not.
const PIN_ATTEMPTS: usize = 1000;

/// What a request reads. Stages after ingest get this and cannot write.
pub(crate) struct Snapshot<'s> {
    pub stores: &'s Stores,
    pub catalog: CatalogRead,
    pub text: Arc<TextView>,
    pub schema: Arc<Schema>,
    pub spaces: Arc<Spaces>,
    recent: Arc<RecentState>,
}

impl<'s> Snapshot<'s> {
    /// Pins the last commit.
    ///
    /// IMPORTANT: the order. A commit's items enter `recent` and the overlays before the commit is visible, so what is
    /// loaded after the transaction covers it. An index may meanwhile have moved past the transaction; then the pin is
    /// taken again, because the older version of an item is gone from that index.
    pub(crate) fn pin(stores: &'s Stores) -> Result<Snapshot<'s>> {
        for _ in 0..PIN_ATTEMPTS {
            let catalog = stores.catalog.read()?;
            let recent = stores.recent.load();
            let text = stores.text.view();
            if text.applied() > catalog.counters().seq {
                std::thread::yield_now();
                continue;
            }
            let (schema, spaces) = (stores.schema.load_full(), stores.spaces.load_full());
            return Ok(Snapshot { stores, catalog, text, schema, spaces, recent });
        }
        Err(Error::internal("no commit could be pinned"))
    }

    /// Whether this version of an item, which an index proposes, is the pinned one.
    ///
    /// The closure that indexes get cannot fail; an item whose head cannot be read is left out here and reported when
    /// it is read for its features.
    pub(crate) fn is_live(&self, key: ItemKey, generation: Option<Generation>) -> bool {
        if !self.recent.contains(key) {
            return true;
        }
        let head = self.catalog.view().head(key).ok().flatten();
        head.is_some_and(|head| generation.is_none_or(|generation| head.generation == generation))
    }

    /// The number of the space of the model's item vectors.
    pub(crate) fn item_space(&self) -> Result<SpaceNumber> {
        self.spaces.number(crate::stores::ITEM_SPACE).ok_or_else(|| Error::internal("the item space is missing"))
    }

    /// The stored vector of an item, unit length, when it has one.
    pub(crate) fn vector(&self, space: SpaceNumber, key: ItemKey) -> Result<Option<Vec<f32>>> {
        let Some(bytes) = self.catalog.view().vector(space, key)? else { return Ok(None) };
        let mut components = vec![0.0; bytes.len() / 2];
        vector::read_bytes(bytes, &mut components)?;
        Ok(Some(components))
    }

    /// The `k` nearest of a set of items to a query, exactly: what a selective filter asks for instead of the graph.
    pub(crate) fn nearest_among(
        &self,
        space: SpaceNumber,
        query: &[f32],
        keys: impl Iterator<Item = ItemKey>,
        k: usize,
    ) -> Result<Vec<(ItemKey, f32)>> {
        let view = self.catalog.view();
        let mut scored = Vec::new();
        for key in keys {
            if let Some(bytes) = view.vector(space, key)? {
                scored.push((key, vector::dot_bytes(query, bytes)));
            }
        }
        Ok(crate::score::top_k(scored, k))
    }
}

//! The content vectors that a fit reads.

use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::catalog::SpaceNumber;
use crate::store::Stores;

/// Items with content that a fit needs at all: fewer add nothing to the shipped space.
const MIN_ITEMS: u64 = 100;
/// Items whose content a fit reads, at most.
const SAMPLE: u64 = 20_000;
/// Items that are embedded at a time.
const CHUNK: usize = 1_000;

/// Content of items spread evenly over the catalog.
pub(super) struct Sample {
    /// Items with content in the catalog.
    pub items: u64,
    /// Content vectors, n x De.
    pub contents: Vec<f32>,
}

impl Sample {
    /// Reads the sample; `None` when there is too little content.
    pub(super) fn read(stores: &Stores, number: SpaceNumber) -> Result<Option<Sample>> {
        let catalog = stores.catalog.read()?;
        let view = catalog.view();
        let keys = view.vectors(number, ItemKey(0))?.map(|row| row.map(|(key, _)| key)).collect::<Result<Vec<_>>>()?;
        let items = keys.len() as u64;
        if items < MIN_ITEMS {
            return Ok(None);
        }
        let step = items.div_ceil(SAMPLE).max(1) as usize;
        let mut contents = Vec::new();
        for keys in keys.into_iter().step_by(step).collect::<Vec<_>>().chunks(CHUNK) {
            stores.check_open()?;
            let records = keys.iter().map(|key| view.item(*key)).collect::<Result<Vec<_>>>()?;
            let texts: Vec<String> = records.iter().flatten().map(|r| r.item.content(&stores.config)).collect();
            // Token weights are not fitted, so these are the content vectors of every space.
            let embedded = stores.model().embed(None, &texts)?;
            contents.extend(embedded.into_iter().flatten().flat_map(|vectors| vectors.content));
        }
        Ok(Some(Sample { items, contents }))
    }
}

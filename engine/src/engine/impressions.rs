//! Reading what was shown.

use super::Engine;
use crate::api::impression::{Impression, NewItemExposure};
use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, check_id};
use crate::base::limits::{self, at_most};
use crate::catalog::{StoredImpression, View};

impl Engine {
    /// The impressions that are kept, oldest first (those of one instant in the order of their `rank_id`, which is random):
    /// at most `limit` after that of the ranking `after`, or from the first.
    /// Those that wait to be written are written before.
    ///
    /// # Errors
    /// [`crate::Error::InvalidArgument`] when no impression of `after` is kept; [`crate::Error::LimitExceeded`].
    pub fn impressions(&self, after: Option<&str>, limit: usize) -> Result<Vec<Impression>> {
        at_most("limit of impressions", limits::MAX_BATCH, limit)?;
        let access = self.core.drained()?;
        let catalog = access.stores.catalog.read()?;
        let view = catalog.view();
        let after = after.map(|id| kept(view, id)).transpose()?;
        let rows = view.impressions(after.as_ref().map(|stored| &stored.impression))?.take(limit);
        rows.map(|row| read(view, row?)).collect()
    }

    /// How much of what was shown were new items, over all impressions that are kept and say what was new. Reads every
    /// one of them.
    pub fn new_item_exposure(&self) -> Result<NewItemExposure> {
        let access = self.core.drained()?;
        let catalog = access.stores.catalog.read()?;
        let mut exposure = NewItemExposure::default();
        for row in catalog.view().impressions(None)? {
            let shown = row?.impression;
            if let Some(new) = shown.new {
                exposure.impressions += 1;
                exposure.places += shown.slate.len() as u64;
                exposure.new_places += new.len() as u64;
            }
        }
        Ok(exposure)
    }
}

fn kept(view: View<'_>, rank_id: &str) -> Result<StoredImpression> {
    check_id("rank", rank_id)?;
    let found = view.impression(rank_id)?;
    found.ok_or_else(|| Error::argument("after", "the rank_id of an impression that is kept", "another"))
}

fn read(view: View<'_>, stored: StoredImpression) -> Result<Impression> {
    let StoredImpression { impression: shown, mut chosen } = stored;
    chosen.sort_unstable();
    let id = |key: &ItemKey| Ok(view.item(*key)?.map(|record| record.item.id));
    let places = |places: Vec<u32>| places.into_iter().map(|place| place as usize).collect::<Vec<_>>();
    let drawn = |propensity: f32| (propensity > 0.0).then_some(propensity);
    let slate = shown.slate.iter().map(id).collect::<Result<Vec<_>>>()?;
    let mut propensities: Vec<Option<f32>> = shown.propensities.into_iter().map(drawn).collect();
    propensities.resize(slate.len(), None);
    Ok(Impression {
        rank_id: shown.rank_id,
        time: shown.time,
        user: shown.user,
        query: shown.query,
        offset: shown.offset as usize,
        slate,
        explored: shown.explored,
        propensities,
        new: shown.new.map(places),
        chosen: places(chosen),
        features: shown.features,
        model: shown.model,
        weights: shown.weights,
    })
}

//! The tunings of a store: which are kept, and which is in force for each model.

use std::sync::Arc;

use super::active_model::ActiveModel;
use super::stores::Stores;
use super::weights::{ActiveWeights, IN_FORCE, InForce, KEPT, fits, in_force, kept as kept_in};
use crate::api::tuning::{Tuning, WeightSet};
use crate::base::error::{Error, Result};
use crate::base::time::Timestamp;
use crate::catalog::View;

/// The meta record of how many events there were when weights were last fitted.
const TRIED: &str = "calibration_tried";
/// Tunings that are kept; those in force for models that do not answer, and may again, come on top, up to the other.
const MOST: usize = 8;
const MOST_IN_FORCE: usize = 64;

/// Keeps a tuning and puts it in force, durably. Without a set that is better, what was in force stays; without any
/// set, nothing is kept, and the answer has the version in force. The version in force is never dropped.
///
/// `active` is what the samples were taken with; `events` were fitted to; `tried` is the number of all events ever logged then, which
/// [`is_due`] compares with.
pub(crate) fn add(
    stores: &Stores,
    active: &ActiveModel,
    events: u64,
    tried: u64,
    sets: Vec<WeightSet>,
) -> Result<Tuning> {
    let mut write = stores.catalog.write()?;
    let mut kept = kept_in(write.view())?;
    let mut in_force = in_force(write.view())?;
    let newest = kept.iter().map(|kept| kept.version).chain(in_force.values().copied()).max();
    let version = match sets.is_empty() {
        true => active.weights.version,
        false => newest.unwrap_or_default() + 1,
    };
    let model = active.model.stats().sha256;
    let features = active.model.all_features().to_vec();
    let tuning = Tuning { version, time: Timestamp::now(), events, model, features, sets };
    let better = tuning.sets.iter().any(|set| set.kept);
    if better {
        in_force.insert(tuning.model.clone(), version);
        write.set_meta(IN_FORCE, &in_force)?;
    }
    if !tuning.sets.is_empty() {
        kept.push(tuning.clone());
        drop_oldest(&mut kept, &in_force);
        write.set_meta(KEPT, &kept)?;
    }
    write.set_meta(TRIED, &tried)?;
    write.commit_bookkeeping()?;
    reload(stores)?;
    Ok(tuning)
}

/// Drops the oldest tunings beyond [`MOST`], but none that is in force for its model; of those the oldest beyond
/// [`MOST_IN_FORCE`], but none of the model that was tuned last.
fn drop_oldest(kept: &mut Vec<Tuning>, in_force: &InForce) {
    while kept.len() > MOST
        && let Some(place) = kept.iter().position(|old| in_force.get(&old.model) != Some(&old.version))
    {
        kept.remove(place);
    }
    while kept.len() > MOST_IN_FORCE
        && let Some(last) = kept.last()
        && let Some(place) = kept.iter().position(|old| old.model != last.model)
    {
        kept.remove(place);
    }
}

/// Whether the log has grown by a factor since the last tuning, to `least` events or more.
pub(crate) fn is_due(stores: &Stores, least: u64, growth: f64) -> Result<bool> {
    let catalog = stores.catalog.read()?;
    let tried: u64 = catalog.view().meta(TRIED)?.unwrap_or_default();
    let counters = catalog.counters();
    Ok(counters.events >= least && catalog.view().has_grown(&counters, tried, growth)?)
}

/// The tunings that are kept, oldest first, and the version in force.
pub(crate) fn all(stores: &Stores) -> Result<(Vec<Tuning>, u64)> {
    let kept = kept_in(stores.catalog.read()?.view())?;
    Ok((kept, stores.weights().version))
}

/// Puts a kept version in force; 0 is what ships.
pub(crate) fn use_version(stores: &Stores, version: u64) -> Result<()> {
    let model = stores.model();
    let mut write = stores.catalog.write()?;
    let kept = kept_in(write.view())?;
    let found = kept.iter().find(|tuning| tuning.version == version);
    if version != 0 && !found.is_some_and(|tuning| fits(tuning, &model)) {
        let versions: Vec<String> = kept.iter().filter(|c| fits(c, &model)).map(|c| c.version.to_string()).collect();
        let expected = format!("0 or one of the kept versions for this model ({})", versions.join(", "));
        return Err(Error::argument("version", expected, version.to_string()));
    }
    let mut in_force = in_force(write.view())?;
    in_force.insert(model.stats().sha256, version);
    write.set_meta(IN_FORCE, &in_force)?;
    write.commit_bookkeeping()?;
    reload(stores)
}

/// The tunings that are kept, oldest first, each with the models that it is in force for.
pub(crate) fn with_models(view: View<'_>) -> Result<Vec<(Tuning, Vec<String>)>> {
    let in_force = in_force(view)?;
    let of =
        |version: u64| in_force.iter().filter(|(_, live)| **live == version).map(|(model, _)| model.clone()).collect();
    Ok(kept_in(view)?
        .into_iter()
        .map(|tuning| (of(tuning.version), tuning))
        .map(|(models, one)| (one, models))
        .collect())
}

/// Keeps tunings of another store, in a store that has none.
pub(crate) fn restore(stores: &Stores, tunings: Vec<(Tuning, Vec<String>)>) -> Result<()> {
    if tunings.is_empty() {
        return Ok(());
    }
    let mut write = stores.catalog.write()?;
    let mut live = in_force(write.view())?;
    for (tuning, models) in &tunings {
        live.extend(models.iter().map(|model| (model.clone(), tuning.version)));
    }
    write.set_meta(IN_FORCE, &live)?;
    write.set_meta(KEPT, &tunings.into_iter().map(|(tuning, _)| tuning).collect::<Vec<_>>())?;
    write.commit_bookkeeping()?;
    reload(stores)
}

fn reload(stores: &Stores) -> Result<()> {
    let _one_at_a_time = stores.change()?;
    let weights = ActiveWeights::read(stores.catalog.read()?.view(), &stores.model())?;
    stores.set_weights(Arc::new(weights));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_in_force_is_never_dropped() {
        let one = |version| Tuning {
            version,
            time: Timestamp::MIN,
            events: 0,
            model: if version == 2 { "other" } else { "model" }.to_owned(),
            features: Vec::new(),
            sets: Vec::new(),
        };
        let mut kept: Vec<Tuning> = (1..=10).map(one).collect();
        let in_force = InForce::from([("model".to_owned(), 1), ("other".to_owned(), 2)]);
        drop_oldest(&mut kept, &in_force);
        assert_eq!(kept.iter().map(|one| one.version).collect::<Vec<_>>(), [1, 2, 5, 6, 7, 8, 9, 10]);
        drop_oldest(&mut kept, &InForce::new());
        assert_eq!(kept.len(), MOST);
    }
}

//! Keys and vectors of the items that a request names.

use crate::api::decode::shortened;
use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::base::limits;
use crate::store::snapshot::Snapshot;

/// Keys of the ids that the catalog knows.
pub(super) fn known(snapshot: &Snapshot, ids: &[String]) -> Result<Vec<ItemKey>> {
    known_items(snapshot, ids.iter().map(String::as_str))
}

/// Ids that a warning names; more are counted.
const NAMED: usize = 3;

/// Keys of the ids that the catalog knows, and a warning about the others, if any: `what` names the list.
pub(super) fn known_or_said(
    snapshot: &Snapshot,
    what: &str,
    ids: &[String],
    warnings: &mut Vec<String>,
) -> Result<Vec<ItemKey>> {
    let keys = known(snapshot, ids)?;
    if keys.len() < ids.len() {
        warnings.extend(unknown(snapshot, what, ids.iter().map(String::as_str))?);
    }
    Ok(keys)
}

/// A warning about ids that the catalog does not know; `None` when it knows all of them.
pub(super) fn unknown<'i>(
    snapshot: &Snapshot,
    what: &str,
    ids: impl Iterator<Item = &'i str>,
) -> Result<Option<String>> {
    let mut missing = Vec::new();
    for id in ids {
        if known_items(snapshot, std::iter::once(id))?.is_empty() {
            missing.push(id);
        }
    }
    Ok(left_out(what, &missing))
}

/// The warning about the ids of a list that are left out; `None` when there are none.
pub(super) fn left_out(what: &str, missing: &[&str]) -> Option<String> {
    let (ids, are) = match missing.len() {
        0 => return None,
        1 => ("id", "is"),
        _ => ("ids", "are"),
    };
    let named: Vec<String> = missing.iter().take(NAMED).map(|id| format!("`{}`", shortened(id))).collect();
    let (count, named) = (missing.len(), named.join(", "));
    let more = if count > NAMED { " and others" } else { "" };
    Some(format!("{count} {ids} in `{what}` {are} not in the catalog and {are} left out: {named}{more}"))
}

/// Keys of the ids that the catalog knows; those that cannot be ids are unknown too.
pub(super) fn known_items<'i>(snapshot: &Snapshot, ids: impl Iterator<Item = &'i str>) -> Result<Vec<ItemKey>> {
    let view = snapshot.catalog.view();
    let mut keys = Vec::new();
    for id in ids.filter(|id| !id.is_empty() && id.len() <= limits::MAX_ID_BYTES) {
        keys.extend(view.item_key(id)?);
    }
    Ok(keys)
}

/// The mean of the vectors of items; `None` when none has one, or when they cancel out.
pub(super) fn mean_vector(snapshot: &Snapshot, seeds: &[ItemKey]) -> Result<Option<Vec<f32>>> {
    let space = snapshot.item_space();
    let mut sum = vec![0.0; snapshot.model().width()];
    for key in seeds {
        if let Some(vector) = snapshot.vector(space, *key)? {
            sum.iter_mut().zip(&vector).for_each(|(sum, x)| *sum += x);
        }
    }
    // Opposite seeds may cancel out: then there is no direction.
    let norm = sum.iter().map(|x| x * x).sum::<f32>().sqrt();
    Ok((norm > 1e-6).then_some(sum))
}

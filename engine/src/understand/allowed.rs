//! Which items a request lets into its list by filter and by name.

use roaring::RoaringTreemap;

use super::lookup::{known_items, left_out};
use crate::api::filter::Filter;
use crate::api::request::Request;
use crate::base::error::{Error, Result};
use crate::store::snapshot::Snapshot;

/// Which items may be ranked.
#[derive(Debug, Clone)]
pub(crate) enum Allowed {
    /// All that are not excluded.
    All,
    /// These: what a filter matches, what `among` names, or both.
    Only(RoaringTreemap),
}

/// What a filter matches, what `among` names, or both.
pub(super) fn allowed(
    snapshot: &Snapshot,
    request: &Request,
    filter: Option<&Filter>,
    warnings: &mut Vec<String>,
) -> Result<Allowed> {
    let visible = |key, generation| snapshot.is_current(key, Some(generation));
    let matching = filter.map(|f| snapshot.text.matching(f, &snapshot.schema, &visible)).transpose()?;
    let Some(among) = &request.among else { return Ok(matching.map_or(Allowed::All, Allowed::Only)) };
    let view = snapshot.catalog.view();
    let (mut keys, mut missing) = (RoaringTreemap::new(), Vec::new());
    for id in among {
        let key = known_items(snapshot, std::iter::once(id.as_str()))?.pop();
        // One that was deleted has a key, and nothing else.
        match key.map(|key| Ok::<_, Error>(view.head(key)?.map(|_| key))).transpose()?.flatten() {
            Some(key) => drop(keys.insert(key.0)),
            None => missing.push(id.as_str()),
        }
    }
    warnings.extend(left_out("among", &missing));
    if let Some(matching) = matching {
        keys &= matching;
    }
    Ok(Allowed::Only(keys))
}

//! Items that share the first codes of a semantic id: with what was liked last, or with what the model expects next.

use super::found::Found;
use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::catalog::{SidPrefix, Window};
use crate::understand::RequestCx;

/// Liked items whose ids are looked at, the newest.
const LIKED: usize = 10;
/// Items of a prefix that are read, the newest, for each that is wanted, and at least.
const ROWS_PER_ITEM: usize = 10;
const FEWEST_ROWS: usize = 100;

/// Items of the prefixes that the request is about, the most popular of each first; each prefix has its share, so that
/// the newest event cannot take all places. The score is the place within the prefix, as 1 / place.
pub(super) fn semantic_ids(cx: RequestCx, k: usize) -> Result<Vec<Found>> {
    let wanted = prefixes(cx)?;
    let each = k.div_ceil(wanted.len().max(1));
    let mut found: Found = Vec::with_capacity(k);
    for prefixes in wanted {
        let mut members = Vec::new();
        // The longer prefix first; the shorter one is for what that leaves open.
        for prefix in prefixes {
            if members.len() < each {
                let known = |key: ItemKey| members.contains(&key) || found.iter().any(|(known, _)| *known == key);
                let more = members_of(cx, prefix, each - members.len(), known)?;
                members.extend(more);
            }
        }
        found.extend(members.into_iter().enumerate().map(|(place, key)| (key, 1.0 / (place as f32 + 1.0))));
    }
    found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    found.truncate(k);
    Ok(vec![found])
}

/// Prefixes to look through, each with the one to fall back to.
fn prefixes(cx: RequestCx) -> Result<Vec<Vec<SidPrefix>>> {
    let mut wanted: Vec<Vec<SidPrefix>> =
        cx.understood.context.codes.iter().map(|code| vec![SidPrefix::One(*code)]).collect();
    for key in cx.understood.liked.iter().take(LIKED) {
        if let Some(sid) = cx.snapshot.sid(*key)? {
            let [short, long] = SidPrefix::of(sid);
            if !wanted.iter().any(|known| known.first() == Some(&long)) {
                wanted.push(vec![long, short]);
            }
        }
    }
    Ok(wanted)
}

/// The `k` most popular of the newest items of a prefix that the request admits and that are not `known`.
fn members_of(cx: RequestCx, prefix: SidPrefix, k: usize, known: impl Fn(ItemKey) -> bool) -> Result<Vec<ItemKey>> {
    let rows = k.saturating_mul(ROWS_PER_ITEM).max(FEWEST_ROWS);
    let mut members = Vec::new();
    for key in cx.snapshot.catalog.view().sid_prefix(cx.snapshot.item_space(), prefix)?.take(rows) {
        let key = key?;
        if cx.admits(key) && !known(key) {
            let mass = cx.snapshot.signals(key)?.map_or(f64::NEG_INFINITY, |signals| signals.mass(Window::Quarter));
            members.push((key, mass));
        }
    }
    // A stable sort: of equally popular ones the newest stays first.
    members.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ok(members.into_iter().take(k).map(|(key, _)| key).collect())
}

//! How many candidates each source may propose to a request.

use super::table::{Row, TABLE};
use crate::base::limits;
use crate::understand::{Allowed, RequestCx};

/// Which sources are asked, and for how many.
pub(super) struct Plan {
    /// Hits that the request needs, those it passes over included.
    pub want: usize,
    /// In the order in which they are asked.
    pub quotas: Vec<(&'static Row, usize)>,
    /// So few items are allowed that all of them are scored.
    pub take_all: bool,
}

impl Plan {
    pub(super) fn new(cx: RequestCx) -> Plan {
        let (request, understood) = (cx.request, cx.understood);
        // What earlier pages have shown is passed over by the sources, so they are asked for as much more.
        let want = if request.limit == 0 { 0 } else { understood.shown.len() + request.offset + request.limit };
        let budget = request.candidates.unwrap_or(cx.snapshot.stores.config.candidates).max(want);
        let take_all = match &understood.allowed {
            Allowed::All => false,
            Allowed::Only(keys) => understood.among || keys.len() <= budget as u64,
        };
        let quota = |fraction: f32| ((budget as f32 * fraction) as usize).max(want).min(limits::MAX_CANDIDATES);
        let asked = TABLE.iter().filter_map(|row| Some((row, fraction(row, cx)?)));
        Plan { want, quotas: asked.map(|(row, fraction)| (row, quota(fraction))).collect(), take_all }
    }
}

/// The fraction of the budget that a source may fill; `None` for one that is not asked.
fn fraction(row: &Row, cx: RequestCx) -> Option<f32> {
    let fraction = match (cx.understood.searches(), cx.understood.context.history.is_some()) {
        (true, _) => row.searching,
        (false, true) => row.with_history,
        (false, false) => row.without_history,
    };
    (fraction > 0.0 && (row.when)(cx)).then_some(fraction)
}

//! How many candidates each source may propose.
//!
//! The budget is the number of candidates that will be scored (200 unless the request says). Sources overlap, so quotas
//! add up to a little more than the budget. The shares are set by hand; docs/RECOMMEND.md says what each source is worth.

use crate::api::candidate::Source;
use crate::api::request::Request;
use crate::base::limits;
use crate::store::snapshot::Snapshot;
use crate::understand::{Allowed, Intent};

/// The share of items of the same semantic id.
const SID_SHARE: f32 = 0.1;

/// What will be asked of whom.
pub(super) struct Plan {
    /// Hits that the request needs, those it passes over included.
    pub want: usize,
    /// Sources in the order in which they are asked.
    pub quotas: Vec<(Source, usize)>,
    /// So few items are allowed that all of them are scored.
    pub take_all: bool,
}

impl Plan {
    pub(super) fn new(snapshot: &Snapshot, intent: &Intent, request: &Request) -> Plan {
        // What earlier pages have shown is passed over by the sources, so they are asked for as much more.
        let want = if request.limit == 0 { 0 } else { intent.shown.len() + request.offset + request.limit };
        let budget = request.candidates.unwrap_or(snapshot.stores.config.candidates).max(want);
        let take_all = match &intent.allowed {
            Allowed::All => false,
            Allowed::Only(keys) => intent.among || keys.len() <= budget as u64,
        };
        let quotas = shares(intent)
            .into_iter()
            .map(|(source, share)| (source, ((budget as f32 * share) as usize).max(want).min(limits::MAX_CANDIDATES)))
            .collect();
        Plan { want, quotas, take_all }
    }
}

/// The share of the budget that each source may fill, by the cell of the grid.
fn shares(intent: &Intent) -> Vec<(Source, f32)> {
    let mut shares = Vec::new();
    if intent.query.is_some() {
        shares.push((Source::Lexical, 0.5));
    }
    if intent.seed_vector.is_some() {
        shares.push((Source::Similar, 0.5));
    } else if intent.context.query.is_some() {
        shares.push((Source::Semantic, 0.5));
    }
    if intent.has_query && !intent.vectors.is_empty() {
        shares.push((Source::Vector, 0.5));
    }
    let searching = !shares.is_empty();
    if !intent.liked.is_empty() && !intent.leaves_out_seen() {
        shares.push((Source::Again, if searching { 0.15 } else { 0.25 }));
    }
    let related = &intent.relations;
    let behaviour = [
        (Source::Next, &related.next, if searching { 0.15 } else { 0.4 }),
        (Source::Together, &related.together, if searching { 0.1 } else { 0.3 }),
        (Source::Basket, &related.basket, if searching { 0.1 } else { 0.2 }),
    ];
    shares.extend(behaviour.into_iter().filter(|(_, scores, _)| !scores.is_empty()).map(|(s, _, share)| (s, share)));
    if intent.context.history.is_some() {
        shares.push((Source::Context, if searching { 0.25 } else { 0.3 }));
    }
    if !searching && (!intent.liked.is_empty() || !intent.context.codes.is_empty()) {
        shares.push((Source::SemanticId, SID_SHARE));
    }
    if !intent.context.learned.is_empty() {
        shares.push((Source::Learned, if searching { 0.25 } else { 0.3 }));
    }
    if !searching {
        if !intent.interests.is_empty() {
            shares.push((Source::Interests, 0.3));
        }
        if !intent.vectors.is_empty() {
            shares.push((Source::Vector, 0.3));
        }
        let share = if intent.context.history.is_some() { 0.2 } else { 0.4 };
        shares.extend([(Source::Popular7, share), (Source::Popular90, share)]);
        if !intent.segments.is_empty() {
            shares.push((Source::Segment, 0.2));
        }
        shares.extend([(Source::Trending, 0.1), (Source::Fresh, 0.15)]);
        if intent.controls.new_items.is_some_and(|new_items| new_items.share > 0.0) {
            shares.push((Source::Explore, 0.1));
        }
    }
    shares
}

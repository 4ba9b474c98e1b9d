//! The sources, one row each: how much of the budget a source may fill, when it is asked, and what finds its items.
//!
//! The budget is the number of candidates that will be scored (200 unless the request says). Sources overlap, so fractions
//! add up to more than one. They are set by hand; docs/RECOMMEND.md has what each source is worth.

use super::found::Found;
use super::{explore, lexical, lists, nearest, related, repeat, semantic_ids};
use crate::api::source::Source;
use crate::base::error::Result;
use crate::understand::RequestCx;

/// Finds up to so many items; a source with several points to search from answers one list for each.
type Find = fn(RequestCx, usize) -> Result<Vec<Found>>;

/// One source.
pub(super) struct Row {
    pub source: Source,
    /// Fraction of the budget while something is searched for; 0: not asked.
    pub searching: f32,
    /// Fraction of the budget while browsing with a history.
    pub with_history: f32,
    /// Fraction of the budget while browsing without one.
    pub without_history: f32,
    /// Whether the request has what the source works from.
    pub when: fn(RequestCx) -> bool,
    pub find: Find,
}

/// A row whose fraction while browsing is the same with and without a history.
const fn row(source: Source, searching: f32, browsing: f32, when: fn(RequestCx) -> bool, find: Find) -> Row {
    Row { source, searching, with_history: browsing, without_history: browsing, when, find }
}

/// A row of what is popular with all users: browsing without a history, it is most of the list.
const fn popular(source: Source, find: Find) -> Row {
    Row { source, searching: 0.0, with_history: 0.2, without_history: 0.4, when: |_| true, find }
}

/// All sources, in the order in which they are asked. [`Source::Among`] and [`Source::Pinned`] are named by the request.
pub(super) const TABLE: &[Row] = &[
    row(Source::Lexical, 0.5, 0.0, |cx| cx.understood.query.is_some(), lexical::lexical),
    row(Source::Similar, 0.5, 0.0, |cx| cx.understood.seed_vector.is_some(), nearest::similar),
    row(
        Source::Semantic,
        0.5,
        0.0,
        |cx| cx.understood.seed_vector.is_none() && cx.understood.context.query.is_some(),
        nearest::semantic,
    ),
    // The vectors that are searched for; further down, those that a history makes.
    row(Source::Vector, 0.5, 0.0, |cx| !cx.understood.vectors.is_empty(), nearest::vectors),
    row(
        Source::Repeat,
        0.15,
        0.25,
        |cx| !cx.understood.liked.is_empty() && !cx.understood.leaves_out_seen(),
        repeat::repeat,
    ),
    row(Source::Covisit, 0.15, 0.4, |cx| !cx.understood.relations.next.is_empty(), related::covisit),
    row(Source::Cooccurrence, 0.1, 0.3, |cx| !cx.understood.relations.cooccurrence.is_empty(), related::cooccurrence),
    row(Source::Basket, 0.1, 0.2, |cx| !cx.understood.relations.basket.is_empty(), related::basket),
    row(Source::Context, 0.25, 0.3, |cx| cx.understood.context.history.is_some(), nearest::context),
    row(
        Source::SemanticId,
        0.0,
        0.1,
        |cx| !cx.understood.liked.is_empty() || !cx.understood.context.codes.is_empty(),
        semantic_ids::semantic_ids,
    ),
    row(Source::ModelContext, 0.25, 0.3, |cx| !cx.understood.context.learned.is_empty(), nearest::model_context),
    row(Source::Interests, 0.0, 0.3, |cx| !cx.understood.interests.is_empty(), nearest::interests),
    row(Source::Vector, 0.0, 0.3, |cx| !cx.understood.vectors.is_empty(), nearest::vectors),
    popular(Source::Popular7, lists::popular_7d),
    popular(Source::Popular90, lists::popular_90d),
    row(Source::Segment, 0.0, 0.2, |cx| !cx.understood.segments.is_empty(), lists::segment),
    row(Source::Trending, 0.0, 0.1, |_| true, lists::trending),
    row(Source::Fresh, 0.0, 0.15, |_| true, lists::fresh),
    row(
        Source::Explore,
        0.0,
        0.1,
        |cx| cx.understood.controls.new_items.is_some_and(|new_items| new_items.share > 0.0),
        explore::unseen,
    ),
];

//! Every limit of the engine, in one place, so that a bound is never invented at a call site.
//!
//! Limits exist because an unbounded argument reaches a foreign library that aborts, or allocates before it looks.
//! Each constant is the largest value that is allowed. `scripts/limits` writes docs/LIMITS.md from this file: a comment such as
//! `// Items` opens a table, and each constant is a row with its doc comment.

use crate::base::error::{Error, Result};

// Items

/// Bytes of an item or user id, in UTF-8.
pub const MAX_ID_BYTES: usize = 512;
/// Bytes of a field name.
pub const MAX_FIELD_NAME_BYTES: usize = 128;
/// Fields of one item, and of one schema.
pub const MAX_FIELDS: usize = 256;
/// Text and tag fields of one schema: each has a posting list of its own.
pub const MAX_TEXT_FIELDS: usize = 16;
/// Bytes of the text of one field.
pub const MAX_TEXT_BYTES: usize = 1 << 20;
/// Bytes of one tag, and of a text that a filter compares as a whole; longer texts match by word only.
pub const MAX_KEYWORD_BYTES: usize = 256;
/// Tags of one field.
pub const MAX_TAGS: usize = 1024;
/// Dimensions of a vector.
pub const MAX_DIMENSIONS: usize = 8192;
/// Vector fields of one schema: each has an index of its own.
pub const MAX_VECTOR_FIELDS: usize = 8;
/// Magnitude of a vector component; beyond it squares overflow in `f32`.
pub const MAX_COMPONENT: f32 = 1e15;
/// Bytes of one encoded item.
pub const MAX_RECORD_BYTES: usize = 16 << 20;

// Calls

/// Items, ids or events of one atomic batch.
pub const MAX_BATCH: usize = 1_000_000;
/// Requests of one `rank_many`.
pub const MAX_REQUESTS: usize = 1024;
/// Bytes of one JSON argument.
pub const MAX_JSON_BYTES: usize = 256 << 20;

// Requests

/// Bytes of a query; the rest is cut off, with a warning in the ranking.
pub const MAX_QUERY_BYTES: usize = 4096;
/// Distinct terms of a query that are looked up; the rest is dropped.
pub const MAX_QUERY_TERMS: usize = 64;
/// Events of a history that the model reads: the newest.
pub const MAX_HISTORY: usize = 200;
/// Events in `history`.
pub const MAX_HISTORY_ARGUMENT: usize = 1_000_000;
/// Ids in `like`.
pub const MAX_LIKE: usize = 64;
/// Ids in `unlike`.
pub const MAX_UNLIKE: usize = 64;
/// Ids in `among`.
pub const MAX_AMONG: usize = 10_000;
/// Ids in `exclude`.
pub const MAX_EXCLUDE: usize = 1_000_000;
/// Newest events of a user that `exclude_seen` by action or age looks at.
pub const MAX_SEEN_EVENTS: usize = 10_000;
/// Actions that `exclude_seen` names.
pub const MAX_SEEN_ACTIONS: usize = 64;
/// Candidates that one request scores.
pub const MAX_CANDIDATES: usize = 20_000;
/// `limit`, and `offset` + `limit`.
pub const MAX_RESULTS: usize = 10_000;
/// Bytes of `next`: room for [`MAX_RESULTS`] keys of any size.
pub const MAX_PAGE_TOKEN_BYTES: usize = 163_840;
/// Caps of one request, including those of its rules.
pub const MAX_CAPS: usize = 16;
/// Newest items of a history that an explanation leaves out, one by one.
pub const MAX_LEFT_OUT: usize = 16;
/// Hits of a page, from the top, that are explained by leaving out.
pub const MAX_LEFT_OUT_HITS: usize = 100;

// Filters, rules and scenarios

/// Nesting of a filter.
pub const MAX_FILTER_DEPTH: usize = 32;
/// Conditions of a filter, counting each value of an `in`.
pub const MAX_FILTER_LEAVES: usize = 4096;
/// Rules of one request, and of one scenario.
pub const MAX_RULES: usize = 256;
/// Ids that one rule names.
pub const MAX_RULE_IDS: usize = 10_000;
/// Amount of a boost or a burial; beyond it the score itself drowns in the rounding of `f32`.
pub const MAX_BOOST: f32 = 1000.0;
/// Scenarios of one store.
pub const MAX_SCENARIOS: usize = 1024;
/// Bytes of the name of a scenario.
pub const MAX_SCENARIO_NAME_BYTES: usize = 128;
/// Bytes of the rules of a scenario, as JSON.
pub const MAX_SCENARIO_BYTES: usize = 1 << 20;

// Events and impressions

/// Segments of one event, of one request, and of one user.
pub const MAX_SEGMENTS: usize = 8;
/// Bytes of the name, and of the value, of a segment.
pub const MAX_SEGMENT_BYTES: usize = 128;
/// Hits of a ranking that an impression keeps.
pub const MAX_IMPRESSION_PLACES: usize = 200;
/// Bytes of the query that an impression keeps.
pub const MAX_IMPRESSION_QUERY_BYTES: usize = 1024;

// Models

/// Models of one store, beside that of the configuration.
pub const MAX_MODELS: usize = 64;
/// Adapters of one store.
pub const MAX_ADAPTERS: usize = 1024;
/// Bytes of the name of an adapter.
pub const MAX_ADAPTER_NAME_BYTES: usize = 128;
/// Requests on which a model is compared with the active one.
pub const MAX_SHADOW_REQUESTS: usize = 10_000;
/// Past requests of one training file.
pub const MAX_TRAINING_REQUESTS: usize = 100_000_000;

// Evaluation

/// Targets, and judged queries, of one evaluation.
pub const MAX_TARGETS: usize = 100_000;
/// Length of a list that an evaluation scores.
pub const MAX_K: usize = 1000;
/// Variants of one evaluation: each is an engine of its own beside the others.
pub const MAX_VARIANTS: usize = 16;
/// External systems of one evaluation.
pub const MAX_EXTERNAL: usize = 64;
/// Resamples behind an interval.
pub const MAX_RESAMPLES: usize = 20_000;
/// Logged decisions of one counterfactual estimate.
pub const MAX_DECISIONS: usize = 10_000_000;

/// Refuses a count above its limit.
pub(crate) fn at_most(what: &'static str, limit: usize, found: usize) -> Result<()> {
    if found > limit {
        return Err(Error::LimitExceeded { what, limit: limit as u64, found: found as u64 });
    }
    Ok(())
}

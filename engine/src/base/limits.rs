//! Every limit of the engine, in one place, so that a bound is never invented at a call site.
//!
//! Limits exist because an unbounded argument reaches a foreign library that aborts, or allocates before it looks.

use crate::base::error::{Error, Result};

/// Longest item or user id, in bytes of UTF-8.
pub const MAX_ID_BYTES: usize = 512;
/// Longest field name, in bytes of UTF-8.
pub const MAX_FIELD_NAME_BYTES: usize = 128;
/// Most fields of one item, and most fields of one schema.
pub const MAX_FIELDS: usize = 256;
/// Most distinct text fields (text or tags) of one schema: each has a posting list of its own.
pub const MAX_TEXT_FIELDS: usize = 16;
/// Longest text of one field, in bytes of UTF-8.
pub const MAX_TEXT_BYTES: usize = 1 << 20;
/// Longest string that a filter can compare as a whole, in bytes; longer texts can only be matched by word.
pub const MAX_KEYWORD_BYTES: usize = 256;
/// Most tags of one field.
pub const MAX_TAGS: usize = 1024;
/// Widest vector, in dimensions.
pub const MAX_DIMENSIONS: usize = 8192;
/// Most named vector fields of one schema: each has an index of its own.
pub const MAX_VECTOR_FIELDS: usize = 8;
/// Largest magnitude of a vector component; beyond it squares overflow in f32.
pub const MAX_COMPONENT: f32 = 1e15;
/// Longest encoded item record, in bytes.
pub const MAX_RECORD_BYTES: usize = 16 << 20;
/// Most items, ids or events in one atomic batch.
pub const MAX_BATCH: usize = 1_000_000;
/// Longest query, in bytes: what is beyond is cut off, and the ranking says so.
pub const MAX_QUERY_BYTES: usize = 4096;
/// Most distinct terms of one query that are looked up; the rest is dropped.
pub const MAX_QUERY_TERMS: usize = 64;
/// Most events of one history that the model reads; the newest are kept.
pub const MAX_HISTORY: usize = 200;
/// Most events in a stateless history argument.
pub const MAX_HISTORY_ARGUMENT: usize = 1_000_000;
/// Most ids in `like`, the seeds of "more like this".
pub const MAX_LIKE: usize = 64;
/// Most ids in `unlike`, what the list moves away from.
pub const MAX_UNLIKE: usize = 64;
/// Most ids in `among`.
pub const MAX_AMONG: usize = 10_000;
/// Most ids in `exclude`.
pub const MAX_EXCLUDE: usize = 1_000_000;
/// Largest `limit`, and largest `offset + limit`, of a request.
pub const MAX_RESULTS: usize = 10_000;
/// Longest `next`, in bytes: room for [`MAX_RESULTS`] keys of any size.
pub const MAX_NEXT_BYTES: usize = 163_840;
/// Hits of a ranking that an impression remembers.
pub const MAX_IMPRESSION_PLACES: usize = 200;
/// Bytes of its query that an impression remembers.
pub const MAX_IMPRESSION_QUERY_BYTES: usize = 1024;
/// Newest events of a user that `exclude_seen` by action or age looks at.
pub const MAX_SEEN_EVENTS: usize = 10_000;
/// Most actions that `exclude_seen` names.
pub const MAX_SEEN_ACTIONS: usize = 64;
/// Most caps of one request, those of its rules included.
pub const MAX_CAPS: usize = 16;
/// Most rules of one request, and of one scenario.
pub const MAX_RULES: usize = 256;
/// Most ids that one rule names.
pub const MAX_RULE_IDS: usize = 10_000;
/// Largest amount of a boost or a burial. Beyond it the score itself drowns in the rounding of `f32`.
pub const MAX_BOOST: f32 = 1000.0;
/// Most scenarios of one store.
pub const MAX_SCENARIOS: usize = 1024;
/// Longest name of a scenario, in bytes of UTF-8.
pub const MAX_SCENARIO_NAME_BYTES: usize = 128;
/// Longest scenario, in bytes of its rules as JSON.
pub const MAX_SCENARIO_BYTES: usize = 1 << 20;
/// Most segments of one event, of one request, and of one user.
pub const MAX_SEGMENTS: usize = 8;
/// Longest name, and longest value, of a segment, in bytes of UTF-8.
pub const MAX_SEGMENT_BYTES: usize = 128;
/// Most models that a store keeps beside that of the configuration.
pub const MAX_MODELS: usize = 64;
/// Most adapters that a store keeps.
pub const MAX_ADAPTERS: usize = 1024;
/// Longest name of an adapter, in bytes of UTF-8.
pub const MAX_ADAPTER_NAME_BYTES: usize = 128;
/// Most requests that a model is tried on beside the live one.
pub const MAX_SHADOW_REQUESTS: usize = 10_000;
/// Most candidates that one request may score.
pub const MAX_CANDIDATES: usize = 20_000;
/// Newest items of a history that an explanation leaves out, one by one.
pub const MAX_LEFT_OUT: usize = 16;
/// Hits of a page, from its top, that are explained by leaving out.
pub const MAX_LEFT_OUT_HITS: usize = 100;
/// Most requests of one `rank_many`.
pub const MAX_REQUESTS: usize = 1024;
/// Deepest nesting of a filter.
pub const MAX_FILTER_DEPTH: usize = 32;
/// Most leaves of a filter, counting each value of an `in`.
pub const MAX_FILTER_LEAVES: usize = 4096;
/// Most targets, and most judged queries, of one evaluation.
pub const MAX_TARGETS: usize = 100_000;
/// Longest list that an evaluation scores.
pub const MAX_K: usize = 1000;
/// Most variants of one evaluation: each is an engine of its own beside the others.
pub const MAX_VARIANTS: usize = 16;
/// Most external systems of one evaluation.
pub const MAX_EXTERNAL: usize = 64;
/// Most past requests of one training file.
pub const MAX_TRAINING_REQUESTS: usize = 100_000_000;
/// Most resamples behind an interval.
pub const MAX_RESAMPLES: usize = 20_000;
/// Most logged decisions of one counterfactual estimate.
pub const MAX_DECISIONS: usize = 10_000_000;
/// Deepest nesting, and largest size in bytes, of a JSON argument.
pub const MAX_JSON_BYTES: usize = 256 << 20;

/// Refuses a count above its limit.
pub(crate) fn at_most(what: &'static str, limit: usize, found: usize) -> Result<()> {
    if found > limit {
        return Err(Error::LimitExceeded { what, limit: limit as u64, found: found as u64 });
    }
    Ok(())
}

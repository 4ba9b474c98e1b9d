//! What the engine and a model file have to agree on: names, types, shapes and the order of features.
//!
//! docs/MODEL.md describes each. The order of [`FEATURES`] is the order in which the engine fills the columns, so a
//! model with another order would add apples to pears without any error; loading compares it instead.

/// Version of the manifest that this engine reads.
pub(super) const FORMAT: u32 = 1;
/// Columns of `cand_feat`, in order.
pub(super) const FEATURES: [&str; 19] = [
    "bm25",
    "popular_1d",
    "popular_7d",
    "popular_90d",
    "popular_ever",
    "trend",
    "fresh",
    "next",
    "together",
    "basket",
    "chosen",
    "seen",
    "had",
    "had_lately",
    "shown",
    "disliked",
    "vector",
    "content_missing",
    "vector_missing",
];
/// Features that the graph computes itself and appends.
pub(super) const GRAPH_FEATURES: [&str; 5] = ["cos_query", "cos_history", "cos_last", "cos_nearest", "cos_disliked"];
/// Features that pull the list towards the user's history: what `personalization` turns up and down. What speaks against
/// an item (`seen`, `shown`, `disliked`, `cos_disliked`) stays as it is.
pub(super) const PERSONAL_FEATURES: [&str; 8] =
    ["next", "together", "basket", "had", "had_lately", "cos_history", "cos_last", "cos_nearest"];
/// Rows of `weights`: 2 x (there is a query) + (there is a history).
pub(super) const CELLS: usize = 4;
/// How a gap in seconds becomes a row of `gap_gain`.
pub(super) const GAP_BUCKETS: &str = "log2s_32";
/// Rows of `gap_gain`.
pub(super) const GAPS: usize = 32;
/// Levels of a semantic id.
pub(super) const LEVELS: usize = 3;
/// Codes of one level.
pub(super) const CODES: usize = 256;

/// One dimension of a tensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Dim {
    /// Any size of one or more: texts, tokens, items, requests, events or candidates.
    Any,
    /// A size that the contract fixes.
    Fixed(usize),
    /// Width of a content vector.
    Content,
    /// Width of an item vector.
    Item,
    /// Rows of the token table.
    Vocab,
    /// Action rows.
    Actions,
}

/// Type of a tensor's elements.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// 32-bit floats.
    F32,
    /// 64-bit integers.
    I64,
}

impl Kind {
    /// The name that manifests use.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::F32 => "f32",
            Kind::I64 => "i64",
        }
    }
}

/// Name, type and shape of one tensor.
pub(super) type Tensor = (&'static str, Kind, &'static [Dim]);

use Dim::{Actions, Any, Content, Fixed, Item, Vocab};
use Kind::{F32, I64};

const F: usize = FEATURES.len();
const ALL: usize = FEATURES.len() + GRAPH_FEATURES.len();

/// Inputs, all of which have defaults of size one.
pub(super) const INPUTS: [Tensor; 19] = [
    ("text_ids", I64, &[Any, Any]),
    ("text_mask", F32, &[Any, Any]),
    ("token_weights", F32, &[Vocab]),
    ("content", F32, &[Any, Content]),
    ("content_mean", F32, &[Content]),
    ("projection", F32, &[Content, Item]),
    ("codebook", F32, &[Fixed(LEVELS), Fixed(CODES), Item]),
    ("query_text", F32, &[Any]),
    ("query_vec", F32, &[Any, Item]),
    ("query_mask", F32, &[Any]),
    ("history_vec", F32, &[Any, Any, Item]),
    ("history_action", I64, &[Any, Any]),
    ("history_gap", I64, &[Any, Any]),
    ("history_mask", F32, &[Any, Any]),
    ("action_gain", F32, &[Actions]),
    ("gap_gain", F32, &[Fixed(GAPS)]),
    ("cand_vec", F32, &[Any, Any, Item]),
    ("cand_feat", F32, &[Any, Any, Fixed(F)]),
    ("weights", F32, &[Fixed(CELLS), Fixed(ALL)]),
];

/// Outputs.
pub(super) const OUTPUTS: [Tensor; 6] = [
    ("text_emb", F32, &[Any, Content]),
    ("item_vec", F32, &[Any, Item]),
    ("item_sid", I64, &[Any, Fixed(LEVELS)]),
    ("context_vec", F32, &[Any, Fixed(2), Item]),
    ("contributions", F32, &[Any, Any, Fixed(ALL)]),
    ("scores", F32, &[Any, Any]),
];

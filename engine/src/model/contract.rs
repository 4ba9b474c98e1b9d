//! What the engine and a model file have to agree on: names, types, shapes and the order of features.
//!
//! docs/MODEL.md describes each. The order of [`FEATURES`] is the order in which the engine fills the columns, so a
//! model with another order would add apples to pears without any error; loading compares it instead.

/// Version of the manifest that this engine reads.
pub(super) const FORMAT: u32 = 1;
/// Columns of `cand_feat`, in order.
pub(super) const FEATURES: [&str; 21] = [
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
    "before",
    "popular_segment",
];
/// Features that every graph computes itself and appends.
pub(super) const GRAPH_FEATURES: [&str; 5] = ["cos_query", "cos_history", "cos_last", "cos_nearest", "cos_disliked"];
/// Features that a trained graph may append to those: the output of its network.
pub(super) const TRAINED_FEATURES: [&str; 1] = ["network"];
/// Features that pull the list towards the user's history: `personalization` scales them. Negative signals (`seen`, `shown`,
/// `disliked`, `cos_disliked`) are not scaled.
pub(super) const PERSONAL_FEATURES: [&str; 10] =
    ["next", "before", "together", "basket", "had", "had_lately", "cos_history", "cos_last", "cos_nearest", "network"];
/// The feature of user-supplied vectors: personal when the history is their query.
pub(super) const OWN_VECTORS: &str = "vector";
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
/// Context vectors that every graph gives: the query's and the history's. What follows them is learned.
pub(super) const CONTEXTS: usize = 2;
/// How names of adapter tensors begin.
pub(super) const LORA_PREFIX: &str = "lora_";

/// One dimension of a tensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Dim {
    /// Any size of one or more.
    Free(Axis),
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
    /// All features: those of the engine and those of the graph.
    Features,
    /// Context vectors.
    Contexts,
}

/// What is counted along a dimension of free size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Axis {
    /// N: texts that are embedded together. As queries they are as many as the requests, or one.
    Texts,
    /// T: tokens of a text.
    Tokens,
    /// I: items that are placed together.
    Items,
    /// B: requests of a run.
    Requests,
    /// L: events of a history. The newest stands last, so what fills up stands first.
    Events,
    /// K: candidates of a request.
    Candidates,
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

use Dim::{Actions, Content, Contexts, Features, Fixed, Item, Vocab};
use Kind::{F32, I64};

const F: usize = FEATURES.len();
const N: Dim = Dim::Free(Axis::Texts);
const T: Dim = Dim::Free(Axis::Tokens);
const I: Dim = Dim::Free(Axis::Items);
const B: Dim = Dim::Free(Axis::Requests);
const L: Dim = Dim::Free(Axis::Events);
const K: Dim = Dim::Free(Axis::Candidates);

/// Inputs, all of which have defaults of size one.
pub(super) const INPUTS: [Tensor; 19] = [
    ("text_ids", I64, &[N, T]),
    ("text_mask", F32, &[N, T]),
    ("token_weights", F32, &[Vocab]),
    ("content", F32, &[I, Content]),
    ("content_mean", F32, &[Content]),
    ("projection", F32, &[Content, Item]),
    ("codebook", F32, &[Fixed(LEVELS), Fixed(CODES), Item]),
    ("query_text", F32, &[B]),
    ("query_vec", F32, &[B, Item]),
    ("query_mask", F32, &[B]),
    ("history_vec", F32, &[B, L, Item]),
    ("history_action", I64, &[B, L]),
    ("history_gap", I64, &[B, L]),
    ("history_mask", F32, &[B, L]),
    ("action_gain", F32, &[Actions]),
    ("gap_gain", F32, &[Fixed(GAPS)]),
    ("cand_vec", F32, &[B, K, Item]),
    ("cand_feat", F32, &[B, K, Fixed(F)]),
    ("weights", F32, &[Fixed(CELLS), Features]),
];
/// Inputs that a graph may have: they are fed when its manifest lists them. A code is -1 on every level for an item
/// without a semantic id.
pub(super) const OPTIONAL_INPUTS: [Tensor; 2] =
    [(CAND_SID, I64, &[B, K, Fixed(LEVELS)]), (HISTORY_SID, I64, &[B, L, Fixed(LEVELS)])];
/// Semantic ids of the candidates.
pub(super) const CAND_SID: &str = "cand_sid";
/// Semantic ids of the history's items.
pub(super) const HISTORY_SID: &str = "history_sid";

/// Outputs.
pub(super) const OUTPUTS: [Tensor; 6] = [
    ("text_emb", F32, &[N, Content]),
    ("item_vec", F32, &[I, Item]),
    ("item_sid", I64, &[I, Fixed(LEVELS)]),
    ("context_vec", F32, &[B, Contexts, Item]),
    ("contributions", F32, &[B, K, Features]),
    ("scores", F32, &[B, K]),
];
/// Outputs that a graph may have.
pub(super) const OPTIONAL_OUTPUTS: [Tensor; 1] = [(SID_LOGITS, F32, &[B, Fixed(CODES)])];
/// Log-scores of the first level's codes for what comes next.
pub(super) const SID_LOGITS: &str = "sid_logits";

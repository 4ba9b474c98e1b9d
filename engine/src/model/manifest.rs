//! `manifest.json`: what a model file declares about itself.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::contract::{self, Dim, Kind};

/// Largest manifest that is read, in bytes.
pub(super) const MAX_BYTES: u64 = 1 << 20;

/// Everything the engine reads; unknown fields are ignored, so that a manifest can hold more.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Manifest {
    /// The model's name.
    pub name: String,
    /// The model's version.
    pub version: String,
    /// File name of the graph, inside the model's folder.
    pub onnx: String,
    /// SHA-256 of that file, in hex.
    pub sha256: String,
    /// Version of the default operator set.
    pub opset: u64,
    /// Operator domains besides the standard one; only `com.microsoft` may stand here.
    #[serde(default)]
    pub domains: Vec<String>,
    /// Widths and counts.
    pub dims: Dims,
    /// The tokenizer.
    pub tokenizer: TokenizerFile,
    /// SHA-256 of the raw data of the initializer `codebook`, in hex.
    pub codebook_sha256: String,
    /// Which vector space stored vectors belong to.
    pub space_id: String,
    /// Columns of `cand_feat`.
    pub features: Vec<String>,
    /// Features that the graph appends.
    pub graph_features: Vec<String>,
    /// Row of each action.
    pub actions: BTreeMap<String, i64>,
    /// How gaps become rows.
    pub gap_buckets: String,
    /// The graph's inputs.
    pub inputs: Vec<TensorInfo>,
    /// The graph's outputs.
    pub outputs: Vec<TensorInfo>,
    /// Tensors that an adapter replaces.
    #[serde(default)]
    pub lora: Lora,
    /// Fixed inputs and the outputs they must give.
    pub probe: Probe,
}

/// Widths and counts of a model.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Dims {
    /// De: width of a content vector.
    pub content: usize,
    /// D: width of an item vector.
    pub item: usize,
    /// V: rows of the token table.
    pub vocab: usize,
    /// F: columns of `cand_feat`.
    pub features: usize,
    /// G: features that the graph appends.
    pub graph_features: usize,
    /// A: action rows.
    pub actions: usize,
    /// Gap rows.
    pub gaps: usize,
    /// Levels of a semantic id.
    pub levels: usize,
    /// Codes of one level.
    pub codes: usize,
    /// M: context vectors; the first two are the query's and the history's.
    #[serde(default = "plain_contexts")]
    pub contexts: usize,
}

fn plain_contexts() -> usize {
    contract::CONTEXTS
}

impl Dims {
    /// The size of one dimension; `None` for one that is free.
    pub(super) fn size(&self, dim: Dim) -> Option<usize> {
        match dim {
            Dim::Free(_) => None,
            Dim::Fixed(size) => Some(size),
            Dim::Content => Some(self.content),
            Dim::Item => Some(self.item),
            Dim::Vocab => Some(self.vocab),
            Dim::Actions => Some(self.actions),
            Dim::Features => Some(self.features + self.graph_features),
            Dim::Contexts => Some(self.contexts),
        }
    }
}

/// Inputs that an adapter replaces; their defaults are zeros, which is no adapter.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Lora {
    /// The inner size of the low-rank products.
    pub rank: usize,
    /// The tensors, all of 32-bit floats.
    pub params: Vec<LoraParam>,
}

/// One tensor of an adapter.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct LoraParam {
    /// Its name.
    pub name: String,
    /// Its shape, without a free dimension.
    pub shape: Vec<usize>,
}

impl Manifest {
    /// Whether the graph has this input.
    pub(super) fn has_input(&self, name: &str) -> bool {
        self.inputs.iter().any(|tensor| tensor.name == name)
    }

    /// Whether the graph has this output.
    pub(super) fn has_output(&self, name: &str) -> bool {
        self.outputs.iter().any(|tensor| tensor.name == name)
    }

    /// The inputs of the contract that this graph has.
    pub(super) fn contract_inputs(&self) -> Vec<contract::Tensor> {
        let optional = contract::OPTIONAL_INPUTS.into_iter().filter(|tensor| self.has_input(tensor.0));
        contract::INPUTS.into_iter().chain(optional).collect()
    }

    /// The outputs of the contract that this graph has.
    pub(super) fn contract_outputs(&self) -> Vec<contract::Tensor> {
        let optional = contract::OPTIONAL_OUTPUTS.into_iter().filter(|tensor| self.has_output(tensor.0));
        contract::OUTPUTS.into_iter().chain(optional).collect()
    }
}

/// The tokenizer's file.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct TokenizerFile {
    /// File name, inside the model's folder.
    pub file: String,
    /// SHA-256 of that file, in hex.
    pub sha256: String,
    /// Tokens that are kept of a text.
    pub max_tokens: usize,
    /// Most tokens of one run of the text tower, padding included; one text may have more. A slow tower declares fewer, so
    /// that no request waits long for a session.
    #[serde(default = "run_tokens")]
    pub run_tokens: usize,
}

/// The runs of a token table: the graph gathers one row of De floats for each token.
fn run_tokens() -> usize {
    4096
}

/// One input or output.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct TensorInfo {
    /// Its name.
    pub name: String,
    /// `f32` or `i64`.
    pub dtype: String,
    /// A size, or a symbol for one that is free.
    pub shape: Vec<serde_json::Value>,
}

/// A call whose result is known.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Probe {
    /// Nested lists by input.
    pub inputs: BTreeMap<String, serde_json::Value>,
    /// Nested lists by output.
    pub outputs: BTreeMap<String, serde_json::Value>,
    /// Largest difference that is taken.
    pub tolerance: f64,
}

/// What was expected, and what was found.
pub(super) type Refusal = (String, String);

/// An expectation that is not met.
pub(super) fn refuse<T>(expected: impl Into<String>, found: impl Into<String>) -> Result<T, Refusal> {
    Err((expected.into(), found.into()))
}

/// The row of actions that the model does not know by name: the first of the custom ones.
pub(super) fn custom_row(actions: &BTreeMap<String, i64>) -> Option<i64> {
    actions.iter().filter(|(name, _)| name.starts_with("custom")).map(|(_, row)| *row).min()
}

/// `name f32 [any, 128]`, for messages.
pub(super) fn describe(name: &str, kind: Kind, shape: &[Dim], dims: &Dims) -> String {
    let shape: Vec<String> =
        shape.iter().map(|dim| dims.size(*dim).map_or_else(|| "any".to_owned(), |size| size.to_string())).collect();
    format!("{name} {} [{}]", kind.name(), shape.join(", "))
}

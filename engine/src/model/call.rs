//! What a run of the graph is for, and which outputs it reads.

use crate::model::contract::SID_LOGITS;

/// Which outputs a run reads. ONNX Runtime computes the rest anyway, at size one, but only these are copied.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Call {
    /// Texts to content vectors.
    Text,
    /// Content vectors to item vectors and semantic ids.
    Item,
    /// Query and history to context vectors.
    Context,
    /// Candidates to scores.
    Scores,
    /// Candidates to scores and the part of each feature.
    Explained,
    /// Everything: the probe.
    Probe,
}

/// Every call, in the order of their numbers.
pub(super) const CALLS: [Call; 6] = [Call::Text, Call::Item, Call::Context, Call::Scores, Call::Explained, Call::Probe];

impl Call {
    /// The outputs that are read, in the order in which [`Slot::run`](super::slot::Slot::run) returns them; of a graph that scores codes, or of one
    /// that does not.
    pub(super) fn outputs(self, scores_codes: bool) -> &'static [&'static str] {
        match self {
            Call::Text => &["text_emb"],
            Call::Item => &["item_vec", "item_sid"],
            Call::Context if scores_codes => &["context_vec", SID_LOGITS],
            Call::Context => &["context_vec"],
            Call::Scores => &["scores"],
            Call::Explained => &["scores", "contributions"],
            Call::Probe if scores_codes => {
                &["text_emb", "item_vec", "item_sid", "context_vec", "contributions", "scores", SID_LOGITS]
            }
            Call::Probe => &["text_emb", "item_vec", "item_sid", "context_vec", "contributions", "scores"],
        }
    }
}

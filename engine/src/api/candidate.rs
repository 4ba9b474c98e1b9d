//! Candidates: items that a source proposes, before and after they are scored.

use crate::api::event::Action;
use crate::api::ranking::Moved;
use crate::api::source::Proposal;
use crate::base::id::ItemKey;

/// An item with everything its sources said of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Candidate {
    pub key: ItemKey,
    pub proposals: Vec<Proposal>,
}

/// A candidate with its score.
#[derive(Debug, Clone)]
pub(crate) struct Scored {
    pub candidate: Candidate,
    pub score: f32,
    /// What each feature added to the score, in the model's order; empty unless asked for.
    pub contributions: Vec<f32>,
    /// What the controls of the request and its history did to it.
    pub marks: Marks,
}

/// What the controls of a request and its history did to a candidate, for its explanation.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Marks {
    /// What was added to the model's score, by name.
    pub adjustments: Vec<(&'static str, f32)>,
    /// Labels of the rules that touched it.
    pub rules: Vec<String>,
    pub moved: Option<Moved>,
    /// Whether something other than the scores gave it its place: a pin, or a place for new items.
    pub fixed: bool,
    /// The probability of its place, when that was drawn.
    pub propensity: Option<f32>,
    /// Whether the item is new, when somebody asks for places for new items.
    pub new: bool,
    /// How much less it would score without an item of the history, and what was done last with that item.
    pub history: Vec<(ItemKey, Action, f32)>,
}

/// The part of an arranged list that a request asks for.
pub(crate) struct Page {
    pub hits: Vec<Scored>,
    /// How many were scored.
    pub candidates: usize,
    /// The token of the next page.
    pub next_page_token: Option<String>,
    /// Whether the order was drawn at random.
    pub explored: bool,
    /// Whether it was asked which items are new.
    pub marks_new: bool,
}

//! What `rank` answers.

use crate::candidate::Proposal;
use crate::item::Fields;

/// One ranked list.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// Names this answer; give it to the events that follow from it.
    pub rank_id: String,
    /// Best first.
    pub hits: Vec<Hit>,
    /// How many candidates were scored.
    pub candidates: usize,
    /// How long it took.
    pub took: Took,
    /// What was left out or done another way, in words; empty when nothing was.
    pub degraded: Vec<String>,
}

/// One item of a ranking.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The caller's id.
    pub id: String,
    /// The model's score: higher is better; comparable within one ranking only.
    pub score: f32,
    /// The stored fields (all of them, or those that the request names).
    pub fields: Fields,
    /// Which sources proposed the item, each with its own rank and score.
    pub sources: Vec<Proposal>,
    /// Why it stands where it stands, when the request asks.
    pub why: Option<Why>,
}

/// The explanation of a hit.
#[derive(Debug, Clone, PartialEq)]
pub struct Why {
    /// What each feature added to the score, largest magnitude first; they sum to the score.
    pub contributions: Vec<Contribution>,
    /// The same in one readable line.
    pub line: String,
}

/// What one feature added to a score.
#[derive(Debug, Clone, PartialEq)]
pub struct Contribution {
    /// The feature's name, as in the model's manifest.
    pub feature: String,
    /// Weight times value.
    pub amount: f32,
}

/// Where the time went, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Took {
    /// Reading the query and the history, and the model's context vectors.
    pub context_us: u64,
    /// Collecting candidates.
    pub retrieve_us: u64,
    /// Features and the model's scores.
    pub rank_us: u64,
    /// Payloads and explanations of the hits.
    pub respond_us: u64,
    /// All of it.
    pub total_us: u64,
}

//! What `rank` answers.

use serde::{Serialize, Serializer};

use crate::api::item::Fields;
use crate::api::source::Proposal;

/// One ranked list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Ranking {
    /// Names this answer; give it to the events that follow from it.
    pub rank_id: String,
    /// Best first.
    pub hits: Vec<Hit>,
    /// How many candidates were scored.
    pub candidates: usize,
    /// Which weights scored it: 0 for those that the model ships or the configuration fixes, else the number of the
    /// [`crate::Tuning`].
    pub weights_version: u64,
    /// How long it took.
    pub took: Took,
    /// What was left out or done another way, in words; empty when nothing was.
    pub warnings: Vec<String>,
    /// Whether the order was drawn at random: see [`crate::Exploration`].
    pub explored: bool,
    /// Asks for the page after this one, as [`crate::Request::page_token`]; `None` when there is none: the list is shorter
    /// than its limit, or another page would pass [`crate::base::limits::MAX_RESULTS`] hits in all.
    pub next_page_token: Option<String>,
}

/// One item of a ranking.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Hit {
    /// The caller's id.
    pub id: String,
    /// The model's score with what `unlike`, boosts and burials add: higher is better; comparable within one ranking only.
    /// Diversity, the mix, caps and pins move a hit and leave its score, so scores need not fall from hit to hit then.
    pub score: f32,
    /// The stored fields (all of them, or those that the request names).
    pub fields: Fields,
    /// Which sources proposed the item, each with its own rank and score.
    #[serde(serialize_with = "proposals")]
    pub sources: Vec<Proposal>,
    /// The probability that the hit stood at its place, given those before; `None` where nothing was drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub propensity: Option<f32>,
    /// Why it stands where it stands, when the request asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
}

/// The explanation of a hit.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Why {
    /// All of it in one readable line.
    pub line: String,
    /// What each feature added to the score, largest magnitude first; they sum to the score.
    #[serde(serialize_with = "by_feature")]
    pub contributions: Vec<Contribution>,
    /// The rules that touched the hit, as `rules[2] boost`, or with the name of the scenario: `black friday[0] pin`.
    pub rules: Vec<String>,
    /// Where the hit would stand by its score alone, when something moved it from there.
    pub moved: Option<Moved>,
    /// How much each item of the history moves the hit: what its score loses when all events of that item are left out,
    /// largest magnitude first. Looked at are the newest [`crate::base::limits::MAX_LEFT_OUT`] items of the history, for the
    /// first [`crate::base::limits::MAX_LEFT_OUT_HITS`] hits. They do not sum to the score: what two items say together is lost
    /// with either.
    pub history: Vec<Influence>,
    /// What each word of the query adds to the score by its matches (BM25), in the order of the query; they sum to the
    /// contribution `bm25`.
    pub terms: Vec<TermPart>,
}

/// What a score loses when an item of the history is left out.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Influence {
    /// The item's id.
    pub item: String,
    /// The score less the score without it; negative for an item that holds the hit back.
    pub amount: f32,
}

/// What a word of the query adds to a score.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TermPart {
    /// The word, as it was typed.
    pub term: String,
    /// Its part of the contribution `bm25`.
    pub amount: f32,
}

/// A hit stands elsewhere than its score says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Moved {
    /// Its place by score alone, from 1: among all candidates for a pin, else among those that are not pinned.
    pub from: usize,
    /// What moved it: `pin`, `new items`, or those of `diversity`, `match_history_mix` and `caps` that were asked for, and
    /// `exploration`.
    pub by: String,
}

/// What one feature added to a score.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Contribution {
    /// The feature's name, as in the model's manifest; or `unlike`, `boost` or `bury`.
    pub feature: String,
    /// Weight times value; for `unlike`, `boost` and `bury` what they add to the score.
    pub amount: f32,
}

/// Where the time went, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Took {
    /// Reading the query and the history, and the model's context vectors.
    pub context_us: u64,
    /// Collecting candidates.
    pub retrieve_us: u64,
    /// Features, the model's scores, and the order of the list.
    pub rank_us: u64,
    /// Of `rank_us`, reading the features of the candidates.
    pub features_us: u64,
    /// Payloads and explanations of the hits.
    pub respond_us: u64,
    /// All of it.
    pub total_us: u64,
}

impl Took {
    /// Every part under its name, in microseconds.
    pub fn parts(&self) -> [(&'static str, u64); 6] {
        let Took { context_us, retrieve_us, rank_us, features_us, respond_us, total_us } = *self;
        [
            ("context_us", context_us),
            ("retrieve_us", retrieve_us),
            ("rank_us", rank_us),
            ("features_us", features_us),
            ("respond_us", respond_us),
            ("total_us", total_us),
        ]
    }
}

/// The sources by their names.
fn proposals<S: Serializer>(proposals: &[Proposal], to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Named {
        source: &'static str,
        rank: u32,
        score: f32,
    }
    to.collect_seq(proposals.iter().map(|p| Named { source: p.source.name(), rank: p.rank, score: p.score }))
}

/// An object: what each feature added, under its name.
fn by_feature<S: Serializer>(contributions: &[Contribution], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(contributions.iter().map(|part| (&part.feature, part.amount)))
}

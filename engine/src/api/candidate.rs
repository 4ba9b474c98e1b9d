//! Candidates: items that a source proposes, before and after they are scored.

use crate::api::event::Action;
use crate::api::ranking::Moved;
use crate::base::id::ItemKey;

/// Where a candidate came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Source {
    /// BM25 over the text fields.
    Lexical,
    /// Neighbours of the query's vector.
    Semantic,
    /// Neighbours of the history's vector.
    Context,
    /// Neighbours of the seeds of `like`.
    Similar,
    /// Neighbours of a vector that the request gives, in the field of that name; where nothing is asked for, of the mean of
    /// what the history speaks for in each such field.
    Vector,
    /// Most events lately, half-life 7 days.
    Popular7,
    /// Most events lately, half-life 90 days.
    Popular90,
    /// Most events lately in the segments of the request and its user, half-life 90 days.
    Segment,
    /// Newest items.
    Fresh,
    /// What the history's person had before: many come back to what they know.
    Again,
    /// What people had next after the history's last events.
    Next,
    /// What people have who have the history's items.
    Together,
    /// What shared baskets with the history's last events.
    Basket,
    /// Several interests of one history, each by itself.
    Interests,
    /// Items of the same semantic id, in its first codes, as what was liked last.
    SemanticId,
    /// Neighbours of what a trained model made of history and query.
    Learned,
    /// New items that were shown little.
    Explore,
    /// Rising: much more often of late than before.
    Trending,
    /// Named by the request.
    Among,
    /// Pinned by a rule.
    Pinned,
}

impl Source {
    /// The sources whose worth reports measure, in the order in which they list them.
    pub(crate) const ALL: [Source; 18] = [
        Source::Lexical,
        Source::Semantic,
        Source::Context,
        Source::Similar,
        Source::Vector,
        Source::Popular7,
        Source::Popular90,
        Source::Segment,
        Source::Fresh,
        Source::Again,
        Source::Next,
        Source::Together,
        Source::Basket,
        Source::Interests,
        Source::SemanticId,
        Source::Learned,
        Source::Trending,
        Source::Among,
    ];

    /// The name that rankings and bindings use.
    pub fn name(self) -> &'static str {
        match self {
            Source::Lexical => "lexical",
            Source::Semantic => "semantic",
            Source::Context => "context",
            Source::Similar => "similar",
            Source::Vector => "vector",
            Source::Popular7 => "popular_7d",
            Source::Popular90 => "popular_90d",
            Source::Segment => "segment",
            Source::Fresh => "fresh",
            Source::Again => "again",
            Source::Next => "next",
            Source::Together => "together",
            Source::Basket => "basket",
            Source::Interests => "interests",
            Source::SemanticId => "sid",
            Source::Learned => "learned",
            Source::Trending => "trending",
            Source::Explore => "explore",
            Source::Among => "among",
            Source::Pinned => "pinned",
        }
    }
}

/// One source's word for one item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proposal {
    /// Which source.
    pub source: Source,
    /// Place in that source's list, from 1.
    pub rank: u32,
    /// The source's own score: BM25, a cosine, a decayed count, a time in seconds.
    pub score: f32,
}

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
    pub next: Option<String>,
    /// Whether the order was drawn at random.
    pub explored: bool,
    /// Whether it was asked which items are new.
    pub marks_new: bool,
}

//! Candidates: items that a source proposes, before they are scored.

use crate::id::ItemKey;

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
    /// Neighbours of a vector that the request gives, in the field of that name.
    Vector,
    /// Most events lately, half-life 7 days.
    Popular7,
    /// Most events lately, half-life 90 days.
    Popular90,
    /// Newest items.
    Fresh,
    /// What people had next after the history's last events.
    Next,
    /// What people have who have the history's items.
    Together,
    /// What shared baskets with the history's last events.
    Basket,
    /// Several interests of one history, each by itself.
    Interests,
    /// Rising: much more often of late than before.
    Trending,
    /// Named by the request.
    Among,
}

impl Source {
    /// All sources, in the order in which reports list them.
    pub(crate) const ALL: [Source; 14] = [
        Source::Lexical,
        Source::Semantic,
        Source::Context,
        Source::Similar,
        Source::Vector,
        Source::Popular7,
        Source::Popular90,
        Source::Fresh,
        Source::Next,
        Source::Together,
        Source::Basket,
        Source::Interests,
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
            Source::Fresh => "fresh",
            Source::Next => "next",
            Source::Together => "together",
            Source::Basket => "basket",
            Source::Interests => "interests",
            Source::Trending => "trending",
            Source::Among => "among",
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

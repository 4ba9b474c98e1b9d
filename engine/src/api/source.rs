//! Candidate sources: where a hit comes from. Each is declared once, here; `retrieve/table.rs` says when it is asked.

/// Declares the sources with their names, in the order in which reports list them.
macro_rules! sources {
    ($($(#[doc = $doc:literal])+ $source:ident = $name:literal,)+) => {
        /// Where a candidate came from.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Source {
            $($(#[doc = $doc])+ $source,)+
        }

        impl Source {
            /// All sources, in the order of their declaration.
            pub const ALL: &[Source] = &[$(Source::$source),+];

            /// The name that rankings and bindings use.
            pub fn name(self) -> &'static str {
                match self {
                    $(Source::$source => $name,)+
                }
            }
        }
    };
}

sources! {
    /// BM25 over the text fields.
    Lexical = "lexical",
    /// Neighbours of the query's vector.
    Semantic = "semantic",
    /// Neighbours of the history's vector.
    Context = "context",
    /// Neighbours of the seeds of `like`.
    Similar = "similar",
    /// Neighbours of a vector that the request gives, in the field of that name; without a query, of the mean of what the
    /// history likes in each such field.
    Vector = "vector",
    /// Most events recently, half-life 7 days.
    Popular7 = "popular_7d",
    /// Most events recently, half-life 90 days.
    Popular90 = "popular_90d",
    /// Most events recently in the segments of the request and its user, half-life 90 days.
    Segment = "segment",
    /// Newest items.
    Fresh = "fresh",
    /// What the user interacted with before: many come back to what they know.
    Repeat = "repeat",
    /// What users went on to after the history's last events.
    Covisit = "covisit",
    /// What users have who have the history's items.
    Cooccurrence = "cooccurrence",
    /// What shared baskets with the history's last events.
    Basket = "basket",
    /// Several interests of one history, each by itself.
    Interests = "interests",
    /// Items of the same semantic id, in its first codes, as what was liked last.
    SemanticId = "sid",
    /// Neighbours of what a trained model made of history and query.
    ModelContext = "model_context",
    /// New items with few impressions.
    Explore = "explore",
    /// Rising: much more often recently than before.
    Trending = "trending",
    /// Named by the request.
    Among = "among",
    /// Pinned by a rule.
    Pinned = "pinned",
}

impl Source {
    /// The sources whose worth reports measure: all but those that a rule or a fraction of new items asks for.
    pub(crate) fn measured() -> impl Iterator<Item = Source> {
        Source::ALL.iter().copied().filter(|source| !matches!(source, Source::Explore | Source::Pinned))
    }
}

/// One source's proposal of one item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proposal {
    /// Which source.
    pub source: Source,
    /// Position in that source's list, from 1.
    pub rank: u32,
    /// The source's own score: BM25, a cosine, a decayed count, a time in seconds.
    pub score: f32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_have_names_of_their_own_and_reports_measure_all_that_are_not_asked_for() {
        let names: Vec<&str> = Source::ALL.iter().map(|source| source.name()).collect();
        assert!(crate::testing::all_differ(&names), "{names:?}");
        assert!(
            names
                .iter()
                .all(|name| name.chars().all(|letter| letter.is_ascii_lowercase() || "_0123456789".contains(letter)))
        );
        let measured: Vec<Source> = Source::measured().collect();
        assert_eq!(measured.len() + 2, names.len());
        assert!(!measured.contains(&Source::Explore) && !measured.contains(&Source::Pinned));
    }
}

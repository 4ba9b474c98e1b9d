//! The features of a model's linear part. Each is declared once: its name, what it needs, and what it means in words.
//!
//! The order of [`Feature::ALL`] is a contract with every model file: the engine fills the first columns in it, the graph
//! appends its own. docs/MODEL.md describes the values.

/// Who computes a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// The engine, as a column of the input `cand_feat`.
    Engine,
    /// The graph of every model.
    Graph,
    /// The network of a trained model.
    Network,
}

/// What a request must have for a feature to differ from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Needs {
    /// Nothing: it counts in all four cells of the grid.
    Nothing,
    /// A query, the seeds of `like`, or a vector.
    Query,
    /// A history.
    History,
    /// A query or a history.
    Either,
    /// A segment of the request or its user.
    Segment,
}

/// What `personalization` does to a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Personal {
    /// It stays as it is.
    No,
    /// It is scaled: it pulls the list towards the user's history.
    Yes,
    /// It is scaled where the history is what it compares with, which is without a query.
    WithoutQuery,
}

/// The declaration of one feature.
#[derive(Debug)]
#[non_exhaustive]
pub struct Declaration {
    /// The name in manifests, contributions and training files.
    pub name: &'static str,
    /// The name in files that were written before 0.2.
    pub former: &'static str,
    /// Who computes it.
    pub origin: Origin,
    /// What a request must have for it to count.
    pub needs: Needs,
    /// What `personalization` does to it.
    pub personal: Personal,
    /// What it means, in the words of an explanation.
    pub reason: &'static str,
}

/// Declares the features in the order of the contract.
macro_rules! features {
    ($($feature:ident = $name:literal ($former:literal), $origin:ident, $needs:ident, $personal:ident, $reason:literal;)+) => {
        /// One feature; its discriminant is its column.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Feature {
            $(#[doc = concat!("`", $name, "`: ", $reason, ".")] $feature,)+
        }

        impl Feature {
            /// All features, in the order of the contract.
            pub const ALL: &[Feature] = &[$(Feature::$feature),+];
            const DECLARED: &[Declaration] = &[$(Declaration {
                name: $name,
                former: $former,
                origin: Origin::$origin,
                needs: Needs::$needs,
                personal: Personal::$personal,
                reason: $reason,
            }),+];
        }
    };
}

features! {
    Bm25 = "bm25" ("bm25"), Engine, Query, No, "matches the query";
    Popular1d = "popular_1d" ("popular_1d"), Engine, Nothing, No, "popular today";
    Popular7d = "popular_7d" ("popular_7d"), Engine, Nothing, No, "popular this week";
    Popular90d = "popular_90d" ("popular_90d"), Engine, Nothing, No, "popular this season";
    PopularEver = "popular_ever" ("popular_ever"), Engine, Nothing, No, "popular";
    Trend = "trend" ("trend"), Engine, Nothing, No, "trend";
    Fresh = "fresh" ("fresh"), Engine, Nothing, No, "new";
    CovisitNext = "covisit_next" ("next"), Engine, Either, Yes, "often comes next";
    Cooccurrence = "cooccurrence" ("together"), Engine, Either, Yes, "chosen by the same people";
    Basket = "basket" ("basket"), Engine, Either, Yes, "bought together";
    Ctr = "ctr" ("chosen"), Engine, Nothing, No, "often chosen when shown";
    InteractedEver = "interacted_ever" ("seen"), Engine, History, No, "interacted with before";
    Interacted = "interacted" ("had"), Engine, History, Yes, "interacted with often";
    InteractedRecently = "interacted_recently" ("had_lately"), Engine, History, Yes, "interacted with recently";
    Impressions = "impressions" ("shown"), Engine, History, No, "shown before and passed over";
    Disliked = "disliked" ("disliked"), Engine, History, No, "disliked";
    Vector = "vector" ("vector"), Engine, Either, WithoutQuery, "close to the given vector";
    ContentMissing = "content_missing" ("content_missing"), Engine, Nothing, No, "content missing";
    VectorMissing = "vector_missing" ("vector_missing"), Engine, Either, No, "vector missing";
    CovisitPrevious = "covisit_previous" ("before"), Engine, Either, Yes, "often comes before";
    PopularSegment = "popular_segment" ("popular_segment"), Engine, Segment, No, "popular where you are";
    CosQuery = "cos_query" ("cos_query"), Graph, Query, No, "close in meaning to the query";
    CosHistory = "cos_history" ("cos_history"), Graph, History, Yes, "fits the history";
    CosLast = "cos_last" ("cos_last"), Graph, History, Yes, "like the last one";
    CosNearest = "cos_nearest" ("cos_nearest"), Graph, History, Yes, "like one of the history";
    CosDisliked = "cos_disliked" ("cos_disliked"), Graph, History, No, "like what was disliked";
    Network = "network" ("network"), Network, Either, Yes, "learned from what people do";
}

impl Feature {
    /// Columns that the engine fills.
    pub(crate) const COLUMNS: usize = count(Origin::Engine);
    /// Features that the graph of every model appends.
    pub(crate) const GRAPH: usize = count(Origin::Graph);

    /// The declaration.
    pub fn declaration(self) -> &'static Declaration {
        &Feature::DECLARED[self as usize]
    }

    /// The name.
    pub fn name(self) -> &'static str {
        self.declaration().name
    }

    /// The feature of a name, or of the name that files written before 0.2 use.
    pub fn of(name: &str) -> Option<Feature> {
        let known = |feature: &&Feature| {
            let declared = feature.declaration();
            declared.name == name || declared.former == name
        };
        Feature::ALL.iter().find(known).copied()
    }

    /// Names of the features that the engine fills in, in order.
    pub(crate) fn engine_names() -> Vec<&'static str> {
        Feature::ALL[..Feature::COLUMNS].iter().map(|feature| feature.name()).collect()
    }

    /// Names of the features that graphs append, in order: those of every graph, then those of a network.
    pub(crate) fn graph_names() -> Vec<&'static str> {
        Feature::ALL[Feature::COLUMNS..].iter().map(|feature| feature.name()).collect()
    }

    /// Whether `personalization` scales it. `without_query`: nothing is searched for.
    pub(crate) fn is_personal(self, without_query: bool) -> bool {
        match self.declaration().personal {
            Personal::No => false,
            Personal::Yes => true,
            Personal::WithoutQuery => without_query,
        }
    }
}

const fn count(origin: Origin) -> usize {
    let (mut at, mut found) = (0, 0);
    while at < Feature::DECLARED.len() {
        found += (Feature::DECLARED[at].origin as u8 == origin as u8) as usize;
        at += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_come_first_and_names_are_unique() {
        let origins: Vec<u8> = Feature::ALL.iter().map(|feature| feature.declaration().origin as u8).collect();
        assert!(origins.is_sorted(), "the engine's columns, then the graph's, then the network's");
        for (at, feature) in Feature::ALL.iter().enumerate() {
            assert_eq!(*feature as usize, at);
            assert_eq!(Feature::of(feature.name()), Some(*feature));
            assert_eq!(Feature::of(feature.declaration().former), Some(*feature));
        }
    }
}

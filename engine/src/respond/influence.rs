//! What the history and the words of the query did to a hit, under names that people know.

use std::collections::HashMap;

use super::title::first_text;
use crate::api::candidate::Scored;
use crate::api::event::Action;
use crate::api::feature::Feature;
use crate::api::ranking::{Contribution, Influence, TermPart};
use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::store::snapshot::Snapshot;
use crate::understand::RequestCx;

/// Less than this is not worth a word in the line.
const WORTH_SAYING: f32 = 0.005;

/// Ids and titles of the items of the history, read once for all hits. An item that is gone has none.
pub(super) struct Names(HashMap<ItemKey, (String, String)>);

impl Names {
    pub(super) fn read(snapshot: &Snapshot, hits: &[Scored]) -> Result<Names> {
        let mut names = HashMap::new();
        for (key, ..) in hits.iter().flat_map(|hit| &hit.marks.history) {
            if names.contains_key(key) {
                continue;
            }
            if let Some(record) = snapshot.catalog.view().item(*key)? {
                let title = first_text(&record.item.fields).unwrap_or_else(|| record.item.id.clone());
                names.insert(*key, (record.item.id, title));
            }
        }
        Ok(Names(names))
    }

    /// The marks with ids.
    pub(super) fn influences(&self, history: &[(ItemKey, Action, f32)]) -> Vec<Influence> {
        let named = history.iter().filter_map(|(key, _, amount)| Some((self.0.get(key)?, *amount)));
        named.map(|((id, _), amount)| Influence { item: id.clone(), amount }).collect()
    }

    /// The strongest item of the history, in words.
    pub(super) fn because(&self, history: &[(ItemKey, Action, f32)]) -> Option<String> {
        let strongest = history.iter().find(|(key, ..)| self.0.contains_key(key));
        let (key, action, amount) = strongest.filter(|(.., amount)| amount.abs() >= WORTH_SAYING)?;
        let (_, title) = self.0.get(key)?;
        Some(format!("because you {} ({amount:+.2})", done(action, title)))
    }
}

/// "bought Leather hiking boots".
fn done(action: &Action, title: &str) -> String {
    let verb = match action.without_synonyms() {
        Action::View => "viewed",
        Action::Click => "clicked",
        Action::Cart => return format!("put {title} into the basket"),
        Action::Buy => "bought",
        Action::Like => "liked",
        Action::Dislike => "disliked",
        Action::Skip => "skipped",
        Action::Hide => "hid",
        Action::Rate => "rated",
        Action::Share => "shared",
        Action::Search => "searched for",
        Action::Other(_) => return format!("did {} with {title}", action.name()),
    };
    format!("{verb} {title}")
}

/// What each word adds: its share of BM25, times what BM25 adds to the score.
pub(super) fn terms(cx: RequestCx, key: ItemKey, contributions: &[Contribution]) -> Result<Vec<TermPart>> {
    let bm25 = contributions.iter().find(|contribution| contribution.feature == Feature::Bm25.name());
    let (Some(query), Some(bm25)) = (&cx.understood.query, bm25) else { return Ok(Vec::new()) };
    let snapshot = cx.snapshot;
    let visible = |key, generation| snapshot.is_current(key, Some(generation));
    let parts = snapshot.text.matched_terms(query, key, &visible)?;
    let sum = parts.iter().map(|(_, part)| part).sum::<f32>().max(f32::MIN_POSITIVE);
    Ok(parts.into_iter().map(|(term, part)| TermPart { term, amount: bm25.amount * (part / sum) }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_its_words() {
        let words = |action: &str| done(&Action::named(action), "Red boots");
        for (action, expected) in [
            ("view", "viewed Red boots"),
            ("click", "clicked Red boots"),
            ("cart", "put Red boots into the basket"),
            ("buy", "bought Red boots"),
            ("like", "liked Red boots"),
            ("dislike", "disliked Red boots"),
            ("skip", "skipped Red boots"),
            ("hide", "hid Red boots"),
            ("rate", "rated Red boots"),
            ("share", "shared Red boots"),
            ("search", "searched for Red boots"),
            ("borrow", "did borrow with Red boots"),
            ("purchase", "bought Red boots"),
            ("wish", "did wish with Red boots"),
        ] {
            assert_eq!(words(action), expected);
        }
    }

    #[test]
    fn the_strongest_item_that_is_still_there_is_named_when_it_is_worth_a_word() {
        let names = Names(HashMap::from([(ItemKey(2), ("two".to_owned(), "Red boots".to_owned()))]));
        let marks = |amount| [(ItemKey(1), Action::Buy, 0.9), (ItemKey(2), Action::View, amount)];
        assert_eq!(names.because(&marks(-0.25)).unwrap(), "because you viewed Red boots (-0.25)");
        assert_eq!(names.because(&marks(0.004)), None);
        assert_eq!(names.because(&marks(0.9)[..1]), None, "an item that is gone has no name");
        assert_eq!(names.because(&[]), None);
        assert_eq!(names.influences(&marks(0.5)), [Influence { item: "two".to_owned(), amount: 0.5 }]);
    }
}

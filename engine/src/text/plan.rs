//! A filter, prepared once for all the documents that it is put to.

use super::analyse::{WordHash, word_hash, words};
use super::tail_doc::TailDoc;
use crate::api::filter::Filter;
use crate::api::schema::Schema;

/// A resolved filter with its words analysed and its fields looked up.
#[derive(Debug)]
pub(super) enum Plan<'f> {
    /// All of these hold.
    All(Vec<Plan<'f>>),
    /// One of these holds.
    Any(Vec<Plan<'f>>),
    /// This does not hold.
    Not(Box<Plan<'f>>),
    /// Every one of these words occurs in the slot.
    Words(Vec<Word>),
    /// Nothing matches: a text without words, or a field without text.
    Nothing,
    /// A comparison, an existence or a circle.
    Leaf(&'f Filter),
}

/// A word that must occur.
#[derive(Debug)]
pub(super) struct Word {
    pub slot: u8,
    pub text: String,
    pub hash: WordHash,
}

impl<'f> Plan<'f> {
    /// Prepares a filter that went through [`Filter::resolve`]. Its nesting is bounded by [`Filter::check`].
    pub(super) fn new(filter: &'f Filter, schema: &Schema) -> Plan<'f> {
        match filter {
            Filter::And(all) => Plan::All(all.iter().map(|f| Plan::new(f, schema)).collect()),
            Filter::Or(any) => Plan::Any(any.iter().map(|f| Plan::new(f, schema)).collect()),
            Filter::Not(inner) => Plan::Not(Box::new(Plan::new(inner, schema))),
            Filter::Match { field, text } => {
                let slot = schema.fields.get(field).and_then(|spec| spec.slot);
                let mut wanted = words(text);
                wanted.sort_unstable();
                wanted.dedup();
                match slot {
                    Some(slot) if !wanted.is_empty() => Plan::Words(
                        wanted.into_iter().map(|text| Word { slot, hash: word_hash(slot, &text), text }).collect(),
                    ),
                    _ => Plan::Nothing,
                }
            }
            leaf => Plan::Leaf(leaf),
        }
    }

    /// Whether a version in the tail matches. Words are looked up among those of the document, which was analysed when
    /// it was staged; everything else is the filter's own meaning.
    pub(super) fn holds(&self, doc: &TailDoc) -> bool {
        match self {
            Plan::All(all) => all.iter().all(|plan| plan.holds(doc)),
            Plan::Any(any) => any.iter().any(|plan| plan.holds(doc)),
            Plan::Not(inner) => !inner.holds(doc),
            Plan::Words(words) => words.iter().all(|word| doc.count(word.hash) > 0),
            Plan::Nothing => false,
            Plan::Leaf(filter) => filter.matches(&doc.fields, &words),
        }
    }
}

//! What is kept of each field beside its type: its options, and since when it is there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::api::config::Config;
use crate::base::time::Timestamp;

/// The name of the record.
pub(crate) const FIELD_NOTES: &str = "field_notes";

/// What is kept of one field.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct FieldNote {
    pub since: Option<Timestamp>,
    pub boost: Option<f32>,
    pub embed: Option<bool>,
}

/// The notes by the name of the field.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct FieldNotes(pub BTreeMap<String, FieldNote>);

impl FieldNotes {
    /// Gives the configuration the options that are kept, where it names none, and keeps those that it names.
    pub(crate) fn agree(&mut self, config: &mut Config, now: Timestamp) {
        for (name, field) in &config.fields {
            let new = FieldNote { since: Some(now), ..FieldNote::default() };
            let note = self.0.entry(name.clone()).or_insert(new);
            (note.boost, note.embed) = (field.boost.or(note.boost), field.embed.or(note.embed));
        }
        for (name, note) in &self.0 {
            if note.boost.is_some() || note.embed.is_some() {
                let field = config.fields.entry(name.clone()).or_default();
                (field.boost, field.embed) = (note.boost, note.embed);
            }
        }
    }

    /// Notes since when a field is there.
    pub(crate) fn begin(&mut self, name: &str, now: Timestamp) {
        self.0.entry(name.to_owned()).or_default().since.get_or_insert(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_kept_until_others_are_given() {
        let (mut notes, now) = (FieldNotes::default(), Timestamp::from_seconds(5.0));
        let mut first = Config::default().boost("title", 2.0);
        first.fields.entry("sku".to_owned()).or_default().embed = Some(false);
        notes.agree(&mut first, now);
        let mut second = Config::default();
        notes.agree(&mut second, Timestamp::from_seconds(6.0));
        assert_eq!((second.boost_of("title"), second.embeds("sku")), (2.0, false));
        let mut third = Config::default().boost("title", 3.0);
        notes.agree(&mut third, now);
        assert_eq!((third.boost_of("title"), third.embeds("sku")), (3.0, false));
        assert_eq!((notes.0["title"].boost, notes.0["title"].since), (Some(3.0), Some(now)));
        notes.begin("title", Timestamp::MAX);
        assert_eq!(notes.0["title"].since, Some(now));
    }
}

//! The values of a field as groups: what caps count and what a mix is made of.

use crate::api::controls::semantic_levels;
use crate::api::item::{Fields, Value};
use crate::base::error::Result;
use crate::base::id::{ItemKey, SemanticId};
use crate::base::limits::MAX_KEYWORD_BYTES;
use crate::base::number::Number;
use crate::store::snapshot::Snapshot;

/// Values of one item that count: tags beyond these are passed over.
const VALUES: usize = 64;

/// One value of a field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Group {
    /// A whole text, or a tag.
    Text(String),
    /// A number: the bits of the nearest double, and what that lacks.
    Number(u64, i64),
    /// A boolean.
    Flag(bool),
    /// A date, in milliseconds.
    Date(i64),
    /// The first codes of a semantic id; those that do not count are 0.
    Semantic(SemanticId),
}

/// What groups of one item are read from.
pub(super) struct Grouped {
    fields: Fields,
    sid: Option<SemanticId>,
}

impl Grouped {
    /// Reads an item; nothing for one that is gone.
    pub(super) fn read(snapshot: &Snapshot, key: ItemKey) -> Result<Grouped> {
        let record = snapshot.catalog.view().item(key)?;
        let fields = record.map(|record| record.item.fields).unwrap_or_default();
        Ok(Grouped { fields, sid: snapshot.sid(key)? })
    }

    /// The groups by a field, or by codes of the semantic id.
    pub(super) fn by(&self, name: &str) -> Vec<Group> {
        match (semantic_levels(name), self.sid) {
            (None, _) => groups(self.fields.get(name)),
            (Some(_), None) => Vec::new(),
            (Some(levels), Some(mut sid)) => {
                sid.iter_mut().skip(levels).for_each(|code| *code = 0);
                vec![Group::Semantic(sid)]
            }
        }
    }
}

/// The groups that an item is in by one field, each once. A text too long to be compared as a whole is in none.
fn groups(value: Option<&Value>) -> Vec<Group> {
    match value {
        Some(Value::Text(text)) if text.len() <= MAX_KEYWORD_BYTES => vec![Group::Text(text.clone())],
        Some(Value::Tags(tags)) => {
            let mut groups: Vec<Group> = Vec::new();
            for tag in tags.iter().take(VALUES) {
                let group = Group::Text(tag.clone());
                if !groups.contains(&group) {
                    groups.push(group);
                }
            }
            groups
        }
        Some(value @ (Value::Number(_) | Value::Integer(_) | Value::Numbers(_))) => {
            let mut groups: Vec<Group> = Vec::new();
            for (nearest, lacks) in value.numbers().take(VALUES).map(Number::parts) {
                let group = Group::Number(nearest.to_bits(), lacks);
                if !groups.contains(&group) {
                    groups.push(group);
                }
            }
            groups
        }
        Some(Value::Bool(flag)) => vec![Group::Flag(*flag)],
        Some(Value::Date(time)) => vec![Group::Date(time.millis())],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_one_group() {
        let tags = Value::Tags(["a", "b", "a"].map(str::to_owned).to_vec());
        assert_eq!(groups(Some(&tags)), [Group::Text("a".into()), Group::Text("b".into())]);
        assert_eq!(groups(Some(&Value::Number(-0.0))), groups(Some(&Value::Number(0.0))));
        assert_eq!(groups(Some(&Value::Integer(7))), groups(Some(&Value::Number(7.0))));
        let ids = [1i128 << 60, (1 << 60) + 1].map(|id| groups(Some(&Value::Integer(id))));
        assert_ne!(ids[0], ids[1], "whole numbers are not rounded to one group");
        let sizes = Value::Numbers(vec![Number::Integer(38), Number::Float(38.0), Number::Float(39.5)]);
        assert_eq!(groups(Some(&sizes)).len(), 2);
        assert_eq!(groups(Some(&Value::Text("x".repeat(257)))), []);
        assert_eq!(groups(None), []);
    }
}

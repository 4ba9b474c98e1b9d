//! What the schema says, and changes of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::api::convert::converted;
use crate::api::field_type::Kind;
use crate::api::item::{Fields, Value};
use crate::base::time::Timestamp;

/// The fields of a store, by name.
pub type FieldInfos = BTreeMap<String, FieldInfo>;

/// One field of a store.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FieldInfo {
    /// The type of its values.
    pub kind: Kind,
    /// How many items have it.
    pub items: u64,
    /// Text and tags: the weight of a match.
    pub boost: Option<f32>,
    /// Text and tags: whether the model embeds it.
    pub embed: Option<bool>,
    /// Vectors: the number of dimensions, once it is known.
    pub dimensions: Option<u32>,
    /// When its first value came, or the configuration named it; none for fields older than the record of it.
    pub since: Option<Timestamp>,
}

/// What to do with a value that has no form in the new type of its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum OnUnfit {
    /// Change nothing, and tell which items those are.
    #[default]
    Refuse,
    /// Remove the field from those items, and tell which they are.
    Drop,
}

/// What a change of a field did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FieldChanged {
    /// Items that were written.
    pub changed: usize,
    /// Of these, items that lost the field because its value did not fit.
    pub dropped: usize,
    /// The ids of the first twenty of those.
    pub dropped_ids: Vec<String>,
}

/// A change of a field in every item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum FieldChange {
    Rename { from: String, to: String },
    Drop { name: String },
    Retype { name: String, kind: Kind, on_unfit: OnUnfit },
}

/// What becomes of one item.
#[derive(Debug, PartialEq)]
pub(crate) enum Changed {
    /// Nothing.
    Not,
    /// Its fields were changed.
    Written,
    /// Its value does not fit; it was removed.
    Dropped,
    /// Its value does not fit.
    Refused,
}

impl FieldChange {
    /// The field that changes, by the name that it has now.
    pub(crate) fn field(&self) -> &str {
        match self {
            FieldChange::Rename { from, .. } => from,
            FieldChange::Drop { name } | FieldChange::Retype { name, .. } => name,
        }
    }

    /// Changes the fields of an item. Of vectors all have the same number of dimensions, that of the first.
    pub(crate) fn apply(&self, fields: &mut Fields, dimensions: &mut Option<u32>) -> Changed {
        match self {
            FieldChange::Rename { from, to } => match fields.remove(from) {
                // A value under the new name is newer: it was put while the change went on.
                Some(value) => {
                    fields.entry(to.clone()).or_insert(value);
                    Changed::Written
                }
                None => Changed::Not,
            },
            FieldChange::Drop { name } => match fields.remove(name) {
                Some(_) => Changed::Written,
                None => Changed::Not,
            },
            FieldChange::Retype { name, kind, on_unfit } => {
                let Some(value) = fields.get(name) else { return Changed::Not };
                if value.kind() == *kind || (value.is_empty_list() && *kind == Kind::Vector) {
                    return Changed::Not;
                }
                match (retyped(value, *kind, dimensions), on_unfit) {
                    (Some(value), _) => {
                        fields.insert(name.clone(), value);
                        Changed::Written
                    }
                    (None, OnUnfit::Drop) => {
                        fields.remove(name);
                        Changed::Dropped
                    }
                    (None, OnUnfit::Refuse) => Changed::Refused,
                }
            }
        }
    }
}

fn retyped(value: &Value, kind: Kind, dimensions: &mut Option<u32>) -> Option<Value> {
    let value = converted(value, kind)?;
    if let Value::Vector(vector) = &value {
        let found = vector.len() as u32;
        if *dimensions.get_or_insert(found) != found {
            return None;
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Item;
    use crate::base::number::Number;

    fn applied(change: &FieldChange, item: Item) -> (Changed, Fields) {
        let mut fields = item.fields;
        (change.apply(&mut fields, &mut None), fields)
    }

    #[test]
    fn a_change_takes_what_it_names_and_leaves_the_rest() {
        let item = || Item::new("a").text("old", "x").integer("n", 1);
        let rename = FieldChange::Rename { from: "old".to_owned(), to: "new".to_owned() };
        assert_eq!(
            applied(&rename, item()),
            (Changed::Written, Item::new("a").text("new", "x").integer("n", 1).fields)
        );
        assert_eq!(applied(&rename, item().text("new", "newer")).1["new"], Value::Text("newer".to_owned()));
        assert_eq!(applied(&rename, Item::new("a").integer("n", 1)).0, Changed::Not);
        let drop = FieldChange::Drop { name: "old".to_owned() };
        assert_eq!(applied(&drop, item()), (Changed::Written, Item::new("a").integer("n", 1).fields));
        assert_eq!((rename.field(), drop.field()), ("old", "old"));
    }

    #[test]
    fn a_value_that_does_not_fit_is_refused_or_dropped() {
        let retype = |on_unfit| FieldChange::Retype { name: "n".to_owned(), kind: Kind::Number, on_unfit };
        let text = |text: &str| Item::new("a").text("n", text);
        assert_eq!(applied(&retype(OnUnfit::Refuse), text("11")).1["n"], Value::Integer(11));
        assert_eq!(applied(&retype(OnUnfit::Refuse), text("x")), (Changed::Refused, text("x").fields));
        assert_eq!(applied(&retype(OnUnfit::Drop), text("x")), (Changed::Dropped, Fields::new()));
        assert_eq!(applied(&retype(OnUnfit::Drop), Item::new("a").integer("n", 1)).0, Changed::Not);
        assert_eq!(applied(&retype(OnUnfit::Refuse), Item::new("a").tags("n", [""; 0])).0, Changed::Refused);
    }

    #[test]
    fn vectors_have_the_dimensions_of_the_first() {
        let change = FieldChange::Retype { name: "v".to_owned(), kind: Kind::Vector, on_unfit: OnUnfit::Refuse };
        let list = |n: usize| Item::new("a").with("v", Value::Numbers(vec![Number::Integer(1); n])).fields;
        let mut dimensions = None;
        assert_eq!(change.apply(&mut list(3), &mut dimensions), Changed::Written);
        assert_eq!((dimensions, change.apply(&mut list(2), &mut dimensions)), (Some(3), Changed::Refused));
        let mut empty = Item::new("a").tags("v", [""; 0]).fields;
        assert_eq!(change.apply(&mut empty, &mut dimensions), Changed::Not);
    }
}

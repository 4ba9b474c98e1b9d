//! The schema: inferred from what is put, tightened by the configuration, kept in the catalog.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::api::config::Config;
use crate::api::field_change::FieldChange;
use crate::api::item::{Item, Kind, Value};
use crate::base::error::{Error, Result};
use crate::base::limits::{self, at_most};

/// What is known of one field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FieldSpec {
    /// The type, fixed by the first value or the configuration.
    pub kind: Kind,
    /// Text and tags only: which of the text index's posting-list slots is this field's.
    pub slot: Option<u8>,
    /// Vectors only: number of dimensions, known from the first value.
    pub dimensions: Option<u32>,
}

/// All fields seen so far. A field keeps its type and its slot until it is renamed, dropped or retyped.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Schema {
    pub fields: BTreeMap<String, FieldSpec>,
}

impl Schema {
    /// Takes the field types that the configuration fixes into the schema.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when the store already knows the field under another type.
    pub(crate) fn apply(&mut self, config: &Config) -> Result<()> {
        for (name, field) in &config.fields {
            let Some(kind) = field.kind else { continue };
            match self.fields.get(name) {
                Some(known) if known.kind != kind => {
                    let expected = format!("{}, the type that is stored", known.kind.name());
                    return Err(Error::argument(format!("configured field `{name}`"), expected, kind.name()));
                }
                Some(_) => {}
                None => self.insert(name, kind, None)?,
            }
        }
        Ok(())
    }

    /// Checks an item against the schema and learns its new fields. True when something was learnt.
    ///
    /// # Errors
    /// [`Error::FieldType`], [`Error::DimMismatch`], [`Error::UnknownField`] (strict configuration) or
    /// [`Error::LimitExceeded`]. On an error the schema may have learnt earlier fields of the item: work on a copy.
    pub(crate) fn admit(&mut self, item: &Item, strict: bool) -> Result<bool> {
        let mut learnt = false;
        for (name, value) in &item.fields {
            // An empty list fixes no type.
            if value.is_empty_list() && !self.fields.contains_key(name) {
                if strict {
                    return Err(self.unknown(name));
                }
                continue;
            }
            let dimensions = match value {
                Value::Vector(v) => Some(v.len() as u32),
                _ => None,
            };
            match self.fields.get_mut(name) {
                Some(spec) => {
                    check_kind(item, name, spec.kind, value)?;
                    learnt |= check_dimensions(name, spec, dimensions)?;
                }
                None if strict => return Err(self.unknown(name)),
                None => {
                    self.insert(name, value.kind(), dimensions)?;
                    learnt = true;
                }
            }
        }
        Ok(learnt)
    }

    /// Takes in what a change of a field begins with: the new name, or the new type. `resumed`: it has begun before.
    ///
    /// # Errors
    /// [`Error::UnknownField`], [`Error::InvalidArgument`] or [`Error::LimitExceeded`] for a change that cannot be made.
    pub(crate) fn begin_change(&mut self, change: &FieldChange, resumed: bool) -> Result<()> {
        let spec = self.field(change.field())?.clone();
        match change {
            FieldChange::Rename { to, .. } if resumed && self.fields.contains_key(to) => Ok(()),
            FieldChange::Rename { from, to } if self.fields.contains_key(to) => {
                let expected = "a name that no field has";
                Err(Error::argument(format!("new name of field `{from}`"), expected, format!("`{to}`")))
            }
            FieldChange::Rename { to, .. } => self.insert(to, spec.kind, spec.dimensions),
            FieldChange::Drop { .. } => Ok(()),
            FieldChange::Retype { name, kind, .. } if spec.kind != *kind => {
                self.fields.remove(name);
                self.insert(name, *kind, None)?;
                if let Some(changed) = self.fields.get_mut(name) {
                    // Items that still have text keep it searchable until their turn comes.
                    changed.slot = spec.slot.or(changed.slot);
                }
                Ok(())
            }
            FieldChange::Retype { .. } => Ok(()),
        }
    }

    /// Takes out what a change of a field ends with: the old name, or what the old type needed.
    pub(crate) fn finish_change(&mut self, change: &FieldChange) {
        match change {
            FieldChange::Rename { from: name, .. } | FieldChange::Drop { name } => {
                self.fields.remove(name);
            }
            FieldChange::Retype { name, .. } => {
                if let Some(spec) =
                    self.fields.get_mut(name).filter(|spec| !matches!(spec.kind, Kind::Text | Kind::Tags))
                {
                    spec.slot = None;
                }
            }
        }
    }

    /// The spec of a field that a filter or a request names.
    ///
    /// # Errors
    /// [`Error::UnknownField`], listing the names that exist: a misspelt field must not look like an empty result.
    pub(crate) fn field(&self, name: &str) -> Result<&FieldSpec> {
        self.fields.get(name).ok_or_else(|| self.unknown(name))
    }

    /// Names and slots of the fields that are searched by word.
    pub(crate) fn text_fields(&self) -> impl Iterator<Item = (&str, u8)> {
        self.fields.iter().filter_map(|(name, spec)| Some((name.as_str(), spec.slot?)))
    }

    /// Names and dimensions of the caller's own vectors.
    pub(crate) fn vector_fields(&self) -> impl Iterator<Item = (&str, usize)> {
        self.fields.iter().filter_map(|(name, spec)| Some((name.as_str(), spec.dimensions? as usize)))
    }

    fn insert(&mut self, name: &str, kind: Kind, dimensions: Option<u32>) -> Result<()> {
        at_most("fields of one schema", limits::MAX_FIELDS, self.fields.len() + 1)?;
        let slot = match kind {
            Kind::Text | Kind::Tags => {
                let used: BTreeSet<u8> = self.text_fields().map(|(_, slot)| slot).collect();
                at_most("text and tag fields of one schema", limits::MAX_TEXT_FIELDS, used.len() + 1)?;
                (0..=u8::MAX).find(|slot| !used.contains(slot))
            }
            _ => None,
        };
        if kind == Kind::Vector {
            let used = self.fields.values().filter(|f| f.kind == Kind::Vector).count();
            at_most("vector fields of one schema", limits::MAX_VECTOR_FIELDS, used + 1)?;
        }
        self.fields.insert(name.to_owned(), FieldSpec { kind, slot, dimensions });
        Ok(())
    }

    fn unknown(&self, name: &str) -> Error {
        let known: Vec<&str> = self.fields.keys().map(String::as_str).collect();
        let mut known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
        if name == "id" {
            known.push_str(" (by id, `among` lets items in and `exclude` leaves them out)");
        }
        Error::UnknownField { field: name.to_owned(), known }
    }
}

fn check_kind(item: &Item, name: &str, kind: Kind, value: &Value) -> Result<()> {
    let empty = value.is_empty_list();
    if kind == value.kind() || (empty && matches!(kind, Kind::Tags | Kind::Numbers | Kind::Vector)) {
        return Ok(());
    }
    let found = if empty { "an empty list" } else { value.kind().name() };
    Err(Error::FieldType {
        item: item.id.clone(),
        field: name.to_owned(),
        expected: kind.name().to_owned(),
        found: found.to_owned(),
    })
}

/// True when the dimensions were learnt just now.
fn check_dimensions(name: &str, spec: &mut FieldSpec, found: Option<u32>) -> Result<bool> {
    match (spec.dimensions, found) {
        (Some(expected), Some(found)) if expected != found => {
            Err(Error::DimMismatch { space: name.to_owned(), expected: expected as usize, found: found as usize })
        }
        (None, Some(found)) => {
            spec.dimensions = Some(found);
            Ok(true)
        }
        _ => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::number::Number;

    #[test]
    fn a_field_keeps_the_type_of_its_first_value() {
        let mut schema = Schema::default();
        assert!(schema.admit(&Item::new("a").number("price", 1.0), false).expect("learns"));
        let refused = schema.admit(&Item::new("b").text("price", "1"), false).expect_err("another type");
        assert!(refused.to_string().contains("`b`") && refused.to_string().contains("expected number, found text"));
        assert!(!schema.admit(&Item::new("c").number("price", 2.0), true).expect("known"));
        assert_eq!(schema.admit(&Item::new("d").number("cost", 2.0), true).expect_err("strict").name(), "UnknownField");
    }

    #[test]
    fn vectors_keep_their_width_and_text_fields_their_slot() {
        let mut schema = Schema::default();
        let vector = |n: usize| Item::new("a").with("image", Value::Vector(vec![1.0; n]));
        schema.admit(&vector(4).text("title", "x").tags("genre", ["y"]), false).expect("learns");
        assert_eq!(schema.admit(&vector(5), false).expect_err("width").name(), "DimMismatch");
        let slots: Vec<(String, u8)> = schema.text_fields().map(|(n, s)| (n.to_owned(), s)).collect();
        assert_eq!(slots, [("genre".to_owned(), 0), ("title".to_owned(), 1)]);
    }

    #[test]
    fn as_many_fields_as_there_can_be_may_hold_text() {
        let mut schema = Schema::default();
        for i in 0..limits::MAX_FIELDS {
            schema.admit(&Item::new("a").text(format!("t{i}"), "x"), false).expect("fits");
        }
        let slots: BTreeSet<u8> = schema.text_fields().map(|(_, slot)| slot).collect();
        assert_eq!(slots.len(), limits::MAX_TEXT_FIELDS);
        assert_eq!(schema.admit(&Item::new("a").text("more", "x"), false).expect_err("full").name(), "LimitExceeded");
    }

    #[test]
    fn an_empty_list_fixes_no_type() {
        let mut schema = Schema::default();
        let empty = |name: &str| Item::new("a").with(name, Value::Tags(vec![]));
        assert!(!schema.admit(&empty("v"), false).expect("fits"));
        assert_eq!(schema.admit(&empty("v"), true).expect_err("strict").name(), "UnknownField");
        for (name, value) in [
            ("v", Value::Vector(vec![1.0])),
            ("n", Value::Numbers(vec![Number::Integer(1)])),
            ("t", Value::Tags(vec!["x".to_owned()])),
        ] {
            schema.admit(&empty(name), false).expect("nothing is known");
            assert!(schema.admit(&Item::new("a").with(name, value), false).expect("learns"), "{name}");
            assert!(!schema.admit(&empty(name), true).expect("empty"), "{name}");
        }
        schema.admit(&Item::new("a").number("price", 1.0), false).expect("learns");
        let refused = schema.admit(&empty("price"), false).expect_err("no list").to_string();
        assert!(refused.contains("expected number, found an empty list"), "{refused}");
    }

    #[test]
    fn whole_numbers_and_others_are_of_one_type() {
        let mut schema = Schema::default();
        schema.admit(&Item::new("a").integer("price", 10), false).expect("learns");
        assert!(!schema.admit(&Item::new("b").number("price", 10.5), true).expect("a number too"));
        let list = Item::new("c").with("price", Value::Numbers(vec![Number::Integer(12)]));
        let refused = schema.admit(&list, false).expect_err("a list").to_string();
        assert!(refused.contains("expected number, found numbers"), "{refused}");
    }
}

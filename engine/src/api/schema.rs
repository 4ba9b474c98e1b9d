//! The schema: inferred from what is put, tightened by the configuration, kept in the catalog.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::api::config::Config;
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

/// All fields seen so far. Only grows: a field keeps its type and its slot for the life of the store.
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
                let used = self.text_fields().count();
                at_most("text and tag fields of one schema", limits::MAX_TEXT_FIELDS, used + 1)?;
                Some(used as u8)
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
    if kind == value.kind() {
        return Ok(());
    }
    Err(Error::FieldType {
        item: item.id.clone(),
        field: name.to_owned(),
        expected: kind.name().to_owned(),
        found: value.kind().name().to_owned(),
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
    fn a_seventeenth_text_field_is_refused() {
        let mut schema = Schema::default();
        for i in 0..16 {
            schema.admit(&Item::new("a").text(format!("t{i}"), "x"), false).expect("fits");
        }
        assert_eq!(schema.admit(&Item::new("a").text("t16", "x"), false).expect_err("full").name(), "LimitExceeded");
    }
}

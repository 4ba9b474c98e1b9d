//! What one item looks like in tantivy.
//!
//! The tantivy schema is fixed; the engine's schema only assigns text slots to fields. Nothing is stored: an index that
//! returns keys needs no copy of the payload that the catalog holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, JsonObjectOptions, OwnedValue, Schema as Layout, TextFieldIndexing,
    TextOptions,
};
use tantivy::{TantivyDocument, Term};
use xxhash_rust::xxh3::xxh3_128;

use super::analyse::ANALYSER;
use super::change::TextDoc;
use crate::api::item::{Fields, Value};
use crate::api::schema::Schema;
use crate::base::id::ItemKey;
use crate::base::limits::{MAX_KEYWORD_BYTES, MAX_TEXT_FIELDS};
use crate::base::number::{Number, positive_zero};

/// The field that holds the columns for comparisons: one column for each number, date and coordinate.
const COLUMNS: &str = "columns";
const KEY: &str = "key";
const GENERATION: &str = "generation";

/// Slots whose texts have a length. It takes a byte of every document for each slot, used or not; in the slots after these
/// every text counts as one of the average length.
pub(super) const LENGTHS: usize = 16;

/// The fields of the tantivy schema.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// The item key, looked up on update and when given items are scored.
    pub key: Field,
    /// The version, for the reader's check against the catalog.
    pub generation: Field,
    /// The words of each text or tag field, by the slot that the engine's schema gave it.
    pub slots: Arc<[Field]>,
    /// Whole strings that hold of an item (see [`Mark`]).
    pub marks: Field,
    /// Numbers, dates and coordinates.
    pub columns: Field,
}

/// The fixed tantivy schema, and where its fields are.
pub(super) fn layout() -> (Layout, Places) {
    let mut builder = Layout::builder();
    let key = builder.add_u64_field(KEY, INDEXED | FAST);
    let generation = builder.add_u64_field(GENERATION, FAST);
    let words = |slot: usize| {
        let words = TextFieldIndexing::default()
            .set_tokenizer(ANALYSER)
            .set_fieldnorms(slot < LENGTHS)
            .set_index_option(IndexRecordOption::WithFreqs);
        TextOptions::default().set_indexing_options(words)
    };
    let slots = (0..MAX_TEXT_FIELDS).map(|slot| builder.add_text_field(&format!("t{slot}"), words(slot))).collect();
    let whole = TextFieldIndexing::default()
        .set_tokenizer("raw")
        .set_fieldnorms(false)
        .set_index_option(IndexRecordOption::Basic);
    let marks = builder.add_text_field("marks", TextOptions::default().set_indexing_options(whole));
    let columns = builder.add_json_field(COLUMNS, JsonObjectOptions::from(FAST));
    (builder.build(), Places { key, generation, slots, marks, columns })
}

impl Places {
    /// The term under which a version of the item is found, and deleted.
    pub(super) fn key_term(&self, key: ItemKey) -> Term {
        Term::from_field_u64(self.key, key.0)
    }

    /// The term of a mark.
    pub(super) fn mark_term(&self, mark: Mark) -> Term {
        Term::from_field_text(self.marks, &mark.encode())
    }

    /// The document of one version. Fields that the schema does not know yet have no words, but all their marks.
    pub(super) fn document(&self, doc: &TextDoc, schema: &Schema) -> TantivyDocument {
        let mut out = TantivyDocument::new();
        out.add_u64(self.key, doc.key.0);
        out.add_u64(self.generation, doc.generation.0);
        let mut columns = BTreeMap::new();
        for (name, value) in doc.fields.as_ref() {
            out.add_text(self.marks, Mark::Has(name).encode());
            match value {
                Value::Number(_) | Value::Integer(_) | Value::Numbers(_) => add_numbers(&mut columns, name, value),
                Value::Date(time) => {
                    columns.insert(column(Column::Date, name), OwnedValue::I64(time.millis()));
                }
                Value::Geo { lat, lon } => {
                    columns.insert(column(Column::Latitude, name), OwnedValue::F64(positive_zero(*lat)));
                    columns.insert(column(Column::Longitude, name), OwnedValue::F64(positive_zero(*lon)));
                }
                Value::Bool(flag) => out.add_text(self.marks, Mark::Is(name, *flag).encode()),
                Value::Text(_) | Value::Tags(_) => {
                    for text in texts(value).filter(|text| text.len() <= MAX_KEYWORD_BYTES) {
                        out.add_text(self.marks, Mark::Equals(name, text).encode());
                    }
                }
                Value::Vector(_) => {}
            }
        }
        for (slot, text) in slotted(&doc.fields, schema) {
            if let Some(field) = self.slots.get(usize::from(slot)) {
                out.add_text(*field, text);
            }
        }
        for slot in filled_slots(&doc.fields, schema) {
            out.add_text(self.marks, Mark::Filled(slot).encode());
        }
        if !columns.is_empty() {
            out.add_object(self.columns, columns);
        }
        out
    }
}

/// Adds the columns of a number, or of a list of numbers. What the nearest doubles lack has a column beside theirs, only where
/// something is lacking: then for each of the numbers, in the same order.
fn add_numbers(columns: &mut BTreeMap<String, OwnedValue>, name: &str, value: &Value) {
    let (nearest, lacks): (Vec<f64>, Vec<i64>) = value.numbers().map(Number::parts).unzip();
    let exact = lacks.iter().all(|lacks| *lacks == 0);
    if let Some(nearest) = list(nearest.into_iter().map(OwnedValue::F64).collect()) {
        columns.insert(column(Column::Number, name), nearest);
    }
    if let Some(lacks) = list(lacks.into_iter().map(OwnedValue::I64).collect()).filter(|_| !exact) {
        columns.insert(column(Column::Lacking, name), lacks);
    }
}

/// One value as it is, several as a list.
fn list(mut values: Vec<OwnedValue>) -> Option<OwnedValue> {
    if values.len() > 1 { Some(OwnedValue::Array(values)) } else { values.pop() }
}

/// Something that holds of an item as a whole, kept as one raw term. The first byte tells the kinds apart, and the
/// length of the name keeps `("a", "b:c")` apart from `("a:b", "c")`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mark<'a> {
    /// The item has the field.
    Has(&'a str),
    /// The text, or one of the tags, is this.
    Equals(&'a str, &'a str),
    /// The flag is this.
    Is(&'a str, bool),
    /// The item has text in the slot: counts the documents over which the average length of the slot is taken.
    Filled(u8),
}

/// Values up to this many bytes are kept as they are; longer ones by their 128-bit hash.
const LONGEST_PLAIN_MARK: usize = 16;

impl Mark<'_> {
    fn encode(self) -> String {
        match self {
            Mark::Has(name) => format!("?{name}"),
            // A title is in the term dictionary once for each item: its hash takes less than itself.
            Mark::Equals(name, value) if value.len() > LONGEST_PLAIN_MARK => {
                format!("~{}:{name}{}", name.len(), packed(xxh3_128(value.as_bytes())))
            }
            Mark::Equals(name, value) => format!("={}:{name}{value}", name.len()),
            Mark::Is(name, flag) => format!("!{}{name}", u8::from(flag)),
            Mark::Filled(slot) => format!("#{slot}"),
        }
    }
}

/// A hash in 19 characters of 7 bits. The dictionary of terms takes time and room for each byte of a term that no other
/// term shares, and hexadecimal has 32.
fn packed(hash: u128) -> String {
    (0..19).map(|place| char::from((hash >> (7 * place)) as u8 & 0x7f)).collect()
}

/// The kinds of columns.
#[derive(Debug, Clone, Copy)]
pub(super) enum Column {
    /// `f64`, the nearest to each number
    Number,
    /// `i64`, what the nearest `f64` lacks: for whole numbers beyond 2^53
    Lacking,
    /// `i64`, milliseconds since the epoch: tantivy's own dates end in the year 2262.
    Date,
    /// `f64`, degrees
    Latitude,
    /// `f64`, degrees
    Longitude,
}

/// The key of a column inside the JSON object. The name is spelt in hexadecimal, because tantivy gives a meaning to
/// dots, backslashes and control characters in a path.
fn column(kind: Column, name: &str) -> String {
    let mut out = String::with_capacity(1 + 2 * name.len());
    out.push(match kind {
        Column::Number => 'n',
        Column::Lacking => 'r',
        Column::Date => 'd',
        Column::Latitude => 'a',
        Column::Longitude => 'o',
    });
    for byte in name.bytes() {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// The full name of a column, for the column reader.
pub(super) fn column_path(kind: Column, name: &str) -> String {
    format!("{COLUMNS}.{}", column(kind, name))
}

/// The texts of a value that has any.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let (one, many) = match value {
        Value::Text(text) => (Some(text.as_str()), [].as_slice()),
        Value::Tags(tags) => (None, tags.as_slice()),
        _ => (None, [].as_slice()),
    };
    one.into_iter().chain(many.iter().map(String::as_str))
}

/// Every text of an item with the slot that it is searched in, in the order of the field names.
pub(super) fn slotted<'a>(fields: &'a Fields, schema: &'a Schema) -> impl Iterator<Item = (u8, &'a str)> {
    fields.iter().flat_map(|(name, value)| {
        let slot = schema.fields.get(name).and_then(|spec| spec.slot);
        slot.into_iter().flat_map(move |slot| texts(value).map(move |text| (slot, text)))
    })
}

/// The slots in which the item has a text that is not empty, ascending.
pub(super) fn filled_slots(fields: &Fields, schema: &Schema) -> BTreeSet<u8> {
    slotted(fields, schema).filter(|(_, text)| !text.is_empty()).map(|(slot, _)| slot).collect()
}

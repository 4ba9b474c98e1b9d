//! What can be done before the writer's turn comes: checks, and vectors of text.

use std::collections::HashMap;
use std::sync::Arc;

use half::f16;

use crate::error::{Error, Result};
use crate::event::Event;
use crate::id::{SemanticId, check_id};
use crate::item::{Item, Value};
use crate::limits::{self, at_most};
use crate::stores::Stores;
use crate::time::Timestamp;
use crate::vector::to_half;

/// An item that passed every check, with its vectors.
pub(crate) struct PreparedItem {
    pub item: Item,
    /// Since when it is available, if the configured date field says so.
    pub available: Option<Timestamp>,
    /// Where the model places it, when it has text.
    pub placed: Option<Placed>,
    /// The caller's vectors by field name, unit length.
    pub vectors: Vec<(String, Arc<[f16]>)>,
}

/// Where the model places an item.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    /// Unit length.
    pub vector: Arc<[f16]>,
    pub sid: SemanticId,
}

/// Checks a batch and embeds its text. Of several items with one id the last one stays.
///
/// # Errors
/// What [`Item`] refuses, or [`Error::ModelFailed`]; then nothing of the batch is written.
pub(crate) fn prepare_items(stores: &Stores, items: Vec<Item>) -> Result<Vec<PreparedItem>> {
    at_most("items in one batch", limits::MAX_BATCH, items.len())?;
    items.iter().try_for_each(Item::check)?;
    let items = last_of_each_id(items);
    let texts: Vec<String> = items.iter().map(|item| text_to_embed(stores, item)).collect();
    let embeddings = stores.model.embed(&texts)?;
    let prepared = items.into_iter().zip(embeddings).map(|(item, embedding)| {
        let placed = embedding.map(|vectors| Placed { vector: to_half(&vectors.item), sid: vectors.sid });
        let vectors = own_vectors(&item);
        Ok(PreparedItem { available: available(stores, &item)?, placed, vectors, item })
    });
    prepared.collect()
}

/// An item that another store checked and placed with the same model.
pub(crate) fn prepare_stored(item: Item, available: Timestamp, placed: Option<Placed>) -> PreparedItem {
    let vectors = own_vectors(&item);
    PreparedItem { item, available: Some(available), placed, vectors }
}

fn last_of_each_id(items: Vec<Item>) -> Vec<Item> {
    let last: HashMap<String, usize> = items.iter().enumerate().map(|(place, item)| (item.id.clone(), place)).collect();
    if last.len() == items.len() {
        return items;
    }
    let kept = items.into_iter().enumerate().filter(|(place, item)| last.get(&item.id) == Some(place));
    kept.map(|(_, item)| item).collect()
}

/// All text and tags that the model reads, in order of field name.
fn text_to_embed(stores: &Stores, item: &Item) -> String {
    let mut text = String::new();
    for (name, value) in &item.fields {
        if !stores.config.embeds(name) {
            continue;
        }
        let parts: &[String] = match value {
            Value::Text(one) => std::slice::from_ref(one),
            Value::Tags(tags) => tags,
            _ => continue,
        };
        for part in parts {
            text.push_str(part);
            text.push('\n');
        }
    }
    text
}

fn own_vectors(item: &Item) -> Vec<(String, Arc<[f16]>)> {
    let vectors = item.fields.iter().filter_map(|(name, value)| match value {
        Value::Vector(vector) => Some((name.clone(), to_half(vector))),
        _ => None,
    });
    vectors.collect()
}

fn available(stores: &Stores, item: &Item) -> Result<Option<Timestamp>> {
    let Some(field) = &stores.config.date_field else { return Ok(None) };
    match item.fields.get(field) {
        None => Ok(None),
        Some(Value::Date(time)) => Ok(Some(*time)),
        Some(other) => Err(Error::FieldType {
            item: item.id.clone(),
            field: field.clone(),
            expected: "date (it is Config::date_field)".to_owned(),
            found: other.kind().name().to_owned(),
        }),
    }
}

/// Checks the ids of a delete.
pub(crate) fn prepare_delete<T: AsRef<str>>(ids: &[T]) -> Result<Vec<String>> {
    at_most("ids in one batch", limits::MAX_BATCH, ids.len())?;
    ids.iter().try_for_each(|id| check_id("item", id.as_ref()))?;
    Ok(ids.iter().map(|id| id.as_ref().to_owned()).collect())
}

/// Checks a batch of events.
pub(crate) fn prepare_events(events: Vec<Event>) -> Result<Vec<Event>> {
    at_most("events in one batch", limits::MAX_BATCH, events.len())?;
    events.iter().try_for_each(Event::check)?;
    Ok(events)
}

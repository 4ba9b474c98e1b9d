//! What can be done before the writer's turn comes: checks, and vectors of text.

use std::collections::HashMap;
use std::sync::Arc;

use half::f16;

use crate::api::config::Config;
use crate::api::event::{Action, Event};
use crate::api::item::{Item, Value};
use crate::base::error::{Error, Result};
use crate::base::id::{SemanticId, check_id};
use crate::base::limits::{self, at_most};
use crate::base::time::Timestamp;
use crate::model::{ItemVectors, Model};
use crate::store::Stores;
use crate::store::item_space::ItemSpace;
use crate::vector::to_half;

/// An item that passed every check, with its vectors.
pub(crate) struct PreparedItem {
    pub item: Item,
    /// Since when it is available, from the configured date field.
    pub available: Option<Timestamp>,
    /// When it was first put into the store that it comes from.
    pub first_put: Option<Timestamp>,
    /// Its vector and semantic id from the model, when it has text.
    pub placed: Option<Placed>,
    /// The space of that vector.
    pub space: Arc<str>,
    /// The caller's vectors by field name, unit length.
    pub vectors: Vec<(String, Arc<[f16]>)>,
}

/// An item's vector and semantic id from the model.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    /// Unit length.
    pub vector: Arc<[f16]>,
    pub sid: SemanticId,
    /// Squared distance of the vector from the centres of its semantic id; `None` when drift is not measured.
    pub error: Option<f32>,
}

/// Checks a batch and embeds its text. Of several items with one id the last one stays.
///
/// # Errors
/// What [`Item`] refuses, or [`Error::ModelFailed`]; then nothing of the batch is written.
pub(crate) fn prepare_items(stores: &Stores, items: Vec<Item>) -> Result<Vec<PreparedItem>> {
    at_most("items in one batch", limits::MAX_BATCH, items.len())?;
    items.iter().try_for_each(Item::check)?;
    let items = last_of_each_id(items);
    let (space, model) = stores.placing()?;
    let texts: Vec<String> = items.iter().map(|item| item.content(&stores.config)).collect();
    let (placed, id) = (place(&model, &space, &texts)?, Arc::from(space.id.as_str()));
    let prepared = items.into_iter().zip(placed).map(|(item, placed)| {
        let (vectors, space) = (own_vectors(&item), Arc::clone(&id));
        Ok(PreparedItem { available: available(stores, &item)?, first_put: None, placed, space, vectors, item })
    });
    prepared.collect()
}

fn place(model: &Model, space: &ItemSpace, texts: &[String]) -> Result<Vec<Option<Placed>>> {
    let embedded = model.embed(space.tensors(), texts)?;
    Ok(embedded.into_iter().map(|one| one.map(|vectors| Placed::of(&vectors, space))).collect())
}

impl Placed {
    fn of(vectors: &ItemVectors, space: &ItemSpace) -> Placed {
        let error = space.tensors().map(|tensors| tensors.error(&vectors.item, vectors.sid));
        Placed { vector: to_half(&vectors.item), sid: vectors.sid, error }
    }
}

/// Embeds items again that were embedded into a space that is no longer current.
///
/// # Errors
/// [`Error::ModelFailed`].
pub(super) fn place_again(stores: &Stores, space: &ItemSpace, items: &mut [PreparedItem]) -> Result<()> {
    let mut stale: Vec<&mut PreparedItem> = items.iter_mut().filter(|item| *item.space != *space.id).collect();
    if stale.is_empty() {
        return Ok(());
    }
    let active = stores.active_in(space).ok_or_else(|| Error::internal("no model works in the current space"))?;
    let texts: Vec<String> = stale.iter().map(|prepared| prepared.item.content(&stores.config)).collect();
    for (prepared, placed) in stale.iter_mut().zip(place(&active.model, space, &texts)?) {
        (prepared.placed, prepared.space) = (placed, Arc::from(space.id.as_str()));
    }
    Ok(())
}

/// An item that another store checked and embedded into the same space.
pub(crate) fn prepare_stored(
    item: Item,
    available: Timestamp,
    placed: Option<Placed>,
    space: &ItemSpace,
) -> PreparedItem {
    let vectors = own_vectors(&item);
    PreparedItem {
        item,
        available: Some(available),
        first_put: None,
        placed,
        space: Arc::from(space.id.as_str()),
        vectors,
    }
}

fn last_of_each_id(items: Vec<Item>) -> Vec<Item> {
    let last: HashMap<String, usize> = items.iter().enumerate().map(|(place, item)| (item.id.clone(), place)).collect();
    if last.len() == items.len() {
        return items;
    }
    let kept = items.into_iter().enumerate().filter(|(place, item)| last.get(&item.id) == Some(place));
    kept.map(|(_, item)| item).collect()
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
        Some(Value::Date(time)) if *time == Timestamp::MAX => {
            let what = format!("item `{}`, field `{field}`", item.id);
            Err(Error::argument(
                what,
                "a date before the end of the year 9999 (it is Config::date_field)",
                time.described(),
            ))
        }
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

/// Checks a batch of events, and brings the names of their actions to one form.
pub(crate) fn prepare_events(config: &Config, mut events: Vec<Event>) -> Result<Vec<Event>> {
    at_most("events in one batch", limits::MAX_BATCH, events.len())?;
    let now = Timestamp::now();
    events.iter().try_for_each(|event| event.check(config, now))?;
    for event in &mut events {
        if let Action::Other(name) = &event.action {
            event.action = Action::named(name);
        }
    }
    Ok(events)
}

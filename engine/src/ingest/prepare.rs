//! What can be done before the writer's turn comes: checks, and vectors of text.

use std::collections::HashMap;
use std::sync::Arc;

use crate::api::config::Config;
use crate::api::decode::shortened;
use crate::api::event::{Action, Event};
use crate::api::item::Item;
use crate::api::rows::{Refusals, Rows};
use crate::api::schema::Schema;
use crate::api::update::Update;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{Generation, check_id};
use crate::base::limits::{self, at_most};
use crate::base::time::Timestamp;
use crate::catalog::ItemRecord;
use crate::model::Model;
use crate::store::Stores;
use crate::store::item_space::ItemSpace;

use super::prepared::{Placed, PreparedItem, available, own_vectors};
use super::stored;

/// Checks a batch and embeds its text, as far as that is not stored already. Of several items with one id the last one stays.
///
/// # Errors
/// What [`Item`] refuses, or [`Error::ModelFailed`]; then nothing of the batch is written.
pub(crate) fn prepare_items(stores: &Stores, rows: impl Into<Rows<Item>>) -> Result<Vec<PreparedItem>> {
    let rows = rows.into();
    at_most("items in one batch", limits::MAX_BATCH, rows.len())?;
    let (rows, refused) = rows.numbered();
    let last = last_of_each_id(rows.iter().map(|(row, item)| (*row, &item.id)));
    let rows = rows.into_iter().map(|(row, item)| (row, last.get(&item.id) == Some(&row), item, None));
    let items = admitted(stores, rows.collect(), refused.of("items"))?;
    let read = stores.catalog.read()?;
    let stored = |(item, _): &Admitted| -> Result<_> {
        let key = read.view().item_key(&item.id)?;
        Ok(key.map(|key| read.view().item(key)).transpose()?.flatten())
    };
    let stored = items.iter().map(stored).collect::<Result<_>>()?;
    embedded(stores, items, stored)
}

/// Checks changes of items that are stored, and embeds the text of those whose text changes. Several changes of one item are
/// made one after the other.
///
/// # Errors
/// [`Error::UnknownItem`], and those of [`prepare_items`].
pub(crate) fn prepare_updates(stores: &Stores, rows: impl Into<Rows<Update>>) -> Result<Vec<PreparedItem>> {
    let rows = rows.into();
    at_most("items in one batch", limits::MAX_BATCH, rows.len())?;
    let (rows, refused) = rows.numbered();
    let mut refused = refused.of("items");
    let read = stores.catalog.read()?;
    let (mut changed, mut stored) = (Vec::new(), Vec::new());
    for (row, update) in merged(rows) {
        let found = check_id("item", &update.id).and_then(|()| {
            let key = read.view().item_key(&update.id)?;
            let record = key.map(|key| read.view().item(key)).transpose()?.flatten();
            record.ok_or_else(|| Error::UnknownItem { id: shortened(&update.id) })
        });
        match found {
            Ok(record) => {
                let mut item = record.item.clone();
                update.apply(&mut item.fields);
                changed.push((row, true, item, Some((update, record.generation))));
                stored.push(Some(record));
            }
            Err(error) if error.kind() == ErrorKind::Input => {
                refused.add(row, Some(shortened(&update.id)).filter(|id| !id.is_empty()), None, error);
            }
            Err(error) => return Err(error),
        }
    }
    let items = admitted(stores, changed, refused)?;
    embedded(stores, items, stored)
}

/// One change for each item, under the row of its last one, in the order of the first ones.
fn merged(rows: Vec<(usize, Update)>) -> Vec<(usize, Update)> {
    let mut places: HashMap<String, usize> = HashMap::with_capacity(rows.len());
    let mut merged: Vec<(usize, Update)> = Vec::with_capacity(rows.len());
    for (row, update) in rows {
        match places.get(&update.id) {
            Some(place) => {
                merged[*place].0 = row;
                merged[*place].1.fields.extend(update.fields);
            }
            None => {
                places.insert(update.id.clone(), merged.len());
                merged.push((row, update));
            }
        }
    }
    merged
}

/// An item, and the change of which version it comes from.
type Admitted = (Item, Option<(Update, Generation)>);

/// Its number, whether it counts, the item, and the change that it comes from.
type Row = (usize, bool, Item, Option<(Update, Generation)>);

/// The items that are to be written, in the types of their fields, when every row of the batch can be.
fn admitted(stores: &Stores, rows: Vec<Row>, mut refused: Refusals) -> Result<Vec<Admitted>> {
    let mut schema = Schema::clone(&stores.schema.load());
    let mut kept = Vec::with_capacity(rows.len());
    for (row, counts, mut item, update) in rows {
        schema.fit(&mut item, stores.config.date_field.as_deref());
        if let Err((field, error)) = admit(stores, &mut schema, &item, counts) {
            refused.add(row, Some(shortened(&item.id)).filter(|id| !id.is_empty()), field, error);
        } else if counts {
            kept.push((item, update));
        }
    }
    refused.none()?;
    Ok(kept)
}

/// The items with their vectors, embedded where what is stored does not tell them.
fn embedded(stores: &Stores, items: Vec<Admitted>, stored: Vec<Option<ItemRecord>>) -> Result<Vec<PreparedItem>> {
    let (space, model) = stores.placing()?;
    let id: Arc<str> = Arc::from(space.id.as_str());
    // An item with a damaged vector is written anew, even if it is put as it is stored.
    let damaged = stores.catalog.read()?.view().damaged_vectors(usize::MAX)?.0;
    let mut prepared = Vec::with_capacity(items.len());
    for ((item, update), stored) in items.into_iter().zip(stored) {
        let available = available(&stores.config, &item)?;
        let known = stored::compare(stores, stored.as_ref(), &item, available).filter(|_| !damaged.contains(&item.id));
        let (vectors, space) = (own_vectors(&item), Arc::clone(&id));
        prepared.push(PreparedItem { item, available, first_put: None, placed: None, space, vectors, known, update });
    }
    let mut new: Vec<&mut PreparedItem> = prepared.iter_mut().filter(|prepared| prepared.known.is_none()).collect();
    let texts: Vec<String> = new.iter().map(|prepared| prepared.item.content(&stores.config)).collect();
    for (prepared, placed) in new.iter_mut().zip(place(&model, &space, &texts)?) {
        prepared.placed = placed;
    }
    Ok(prepared)
}

/// Checks an item, and its fields against the schema, which learns them. An item that is not the last one of its id teaches
/// the schema nothing.
fn admit(
    stores: &Stores,
    schema: &mut Schema,
    item: &Item,
    is_last: bool,
) -> std::result::Result<(), (Option<String>, Error)> {
    item.check_fields().map_err(|(field, error)| (field.map(str::to_owned), error))?;
    if is_last {
        schema.admit(item, stores.config.strict).map_err(|error| (None, error))?;
        available(&stores.config, item).map_err(|error| (None, error))?;
    }
    Ok(())
}

fn place(model: &Model, space: &ItemSpace, texts: &[String]) -> Result<Vec<Option<Placed>>> {
    if texts.is_empty() {
        return Ok(Vec::new());
    }
    let embedded = model.embed(space.tensors(), texts)?;
    Ok(embedded.into_iter().map(|one| one.map(|vectors| Placed::of(&vectors, space))).collect())
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

/// The last row of each id.
fn last_of_each_id<'i>(rows: impl Iterator<Item = (usize, &'i String)>) -> HashMap<String, usize> {
    rows.map(|(row, id)| (id.clone(), row)).collect()
}

/// Checks the ids of a delete.
pub(crate) fn prepare_delete<T: AsRef<str>>(ids: &[T]) -> Result<Vec<String>> {
    at_most("ids in one batch", limits::MAX_BATCH, ids.len())?;
    ids.iter().try_for_each(|id| check_id("item", id.as_ref()))?;
    Ok(ids.iter().map(|id| id.as_ref().to_owned()).collect())
}

/// Checks a batch of events, and brings the names of their actions to one form.
pub(crate) fn prepare_events(config: &Config, rows: impl Into<Rows<Event>>) -> Result<Vec<Event>> {
    let rows = rows.into();
    at_most("events in one batch", limits::MAX_BATCH, rows.len())?;
    let (rows, refused) = rows.numbered();
    let (mut refused, now) = (refused.of("events"), Timestamp::now());
    let mut events = Vec::with_capacity(rows.len());
    for (row, mut event) in rows {
        if let Err(error) = event.check(config, now) {
            refused.add(row, Some(shortened(&event.user)).filter(|user| !user.is_empty()), None, error);
            continue;
        }
        if let Action::Other(name) = &event.action {
            event.action = Action::named(name);
        }
        events.push(event);
    }
    refused.none()?;
    Ok(events)
}

//! Changing a field of every item: in the writer's transactions, a chunk of items at a time, so that other writes go on between
//! them.
//!
//! The change that is going on is a record of the catalog. After a crash the items that were written have the new form, the
//! others the old one, and the same call goes on with those.

use std::sync::{Arc, Mutex};

use crate::api::field_change::{Changed, FieldChange, FieldChanged};
use crate::api::field_type::Kind;
use crate::api::item::Item;
use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;
use crate::base::row::NAMED_ROWS;
use crate::store::field_notes::{FIELD_NOTES, FieldNotes};
use crate::store::lock;

use super::pending::Pending;
use super::prepare::PreparedItem;
use super::stored::compare;

/// The record of the change that is going on.
const GOING_ON: &str = "field_change";
/// Items that one transaction looks at, and of these, items that it writes.
const READ: usize = 4_096;
const WRITTEN: usize = 512;
/// Times that the items are gone through, before other writes that put the field again and again are told of.
const ROUNDS: usize = 8;

/// A step of a change, as the writer takes it.
pub(super) struct Step {
    pub change: Arc<FieldChange>,
    /// The first item to look at; none to begin.
    pub from: Option<ItemKey>,
    pub done: Arc<Mutex<FieldChanged>>,
    /// What the step writes, once it is checked.
    pub planned: Planned,
}

/// The changed items of a step, and the item after those that it looks at.
#[derive(Default)]
pub(super) struct Planned {
    items: Vec<PreparedItem>,
    next: Option<ItemKey>,
    dropped: Vec<String>,
}

/// Where a change stands after a step.
pub(super) enum Next {
    /// To be gone on with from this item.
    At(ItemKey),
    /// All items were gone through; others have put the field meanwhile.
    Again,
    Finished,
}

impl Next {
    /// As the number that the writer answers.
    pub(super) fn encode(self) -> usize {
        match self {
            Next::Finished => 0,
            Next::Again => 1,
            Next::At(key) => key.0 as usize + 2,
        }
    }
}

/// Takes the steps of a change, each by `step`, which answers [`Next::encode`].
pub(super) fn run(change: FieldChange, mut step: impl FnMut(Step) -> Result<usize>) -> Result<FieldChanged> {
    let (change, done) = (Arc::new(change), Arc::new(Mutex::new(FieldChanged::default())));
    let mut take = |from| step(Step { change: change.clone(), from, done: done.clone(), planned: Planned::default() });
    take(None)?;
    for _ in 0..ROUNDS {
        let mut from = ItemKey(0);
        loop {
            match take(Some(from))? {
                0 => return Ok(std::mem::take(&mut lock(&done))),
                1 => break,
                next => from = ItemKey(next as u64 - 2),
            }
        }
    }
    let found = "items that are put with it again and again";
    Err(Error::argument(format!("field `{}`", change.field()), "other writes to leave it alone meanwhile", found))
}

impl Pending<'_> {
    /// Refuses a change that does not fit the schema, another one than is going on, and values that do not fit; plans the rest.
    pub(super) fn check_step(&mut self, step: &mut Step) -> Result<()> {
        if let Some(from) = step.from {
            step.planned = self.plan(&step.change, from)?;
            return self.learn(&step.planned.items);
        }
        let resumed = self.is_going_on(&step.change)?;
        self.schema.clone().begin_change(&step.change, resumed)
    }

    /// Whether the change has begun before: in a call that failed, or before a crash.
    fn is_going_on(&self, change: &FieldChange) -> Result<bool> {
        let going_on: Option<Option<FieldChange>> = self.write.view().meta(GOING_ON)?;
        match going_on.flatten() {
            Some(other) if other != *change => {
                let expected = format!("the change of field `{}` to be finished first: call it again", other.field());
                Err(Error::argument(format!("field `{}`", change.field()), expected, format!("{change:?}")))
            }
            going_on => Ok(going_on.is_some()),
        }
    }

    fn plan(&self, change: &FieldChange, from: ItemKey) -> Result<Planned> {
        let mut planned = Planned::default();
        let mut dimensions = self.schema.fields.get(change.field()).and_then(|spec| spec.dimensions);
        for (looked_at, row) in self.write.view().items(from)?.enumerate() {
            let (key, record) = row?;
            if looked_at == READ || planned.items.len() == WRITTEN {
                planned.next = Some(key);
                break;
            }
            let mut item = record.item.clone();
            match change.apply(&mut item.fields, &mut dimensions) {
                Changed::Not => continue,
                Changed::Written => {}
                Changed::Dropped => planned.dropped.push(item.id.clone()),
                Changed::Refused => return Err(refused(change, &record.item)),
            }
            let known = compare(self.stores, Some(&record), &item, Some(record.available));
            planned.items.push(PreparedItem::changed(item, &self.stores.config, known)?);
        }
        Ok(planned)
    }

    /// Takes a step that [`Pending::check_step`] let through.
    pub(super) fn change_field(&mut self, step: Step) -> Result<usize> {
        self.rows += 1;
        if step.from.is_some() {
            return self.change_items(step).map(Next::encode);
        }
        let resumed = self.is_going_on(&step.change)?;
        self.schema.begin_change(&step.change, resumed)?;
        self.add_spaces()?;
        self.write.set_meta(GOING_ON, &Some(&*step.change))?;
        let watched = !matches!(*step.change, FieldChange::Retype { .. });
        let watched = watched.then(|| Arc::new((step.change.field().to_owned(), Mutex::new(false))));
        self.stores.put_again.store(watched);
        self.save_schema()?;
        Ok(0)
    }

    fn change_items(&mut self, step: Step) -> Result<Next> {
        let Planned { items, next, dropped } = step.planned;
        let mut done = lock(&step.done);
        done.changed += items.len();
        done.dropped += dropped.len();
        let room = NAMED_ROWS.saturating_sub(done.dropped_ids.len());
        done.dropped_ids.extend(dropped.into_iter().take(room));
        drop(done);
        self.put(items)?;
        match next {
            Some(key) => Ok(Next::At(key)),
            None if self.was_put_again() => Ok(Next::Again),
            None => self.finish_change(&step.change).map(|()| Next::Finished),
        }
    }

    /// Lets the schema learn what the items add to it: the dimensions of a vector.
    fn learn(&mut self, items: &[PreparedItem]) -> Result<()> {
        let mut schema = self.schema.clone();
        let mut learnt = false;
        for prepared in items {
            learnt |= schema.admit(&prepared.item, false)?;
        }
        if learnt {
            self.check_spaces(&schema)?;
            (self.schema, self.schema_grew) = (schema, true);
        }
        Ok(())
    }

    /// Whether an item was put with the old field since it was last asked.
    fn was_put_again(&self) -> bool {
        let going_on = self.stores.put_again.load();
        going_on.as_ref().is_some_and(|going_on| std::mem::take(&mut *lock(&going_on.1)))
    }

    /// Notes that an item is put with a field that is being renamed or dropped.
    pub(super) fn note_field(&self, item: &Item) {
        if let Some(going_on) = self.stores.put_again.load().as_ref()
            && item.fields.contains_key(&going_on.0)
        {
            *lock(&going_on.1) = true;
        }
    }

    fn finish_change(&mut self, change: &FieldChange) -> Result<()> {
        self.schema.finish_change(change);
        let mut notes: FieldNotes = self.write.view().meta(FIELD_NOTES)?.unwrap_or_default();
        match change {
            FieldChange::Rename { from, to } => {
                let note = notes.0.remove(from).unwrap_or_default();
                notes.0.insert(to.clone(), note);
            }
            FieldChange::Drop { name } => {
                notes.0.remove(name);
            }
            FieldChange::Retype { .. } => {}
        }
        self.write.set_meta(FIELD_NOTES, &notes)?;
        self.write.set_meta(GOING_ON, &None::<FieldChange>)?;
        self.stores.put_again.store(None);
        self.save_schema()
    }
}

/// The error of an item whose value does not fit.
pub(crate) fn refused(change: &FieldChange, item: &Item) -> Error {
    let (field, expected) = match change {
        FieldChange::Retype { name, kind, .. } => (name.clone(), kind_with_form(*kind)),
        other => (other.field().to_owned(), String::new()),
    };
    let found = item.fields.get(&field).map_or_else(String::new, |value| shown(&format!("{value:?}")));
    Error::FieldType { item: item.id.clone(), field, expected, found }
}

fn kind_with_form(kind: Kind) -> String {
    format!("a value that has a form as {}", kind.name())
}

fn shown(value: &str) -> String {
    crate::api::decode::shortened(value)
}

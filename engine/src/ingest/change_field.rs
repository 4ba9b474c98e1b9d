//! Changing a field of every item: in the writer's transactions, a chunk of items at a time, so that other writes go on between
//! them.
//!
//! The change that is going on is a record of the catalog. After a crash the items that were written have the new form, the
//! others the old one, and the same call goes on with those.

use crate::api::field_change::{Changed, FieldChange};
use crate::api::field_type::Kind;
use crate::api::item::Item;
use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;
use crate::base::row::NAMED_ROWS;
use crate::store::field_notes::{FIELD_NOTES, FieldNotes};
use crate::store::lock;

use super::field_step::{Planned, Step, encoded};
use super::pending::Pending;
use super::prepared::PreparedItem;
use super::stored::compare;

/// The record of the change that is going on.
const GOING_ON: &str = "field_change";
/// Items that one transaction looks at, and of these, items that it writes.
const READ: usize = 4_096;
const WRITTEN: usize = 512;
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
            return self.change_items(step);
        }
        let resumed = self.is_going_on(&step.change)?;
        self.schema.begin_change(&step.change, resumed)?;
        self.add_spaces()?;
        self.write.set_meta(GOING_ON, &Some(&*step.change))?;
        // From here on, items that are put get the new form at once.
        self.stores.field_change.store(Some(step.change.clone()));
        self.save_schema()?;
        Ok(0)
    }

    fn change_items(&mut self, step: Step) -> Result<usize> {
        let Planned { items, next, dropped } = step.planned;
        let mut done = lock(&step.done);
        done.changed += items.len();
        done.dropped += dropped.len();
        let room = NAMED_ROWS.saturating_sub(done.dropped_ids.len());
        done.dropped_ids.extend(dropped.into_iter().take(room));
        drop(done);
        self.put(items)?;
        if next.is_none() {
            self.finish_change(&step.change)?;
        }
        Ok(encoded(next))
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
        self.stores.field_change.store(None);
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

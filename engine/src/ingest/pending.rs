//! A group being written: checks that need the transaction, rows of the catalog, and what overlays will need.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::api::event::Event;
use crate::api::schema::Schema;
use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, Seq};
use crate::base::limits::{self, at_most};
use crate::base::time::Timestamp;
use crate::base::watch;
use crate::catalog::{CatalogWrite, Entry, LoggedEvent, SpaceNumber};
use crate::store::field_notes::{FIELD_NOTES, FieldNotes};
use crate::store::item_space::{Drift, ItemSpace};
use crate::store::{SPACES, SpaceRow, Spaces, Stores};
use crate::text::TextDoc;

use super::group::Work;
use super::prepare::place_again;
use super::prepared::PreparedItem;
use super::stored::{settle, update_again};

/// Vectors of a commit, by space, for the overlays.
pub(super) type Staged = BTreeMap<SpaceNumber, Vec<(ItemKey, Seq, Arc<[half::f16]>)>>;

/// A group being written.
pub(super) struct Pending<'s> {
    pub stores: &'s Stores,
    pub write: CatalogWrite<'s>,
    pub schema: Schema,
    pub schema_grew: bool,
    /// Whether the schema is to be shown to readers with the commit.
    pub schema_changed: bool,
    pub spaces: Spaces,
    /// The space of items that is current in this transaction.
    pub items: Arc<ItemSpace>,
    pub drift: Drift,
    pub now: Timestamp,
    /// Rows that were not refused: a group of refusals only is not committed.
    pub rows: usize,
    pub docs: Vec<TextDoc>,
    pub vectors: Staged,
    /// Events in the order of their jobs.
    pub entries: Vec<Entry>,
    /// Users that were looked up already: known, or counted as new.
    pub users: HashSet<String>,
    pub drain: bool,
    /// Items that were put: events may have named them before.
    pub adopted: Vec<(String, ItemKey)>,
}

impl<'s> Pending<'s> {
    pub(super) fn begin(stores: &'s Stores) -> Result<Pending<'s>> {
        let write = stores.catalog.write()?;
        // IMPORTANT: looked at after the transaction is ours, or a failure in between would be missed.
        if let Some(reason) = stores.poisoned.load_full() {
            return Err(Error::Poisoned { reason: reason.to_string() });
        }
        let (schema, spaces) = (Schema::clone(&stores.schema.load()), Spaces::clone(&stores.spaces.load()));
        let items = stores.item_spaces()?.at(write.view())?;
        let items = items.ok_or_else(|| Error::internal("the current item space is not open"))?;
        let drift = Drift::read(write.view(), &items)?;
        Ok(Pending {
            stores,
            write,
            schema,
            schema_grew: false,
            schema_changed: false,
            spaces,
            items,
            drift,
            now: Timestamp::now(),
            rows: 0,
            docs: Vec::new(),
            vectors: BTreeMap::new(),
            entries: Vec::new(),
            users: HashSet::new(),
            drain: false,
            adopted: Vec::new(),
        })
    }

    /// Admits the fields of a batch to the schema, or a scenario to those there are: the last thing that can refuse it.
    pub(super) fn check(&mut self, work: &mut Work) -> Result<()> {
        if let Work::SetScenario(name, _) = &*work {
            let names = self.write.view().scenario_names()?;
            let more = usize::from(!names.contains(name));
            return at_most("scenarios", limits::MAX_SCENARIOS, names.len() + more);
        }
        if matches!(work, Work::Put(_) | Work::Log(..) | Work::PutUsers(_) | Work::ChangeField(_)) {
            self.stores.catalog.check_room()?;
        }
        if let Work::PutUsers(users) = &*work {
            return self.admit_users(users);
        }
        if let Work::ChangeField(step) = work {
            return self.check_step(step);
        }
        let Work::Put(items) = work else { return Ok(()) };
        let mut schema = self.schema.clone();
        let mut learnt = false;
        for prepared in items {
            let again = update_again(&self.write.view(), prepared)?;
            if let Some(change) = self.stores.field_change.load().as_deref() {
                prepared.follow(change, &self.stores.config)?;
            }
            prepared.fit(&schema, &self.stores.config)?;
            if again {
                prepared.item.check()?;
            }
            learnt |= schema.admit(&prepared.item, self.stores.config.strict)?;
        }
        if learnt {
            self.check_spaces(&schema)?;
            self.schema = schema;
            self.schema_grew = true;
        }
        Ok(())
    }

    pub(super) fn apply(&mut self, work: Work) -> Result<usize> {
        // Of a put only what is written counts.
        self.rows += if matches!(work, Work::Put(_) | Work::ChangeField(_)) { 0 } else { work.rows() };
        match work {
            Work::Put(items) => self.put(items),
            Work::Delete(ids) => self.delete(&ids),
            Work::Log(events, sent) => self.log(events, sent),
            Work::PutUsers(users) => self.put_users(users),
            Work::DeleteUsers(ids) => self.delete_users(&ids),
            Work::Drain => {
                self.drain = true;
                Ok(0)
            }
            Work::SetScenario(name, rules) => self.write.set_scenario(&name, &rules).map(|()| 1),
            Work::ChangeField(step) => self.change_field(step),
            Work::DeleteScenario(name) => self.write.delete_scenario(&name).map(usize::from),
        }
    }

    pub(super) fn put(&mut self, mut items: Vec<PreparedItem>) -> Result<usize> {
        settle(&self.write.view(), &self.items, &mut items)?;
        self.rows += items.len();
        place_again(self.stores, &self.items, &mut items)?;
        if std::mem::take(&mut self.schema_grew) {
            self.add_spaces()?;
            self.note_new_fields()?;
            self.save_schema()?;
        }
        let (count, known) = (items.len(), self.drift.clone());
        for (done, prepared) in items.into_iter().enumerate() {
            watch::step("write", done, count)?;
            self.put_one(prepared)?;
        }
        if self.drift != known {
            self.drift.write(&mut self.write)?;
        }
        Ok(count)
    }

    /// Writes the schema, and has it shown to readers with the commit.
    pub(super) fn save_schema(&mut self) -> Result<()> {
        self.schema_changed = true;
        self.write.set_meta("schema", &self.schema)
    }

    /// Notes since when fields are there that no commit had before.
    fn note_new_fields(&mut self) -> Result<()> {
        let known = self.stores.schema.load();
        let mut notes: FieldNotes = self.write.view().meta(FIELD_NOTES)?.unwrap_or_default();
        for name in self.schema.fields.keys().filter(|name| !known.fields.contains_key(*name)) {
            notes.begin(name, self.now);
        }
        self.write.set_meta(FIELD_NOTES, &notes)
    }

    /// Refuses a vector field whose name had other dimensions before it was dropped or retyped: its graph is still there.
    pub(super) fn check_spaces(&self, schema: &Schema) -> Result<()> {
        for (field, dimensions) in schema.vector_fields() {
            let name = Spaces::field_space(field);
            if let Some((_, row)) =
                self.spaces.rows().find(|(_, row)| row.name == name && row.dimensions as usize != dimensions)
            {
                let expected = row.dimensions as usize;
                return Err(Error::DimMismatch { space: field.to_owned(), expected, found: dimensions });
            }
        }
        Ok(())
    }

    fn put_one(&mut self, prepared: PreparedItem) -> Result<()> {
        let PreparedItem { item, available, first_put, placed, vectors, .. } = prepared;
        let mut by_space: Vec<(SpaceNumber, Option<Arc<[half::f16]>>)> = Vec::with_capacity(self.spaces.0.len());
        for (number, row) in self.spaces.rows() {
            by_space.push(match row.name.strip_prefix("field:") {
                Some(field) => {
                    (number, vectors.iter().find(|(name, _)| name == field).map(|(_, vector)| vector.clone()))
                }
                None => (self.items.number, placed.as_ref().map(|placed| placed.vector.clone())),
            });
        }
        let bytes: Vec<(SpaceNumber, Option<Vec<u8>>)> =
            by_space.iter().map(|(n, v)| (*n, v.as_deref().map(crate::vector::to_bytes))).collect();
        let borrowed: Vec<(SpaceNumber, Option<&[u8]>)> = bytes.iter().map(|(n, b)| (*n, b.as_deref())).collect();
        let key = self.write.put(&item, available, first_put.unwrap_or(self.now), &borrowed)?;
        self.write.set_sid(self.items.number, key, placed.as_ref().map(|placed| placed.sid))?;
        if let Some(error) = placed.and_then(|placed| placed.error) {
            self.drift.add(error);
        }
        self.adopted.push((item.id.clone(), key));
        let generation = self.write.seq();
        for (number, vector) in by_space {
            if let Some(vector) = vector {
                self.vectors.entry(number).or_default().push((key, generation, vector));
            }
        }
        self.docs.push(TextDoc { key, generation, fields: Arc::new(item.fields) });
        Ok(())
    }

    /// Gives every vector field that the schema knows a space of its own.
    pub(super) fn add_spaces(&mut self) -> Result<()> {
        let known = self.spaces.0.len();
        for (field, dimensions) in self.schema.vector_fields() {
            let name = Spaces::field_space(field);
            if self.spaces.number(&name).is_none() {
                let id = format!("{name}:{dimensions}");
                self.spaces.0.push(SpaceRow { name, id, dimensions: dimensions as u32 });
            }
        }
        if self.spaces.0.len() > known {
            self.write.set_meta(SPACES, &self.spaces)?;
        }
        Ok(())
    }

    fn delete(&mut self, ids: &[String]) -> Result<usize> {
        let of_fields = self.spaces.rows().filter(|(_, row)| !row.is_items()).map(|(number, _)| number);
        let spaces: Vec<SpaceNumber> = of_fields.chain([self.items.number]).collect();
        let mut deleted = 0;
        for id in ids {
            watch::check()?;
            deleted += usize::from(self.write.delete(id, &spaces)?);
        }
        Ok(deleted)
    }

    pub(super) fn log(&mut self, mut events: Vec<Event>, sent: Option<Timestamp>) -> Result<usize> {
        self.add_segments(&mut events)?;
        let logged = events.into_iter().map(|mut event| {
            let dated = event.time.is_some();
            event.time.get_or_insert(sent.map_or(self.now, |sent| sent.min(self.now)));
            LoggedEvent { event, arrived: self.now, dated }
        });
        let logged = logged.collect();
        self.log_as(logged)
    }

    /// Logs events with their times of arrival.
    pub(super) fn log_as(&mut self, events: Vec<LoggedEvent>) -> Result<usize> {
        let count = events.len();
        for logged in events {
            self.count_if_new(&logged.event.user)?;
            self.entries.push(Entry::Event(logged));
        }
        Ok(count)
    }

    /// Counts a user that is not known yet.
    pub(super) fn count_if_new(&mut self, id: &str) -> Result<()> {
        if !self.users.contains(id) {
            if self.is_new_user(id)? {
                self.write.count_user();
            }
            self.users.insert(id.to_owned());
        }
        Ok(())
    }

    fn is_new_user(&self, id: &str) -> Result<bool> {
        Ok(!self.stores.events.knows_user(id) && self.write.view().user_key(id)?.is_none())
    }
}

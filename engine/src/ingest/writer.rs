//! The one writer thread, with group commit.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, Sender, bounded};

use crate::api::event::Event;
use crate::api::schema::Schema;
use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, Seq};
use crate::base::limits::{self, at_most};
use crate::base::time::Timestamp;
use crate::catalog::{CatalogWrite, Entry, Impression, LoggedEvent, SpaceNumber};
use crate::store::item_space::{Drift, ItemSpace};
use crate::store::{SPACES, SpaceRow, Spaces, Stores};
use crate::text::TextDoc;
use crate::vector::SpaceSpec;

use super::group::{Gather, Job, Work};
use super::keeper::{JournalKeeper, apply_journal};
use super::prepare::{PreparedItem, place_again};

/// Batches that may wait; further callers block, which is the back-pressure they need.
const QUEUE: usize = 256;
/// Items that readers may see through the overlays before writers wait for the indexes: the overlays are scanned by
/// every request.
const LONGEST_TAIL: u64 = 20_000;

/// Longest that a group waits for callers that are expected back.
const LONGEST_PATIENCE: Duration = Duration::from_millis(2);

/// A group of more events than this is applied with its own commit: the pages that it touches are shared anyway.
const JOURNALED: usize = 1_024;
/// Impressions that one commit takes, so that its entry in the journal can be read back within the codec's bound.
pub(super) const IMPRESSIONS_PER_COMMIT: usize = 1_024;

/// The way to the writer thread. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: Sender<Job>,
    stores: Arc<Stores>,
}

/// The thread; it ends when the last [`Writer`] is dropped.
pub(crate) struct WriterThread(JoinHandle<()>);

impl WriterThread {
    /// Waits for the end of the thread.
    pub(crate) fn join(self) -> Result<()> {
        self.0.join().map_err(|_| Error::internal("the writer thread panicked"))
    }
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(stores: Arc<Stores>) -> Result<(Writer, WriterThread)> {
        let (queue, jobs) = bounded(QUEUE);
        let shared = stores.clone();
        let thread = std::thread::Builder::new()
            .name("onelist-writer".to_owned())
            .spawn(move || run(&shared, &jobs))
            .map_err(|e| Error::io("start a thread for", &stores.path, e))?;
        Ok((Writer { queue, stores }, WriterThread(thread)))
    }

    /// Writes items; durable and visible on return.
    pub(crate) fn put(&self, items: Vec<PreparedItem>) -> Result<()> {
        self.wait_for_indexes();
        self.submit(Work::Put(items)).map(|_| ())
    }

    /// Deletes items; durable on return. Answers how many there were.
    pub(crate) fn delete(&self, ids: Vec<String>) -> Result<usize> {
        self.submit(Work::Delete(ids))
    }

    /// Logs events; durable and felt on return.
    pub(crate) fn log(&self, events: Vec<Event>) -> Result<()> {
        self.submit(Work::Log(events)).map(|_| ())
    }

    /// Stores a scenario (its rules as JSON text); durable and visible on return.
    pub(crate) fn set_scenario(&self, name: String, rules: String) -> Result<()> {
        self.submit(Work::SetScenario(name, rules)).map(|_| ())
    }

    /// Removes a scenario; durable on return. Answers whether there was one.
    pub(crate) fn delete_scenario(&self, name: String) -> Result<bool> {
        Ok(self.submit(Work::DeleteScenario(name))? > 0)
    }

    /// Waits until everything that was logged is in the tables that background work and signals read.
    pub(crate) fn settle(&self) -> Result<()> {
        self.send(Work::Settle).map(|_| ())
    }

    fn submit(&self, work: Work) -> Result<usize> {
        if work.rows() == 0 {
            return Ok(0);
        }
        self.send(work)
    }

    fn send(&self, work: Work) -> Result<usize> {
        let (reply, answer) = bounded(1);
        self.queue.send(Job { work, reply }).map_err(|_| Error::Closed)?;
        answer.recv().map_err(|_| Error::Closed)?
    }

    /// Holds a writer back while the overlays are long. The wait is bounded: a build that fails must not stop writes.
    fn wait_for_indexes(&self) {
        let short = || longest_tail(&self.stores) < LONGEST_TAIL;
        if !short() {
            self.stores.progress.wait(Duration::from_secs(30), short);
        }
    }
}

/// Logs events and applies them in one commit, on the caller's thread: for replays, where signals have to follow event
/// by event and nobody shares the commit.
pub(crate) fn log_applied(stores: &Stores, events: Vec<Event>) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let mut pending = Pending::begin(stores)?;
    pending.settle = true;
    pending.log(events)?;
    pending.commit()
}

fn longest_tail(stores: &Stores) -> u64 {
    let spaces = stores.open_spaces().unwrap_or_default();
    let vectors = spaces.iter().map(|(_, _, space)| space.tail_len());
    vectors.chain([stores.text.view().tail_len()]).max().unwrap_or(0) as u64
}

fn run(stores: &Stores, jobs: &Receiver<Job>) {
    let mut gather = Gather { expected: 1, patience: Duration::ZERO };
    let mut journal = JournalKeeper::new(stores);
    while let Some(first) = journal.next_job(jobs) {
        let group = gather.group(first, jobs);
        let (callers, start) = (group.len(), Instant::now());
        commit_group(stores, group);
        // Whoever was answered and whoever waits already is likely to come (back) now.
        gather.expected = callers + jobs.len();
        gather.patience = (start.elapsed() / 2).min(LONGEST_PATIENCE);
        journal.shorten();
    }
    // What came while the engine was closing.
    while !stores.impressions.is_empty() && commit_impressions(stores) {}
}

/// Writes impressions that wait, without anybody's work. Those of a commit that fails are counted as dropped.
pub(super) fn commit_impressions(stores: &Stores) -> bool {
    match Pending::begin(stores).and_then(Pending::commit) {
        Ok(()) => true,
        Err(error) => {
            stores.background_error.store(Some(Arc::new(error.to_string())));
            false
        }
    }
}

/// Commits a group, and answers everybody in it. A job that is refused leaves the others untouched.
fn commit_group(stores: &Stores, group: Vec<Job>) {
    let mut replies = Vec::with_capacity(group.len());
    // So that an impression is in the journal before every event that answers it.
    while stores.impressions.arrivals().len() > IMPRESSIONS_PER_COMMIT && commit_impressions(stores) {}
    let result = try_commit(stores, group, &mut replies);
    for (reply, answer) in replies {
        // A caller that is gone does not need an answer.
        let _ = match (&result, answer) {
            (Ok(()), answer) => reply.send(answer),
            (Err(error), Ok(_)) => reply.send(Err(again(error))),
            (Err(_), Err(refused)) => reply.send(Err(refused)),
        };
    }
}

/// The same failure for every caller of a group.
fn again(error: &Error) -> Error {
    match error {
        Error::Poisoned { reason } => Error::Poisoned { reason: reason.clone() },
        Error::Storage { reason } => Error::Storage { reason: reason.clone() },
        other => Error::internal(other.to_string()),
    }
}

type Replies = Vec<(Sender<Result<usize>>, Result<usize>)>;

fn try_commit(stores: &Stores, group: Vec<Job>, replies: &mut Replies) -> Result<()> {
    let mut pending = match Pending::begin(stores) {
        Ok(pending) => pending,
        Err(error) => {
            replies.extend(group.into_iter().map(|job| (job.reply, Ok(0))));
            return Err(error);
        }
    };
    let mut failed = None;
    for job in group {
        let answer = match (&failed, pending.check(&job.work)) {
            // A refused batch leaves no trace; the others of the group go on.
            (None, Err(refused)) => Err(refused),
            (None, Ok(())) => pending.apply(job.work).or_else(|error| {
                // The transaction is half written: nothing of the group may be committed.
                failed = Some(error);
                Ok(0)
            }),
            (Some(_), _) => Ok(0),
        };
        replies.push((job.reply, answer));
    }
    match failed {
        Some(error) => Err(error),
        // Nothing new, so no number: the journal is applied as it is when nobody waits.
        None if pending.rows == 0 && (!pending.settle || stores.impressions.is_empty()) => {
            let settle = pending.settle;
            drop(pending);
            if settle { apply_journal(stores, usize::MAX) } else { Ok(()) }
        }
        None => pending.commit(),
    }
}

/// Vectors of a commit, by space, for the overlays.
type Staged = BTreeMap<SpaceNumber, Vec<(ItemKey, Seq, Arc<[half::f16]>)>>;

/// A group being written.
struct Pending<'s> {
    stores: &'s Stores,
    write: CatalogWrite<'s>,
    schema: Schema,
    schema_grew: bool,
    spaces: Spaces,
    /// The space of items that is live in this transaction.
    items: Arc<ItemSpace>,
    drift: Drift,
    now: Timestamp,
    /// Rows that were not refused: a group of refusals only is not committed.
    rows: usize,
    docs: Vec<TextDoc>,
    vectors: Staged,
    /// Events in the order of their jobs.
    entries: Vec<Entry>,
    /// Users that were looked up already: known, or counted as new.
    users: HashSet<String>,
    settle: bool,
}

impl<'s> Pending<'s> {
    fn begin(stores: &'s Stores) -> Result<Pending<'s>> {
        let write = stores.catalog.write()?;
        // IMPORTANT: looked at after the transaction is ours, or a failure in between would be missed.
        if let Some(reason) = stores.poisoned.load_full() {
            return Err(Error::Poisoned { reason: reason.to_string() });
        }
        let (schema, spaces) = (Schema::clone(&stores.schema.load()), Spaces::clone(&stores.spaces.load()));
        let items = stores.item_spaces()?.at(write.view())?;
        let items = items.ok_or_else(|| Error::internal("the live item space is not open"))?;
        let drift = Drift::read(write.view(), &items)?;
        Ok(Pending {
            stores,
            write,
            schema,
            schema_grew: false,
            spaces,
            items,
            drift,
            now: Timestamp::now(),
            rows: 0,
            docs: Vec::new(),
            vectors: BTreeMap::new(),
            entries: Vec::new(),
            users: HashSet::new(),
            settle: false,
        })
    }

    /// Admits the fields of a batch to the schema, or a scenario to those there are: the last thing that can refuse it.
    fn check(&mut self, work: &Work) -> Result<()> {
        if let Work::SetScenario(name, _) = work {
            let names = self.write.view().scenario_names()?;
            let more = usize::from(!names.contains(name));
            return at_most("scenarios", limits::MAX_SCENARIOS, names.len() + more);
        }
        let Work::Put(items) = work else { return Ok(()) };
        let mut schema = self.schema.clone();
        let mut learnt = false;
        for prepared in items {
            learnt |= schema.admit(&prepared.item, self.stores.config.strict)?;
        }
        if learnt {
            self.schema = schema;
            self.schema_grew = true;
        }
        Ok(())
    }

    fn apply(&mut self, work: Work) -> Result<usize> {
        self.rows += work.rows();
        match work {
            Work::Put(items) => self.put(items),
            Work::Delete(ids) => self.delete(&ids),
            Work::Log(events) => self.log(events),
            Work::Settle => {
                self.settle = true;
                Ok(0)
            }
            Work::SetScenario(name, rules) => self.write.set_scenario(&name, &rules).map(|()| 1),
            Work::DeleteScenario(name) => self.write.delete_scenario(&name).map(usize::from),
        }
    }

    fn put(&mut self, mut items: Vec<PreparedItem>) -> Result<usize> {
        place_again(self.stores, &self.items, &mut items)?;
        if std::mem::take(&mut self.schema_grew) {
            self.add_spaces()?;
            self.write.set_meta("schema", &self.schema)?;
        }
        let (count, known) = (items.len(), self.drift.clone());
        items.into_iter().try_for_each(|prepared| self.put_one(prepared))?;
        if self.drift != known {
            self.drift.write(&mut self.write)?;
        }
        Ok(count)
    }

    fn put_one(&mut self, prepared: PreparedItem) -> Result<()> {
        let PreparedItem { item, available, placed, vectors, space: _ } = prepared;
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
        let key = self.write.put(&item, available, self.now, &borrowed)?;
        self.write.set_sid(self.items.number, key, placed.as_ref().map(|placed| placed.sid))?;
        if let Some(error) = placed.and_then(|placed| placed.error) {
            self.drift.add(error);
        }
        self.stores.events.adopt(&item.id, key);
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
    fn add_spaces(&mut self) -> Result<()> {
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
            deleted += usize::from(self.write.delete(id, &spaces)?);
        }
        Ok(deleted)
    }

    fn log(&mut self, events: Vec<Event>) -> Result<usize> {
        let count = events.len();
        for mut event in events {
            let dated = event.time.is_some();
            event.time.get_or_insert(self.now);
            if !self.users.contains(&event.user) {
                if self.is_new_user(&event.user)? {
                    self.write.count_user();
                }
                self.users.insert(event.user.clone());
            }
            self.entries.push(Entry::Event(LoggedEvent { event, arrived: self.now, dated }));
        }
        Ok(count)
    }

    fn is_new_user(&self, id: &str) -> Result<bool> {
        Ok(!self.stores.events.knows_user(id) && self.write.view().user_key(id)?.is_none())
    }

    /// Shows the group to readers and makes it durable.
    ///
    /// IMPORTANT: the order. Overlays, recent keys, schema and spaces first, commit last: a reader that sees the commit
    /// finds all of it. What was staged for a commit that fails has a generation that no catalog row will ever have,
    /// so no reader can see it.
    fn commit(mut self) -> Result<()> {
        let stores = self.stores;
        let shown = stores.impressions.take(IMPRESSIONS_PER_COMMIT);
        let taken = shown.len();
        let result = self.journal(shown).and_then(|()| self.finish());
        if result.is_err() {
            stores.impressions.lose(taken);
        }
        result
    }

    fn finish(self) -> Result<()> {
        let seq = self.write.seq();
        let Pending { stores, write, schema, spaces, items, docs, vectors, .. } = self;
        let applied = write.applied();
        let changed = write.changed().to_vec();
        if !changed.is_empty() {
            open_new_spaces(stores, &spaces)?;
            stores.schema.store(Arc::new(schema));
            stores.spaces.store(Arc::new(spaces));
            stores.recent.add(seq, changed.iter().copied());
            stores.text.stage(seq, docs, &stores.schema.load());
            stage_vectors(stores, &items, seq, vectors)?;
        }
        match write.commit() {
            Ok(_) => {
                if !changed.is_empty() {
                    stores.progress.commit(seq);
                }
                stores.events.settle(applied);
                Ok(())
            }
            Err(error) => Err(poison(stores, error)),
        }
    }
}

impl Pending<'_> {
    /// Appends impressions and the group's events to the journal and shows them to readers; many at once are applied
    /// instead. Impressions come first, because an event may answer one of them.
    fn journal(&mut self, shown: Vec<Impression>) -> Result<()> {
        let (events, config, seq) = (std::mem::take(&mut self.entries), &self.stores.config, self.write.seq());
        let many = events.len() > JOURNALED;
        let entries: Vec<Entry> = shown.into_iter().map(Entry::Impression).chain(events).collect();
        if self.settle || many {
            return self.write.append_and_apply(config, &entries);
        }
        if !entries.is_empty() {
            self.write.append(&entries)?;
            let view = self.write.view();
            self.stores.events.stage(seq, &entries, config, |id| view.item_key(id).ok().flatten());
        }
        Ok(())
    }
}

fn open_new_spaces(stores: &Stores, spaces: &Spaces) -> Result<()> {
    for row in &spaces.0 {
        if stores.vectors.space(&row.name).is_none() {
            let spec = SpaceSpec { name: row.name.clone(), dimensions: row.dimensions as usize, id: row.id.clone() };
            stores.vectors.open_space(&spec, &[])?;
        }
    }
    Ok(())
}

fn stage_vectors(stores: &Stores, items: &ItemSpace, seq: Seq, mut vectors: Staged) -> Result<()> {
    if let Some(staged) = vectors.remove(&items.number) {
        items.graph.stage(seq, staged)?;
    }
    for (number, row) in stores.spaces.load().rows() {
        if let (Some(space), Some(staged)) = (stores.vectors.space(&row.name), vectors.remove(&number)) {
            space.stage(seq, staged)?;
        }
    }
    Ok(())
}

/// After a failed commit nobody knows what reached the disk: writes stop until the directory is opened again.
fn poison(stores: &Stores, error: Error) -> Error {
    let reason = error.to_string();
    stores.poisoned.store(Some(Arc::new(reason.clone())));
    Error::Poisoned { reason }
}

//! Replaying a log into a scratch copy, which is asked on the way: its answers have the features as they were then.

use std::collections::HashMap;
use std::sync::Arc;

use super::scratch::Scratch;
use super::store_log::to_event;
use crate::api::candidate::Scored;
use crate::api::event::Event;
use crate::api::request::Request;
use crate::api::tuning::RequestContext;
use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;
use crate::ingest::log_applied;
use crate::offline::evaluate::Log;
use crate::pipeline::{Clock, score_read};
use crate::store::Stores;
use crate::store::snapshot::Snapshot;
use crate::understand::Understood;

/// Events that are logged in one batch between two questions.
const BATCH: usize = 50_000;
/// Growth of the log after which co-occurrence is rebuilt.
const REBUILD_GROWTH: f64 = 1.2;

/// A scratch copy that follows the log.
pub(super) struct Replay<'r> {
    source: &'r Stores,
    log: &'r Log,
    scratch: Scratch,
    /// Keys of the copy by item number of the log, and the other way.
    keys: Vec<Option<ItemKey>>,
    numbers: HashMap<ItemKey, u32>,
    waiting: Vec<Event>,
    /// The next event of the log.
    place: usize,
    logged: usize,
    rebuilt: usize,
}

impl<'r> Replay<'r> {
    /// Copies the items of `source`; `threads` will ask at the same time. The weights of the copy are ones, so that a feature's
    /// contribution to a score is the feature itself.
    ///
    /// # Errors
    /// [`crate::Error::Closed`], here and later, when `source` closes.
    pub(super) fn new(source: &'r Stores, log: &'r Log, threads: usize) -> Result<Replay<'r>> {
        let width = source.model().all_features().len();
        let scratch = Scratch::open(source, vec![vec![1.0; width]; 4], threads)?;
        let known: HashMap<&str, u32> = log.items.iter().map(|item| item.id.as_str()).zip(0..).collect();
        let mut keys = vec![None; log.items.len()];
        let mut numbers = HashMap::new();
        let inner = scratch.db.access()?;
        for row in inner.stores.catalog.read()?.view().items(ItemKey(0))? {
            let (key, record) = row?;
            if let Some(number) = known.get(record.item.id.as_str()) {
                numbers.insert(key, *number);
                keys[*number as usize] = Some(key);
            }
        }
        Ok(Replay { source, log, scratch, keys, numbers, waiting: Vec::new(), place: 0, logged: 0, rebuilt: 0 })
    }

    /// The log that it follows.
    pub(super) fn log(&self) -> &'r Log {
        self.log
    }

    /// The copy's key of an item of the log.
    pub(super) fn key(&self, item: u32) -> Option<ItemKey> {
        self.keys.get(item as usize).copied().flatten()
    }

    /// The item of the log that a candidate is.
    pub(super) fn number(&self, key: ItemKey) -> Option<u32> {
        self.numbers.get(&key).copied()
    }

    /// Logs the events before this place of the log.
    pub(super) fn advance(&mut self, at: usize) -> Result<()> {
        while self.place < at.min(self.log.events.len()) {
            self.source.check_open()?;
            self.waiting.extend(self.log.events.get(self.place).and_then(|event| to_event(self.log, event)));
            self.place += 1;
            if self.waiting.len() >= BATCH {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.source.check_open()?;
        let events = std::mem::take(&mut self.waiting);
        self.logged += events.len();
        log_applied(&self.scratch.db.access()?.stores, events)
    }

    /// The scored candidates of a request at this place of the log, best first, and the context that it is in.
    pub(super) fn ask(&mut self, request: Request) -> Result<(RequestContext, Vec<Scored>)> {
        let stores = self.stores()?;
        let asked = self.pin(&stores, request)?;
        let context = asked.understood.request_context();
        Ok((context, asked.score()?))
    }

    /// The stores of the copy.
    pub(super) fn stores(&self) -> Result<Arc<Stores>> {
        Ok(self.scratch.db.access()?.stores.clone())
    }

    /// A request at this place of the log, to be scored on any thread while the replay goes on. Co-occurrence is rebuilt
    /// first when the log has grown enough. `stores` are those of the copy.
    pub(super) fn pin<'s>(&mut self, stores: &'s Stores, request: Request) -> Result<Asked<'s>> {
        self.flush()?;
        if self.logged as f64 >= self.rebuilt as f64 * REBUILD_GROWTH && self.logged > 0 {
            self.rebuilt = self.logged;
            self.scratch.db.rebuild_cooccurrence()?;
        }
        let snapshot = Snapshot::pin(stores)?;
        let understood = Understood::read(&snapshot, &request)?;
        Ok(Asked { snapshot, request, understood })
    }
}

/// A request that was understood at its place of the log.
///
/// IMPORTANT: scoring reads only the pinned transaction. The neighbour lists, which no transaction pins in a scratch copy,
/// were read with the request.
pub(super) struct Asked<'s> {
    snapshot: Snapshot<'s>,
    request: Request,
    understood: Understood,
}

impl Asked<'_> {
    /// The scored candidates, best first.
    pub(super) fn score(self) -> Result<Vec<Scored>> {
        let Asked { snapshot, request, understood } = self;
        let found = score_read(&snapshot, &[request], vec![understood], &mut Clock::start())?;
        let found = found.into_iter().next().ok_or_else(|| Error::internal("no candidates for the request"))?;
        Ok(found.scored)
    }
}

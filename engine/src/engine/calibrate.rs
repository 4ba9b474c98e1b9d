//! `calibrate` on a store: past events become requests to a scratch copy, whose answers the weights are fitted to.

use std::collections::HashMap;

use super::Engine;
use super::evaluate::read_log;
use super::scratch::Scratch;
use super::systems::to_event;
use super::{Clock, score_all};
use crate::calibrate::{Draw, Past, Sample, choose, draw};
use crate::calibration::{Calibration, Situation};
use crate::candidate::Scored;
use crate::error::{Error, Result};
use crate::evaluate::{Log, LogEvent};
use crate::evaluation::Plan;
use crate::event::Event;
use crate::id::ItemKey;
use crate::ingest::prepare_events;
use crate::live_weights;
use crate::request::Request;
use crate::snapshot::Snapshot;
use crate::stores::Stores;
use crate::time::Timestamp;

/// Events that are logged in one batch between two samples.
const BATCH: usize = 50_000;
/// Growth of the log after which what is fitted to it is fitted again.
const REFIT_GROWTH: f64 = 1.2;
/// Candidates of a sample: those that are taken are few, and a weight is learnt from those that are near.
const CANDIDATES: usize = 200;

impl Engine {
    /// Fits the weights of the model's linear part to this store's log, checks them on later events than those they were
    /// fitted to, and uses those that are better from the next `rank` on. The store is only read while this runs; the
    /// work takes seconds for each million events.
    ///
    /// Past events are taken as answers to requests: the log is replayed into a scratch copy, as
    /// [`Engine::evaluate`] does, and at some thousand of them its candidates and their features are noted, as they were
    /// then. A listwise softmax (McFadden 1974; ListNet, Cao and others 2007) is fitted to what was taken, pulled
    /// towards the weights in force. Each [`Situation`] has weights of its own. Versions are kept:
    /// [`Engine::calibrations`], [`Engine::use_calibration`].
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when `Config::weights` fixes the weights; otherwise what `open`, `log` and `rank` answer.
    pub fn calibrate(&self) -> Result<Calibration> {
        self.calibrate_until(Timestamp::MAX)
    }

    /// The same from the events before a time only: for measuring on what came after.
    pub fn calibrate_until(&self, until: Timestamp) -> Result<Calibration> {
        let inner = self.inner()?;
        inner.writer.settle()?;
        let stores = &inner.stores;
        if !stores.config.weights.is_empty() {
            let found = "weights that the configuration fixes";
            return Err(Error::argument("calibrate", "an engine opened without `weights`", found));
        }
        let mut log = read_log(stores, &Plan::default())?;
        log.events.retain(|event| event.time < until);
        let samples = collect(stores, &log)?;
        let live = stores.weights.load_full();
        let sets = choose(&samples, |situation| live.row(situation));
        live_weights::add(stores, log.events.len() as u64, sets)
    }

    /// The calibrations that are kept, oldest first, and the version in force (0: what the model ships).
    pub fn calibrations(&self) -> Result<(Vec<Calibration>, u64)> {
        live_weights::all(&self.inner()?.stores)
    }

    /// Puts a kept calibration in force, or with 0 what the model ships; felt by the next `rank`, durable on return.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a version that is not kept, or that was fitted for another model.
    pub fn use_calibration(&self, version: u64) -> Result<()> {
        live_weights::use_version(&self.inner()?.stores, version)
    }
}

/// Replays a log, and notes the candidates of those events that are drawn.
fn collect(stores: &Stores, log: &Log) -> Result<Vec<Sample>> {
    let past: Vec<Past> = log.events.iter().map(past).collect();
    let width = stores.model.all_features().len();
    // With weights of one, what a feature adds to the score is the feature.
    let mut replay = Replay {
        scratch: Scratch::open(stores, vec![vec![1.0; width]; 4])?,
        waiting: Vec::new(),
        logged: 0,
        fitted: 0,
    };
    let keys = replay.keys()?;
    let mut samples = Vec::new();
    let mut place = 0;
    for draw in draw(&past) {
        while place < draw.at {
            replay.log(log.events.get(place).and_then(|event| to_event(log, event)))?;
            place += 1;
        }
        let Some(event) = log.events.get(draw.at) else { break };
        let item = event.item.and_then(|item| log.items.get(item as usize)).map(|item| item.id.as_str());
        let taken = item.and_then(|id| keys.get(id).copied());
        let scored = replay.ask(&request(log, &draw, event.user, event.query.as_deref(), event.time))?;
        samples.push(sample(draw.situation, scored, taken));
    }
    Ok(samples)
}

pub(super) fn past(event: &LogEvent) -> Past {
    let item = event.wanted().map(|item| item as u32);
    Past { user: event.user, item, time: event.time, query: event.query.is_some() && item.is_some() }
}

pub(super) fn request(log: &Log, draw: &Draw, user: u32, query: Option<&str>, now: Timestamp) -> Request {
    let mut request = Request::new().now(now).limit(1).explain();
    request.candidates = Some(CANDIDATES);
    request.fields = Some(Vec::new());
    if draw.situation.history {
        request.user = log.users.get(user as usize).cloned();
    }
    if draw.situation.exclude_seen {
        request = request.exclude_seen();
    }
    request.query = query.filter(|_| draw.situation.query).map(str::to_owned);
    request
}

pub(super) fn sample(situation: Situation, scored: Vec<Scored>, taken: Option<ItemKey>) -> Sample {
    let place = scored.iter().position(|scored| Some(scored.candidate.key) == taken);
    Sample { situation, features: scored.into_iter().flat_map(|scored| scored.contributions).collect(), taken: place }
}

/// A scratch copy that follows the log.
struct Replay {
    scratch: Scratch,
    waiting: Vec<Event>,
    logged: usize,
    fitted: usize,
}

impl Replay {
    fn log(&mut self, event: Option<Event>) -> Result<()> {
        self.waiting.extend(event);
        if self.waiting.len() >= BATCH { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let events = prepare_events(std::mem::take(&mut self.waiting))?;
        self.logged += events.len();
        self.scratch.db.inner()?.writer.log_applied(events)
    }

    fn ask(&mut self, request: &Request) -> Result<Vec<Scored>> {
        self.flush()?;
        if self.logged as f64 >= self.fitted as f64 * REFIT_GROWTH && self.logged > 0 {
            self.fitted = self.logged;
            self.scratch.db.refit()?;
        }
        let inner = self.scratch.db.inner()?;
        let snapshot = Snapshot::pin(&inner.stores)?;
        let found = score_all(&snapshot, std::slice::from_ref(request), &mut Clock::start())?;
        Ok(found.into_iter().next().map(|found| found.scored).unwrap_or_default())
    }

    fn keys(&self) -> Result<HashMap<String, ItemKey>> {
        let inner = self.scratch.db.inner()?;
        let catalog = inner.stores.catalog.read()?;
        catalog.view().items(ItemKey(0))?.map(|row| row.map(|(key, record)| (record.item.id, key))).collect()
    }
}

//! `export_training` on a store: the log is replayed, and the candidates of its requests are written with their features at
//! that time.

use std::collections::{HashMap, VecDeque};
use std::path::Path;

use super::past_requests::past;
use super::replay::Replay;
use super::store_log::read_log;
use crate::api::candidate::Scored;
use crate::api::config::Config;
use crate::api::evaluation::Plan;
use crate::api::request::Request;
use crate::api::training::{TrainingPlan, TrainingSummary};
use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;
use crate::base::output_path;
use crate::base::random::unit_hash;
use crate::base::watch;
use crate::offline::evaluate::{Log, LogEvent};
use crate::offline::export::{Answer, Candidate, Past, TrainingFile};
use crate::offline::tune::spread;
use crate::store::Stores;

/// Newest events of a user that a row names: those that the model reads.
const HISTORY: usize = 50;
const SEED: u64 = 20_261_125;

/// Writes past requests as a Parquet file: one row for each candidate, with its features as they were at the time.
pub(crate) fn export(stores: &Stores, path: &Path, plan: &TrainingPlan) -> Result<TrainingSummary> {
    output_path::check_file(path, &stores.path)?;
    let mut log = read_log(stores, &Plan::default())?;
    if let Some(until) = plan.until {
        log.events.retain(|event| event.time < until);
    }
    write(stores, &log, path, plan)
}

fn write(stores: &Stores, log: &Log, path: &Path, plan: &TrainingPlan) -> Result<TrainingSummary> {
    let active = stores.model();
    let model = active.stats();
    let features = active.all_features();
    // The current space of the vectors: a fit is another space than that of the model's file.
    let space = stores.item_space()?.name().to_owned();
    let facts = [("features", features.join(",")), ("model", model.sha256), ("space", space)];
    let mut file = TrainingFile::create(path, features, &facts)?;
    let mut summary = TrainingSummary::default();
    let asked = asked(log, plan, stores.config.session_gap);
    if !asked.is_empty() {
        let (replay, config) = (Replay::new(stores, log, 1)?, &stores.config);
        let mut export = Exporter { replay, log, people: HashMap::new(), place: 0, plan, config };
        for (done, (at, exclude_seen)) in asked.iter().copied().enumerate() {
            watch::report("export", done, asked.len());
            export.one(at, exclude_seen, &mut file, &mut summary)?;
        }
    }
    summary.bytes = file.finish()?;
    Ok(summary)
}

/// Places in the log of the events whose requests are asked, and which of them exclude items the user has interacted with.
fn asked(log: &Log, plan: &TrainingPlan, gap: f64) -> Vec<(usize, bool)> {
    if plan.stratified {
        let past: Vec<_> = log.events.iter().map(past).collect();
        return spread(&past, gap, plan.requests).iter().map(|draw| (draw.at, draw.context.exclude_seen)).collect();
    }
    let requests: Vec<usize> = (0..log.events.len()).filter(|at| log.events[*at].wanted().is_some()).collect();
    let newest = &requests[requests.len().saturating_sub(plan.requests)..];
    newest.iter().map(|at| (*at, false)).collect()
}

/// A replay with the histories that rows name.
struct Exporter<'e> {
    replay: Replay<'e>,
    log: &'e Log,
    /// Places in the log of each user's newest events on items, oldest first.
    people: HashMap<u32, VecDeque<usize>>,
    /// The next event that histories lack.
    place: usize,
    plan: &'e TrainingPlan,
    config: &'e Config,
}

impl Exporter<'_> {
    /// Asks for the request that an event answers, and writes its candidates.
    fn one(
        &mut self,
        at: usize,
        exclude_seen: bool,
        file: &mut TrainingFile,
        summary: &mut TrainingSummary,
    ) -> Result<()> {
        let log = self.log;
        let event = log.events.get(at).ok_or_else(|| Error::internal("an event outside the log"))?;
        let taken = event.item.and_then(|item| self.replay.key(item));
        let taken = taken.ok_or_else(|| Error::internal("an item that the copy lacks"))?;
        self.replay.advance(at)?;
        self.remember(at);
        let mut request = request(log, event);
        if exclude_seen {
            request = request.exclude_seen();
        }
        let (context, mut scored) = self.replay.ask(request.clone())?;
        if scored.iter().all(|scored| scored.candidate.key != taken) {
            summary.not_retrieved += 1;
            scored.extend(self.alone(event, request)?);
        }
        let scored = choose(scored, taken, at, self.plan.negatives);
        let answer = Answer {
            request: at as u64,
            user: user_id(log, event),
            time: event.time,
            context: context.name(),
            query: event.query.as_deref(),
            history: self.history(event),
            action: event.action.name(),
            value: event.value,
        };
        let candidates: Vec<Candidate> = scored.iter().filter_map(|scored| self.candidate(scored, taken)).collect();
        file.add(&answer, &candidates)?;
        summary.requests += 1;
        summary.rows += candidates.len() as u64;
        Ok(())
    }

    /// The features of an item that was taken although no source proposed it. It has no sources.
    fn alone(&mut self, event: &LogEvent, mut request: Request) -> Result<Vec<Scored>> {
        let id = event.item.and_then(|item| self.log.items.get(item as usize)).map(|item| item.id.clone());
        request.among = Some(id.into_iter().collect());
        let (_, mut alone) = self.replay.ask(request)?;
        alone.iter_mut().for_each(|scored| scored.candidate.proposals.clear());
        Ok(alone)
    }

    /// Adds the events before `at` to the histories.
    fn remember(&mut self, at: usize) {
        for place in self.place..at {
            if let Some(event) = self.log.events.get(place).filter(|event| event.item.is_some()) {
                let past = self.people.entry(event.user).or_default();
                past.push_back(place);
                if past.len() > HISTORY {
                    past.pop_front();
                }
            }
        }
        self.place = at;
    }

    fn history(&self, event: &LogEvent) -> Vec<Past<'_>> {
        let places = self.people.get(&event.user).into_iter().flatten().rev();
        let named = places.filter_map(|place| {
            let past = self.log.events.get(*place)?;
            let item = self.log.items.get(past.item? as usize)?;
            let row = past.action.model_row(past.value, self.config);
            Some(Past { item: &item.id, action: past.action.name(), row, gap: event.time.seconds_since(past.time) })
        });
        named.collect()
    }

    fn candidate<'s>(&'s self, scored: &'s Scored, taken: ItemKey) -> Option<Candidate<'s>> {
        let item = self.log.items.get(self.replay.number(scored.candidate.key)? as usize)?;
        let sources = scored.candidate.proposals.iter().map(|proposal| proposal.source.name()).collect();
        let taken = scored.candidate.key == taken;
        Some(Candidate { item: &item.id, taken, sources, features: &scored.contributions })
    }
}

fn user_id<'l>(log: &'l Log, event: &LogEvent) -> &'l str {
    log.users.get(event.user as usize).map_or("", String::as_str)
}

/// The request that an event answers: its user's, at its time, with the query that it names.
fn request(log: &Log, event: &LogEvent) -> Request {
    let mut request = Request::new().user(user_id(log, event)).now(event.time).limit(1).explain();
    request.query.clone_from(&event.query);
    request.fields = Some(Vec::new());
    request
}

/// The taken item first, then the others in order of key: all of them, or a uniform sample.
fn choose(scored: Vec<Scored>, taken: ItemKey, at: usize, negatives: Option<usize>) -> Vec<Scored> {
    let (mut rows, mut others): (Vec<Scored>, Vec<Scored>) =
        scored.into_iter().partition(|scored| scored.candidate.key == taken);
    if let Some(most) = negatives {
        let place = |scored: &Scored| unit_hash([SEED, at as u64, scored.candidate.key.0]);
        others.sort_by(|a, b| place(a).total_cmp(&place(b)));
        others.truncate(most);
    }
    others.sort_by_key(|scored| scored.candidate.key);
    rows.extend(others);
    rows
}

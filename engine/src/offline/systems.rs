//! The engine as the systems that are measured: `rank` itself, ablations of it, and searches made from its candidates.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use super::lists::{Asked, System, all_systems, fused, proposed, resorted, whole};
use super::rolling::RollingTuning;
use super::scratch::Scratch;
use super::store_log::to_event;
use crate::api::candidate::Scored;
use crate::api::evaluation::{Plan, SystemKind, Variant};
use crate::api::event::Event;
use crate::api::exploration::NewItems;
use crate::api::request::Request;
use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::base::random::hex_id;
use crate::ingest::log_applied;
use crate::offline::evaluate::{Answer, Log, Question, Ranked, Subject, Task, past};
use crate::pipeline::{Candidates, Clock, score_all};
use crate::rerank::rerank;
use crate::respond::respond;
use crate::store::Stores;
use crate::store::snapshot::Snapshot;
use crate::understand::RequestCx;

/// Events that wait for the next question before they are logged in one batch.
const BATCH: usize = 50_000;
/// Growth of the log after which co-occurrence is rebuilt: less than in a store, as no user waits.
const REBUILD_GROWTH: f64 = 1.1;

/// One scratch engine, and the systems that are read off its answers.
pub(super) struct EngineSystems {
    scratch: Scratch,
    systems: Vec<(System, String, SystemKind)>,
    /// Item numbers of the log by key of the scratch engine, and by id.
    keys: HashMap<ItemKey, u32>,
    /// The other way: keys by item number.
    items: Vec<Option<ItemKey>>,
    ids: HashMap<String, u32>,
    waiting: Vec<Event>,
    /// Tunes the weights during the replay.
    tuning: Option<RollingTuning>,
    /// Events so far, and how many there were at the last rebuild.
    logged: usize,
    rebuilt: usize,
    explain: bool,
    limit: usize,
    new_items: Option<NewItems>,
}

impl EngineSystems {
    /// `rank` as the store has it, with everything that can be read off its answers.
    pub(super) fn main(source: &Stores, log: &Log, plan: &Plan) -> Result<EngineSystems> {
        let limit = plan.ks.iter().copied().max().unwrap_or(1);
        let systems = all_systems(plan, source.model().all_features());
        let scratch = Scratch::open(source, source.config.weights.clone(), 1)?;
        let mut main = EngineSystems::new(scratch, log, systems, limit)?;
        let stores = main.scratch.db.access()?.stores.clone();
        main.new_items = plan.new_items;
        if plan.tune {
            main.tuning = Some(RollingTuning::new(&stores));
        } else {
            // The weights that serve requests are measured.
            stores.set_weights(source.weights());
        }
        Ok(main)
    }

    /// The engine with the weights that its model ships.
    pub(super) fn untuned(source: &Stores, log: &Log) -> Result<EngineSystems> {
        let systems = vec![(System::Rank, "model zero".to_owned(), SystemKind::Baseline)];
        EngineSystems::new(Scratch::open(source, Vec::new(), 1)?, log, systems, 10)
    }

    /// The engine with other weights, or with another model.
    pub(super) fn variant(source: &Stores, log: &Log, plan: &Plan, variant: &Variant) -> Result<EngineSystems> {
        let Variant { name, weights, model } = variant;
        let systems = vec![(System::Rank, name.clone(), SystemKind::Variant)];
        let scratch = Scratch::with_model(source, model.as_deref(), weights.clone(), 1)?;
        let mut made = EngineSystems::new(scratch, log, systems, plan.ks.iter().copied().max().unwrap_or(1))?;
        made.new_items = plan.new_items;
        if plan.tune && model.is_some() && weights.is_empty() {
            made.tuning = Some(RollingTuning::new(&made.scratch.db.access()?.stores));
        }
        Ok(made)
    }

    fn new(
        scratch: Scratch,
        log: &Log,
        systems: Vec<(System, String, SystemKind)>,
        limit: usize,
    ) -> Result<EngineSystems> {
        let ids: HashMap<String, u32> =
            log.items.iter().enumerate().map(|(number, item)| (item.id.clone(), number as u32)).collect();
        let inner = scratch.db.access()?;
        let snapshot = Snapshot::pin(&inner.stores)?;
        let mut keys = HashMap::new();
        for row in snapshot.catalog.view().items(ItemKey(0))? {
            let (key, record) = row?;
            keys.extend(ids.get(&record.item.id).map(|number| (key, *number)));
        }
        drop(snapshot);
        let mut items = vec![None; log.items.len()];
        keys.iter().for_each(|(key, number)| items[*number as usize] = Some(*key));
        let explain = systems.iter().any(|(system, ..)| matches!(system, System::WithoutFeature(_)));
        Ok(EngineSystems {
            scratch,
            systems,
            keys,
            items,
            ids,
            waiting: Vec::new(),
            tuning: None,
            logged: 0,
            rebuilt: 0,
            explain,
            limit,
            new_items: None,
        })
    }

    fn flush(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let events = std::mem::take(&mut self.waiting);
        self.logged += events.len();
        // Applied at once: the signals have to be those of this moment.
        log_applied(&self.scratch.db.access()?.stores, events)
    }

    /// Rebuilds co-occurrence as a store does in the background, when the log has grown.
    fn rebuild_if_due(&mut self) -> Result<()> {
        if self.logged as f64 >= self.rebuilt as f64 * REBUILD_GROWTH && self.logged > 0 {
            self.rebuilt = self.logged;
            self.scratch.db.rebuild_cooccurrence()?;
        }
        Ok(())
    }

    /// Samples the candidates of the requests that an event answers.
    fn sample(&mut self, log: &Log, event: usize) -> Result<()> {
        let Some(mut tuning) = self.tuning.take() else { return Ok(()) };
        let due = tuning.due(log, event);
        if !due.is_empty() {
            self.flush()?;
            self.rebuild_if_due()?;
        }
        let stores = self.scratch.db.access()?.stores.clone();
        let item = log.events.get(event).and_then(|event| event.item);
        let taken = item.and_then(|item| self.items.get(item as usize).copied().flatten());
        for drawn in due {
            tuning.sample(&stores, (log, drawn), taken, |request| {
                let snapshot = Snapshot::pin(&stores)?;
                let found = score_all(&snapshot, std::slice::from_ref(request), &mut Clock::start())?;
                Ok(found.into_iter().next().map(|found| found.scored).unwrap_or_default())
            })?;
        }
        self.tuning = Some(tuning);
        Ok(())
    }

    fn ask(&self, request: &Request) -> Result<Asked> {
        let inner = self.scratch.db.access()?;
        let start = Instant::now();
        let snapshot = Snapshot::pin(&inner.stores)?;
        let found = score_all(&snapshot, std::slice::from_ref(request), &mut Clock::start())?;
        let kept: Vec<Scored> = found.iter().flat_map(|found| &found.scored).cloned().collect();
        let mut hits = Vec::new();
        for Candidates { understood, scored, .. } in found {
            let rank_id = hex_id();
            let cx = RequestCx { snapshot: &snapshot, request, understood: &understood };
            let page = rerank(cx, &rank_id, scored)?;
            hits.extend(respond(cx, page, rank_id)?.hits);
        }
        let micros = start.elapsed().as_micros() as u64;
        let mut list: Vec<(u32, f32)> =
            hits.iter().filter_map(|hit| Some((*self.ids.get(&hit.id)?, hit.score))).collect();
        let shown: HashSet<u32> = list.iter().map(|(item, _)| *item).collect();
        let candidates: Vec<(u32, Scored)> =
            kept.into_iter().filter_map(|scored| Some((*self.keys.get(&scored.candidate.key)?, scored))).collect();
        list.extend(candidates.iter().filter(|(item, _)| !shown.contains(item)).map(|(item, s)| (*item, s.score)));
        Ok(Asked { list, candidates, micros })
    }

    fn request(&self, log: &Log, question: &Question) -> Request {
        let mut request = Request::new().now(question.now).limit(self.limit);
        request.query = question.query.map(str::to_owned);
        request.exclude_seen = question.exclude_seen.into();
        request.explain = self.explain;
        request.new_items = self.new_items;
        // The payload is not needed.
        request.fields = Some(Vec::new());
        match question.hidden_user {
            // The events of a hidden user were not logged.
            true => request.history = past(log, question),
            false => request.user = question.user.and_then(|user| log.users.get(user as usize)).cloned(),
        }
        request
    }
}

impl Subject for EngineSystems {
    fn systems(&self) -> Vec<(String, SystemKind)> {
        self.systems.iter().map(|(_, name, kind)| (name.clone(), *kind)).collect()
    }

    fn log(&mut self, log: &Log, event: usize, _history: &[u32]) -> Result<()> {
        self.sample(log, event)?;
        self.waiting.extend(log.events.get(event).and_then(|event| to_event(log, event)));
        if self.waiting.len() >= BATCH { self.flush() } else { Ok(()) }
    }

    fn rank(&mut self, log: &Log, question: &Question) -> Result<Vec<Option<Answer>>> {
        self.flush()?;
        self.rebuild_if_due()?;
        if let Some(tuning) = &mut self.tuning {
            tuning.fit(&self.scratch.db.access()?.stores, self.logged);
        }
        let request = self.request(log, question);
        let asked = self.ask(&request)?;
        let read = |(system, ..): &(System, String, SystemKind)| self.read(system, question.task, &request, &asked);
        self.systems.iter().map(read).collect()
    }
}

impl EngineSystems {
    fn read(&self, system: &System, task: Task, request: &Request, asked: &Asked) -> Result<Option<Answer>> {
        let search = task != Task::NextItem;
        let list = match system {
            System::Rank => return Ok(Some(whole(asked))),
            System::WithoutFeature(place) => resorted(asked, |scored| {
                Some(scored.score - scored.contributions.get(*place).copied().unwrap_or_default())
            }),
            System::WithoutSource(source) => {
                let only = |scored: &Scored| scored.candidate.proposals.iter().all(|p| p.source == *source);
                resorted(asked, |scored| (!only(scored)).then_some(scored.score))
            }
            System::Only(source) if search => {
                resorted(asked, |scored| proposed(scored, *source).map(|(_, score)| score))
            }
            System::Fusion if search => resorted(asked, fused),
            System::QueryAlone if task == Task::QueryAndHistory => {
                let request = Request { user: None, history: Vec::new(), ..request.clone() };
                return Ok(Some(whole(&self.ask(&request)?)));
            }
            System::HistoryAlone if task == Task::QueryAndHistory => {
                return Ok(Some(whole(&self.ask(&Request { query: None, ..request.clone() })?)));
            }
            System::WithoutNewItems => {
                let none = NewItems { fraction: 0.0, ..NewItems::default() };
                return Ok(Some(whole(&self.ask(&Request { new_items: Some(none), ..request.clone() })?)));
            }
            _ => return Ok(None),
        };
        let retrieved = Some(list.iter().map(|(item, _)| *item).collect());
        let by_place = matches!(system, System::Fusion);
        Ok(Some(Answer { ranked: Ranked::List(list), retrieved, micros: asked.micros, by_place }))
    }
}

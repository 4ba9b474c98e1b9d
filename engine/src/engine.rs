//! The facade: what an application, and every binding, calls.

mod calibrate;
mod calibrator;
mod evaluate;
mod impressions;
mod models;
mod replay;
mod scratch;
mod shadow;
mod systems;
#[cfg(test)]
mod tests;
mod training;
mod walk;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;

use crate::arrange::arrange;
use crate::candidate::Scored;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::fit_space;
use crate::forget;
use crate::id::{ItemKey, check_id};
use crate::impress::impression;
use crate::ingest::{Writer, WriterThread, prepare_delete, prepare_events, prepare_items, prepare_scenario};
use crate::intent::{Intent, stored_rules};
use crate::item::Item;
use crate::limits::{self, at_most};
use crate::maintain::Maintenance;
use crate::observe;
use crate::open::{self, DirectoryLock};
use crate::random::hex_id;
use crate::rank::{self, Features, Question};
use crate::ranking::{Ranking, Took};
use crate::refit;
use crate::request::Request;
use crate::respond::respond;
use crate::retrieve::retrieve;
use crate::rule::{Rule, check_name};
use crate::snapshot::Snapshot;
use crate::stats::{Recount, SpaceCheck, Stats};
use crate::stores::{Stores, lock};

use calibrator::Calibrator;

pub use evaluate::counterfactual;

/// An open directory. Share it between threads; one handle per directory and process.
///
/// ```no_run
/// use onelist::{Action, Config, Engine, Event, Item, Request};
/// let db = Engine::open("shop.onelist", Config::default())?;
/// db.put(vec![Item::new("sku-9").text("title", "Red shoes").number("price", 59.0)])?;
/// db.log(vec![Event::new("u7", Action::Click).item("sku-9")])?;
/// for hit in db.rank(&Request::new().query("shoes").user("u7"))?.hits {
///     println!("{:6.3} {}", hit.score, hit.id);
/// }
/// db.close()?;
/// # Ok::<(), onelist::Error>(())
/// ```
pub struct Engine {
    inner: ArcSwapOption<Inner>,
    threads: Mutex<Option<Threads>>,
    opened_by: u32,
}

/// What every call uses.
struct Inner {
    stores: Arc<Stores>,
    writer: Writer,
}

/// What closing ends, in this order.
struct Threads {
    maintenance: Maintenance,
    calibrator: Option<Calibrator>,
    writer: WriterThread,
    lock: DirectoryLock,
}

impl Engine {
    /// Opens a directory, creating it when it is missing. When this returns, everything that was ever acknowledged can
    /// be read and ranked, after a crash too.
    ///
    /// # Errors
    /// [`Error::AlreadyOpen`], [`Error::NotADatabase`], [`Error::NewerFormat`], [`Error::RuntimeMissing`],
    /// [`Error::Provider`], [`Error::ModelRefused`], [`Error::Damaged`], [`Error::Io`], or
    /// [`Error::InvalidArgument`] for a setting out of range.
    pub fn open(path: impl AsRef<Path>, config: Config) -> Result<Engine> {
        let opened = open::open(path.as_ref(), config)?;
        scratch::clear(path.as_ref())?;
        let stores = Arc::new(opened.stores);
        let (writer, writer_thread) = Writer::start(stores.clone())?;
        let maintenance = Maintenance::start(stores.clone(), opened.text_durable)?;
        let inner = Arc::new(Inner { stores, writer });
        let calibrator = Calibrator::start(&inner)?;
        let threads = Threads { maintenance, calibrator, writer: writer_thread, lock: opened.lock };
        Ok(Engine {
            inner: ArcSwapOption::from(Some(inner)),
            threads: Mutex::new(Some(threads)),
            opened_by: std::process::id(),
        })
    }

    /// Puts items: new ids are added, known ones replaced as a whole. One call is one atomic batch, durable on return
    /// and seen by the next `rank`. Of several items with one id, the last one counts.
    ///
    /// # Errors
    /// Any error of kind [`crate::ErrorKind::Input`]; then nothing of the batch is written.
    /// [`Error::Poisoned`] after a failed write.
    pub fn put(&self, items: Vec<Item>) -> Result<()> {
        let inner = self.inner()?;
        let prepared = prepare_items(&inner.stores, items)?;
        inner.writer.put(prepared)
    }

    /// Deletes items by id, in one atomic batch. Unknown ids are passed over.
    ///
    /// Returns how many there were.
    pub fn delete<T: AsRef<str>>(&self, ids: &[T]) -> Result<usize> {
        let inner = self.inner()?;
        inner.writer.delete(prepare_delete(ids)?)
    }

    /// Reads items by id, in the order of `ids`; `None` for those that are not there.
    pub fn get<T: AsRef<str>>(&self, ids: &[T]) -> Result<Vec<Option<Item>>> {
        at_most("ids in one get", limits::MAX_BATCH, ids.len())?;
        let inner = self.inner()?;
        let catalog = inner.stores.catalog.read()?;
        let view = catalog.view();
        let read = |id: &T| {
            check_id("item", id.as_ref())?;
            let record = view.item_key(id.as_ref())?.map(|key| view.item(key)).transpose()?.flatten();
            Ok(record.map(|record| record.item))
        };
        ids.iter().map(read).collect()
    }

    /// Reads items in the order of their first `put`: at most `limit` after the item `after`, or from the first.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when `after` was never put.
    pub fn scan(&self, after: Option<&str>, limit: usize) -> Result<Vec<Item>> {
        at_most("limit of a scan", limits::MAX_BATCH, limit)?;
        let inner = self.inner()?;
        let catalog = inner.stores.catalog.read()?;
        let view = catalog.view();
        let from = match after {
            None => ItemKey(0),
            Some(id) => match view.item_key(id)? {
                Some(key) => ItemKey(key.0 + 1),
                None => return Err(Error::argument("after", "the id of an item that was put", "an unknown id")),
            },
        };
        view.items(from)?.take(limit).map(|row| row.map(|(_, record)| record.item)).collect()
    }

    /// Logs events, in one atomic batch; durable on return and felt by the next `rank`.
    ///
    /// # Errors
    /// Any error of kind [`crate::ErrorKind::Input`]; then nothing of the batch is written.
    pub fn log(&self, events: Vec<Event>) -> Result<()> {
        let inner = self.inner()?;
        inner.writer.log(prepare_events(events)?)
    }

    /// Answers one request with one ranked list: a search, a recommendation, both, or a first visit.
    ///
    /// # Errors
    /// Any error of kind [`crate::ErrorKind::Input`]. Unknown users and items, empty queries and empty catalogs are
    /// no errors.
    pub fn rank(&self, request: &Request) -> Result<Ranking> {
        let rankings = self.rank_many(std::slice::from_ref(request))?;
        rankings.into_iter().next().ok_or_else(|| Error::internal("no ranking for the request"))
    }

    /// Answers several requests from one snapshot, with one pass of the model over all their candidates. Each ranking is
    /// the same as that of [`Engine::rank`].
    pub fn rank_many(&self, requests: &[Request]) -> Result<Vec<Ranking>> {
        at_most("requests", limits::MAX_REQUESTS, requests.len())?;
        let inner = self.inner()?;
        let mut clock = Clock::start();
        let snapshot = Snapshot::pin(&inner.stores)?;

        let asked = score_all(&snapshot, requests, &mut clock)?;
        let mut answers = Vec::with_capacity(asked.len());
        let mut shown = Vec::new();
        for (Candidates { intent, scored, features }, request) in asked.into_iter().zip(requests) {
            let rank_id = hex_id();
            let mut page = arrange(&snapshot, request, &intent, &rank_id, scored)?;
            clock.took.rank_us += clock.lap();
            if request.explain {
                rank::leave_out(&snapshot, &intent, &mut page.hits)?;
            }
            let impression = impression(&snapshot, (request, &intent), &page, &rank_id, features);
            let (places, ranking) = (page.hits.len(), respond(&snapshot, request, intent, page, rank_id)?);
            // A hit that was gone when it was read would put those after it at wrong places.
            shown.extend(impression.filter(|_| ranking.hits.len() == places));
            answers.push(ranking);
            clock.took.respond_us += clock.lap();
        }
        let answers = clock.stamp(answers);
        shown.into_iter().for_each(|impression| inner.stores.impressions.send(impression));
        Ok(answers)
    }

    /// Stores rules under a name, in place of those that it had; durable on return. A request ranks by them when it
    /// names the scenario.
    ///
    /// # Errors
    /// Any error of kind [`crate::ErrorKind::Input`]; then nothing is written. A filter is compared with the fields of the
    /// store when a request names the scenario, because fields may come later.
    pub fn set_scenario(&self, name: &str, rules: &[Rule]) -> Result<()> {
        let inner = self.inner()?;
        let (name, rules) = prepare_scenario(name, rules)?;
        inner.writer.set_scenario(name, rules)
    }

    /// The stored scenarios, by name.
    pub fn scenarios(&self) -> Result<BTreeMap<String, Vec<Rule>>> {
        let inner = self.inner()?;
        let catalog = inner.stores.catalog.read()?;
        let view = catalog.view();
        let read = |name: String| {
            let json = view.scenario(&name)?.ok_or_else(|| Error::internal("a listed scenario is missing"))?;
            let rules = stored_rules(&name, &json)?;
            Ok((name, rules))
        };
        view.scenario_names()?.into_iter().map(read).collect()
    }

    /// Removes a scenario; durable on return. False when there is none of that name.
    pub fn delete_scenario(&self, name: &str) -> Result<bool> {
        let inner = self.inner()?;
        check_name(name)?;
        inner.writer.delete_scenario(name.to_owned())
    }

    /// Fits what is fitted to the whole log now, instead of in the background when the log has grown by a fifth: which
    /// items the same people have. For measuring, and after a bulk import.
    pub fn refit(&self) -> Result<()> {
        let inner = self.inner()?;
        inner.writer.settle()?;
        refit::fit_together(&inner.stores)
    }

    /// Fits the vector space of items to the catalog now, instead of in the background ([`Config::fit_space`]): which
    /// directions of meaning tell its items apart, and the codes of semantic ids. Every item is then placed anew beside
    /// the old vectors, while requests and writes go on, and one commit puts the new ones in their place. It takes about
    /// as long as putting the items did. False, with nothing changed, when fewer than 100 items have text.
    ///
    /// Cosines of another space are other numbers: scores change, and so does the order.
    ///
    /// # Errors
    /// [`Error::Closed`] when the engine closes meanwhile; [`Error::Storage`], [`Error::Index`], [`Error::Io`]. The old
    /// space stays then.
    pub fn fit_space(&self) -> Result<bool> {
        fit_space::fit_space(&self.inner()?.stores)
    }

    /// Counts all signals anew from the stored events, in the order in which they were logged: after a change of
    /// [`Config::actions`], or as a check. Writers wait meanwhile; it takes seconds for each million events.
    pub fn recount(&self) -> Result<Recount> {
        let inner = self.inner()?;
        inner.writer.settle()?;
        let mut write = inner.stores.catalog.write()?;
        // What was logged since then is in the journal.
        while write.apply_journal(&inner.stores.config, usize::MAX)? {}
        let applied = write.applied();
        let (before, after) = write.recount(&inner.stores.config)?;
        write.commit_bookkeeping()?;
        inner.stores.events.settle(applied);
        Ok(Recount { before, after })
    }

    /// Compares what the catalog keeps about the content of items, row by row: vectors, semantic ids, and the lists of
    /// items that share the first codes of one. It takes about a second for each half million items; requests and writes go on.
    pub fn check_space(&self) -> Result<SpaceCheck> {
        let inner = self.inner()?;
        let snapshot = Snapshot::pin(&inner.stores)?;
        let found = snapshot.catalog.view().check_sids(snapshot.item_space())?;
        Ok(SpaceCheck { vectors: found.vectors, semantic_ids: found.sids, wrong: found.wrong })
    }

    /// Removes the events that [`Config::retention`] does not keep now, instead of in the background when the log has grown
    /// by a tenth or a day has passed. Answers how many. What is kept is counted anew beside the store, in seconds for each million events; writers wait for
    /// the difference.
    ///
    /// # Errors
    /// [`Error::Storage`], [`Error::Damaged`], and [`Error::Closed`] when the engine is closed meanwhile; what earlier steps removed stays removed.
    pub fn trim(&self) -> Result<u64> {
        let inner = self.inner()?;
        forget::forget(&inner.stores, || inner.writer.settle())
    }

    /// The state of the engine, in numbers.
    pub fn stats(&self) -> Result<Stats> {
        let inner = self.inner()?;
        let threads = lock(&self.threads);
        observe::stats(&inner.stores, threads.as_ref().map(|threads| threads.maintenance.text_durable()))
    }

    /// Waits until the journal is applied and both indexes hold everything that is committed, and are on disk. Needed for nothing but measuring:
    /// what is committed is durable and visible without it.
    pub fn flush(&self) -> Result<()> {
        self.inner()?.writer.settle()?;
        let flusher = match lock(&self.threads).as_ref() {
            Some(threads) => threads.maintenance.flusher(),
            None => return Err(Error::Closed),
        };
        flusher.flush()
    }

    /// Flushes, ends the background threads and gives the directory free. Later calls answer [`Error::Closed`]; closing
    /// again does nothing.
    pub fn close(&self) -> Result<()> {
        self.check_process()?;
        let flushed = self.flush();
        let Some(threads) = lock(&self.threads).take() else { return Ok(()) };
        let inner = self.inner.swap(None);
        threads.maintenance.stop()?;
        threads.calibrator.map(Calibrator::join).transpose()?;
        let stores = release(inner)?;
        threads.writer.join()?;
        close_stores(stores);
        drop(threads.lock);
        match flushed {
            // A closed engine and one that refuses writes have nothing more to flush.
            Err(Error::Closed) => Ok(()),
            other => other,
        }
    }

    fn inner(&self) -> Result<Arc<Inner>> {
        self.check_process()?;
        self.inner.load_full().ok_or(Error::Closed)
    }

    /// LMDB's locks and our threads do not survive a fork.
    fn check_process(&self) -> Result<()> {
        if std::process::id() == self.opened_by {
            return Ok(());
        }
        Err(Error::Forked { opened_by: self.opened_by })
    }
}

impl Drop for Engine {
    /// Closes, as [`Engine::close`] does; whoever wants to know of an error closes before. In a forked child nothing is
    /// touched: the parent's handle owns the files.
    fn drop(&mut self) {
        if self.check_process().is_ok() {
            let _ = self.close();
        } else {
            std::mem::forget((self.inner.swap(None), lock(&self.threads).take()));
        }
    }
}

/// A request with its candidates.
struct Candidates {
    intent: Intent,
    /// Best first.
    scored: Vec<Scored>,
    /// Hash of the features.
    features: u64,
}

/// The stages from the request to its scored candidates.
fn score_all(snapshot: &Snapshot, requests: &[Request], clock: &mut Clock) -> Result<Vec<Candidates>> {
    let read = |request| Intent::read(snapshot, request);
    let intents = requests.iter().map(read).collect::<Result<Vec<_>>>()?;
    clock.took.context_us = clock.lap();
    score_read(snapshot, requests, intents, clock)
}

/// The stages from the request, understood, to its scored candidates.
fn score_read(
    snapshot: &Snapshot,
    requests: &[Request],
    intents: Vec<Intent>,
    clock: &mut Clock,
) -> Result<Vec<Candidates>> {
    let collect = |(intent, request)| retrieve(snapshot, intent, request);
    let candidates = intents.iter().zip(requests).map(collect).collect::<Result<Vec<_>>>()?;
    clock.took.retrieve_us = clock.lap();

    let describe = |(intent, candidates): (&Intent, &Vec<_>)| Features::read(snapshot, intent, candidates);
    let features = intents.iter().zip(&candidates).map(describe).collect::<Result<Vec<_>>>()?;
    clock.took.features_us = clock.lap();
    let asked = intents.iter().zip(&features).zip(requests);
    let questions: Vec<Question> =
        asked.map(|((intent, features), request)| Question { intent, features, explain: request.explain }).collect();
    let scored = rank::score(snapshot, &questions, candidates)?;
    let hashes: Vec<u64> = features.iter().map(Features::hash).collect();
    let asked = intents.into_iter().zip(scored).zip(hashes);
    let asked = asked.map(|((intent, scored), features)| Candidates { intent, scored, features }).collect();
    clock.took.rank_us = clock.took.features_us + clock.lap();
    Ok(asked)
}

/// Waits for the calls that are still running, and ends the writer's queue.
fn release(inner: Option<Arc<Inner>>) -> Result<Option<Arc<Stores>>> {
    let Some(mut inner) = inner else { return Ok(None) };
    loop {
        match Arc::try_unwrap(inner) {
            Ok(inner) => return Ok(Some(inner.stores)),
            Err(shared) => inner = shared,
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Closes the catalog, so that the path can be opened again at once.
fn close_stores(stores: Option<Arc<Stores>>) {
    if let Some(stores) = stores.and_then(Arc::into_inner) {
        stores.close();
    }
}

/// Times the stages of a call.
struct Clock {
    start: Instant,
    last: Instant,
    took: Took,
}

impl Clock {
    fn start() -> Clock {
        let now = Instant::now();
        Clock { start: now, last: now, took: Took::default() }
    }

    /// Microseconds since the last lap.
    fn lap(&mut self) -> u64 {
        let now = Instant::now();
        let lap = now - self.last;
        self.last = now;
        lap.as_micros() as u64
    }

    /// Writes the times into the answers.
    fn stamp(mut self, mut answers: Vec<Ranking>) -> Vec<Ranking> {
        self.took.total_us = self.start.elapsed().as_micros() as u64;
        answers.iter_mut().for_each(|answer| answer.took = self.took);
        answers
    }
}

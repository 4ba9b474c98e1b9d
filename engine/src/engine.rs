//! The facade: what an application, and every binding, calls. Its methods check arguments and delegate.

mod call;
mod deleting;
mod events;
mod impressions;
mod learning;
mod maintenance;
mod models;
mod notices;
mod orders;
mod processes;
mod stats;
mod stopping;
#[cfg(test)]
mod tests;
mod transfer;
mod upkeep;
mod users;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, Weak};

use crate::api::config::Config;
use crate::api::event::Event;
use crate::api::item::Item;
use crate::api::ranking::Ranking;
use crate::api::request::Request;
use crate::api::rule::{Rule, check_name};
use crate::api::stats::Stats;
use crate::api::token::Token;
use crate::base::error::{Error, Result};
use crate::base::limits::{self, at_most};
use crate::base::watch;
use crate::core::{Access, Core};
use crate::ingest::{prepare_delete, prepare_scenario};
use crate::offline::Tuner;
use crate::pipeline;
use crate::store::{items, lock};
use crate::understand::stored_scenarios;

use orders::{Delete, DeleteScenario, Log, Orders, Put, SetScenario};

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
    core: Arc<Core>,
    tuner: SharedTuner,
    /// Whether dropping it closes the store: not so for one that works for another process.
    owns: bool,
    /// The calls that [`Engine::cancel`] stops.
    running: Mutex<Vec<Weak<AtomicBool>>>,
}

/// Tunes the weights in the background, when the configuration asks for it and this process writes. With the process whose
/// thread it is: a forked child has inherited a handle of no thread.
#[derive(Clone, Default)]
struct SharedTuner(Arc<Mutex<Option<(u32, Tuner)>>>);

impl SharedTuner {
    fn start(&self, access: &Arc<Access>) {
        // Without a thread the weights stay as they are.
        let tuner = Tuner::start(access).ok().flatten().map(|tuner| (std::process::id(), tuner));
        std::mem::forget(std::mem::replace(&mut *lock(&self.0), tuner));
    }

    /// Waits for the thread.
    fn join(&self) -> Result<()> {
        match lock(&self.0).take() {
            Some((pid, tuner)) if pid == std::process::id() => tuner.join(),
            inherited => {
                std::mem::forget(inherited);
                Ok(())
            }
        }
    }
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
        let path = path.as_ref();
        let tuner = SharedTuner::default();
        let core = Core::open_shared(path, config, Arc::new(Orders { tuner: tuner.clone() }))?;
        Ok(Engine { core, tuner, owns: true, running: Mutex::default() })
    }

    /// An engine for the orders of other processes.
    fn of(core: Arc<Core>, tuner: SharedTuner) -> Engine {
        Engine { core, tuner, owns: false, running: Mutex::default() }
    }

    /// Does work, and tells who listens how long it took.
    fn timed<T>(&self, what: &'static str, rows: usize, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.core.notices().timed(what, rows, work)
    }

    /// Puts items: new ids are added, known ones replaced as a whole. One call is one atomic batch, durable on return
    /// and seen by the next `rank`. Of several items with one id, the last one counts.
    ///
    /// # Errors
    /// Any error of kind [`crate::ErrorKind::Input`]; then nothing of the batch is written.
    /// [`Error::Poisoned`] after a failed write.
    pub fn put(&self, items: Vec<Item>) -> Result<Token> {
        self.timed("put", items.len(), || self.core.order(Put(items)))
    }

    /// Deletes items by id, in one atomic batch. Unknown ids are passed over.
    ///
    /// Returns how many there were.
    pub fn delete<T: AsRef<str>>(&self, ids: &[T]) -> Result<usize> {
        self.timed("delete", ids.len(), || self.core.order(Delete(prepare_delete(ids)?)))
    }

    /// Reads items by id, in the order of `ids`; `None` for those that are not there.
    pub fn get<T: AsRef<str>>(&self, ids: &[T]) -> Result<Vec<Option<Item>>> {
        at_most("ids in one get", limits::MAX_BATCH, ids.len())?;
        items::get(&self.core.access()?.stores, ids)
    }

    /// Reads items in the order of their first `put`: at most `limit` after the item `after`, or from the first.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when `after` was never put.
    pub fn scan(&self, after: Option<&str>, limit: usize) -> Result<Vec<Item>> {
        at_most("limit of a scan", limits::MAX_BATCH, limit)?;
        items::scan(&self.core.access()?.stores, after, limit)
    }

    /// Logs events, in one atomic batch; durable on return and felt by the next `rank`.
    ///
    /// # Errors
    /// Any error of kind [`crate::ErrorKind::Input`]; then nothing of the batch is written.
    pub fn log(&self, events: Vec<Event>) -> Result<Token> {
        self.timed("log", events.len(), || self.core.order(Log::new(events)))
    }

    /// Answers one request with one ranked list: a search, a recommendation, both, or a first visit.
    ///
    /// # Errors
    /// Any error of kind [`crate::ErrorKind::Input`]. Unknown users and items, empty queries and empty catalogs are
    /// no errors. [`Error::DeadlineExceeded`] after [`Request::timeout`].
    pub fn rank(&self, request: &Request) -> Result<Ranking> {
        let rankings = self.rank_many(std::slice::from_ref(request))?;
        rankings.into_iter().next().ok_or_else(|| Error::internal("no ranking for the request"))
    }

    /// Answers several requests from one snapshot, with one pass of the model over all their candidates. Each ranking is
    /// the same as that of [`Engine::rank`].
    pub fn rank_many(&self, requests: &[Request]) -> Result<Vec<Ranking>> {
        at_most("requests", limits::MAX_REQUESTS, requests.len())?;
        let access = self.core.access()?;
        let limits = requests.iter().filter_map(|request| request.time_limit().transpose());
        let limit = limits.min_by_key(|limit| limit.as_ref().ok().copied()).transpose()?;
        let rank = || pipeline::rank_many(&access.stores, requests);
        access.stores.notices.timed("rank", requests.len(), || match limit {
            Some(limit) => watch::current_with_timeout(limit).run(rank),
            None => rank(),
        })
    }

    /// Stores rules under a name, in place of those that it had; durable on return. A request ranks by them when it
    /// names the scenario.
    ///
    /// # Errors
    /// Any error of kind [`crate::ErrorKind::Input`]; then nothing is written. A filter is compared with the fields of the
    /// store when a request names the scenario, because fields may come later.
    pub fn set_scenario(&self, name: &str, rules: &[Rule]) -> Result<()> {
        let (name, rules) = prepare_scenario(name, rules)?;
        self.core.order(SetScenario(name, rules))
    }

    /// The stored scenarios, by name.
    pub fn scenarios(&self) -> Result<BTreeMap<String, Vec<Rule>>> {
        stored_scenarios(&self.core.access()?.stores)
    }

    /// Removes a scenario; durable on return. False when there is none of that name.
    pub fn delete_scenario(&self, name: &str) -> Result<bool> {
        check_name(name)?;
        self.core.order(DeleteScenario(name.to_owned()))
    }

    /// The state of the engine, in numbers.
    pub fn stats(&self) -> Result<Stats> {
        let access = self.core.access()?;
        stats::stats(&access.stores, self.core.text_durable(), access.queued(), self.core.process(&access))
    }

    /// Waits until the journal is applied and both indexes hold everything that is committed, and are on disk. Needed for nothing but measuring:
    /// what is committed is durable and visible without it.
    pub fn flush(&self) -> Result<()> {
        match self.elsewhere("flush", serde_json::json!({}))? {
            Some(()) => Ok(()),
            None => self.core.flush(),
        }
    }

    /// Flushes, ends the background threads and gives the directory free. Later calls answer [`Error::Closed`]; closing
    /// again does nothing.
    pub fn close(&self) -> Result<()> {
        self.core.close(|| self.tuner.join())
    }
}

impl Drop for Engine {
    /// Closes, as [`Engine::close`] does; call that to learn of an error. In a forked child nothing is touched.
    fn drop(&mut self) {
        if self.owns {
            let _ = self.close();
        }
    }
}

//! The facade: what an application, and every binding, calls. Its methods check arguments and delegate.

mod answers;
mod call;
mod deleting;
mod events;
mod handle;
mod impressions;
mod learning;
mod maintenance;
mod models;
mod notices;
mod opening;
mod orders;
mod processes;
mod schema;
mod stats;
mod stopping;
#[cfg(test)]
mod tests;
mod transfer;
mod upkeep;
mod users;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, Weak};

use crate::api::event::Event;
use crate::api::item::Item;
use crate::api::ranking::Ranking;
use crate::api::request::Request;
use crate::api::rows::Rows;
use crate::api::rule::{Rule, check_name};
use crate::api::stats::Stats;
use crate::api::token::Token;
use crate::api::update::Update;
use crate::base::error::{Error, Result};
use crate::base::limits::{self, at_most};
use crate::base::watch;
use crate::core::Core;
use crate::ingest::{prepare_delete, prepare_events, prepare_items, prepare_scenario, prepare_updates};
use crate::pipeline;
use crate::store::items;
use crate::understand::stored_scenarios;

use handle::Handle;
use orders::{Delete, DeleteScenario, Log, Put, SetScenario};

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
    core: Handle,
    /// The calls that [`Engine::cancel`] stops.
    running: Mutex<Vec<Weak<AtomicBool>>>,
}

impl Engine {
    /// An engine for the orders of other processes.
    fn of(core: Arc<Core>) -> Engine {
        Engine { core: Handle::visiting(core), running: Mutex::default() }
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

    /// Puts items as [`Engine::put`] does, of which some may not have been readable: then nothing is written, and the error
    /// tells those together with the items that break a rule. For bindings.
    ///
    /// # Errors
    /// Those of [`Engine::put`]. Up to twenty rows are named, with their fields: [`Error::BadRows`].
    pub fn put_rows(&self, items: Rows<Item>) -> Result<Token> {
        if items.has_unread() {
            prepare_items(&self.core.access()?.stores, items)?;
            return Err(Error::internal("rows that were not read are no items"));
        }
        self.put(items.into_all()?)
    }

    /// Changes items that are stored: the fields that an update names, and no other. One call is one atomic batch, durable on
    /// return and seen by the next `rank`. Text is embedded again only where it changes, and a change of nothing writes
    /// nothing. Of several updates of one item, each is applied after the one before it.
    ///
    /// ```no_run
    /// # let db = onelist::Engine::open("shop.onelist", onelist::Config::default())?;
    /// use onelist::{Update, Value};
    /// db.update(vec![Update::new("sku-9").set("price", Value::Number(49.5)).remove("sale")])?;
    /// # Ok::<(), onelist::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UnknownItem`] for an id that is not stored, and those of [`Engine::put`]; then nothing of the batch is written.
    pub fn update(&self, updates: Vec<Update>) -> Result<Token> {
        self.update_rows(Rows::from(updates))
    }

    /// Changes items as [`Engine::update`] does, of which some changes may not have been readable: see
    /// [`Engine::put_rows`]. For bindings.
    ///
    /// # Errors
    /// Those of [`Engine::update`]. Up to twenty rows are named, with their fields: [`Error::BadRows`].
    pub fn update_rows(&self, updates: Rows<Update>) -> Result<Token> {
        let access = self.core.access()?;
        if access.follows() && !updates.has_unread() {
            drop(access);
            let updates = updates.into_all()?;
            let done = self.elsewhere("update", serde_json::json!({"items": updates}))?;
            return done.map_or_else(|| self.update(updates), Ok);
        }
        let prepared = prepare_updates(&access.stores, updates)?;
        access.writer()?.put(prepared)
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

    /// Logs events as [`Engine::log`] does, of which some may not have been readable: then nothing is written, and the error
    /// tells those together with the events that break a rule. For bindings.
    ///
    /// # Errors
    /// Those of [`Engine::log`]. Up to twenty rows are named: [`Error::BadRows`].
    pub fn log_rows(&self, events: Rows<Event>) -> Result<Token> {
        if events.has_unread() {
            prepare_events(&self.core.access()?.stores.config, events)?;
            return Err(Error::internal("rows that were not read are no events"));
        }
        self.log(events.into_all()?)
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
        self.core.close()
    }
}

impl Drop for Engine {
    /// Closes, as [`Engine::close`] does; call that to learn of an error. In a forked child nothing is touched.
    fn drop(&mut self) {
        let _ = self.close();
    }
}

//! The facade: what an application, and every binding, calls. Its methods check arguments and delegate.

mod impressions;
mod learning;
mod maintenance;
mod models;
mod stats;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use crate::api::config::Config;
use crate::api::event::Event;
use crate::api::item::Item;
use crate::api::ranking::Ranking;
use crate::api::request::Request;
use crate::api::rule::{Rule, check_name};
use crate::api::stats::Stats;
use crate::base::error::{Error, Result};
use crate::base::limits::{self, at_most};
use crate::core::Core;
use crate::ingest::{prepare_delete, prepare_events, prepare_items, prepare_scenario};
use crate::offline::{Tuner, clear_scratch};
use crate::pipeline;
use crate::store::{items, lock};
use crate::understand::stored_scenarios;

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
    core: Core,
    /// Tunes the weights in the background, when the configuration asks for it.
    tuner: Mutex<Option<Tuner>>,
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
        let core = Core::open(path, config)?;
        clear_scratch(path)?;
        let tuner = Tuner::start(&core)?;
        Ok(Engine { core, tuner: Mutex::new(tuner) })
    }

    /// Puts items: new ids are added, known ones replaced as a whole. One call is one atomic batch, durable on return
    /// and seen by the next `rank`. Of several items with one id, the last one counts.
    ///
    /// # Errors
    /// Any error of kind [`crate::ErrorKind::Input`]; then nothing of the batch is written.
    /// [`Error::Poisoned`] after a failed write.
    pub fn put(&self, items: Vec<Item>) -> Result<()> {
        let access = self.core.access()?;
        let prepared = prepare_items(&access.stores, items)?;
        access.writer.put(prepared)
    }

    /// Deletes items by id, in one atomic batch. Unknown ids are passed over.
    ///
    /// Returns how many there were.
    pub fn delete<T: AsRef<str>>(&self, ids: &[T]) -> Result<usize> {
        let access = self.core.access()?;
        access.writer.delete(prepare_delete(ids)?)
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
    pub fn log(&self, events: Vec<Event>) -> Result<()> {
        let access = self.core.access()?;
        access.writer.log(prepare_events(events)?)
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
        pipeline::rank_many(&self.core.access()?.stores, requests)
    }

    /// Stores rules under a name, in place of those that it had; durable on return. A request ranks by them when it
    /// names the scenario.
    ///
    /// # Errors
    /// Any error of kind [`crate::ErrorKind::Input`]; then nothing is written. A filter is compared with the fields of the
    /// store when a request names the scenario, because fields may come later.
    pub fn set_scenario(&self, name: &str, rules: &[Rule]) -> Result<()> {
        let access = self.core.access()?;
        let (name, rules) = prepare_scenario(name, rules)?;
        access.writer.set_scenario(name, rules)
    }

    /// The stored scenarios, by name.
    pub fn scenarios(&self) -> Result<BTreeMap<String, Vec<Rule>>> {
        stored_scenarios(&self.core.access()?.stores)
    }

    /// Removes a scenario; durable on return. False when there is none of that name.
    pub fn delete_scenario(&self, name: &str) -> Result<bool> {
        let access = self.core.access()?;
        check_name(name)?;
        access.writer.delete_scenario(name.to_owned())
    }

    /// The state of the engine, in numbers.
    pub fn stats(&self) -> Result<Stats> {
        stats::stats(&self.core.access()?.stores, self.core.text_durable())
    }

    /// Waits until the journal is applied and both indexes hold everything that is committed, and are on disk. Needed for nothing but measuring:
    /// what is committed is durable and visible without it.
    pub fn flush(&self) -> Result<()> {
        self.core.flush()
    }

    /// Flushes, ends the background threads and gives the directory free. Later calls answer [`Error::Closed`]; closing
    /// again does nothing.
    pub fn close(&self) -> Result<()> {
        self.core.close(|| lock(&self.tuner).take().map_or(Ok(()), Tuner::join))
    }
}

impl Drop for Engine {
    /// Closes, as [`Engine::close`] does; call that to learn of an error. In a forked child nothing is touched.
    fn drop(&mut self) {
        let _ = self.close();
    }
}

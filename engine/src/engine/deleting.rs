//! Correcting what is stored: deleting events, forgetting users and items, merging users.

use serde_json::json;

use super::Engine;
use crate::api::stored_events::{EventFilter, Forgotten, Merged};
use crate::background::{forget, log_edits};
use crate::base::error::{Error, Result};
use crate::base::id::check_id;
use crate::understand::stored_scenarios;

impl Engine {
    /// Deletes the events for which all that is given holds, and returns how many. All that was counted of them goes with
    /// them: popularity, segments, what came before and after, baskets, what users did with which item, and the places of
    /// impressions that they had chosen. What is left is what a store without these events would hold.
    ///
    /// The rest of the log is counted again beside the store, in seconds for each million events, while requests and writes
    /// go on; writers wait for what differs. After a crash the deletion has happened or not, in steps of 500,000 events;
    /// repeat it then.
    ///
    /// Of events that retention has removed, what a user had with an item goes when all of it lies in the range, unless an
    /// action or an import is given.
    ///
    /// ```no_run
    /// use onelist::EventFilter;
    /// # let db = onelist::Engine::open("shop.onelist", onelist::Config::default())?;
    /// let deleted = db.delete_events(&EventFilter::default().batch("2026-11-import"))?;
    /// # Ok::<(), onelist::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a filter that is empty ([`Engine::delete_all_events`] deletes every event) and for a
    /// time range that ends before it begins; [`Error::InvalidId`]; [`Error::Poisoned`] after a failed write;
    /// [`Error::Closed`] when the engine is closed meanwhile: finished steps stay.
    pub fn delete_events(&self, filter: &EventFilter) -> Result<u64> {
        if filter.is_empty() {
            let expected = "a user, an item, a time, an action or a batch; to delete every event, say so (`all`)";
            return Err(Error::argument("delete_events", expected, "no condition"));
        }
        filter.check()?;
        let EventFilter { user, item, since, until, action, batch } = filter;
        let given =
            json!({"user": user, "item": item, "since": since, "until": until, "action": action, "batch": batch});
        if let Some(deleted) = self.elsewhere("delete_events", given)? {
            return Ok(deleted);
        }
        let access = self.core.access()?;
        let writer = access.writer()?;
        log_edits::delete(&access.stores, filter, || writer.drain())
    }

    /// Deletes every event, as [`Engine::delete_events`] does.
    ///
    /// # Errors
    /// Those of [`Engine::delete_events`].
    pub fn delete_all_events(&self) -> Result<u64> {
        if let Some(deleted) = self.elsewhere("delete_events", json!({"all": true}))? {
            return Ok(deleted);
        }
        let access = self.core.access()?;
        let writer = access.writer()?;
        log_edits::delete(&access.stores, &EventFilter::default(), || writer.drain())
    }

    /// Forgets a user: events, what the user did with which item (also what retention kept of removed events), segments,
    /// impressions with their queries, and the id. All that was counted of the events goes with them, as with
    /// [`Engine::delete_events`]; impressions no longer count as shown. An id that nobody has is no error.
    ///
    /// The bytes are still in free pages of the file until `compact` rewrites it. After a crash the user is forgotten in
    /// part; repeat the call then.
    ///
    /// ```no_run
    /// # let db = onelist::Engine::open("shop.onelist", onelist::Config::default())?;
    /// let forgotten = db.forget("u7")?;
    /// assert_eq!(db.count_events(&onelist::EventFilter::default().user("u7"))?, 0);
    /// # Ok::<(), onelist::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Poisoned`] after a failed write; [`Error::Closed`] when the engine is closed meanwhile.
    pub fn forget(&self, user: &str) -> Result<Forgotten> {
        check_id("user", user)?;
        if let Some(forgotten) = self.elsewhere("forget", json!({"user": user}))? {
            return Ok(forgotten);
        }
        let access = self.core.access()?;
        let writer = access.writer()?;
        forget::user(&access.stores, user, || writer.drain())
    }

    /// Forgets an item: deletes it, every event on it, what users did with it, its places in impressions (the place stays, and
    /// says nothing), rules of scenarios that name it, and the id. An id that was never put is no error. (After
    /// [`Engine::delete`] the events and the id stay, and count again when the item is put again.)
    ///
    /// The bytes are still in free pages of the file, and in segments of the text index, until `compact` rewrites them.
    /// After a crash the item is forgotten in part; repeat the call then.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::InvalidArgument`] when the item is put again meanwhile; [`Error::Poisoned`] after a
    /// failed write; [`Error::Closed`] when the engine is closed meanwhile.
    pub fn forget_item(&self, id: &str) -> Result<Forgotten> {
        check_id("item", id)?;
        if let Some(forgotten) = self.elsewhere("forget_item", json!({"id": id}))? {
            return Ok(forgotten);
        }
        let existed = self.delete(&[id])? > 0;
        let access = self.core.access()?;
        let writer = access.writer()?;
        let scenarios = stored_scenarios(&access.stores)?.into_iter().collect();
        let forgotten = forget::item(&access.stores, id, scenarios, || writer.drain())?;
        Ok(Forgotten { found: existed || forgotten.found, ..forgotten })
    }

    /// Gives everything of one user to another: a visitor without a name has signed in. Events keep their times and their
    /// order, and those that both have count once; what is counted by user (what came before and after, baskets, histories)
    /// is counted again as if they had always been one; impressions are renamed. `into` may be new; `from` is then no user any
    /// more. Nothing happens when nobody has the id `from`.
    ///
    /// ```no_run
    /// # let db = onelist::Engine::open("shop.onelist", onelist::Config::default())?;
    /// let merged = db.merge_users("visitor-93", "u7")?;
    /// println!("{} events", merged.events);
    /// # Ok::<(), onelist::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::InvalidArgument`] when both are the same id, or `into` is logged for the first time at
    /// the same moment; [`Error::Poisoned`] after a failed write; [`Error::Closed`] when the engine is closed meanwhile.
    pub fn merge_users(&self, from: &str, into: &str) -> Result<Merged> {
        check_id("user", from)?;
        check_id("user", into)?;
        if from == into {
            return Err(Error::argument("merge_users", "two different ids", "the same one twice"));
        }
        if let Some(merged) = self.elsewhere("merge_users", json!({"from": from, "into": into}))? {
            return Ok(merged);
        }
        let access = self.core.access()?;
        let writer = access.writer()?;
        forget::merge(&access.stores, from, into, || writer.drain())
    }
}

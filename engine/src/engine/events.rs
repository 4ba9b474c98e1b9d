//! Reading the log back.

use super::Engine;
use crate::api::stored_events::{EventFilter, EventPage, EventQuery, UserSummary};
use crate::base::error::Result;
use crate::base::id::check_id;
use crate::base::limits::{self, at_most};
use crate::store::event_log;

impl Engine {
    /// Reads events, a page at a time: those of one user in order of time, all others in the order in which they were
    /// logged. What was logged before the call is in it.
    ///
    /// A page of one user costs what it holds; any other reads the log from its start to its end.
    ///
    /// ```no_run
    /// use onelist::{EventFilter, EventQuery};
    /// # let db = onelist::Engine::open("shop.onelist", onelist::Config::default())?;
    /// let page = db.events(&EventQuery::of(EventFilter::default().user("u7")).newest_first().limit(20))?;
    /// for record in page.events {
    ///     println!("{:?} {} {:?}", record.event.time, record.event.action.name(), record.event.item);
    /// }
    /// # Ok::<(), onelist::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`crate::Error::InvalidArgument`] for a token of another order, for text that is no token and for a time range that
    /// ends before it begins; [`crate::Error::InvalidId`]; [`crate::Error::LimitExceeded`].
    pub fn events(&self, query: &EventQuery) -> Result<EventPage> {
        query.check()?;
        event_log::page(&self.core.drained()?.stores, query)
    }

    /// How many events there are for which all that is given holds.
    ///
    /// # Errors
    /// Those of [`Engine::events`].
    pub fn count_events(&self, filter: &EventFilter) -> Result<u64> {
        filter.check()?;
        event_log::count(&self.core.drained()?.stores, filter)
    }

    /// Lists users in order of id, with their events: at most `limit` after the id `after`, which need not exist, or from
    /// the first. ([`crate::Stats::users`] says how many there are.)
    ///
    /// # Errors
    /// [`crate::Error::InvalidId`]; [`crate::Error::LimitExceeded`].
    pub fn users(&self, after: Option<&str>, limit: usize) -> Result<Vec<UserSummary>> {
        at_most("limit of users", limits::MAX_BATCH, limit)?;
        after.map_or(Ok(()), |id| check_id("user", id))?;
        event_log::users(&self.core.drained()?.stores, after, limit)
    }
}

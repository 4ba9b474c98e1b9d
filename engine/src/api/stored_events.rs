//! Reading and deleting events: which ones, and how they are read back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::api::event::{Action, Event, check_batch};
use crate::base::error::{Error, Result};
use crate::base::id::{Seq, check_id};
use crate::base::limits::{self, at_most};
use crate::base::time::Timestamp;

/// Which events: those for which all that is given holds. The default is every event.
///
/// ```
/// use onelist::{Action, EventFilter, Timestamp};
/// let mut which = EventFilter::default().user("u7").action(Action::Buy);
/// which.since = Some(Timestamp::from_seconds(1.7e9));
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EventFilter {
    /// Of this user.
    pub user: Option<String>,
    /// On this item.
    pub item: Option<String>,
    /// From this time on, itself included.
    pub since: Option<Timestamp>,
    /// Before this time, itself excluded: two ranges that meet share no event.
    pub until: Option<Timestamp>,
    /// Of this action.
    pub action: Option<Action>,
    /// Of this import.
    pub batch: Option<String>,
}

impl EventFilter {
    /// Of a user.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// On an item.
    pub fn item(mut self, item: impl Into<String>) -> Self {
        self.item = Some(item.into());
        self
    }

    /// From a time on, itself included.
    pub fn since(mut self, time: Timestamp) -> Self {
        self.since = Some(time);
        self
    }

    /// Before a time, itself excluded.
    pub fn until(mut self, time: Timestamp) -> Self {
        self.until = Some(time);
        self
    }

    /// Of an action.
    pub fn action(mut self, action: Action) -> Self {
        self.action = Some(action);
        self
    }

    /// Of an import.
    pub fn batch(mut self, batch: impl Into<String>) -> Self {
        self.batch = Some(batch.into());
        self
    }

    /// Whether nothing is given, so that every event is meant.
    pub fn is_empty(&self) -> bool {
        *self == EventFilter::default()
    }

    /// Checks ids, names and the order of the times.
    pub(crate) fn check(&self) -> Result<()> {
        self.user.as_deref().map_or(Ok(()), |id| check_id("user", id))?;
        self.item.as_deref().map_or(Ok(()), |id| check_id("item", id))?;
        check_batch(self.batch.as_deref())?;
        match (self.since, self.until) {
            (Some(since), Some(until)) if since > until => Err(Error::argument(
                "since and until",
                "a time range that does not end before it begins",
                format!("{} to {} (seconds since 1970)", since.seconds(), until.seconds()),
            )),
            _ => Ok(()),
        }
    }
}

/// Which events are read, in which order, and how many at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct EventQuery {
    /// Which events. Those of one `user` come in order of time, all others in the order in which they were logged.
    pub filter: EventFilter,
    /// The last ones first.
    pub newest_first: bool,
    /// [`EventPage::next`] of the page before; none for the first page.
    pub after: Option<String>,
    /// Most events of the page, up to 1,000,000.
    pub limit: usize,
}

impl Default for EventQuery {
    fn default() -> Self {
        EventQuery { filter: EventFilter::default(), newest_first: false, after: None, limit: 1000 }
    }
}

impl EventQuery {
    /// The first page of these events, oldest first.
    pub fn of(filter: EventFilter) -> Self {
        EventQuery { filter, ..EventQuery::default() }
    }

    /// The last ones first.
    pub fn newest_first(mut self) -> Self {
        self.newest_first = true;
        self
    }

    /// At most so many.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// The page after another: its [`EventPage::next`].
    pub fn after(mut self, token: impl Into<String>) -> Self {
        self.after = Some(token.into());
        self
    }

    /// Checks what is asked, and reads the token.
    pub(crate) fn check(&self) -> Result<Option<EventPlace>> {
        self.filter.check()?;
        at_most("limit of events", limits::MAX_BATCH, self.limit)?;
        let place = self.after.as_deref().map(EventPlace::read).transpose()?;
        if place.is_some_and(|place| place.time.is_some() != self.filter.user.is_some()) {
            let found = "that of a page in another order (with `user` by time, without by logging)";
            return Err(Error::argument("after", "`next` of the page before", found));
        }
        Ok(place)
    }
}

/// A page of events.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct EventPage {
    /// The events, in the order that was asked for.
    pub events: Vec<EventRecord>,
    /// What [`EventQuery::after`] takes for the next page; none on the last one. It stays valid whatever is logged and
    /// deleted meanwhile.
    pub next: Option<String>,
}

/// An event as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EventRecord {
    /// What was logged; its time is always there.
    #[serde(flatten)]
    pub event: Event,
    /// When it was logged, for an event dated later than that.
    pub arrived: Option<Timestamp>,
}

/// A user of the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct UserSummary {
    /// The user's id.
    pub user: String,
    /// Events that are stored.
    pub events: u64,
    /// Time of the first one.
    pub first: Option<Timestamp>,
    /// Time of the last one.
    pub last: Option<Timestamp>,
}

/// What [`Engine::forget`](crate::Engine::forget) and [`Engine::forget_item`](crate::Engine::forget_item) removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Forgotten {
    /// Whether anything was stored under the id.
    pub found: bool,
    /// Events.
    pub events: u64,
    /// What was known of a user and an item together: counts and times of events, also of those that retention had removed.
    pub pairs: u64,
    /// Impressions of the user, or that showed the item.
    pub impressions: u64,
    /// Scenarios that named the item.
    pub scenarios: u64,
}

/// What [`Engine::merge_users`](crate::Engine::merge_users) moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Merged {
    /// Events that moved.
    pub events: u64,
    /// Events that both had, which count once.
    pub duplicates: u64,
    /// Impressions that moved.
    pub impressions: u64,
}

/// The place of an event in its order: in the log of its user by time, or in the whole log by commit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct EventPlace {
    /// In the log of a user only.
    pub time: Option<Timestamp>,
    /// The commit that logged it, and its position there.
    pub order: (Seq, u32),
}

const VERSION: u8 = 1;
const CHECK: usize = 4;

impl EventPlace {
    /// The token: in URL-safe base64 the version, the time with a flag before it, the order, and a check.
    pub(crate) fn write(&self) -> String {
        let mut bytes = vec![VERSION, u8::from(self.time.is_some())];
        bytes.extend_from_slice(&self.time.unwrap_or_default().millis().to_be_bytes());
        bytes.extend_from_slice(&self.order.0.0.to_be_bytes());
        bytes.extend_from_slice(&self.order.1.to_be_bytes());
        bytes.extend_from_slice(&check(&bytes));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn read(token: &str) -> Result<EventPlace> {
        let place = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| EventPlace::decode(&bytes));
        place.ok_or_else(|| Error::argument("after", "`next` of the page before, as it was given", "another text"))
    }

    fn decode(bytes: &[u8]) -> Option<EventPlace> {
        let (body, sum) = bytes.split_last_chunk::<CHECK>()?;
        let (&[version, dated], rest) = body.split_first_chunk::<2>()?;
        let (time, rest) = rest.split_first_chunk::<8>()?;
        let (seq, rest) = rest.split_first_chunk::<8>()?;
        let position = u32::from_be_bytes(rest.try_into().ok()?);
        let time = (dated == 1).then(|| Timestamp::from_millis(i64::from_be_bytes(*time)));
        let place = EventPlace { time, order: (Seq(u64::from_be_bytes(*seq)), position) };
        (version == VERSION && dated <= 1 && *sum == check(body)).then_some(place)
    }
}

fn check(bytes: &[u8]) -> [u8; CHECK] {
    (xxh3_64(bytes) as u32).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_place_comes_back_and_any_other_text_is_an_error(
            time in prop::option::of(-1_000_000i64..1_000_000), seq: u64, position: u32, text in "\\PC*",
        ) {
            let place = EventPlace { time: time.map(Timestamp::from_millis), order: (Seq(seq), position) };
            let token = place.write();
            prop_assert_eq!(EventPlace::read(&token).unwrap(), place);
            let mut damaged = token.into_bytes();
            let at = position as usize % damaged.len();
            damaged[at] = if damaged[at] == b'A' { b'B' } else { b'A' };
            prop_assert!(EventPlace::read(std::str::from_utf8(&damaged).unwrap()).is_err());
            let _ = EventPlace::read(&text);
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let at = Timestamp::from_seconds;
        let refused = |query: EventQuery| query.check().expect_err("refused").name();
        let of = EventQuery::of;
        assert_eq!(refused(of(EventFilter::default().user(""))), "InvalidId");
        assert_eq!(refused(of(EventFilter::default().item("x".repeat(513)))), "InvalidId");
        assert_eq!(refused(of(EventFilter::default().batch(""))), "InvalidArgument");
        assert_eq!(refused(of(EventFilter::default().since(at(2.0)).until(at(1.0)))), "InvalidArgument");
        assert_eq!(refused(EventQuery::default().limit(1_000_001)), "LimitExceeded");
        assert_eq!(refused(EventQuery::default().after("nothing")), "InvalidArgument");
        let by_time = EventPlace { time: Some(at(1.0)), order: (Seq(1), 0) }.write();
        let error = EventQuery::default().after(by_time.as_str()).check().expect_err("refused").to_string();
        assert!(error.contains("another order"), "{error}");
        assert!(of(EventFilter::default().user("u")).after(by_time).check().is_ok());
        assert!(of(EventFilter::default().since(at(1.0)).until(at(1.0))).check().is_ok(), "an empty range is none");
    }
}

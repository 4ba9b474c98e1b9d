//! Events: what people do.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::id::check_id;
use crate::limits::{self, at_most};
use crate::time::Timestamp;

/// What a person did.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Action {
    /// Saw the item's page.
    View,
    /// Chose the item from a list.
    Click,
    /// Put it into the basket.
    Cart,
    /// Bought it.
    Buy,
    /// Said it is good.
    Like,
    /// Said it is bad.
    Dislike,
    /// Passed over it.
    Skip,
    /// Asked not to see it again.
    Hide,
    /// Rated it; `value` is the rating.
    Rate,
    /// Told somebody about it.
    Share,
    /// Searched; the event has a query instead of an item.
    Search,
    /// An action of the caller's own.
    Other(String),
}

impl Action {
    /// The action of a name as bindings give it. `purchase` is taken as `buy`; an unknown name is an action of the
    /// caller's own.
    pub fn named(name: &str) -> Action {
        match name {
            "view" => Action::View,
            "click" => Action::Click,
            "cart" => Action::Cart,
            "buy" | "purchase" => Action::Buy,
            "like" => Action::Like,
            "dislike" => Action::Dislike,
            "skip" => Action::Skip,
            "hide" => Action::Hide,
            "rate" => Action::Rate,
            "share" => Action::Share,
            "search" => Action::Search,
            other => Action::Other(other.to_owned()),
        }
    }

    /// The name, as [`Action::named`] takes it.
    pub fn name(&self) -> &str {
        match self {
            Action::View => "view",
            Action::Click => "click",
            Action::Cart => "cart",
            Action::Buy => "buy",
            Action::Like => "like",
            Action::Dislike => "dislike",
            Action::Skip => "skip",
            Action::Hide => "hide",
            Action::Rate => "rate",
            Action::Share => "share",
            Action::Search => "search",
            Action::Other(name) => name,
        }
    }

    /// The name of this action's row in the model. Ratings become likes and dislikes at the ends of `scale`.
    pub(crate) fn row_name(&self, value: Option<f64>, scale: (f64, f64)) -> &str {
        match (self, value) {
            (Action::Rate, Some(value)) => {
                let share = (value - scale.0) / (scale.1 - scale.0);
                if share >= 0.75 {
                    "like"
                } else if share <= 0.375 {
                    "dislike"
                } else {
                    "rate"
                }
            }
            (Action::Other(_), _) => "custom",
            _ => self.name(),
        }
    }

    /// Whether this action speaks against the item: such events do not make it popular.
    pub(crate) fn is_negative(&self, value: Option<f64>, scale: (f64, f64)) -> bool {
        matches!(self.row_name(value, scale), "dislike" | "skip" | "hide")
    }
}

/// One event of one user.
///
/// ```
/// use onelist::{Action, Event};
/// let event = Event::new("u7", Action::Click).item("sku-9");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The user's id: 1 to 512 bytes. Unknown users are created.
    pub user: String,
    /// What was done.
    pub action: Action,
    /// The item it was done to. An id that was never put is kept, and counts once the item is put.
    pub item: Option<String>,
    /// The query, of a search.
    pub query: Option<String>,
    /// A rating, a quantity, seconds watched: finite.
    pub value: Option<f64>,
    /// When; the time of logging when not given.
    pub time: Option<Timestamp>,
    /// The ranking that the user answered to.
    pub rank_id: Option<String>,
}

impl Event {
    /// An event of `user`; add an item or a query to it.
    pub fn new(user: impl Into<String>, action: Action) -> Self {
        Event { user: user.into(), action, item: None, query: None, value: None, time: None, rank_id: None }
    }

    /// Sets the item.
    pub fn item(mut self, item: impl Into<String>) -> Self {
        self.item = Some(item.into());
        self
    }

    /// Sets the query.
    pub fn query(mut self, query: impl Into<String>) -> Self {
        self.query = Some(query.into());
        self
    }

    /// Sets the value.
    pub fn value(mut self, value: f64) -> Self {
        self.value = Some(value);
        self
    }

    /// Sets the time.
    pub fn at(mut self, time: Timestamp) -> Self {
        self.time = Some(time);
        self
    }

    /// Checks ids, lengths and numbers.
    pub(crate) fn check(&self) -> Result<()> {
        check_id("user", &self.user)?;
        if let Some(item) = &self.item {
            check_id("item", item)?;
        }
        if self.item.is_none() && self.query.is_none() {
            return Err(Error::argument("event", "an item or a query", "neither"));
        }
        at_most("bytes of an event's query", limits::MAX_QUERY_BYTES, self.query.as_deref().map_or(0, str::len))?;
        at_most("bytes of an action's name", limits::MAX_FIELD_NAME_BYTES, self.action.name().len())?;
        at_most("bytes of a rank_id", limits::MAX_ID_BYTES, self.rank_id.as_deref().map_or(0, str::len))?;
        if self.value.is_some_and(|v| !v.is_finite()) {
            return Err(Error::NonFinite { what: "event value".to_owned(), index: 0 });
        }
        Ok(())
    }
}

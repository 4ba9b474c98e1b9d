//! The events of a stateless history.

use serde::{Deserialize, Serialize};

use crate::api::decode::{self, Short};
use crate::api::event::Action;
use crate::base::time::Timestamp;

/// An event of a stateless history: used for this request, stored nowhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryEvent {
    /// The item; ids that are not in the catalog are passed over.
    pub item: String,
    /// What was done to it; a view when JSON does not say.
    #[serde(default = "view")]
    pub action: Action,
    /// A rating or quantity.
    pub value: Option<f64>,
    /// When; the time of the request when not given.
    #[serde(default, deserialize_with = "decode::moment")]
    pub time: Option<Timestamp>,
}

impl HistoryEvent {
    /// A view of `item` at the time of the request.
    pub fn new(item: impl Into<String>) -> Self {
        HistoryEvent { item: item.into(), action: Action::View, value: None, time: None }
    }
}

/// What an event of a history is that says no more than its item.
fn view() -> Action {
    Action::View
}

impl Short for HistoryEvent {
    const EXPECTED: &str = "an item id or an object";

    fn of_text(item: &str) -> Option<Self> {
        Some(HistoryEvent::new(item))
    }
}

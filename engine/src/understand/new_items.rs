//! Which items count as new to a request.

use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::catalog::Window;
use crate::store::snapshot::Snapshot;

use super::understood::Understood;

impl Understood {
    /// How often an item was shown, when it is new: younger than the request's days, or shown less, or with
    /// fewer events, than it says.
    pub(crate) fn shown_if_new(&self, snapshot: &Snapshot, key: ItemKey) -> Result<Option<f64>> {
        let Some(new_items) = &self.controls.new_items else { return Ok(None) };
        let Some(head) = snapshot.catalog.head(key)? else { return Ok(None) };
        let signals = snapshot.signals(key)?;
        let shown = signals.map_or(0.0, |signals| signals.shown);
        let events = signals.map_or(0.0, |signals| Window::Ever.count(signals.mass(Window::Ever), self.now));
        let days = self.now.seconds_since(head.available) / 86_400.0;
        let young = new_items.days.is_some_and(|most| days < most);
        let unseen = new_items.shown_below.is_some_and(|most| shown < most);
        let untouched = new_items.events_below.is_some_and(|most| events < most);
        Ok((young || unseen || untouched).then_some(shown))
    }
}

//! An event as stored under its user.

use serde::{Deserialize, Serialize};

use crate::api::event::{Action, Segments};
use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, Seq};
use crate::base::time::Timestamp;

use super::entries::LoggedEvent;
use super::{codec, keys};

/// The record of an event. User, time, commit and position are in its key.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct EventRow {
    item: Option<ItemKey>,
    action: Action,
    query: Option<String>,
    value: Option<f64>,
    rank_id: Option<String>,
    basket: Option<String>,
    /// When it was logged, for an event dated later than that.
    arrived: Option<Timestamp>,
}

/// The same bytes, borrowed from an event: writing copies no strings.
#[derive(Serialize)]
struct EventRowRef<'e> {
    item: Option<ItemKey>,
    action: &'e Action,
    query: Option<&'e str>,
    value: Option<f64>,
    rank_id: Option<&'e str>,
    basket: Option<&'e str>,
    arrived: Option<Timestamp>,
}

impl EventRow {
    fn decode(bytes: &[u8]) -> Result<(EventRow, Segments, Option<String>)> {
        if codec::is_batched(bytes) {
            return codec::decode_as(codec::BATCHED, "event", bytes);
        }
        let (row, segments) = match codec::is_segmented(bytes) {
            true => codec::decode_as(codec::SEGMENTED, "event", bytes)?,
            false => (codec::decode("event", bytes)?, Segments::new()),
        };
        Ok((row, segments, None))
    }
}

/// An event as read from the store.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredEvent {
    pub time: Timestamp,
    /// The commit that logged it and its position there: the order of logging.
    pub order: (Seq, u32),
    pub item: Option<ItemKey>,
    pub action: Action,
    pub query: Option<String>,
    pub value: Option<f64>,
    pub basket: Option<String>,
    pub rank_id: Option<String>,
    pub segments: Segments,
    /// When it was logged, for an event dated later than that.
    pub arrived: Option<Timestamp>,
    /// The import that it came with.
    pub batch: Option<String>,
}

impl StoredEvent {
    /// The time that signals count by.
    pub(crate) fn counted(&self) -> Timestamp {
        self.arrived.unwrap_or(self.time)
    }

    /// A logged event as it would be read from the store.
    pub(crate) fn of(logged: &LoggedEvent, order: (Seq, u32), item: Option<ItemKey>) -> StoredEvent {
        let event = &logged.event;
        StoredEvent {
            time: event.time.unwrap_or(logged.arrived),
            order,
            item,
            action: event.action.clone(),
            query: event.query.clone(),
            value: event.value,
            basket: event.basket.clone(),
            rank_id: event.rank_id.clone(),
            segments: event.segments.clone(),
            arrived: event.time.is_some_and(|time| time > logged.arrived).then_some(logged.arrived),
            batch: event.batch.clone(),
        }
    }

    /// Whether both are one event of a user that was delivered twice: all is the same but the order, the arrival and the
    /// import.
    pub(crate) fn repeats(&self, other: &StoredEvent) -> bool {
        let parts = |event: &StoredEvent| (event.time, event.item, event.value.map(f64::to_bits));
        parts(self) == parts(other)
            && (&self.action, &self.query) == (&other.action, &other.query)
            && (&self.basket, &self.rank_id, &self.segments) == (&other.basket, &other.rank_id, &other.segments)
    }

    /// The bytes of its record. An event without segments and import has the record of the older format.
    pub(crate) fn record(&self) -> Result<Vec<u8>> {
        let row = EventRowRef {
            item: self.item,
            action: &self.action,
            query: self.query.as_deref(),
            value: self.value,
            rank_id: self.rank_id.as_deref(),
            basket: self.basket.as_deref(),
            arrived: self.arrived,
        };
        if let Some(batch) = &self.batch {
            return codec::encode_as(codec::BATCHED, &(row, &self.segments, Some(batch)));
        }
        match self.segments.is_empty() {
            true => codec::encode(&row),
            false => codec::encode_as(codec::SEGMENTED, &(row, &self.segments)),
        }
    }

    /// The event of a row.
    pub(crate) fn read((key, value): (&[u8], &[u8])) -> Result<StoredEvent> {
        let (row, segments, batch) = EventRow::decode(value)?;
        let parts = keys::event_time(key).zip(keys::event_order(key));
        let (time, order) = parts.ok_or_else(|| Error::damaged("event key", "a short key"))?;
        let EventRow { item, action, query, value, rank_id, basket, arrived } = row;
        Ok(StoredEvent { time, order, item, action, query, value, basket, rank_id, segments, arrived, batch })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::event::Event;

    fn stored(event: Event) -> StoredEvent {
        let at = Timestamp::from_seconds(5.0);
        let logged = LoggedEvent { event: event.at(at), arrived: at, dated: true };
        StoredEvent::of(&logged, (Seq(3), 4), Some(ItemKey(7)))
    }

    #[test]
    fn every_form_of_a_record_is_read_back() {
        let event = || Event::new("u", Action::Buy).item("a").value(2.5);
        let forms = [
            (1, event()),
            (codec::SEGMENTED, event().segment("country", "UK")),
            (codec::BATCHED, event().batch("b")),
            (codec::BATCHED, event().segment("country", "UK").batch("b")),
        ];
        for (version, event) in forms {
            let wrote = stored(event);
            let record = wrote.record().unwrap();
            assert_eq!(record[0], version);
            let key = keys::event(crate::base::id::UserKey(1), wrote.time, Seq(3), 4);
            assert_eq!(StoredEvent::read((&key, &record)).unwrap(), wrote);
        }
    }

    #[test]
    fn the_same_event_of_two_imports_is_one() {
        let event = || Event::new("u", Action::Buy).item("a").segment("country", "UK");
        let same = |one: Event, other: Event| stored(one).repeats(&stored(other));
        assert!(same(event(), event()) && same(event().batch("a"), event()) && same(event(), event().batch("a")));
        assert!(same(event().batch("a"), event().batch("b")));
        assert!(!same(event().batch("a"), event().batch("a").value(1.0)));
        assert!(!same(event().batch("a"), Event::new("u", Action::Buy).item("a")));
    }
}

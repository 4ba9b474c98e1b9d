//! Events that were logged while the clock was ahead.
//!
//! Counts never decay by a clock but grow with the times of events, so an event of next year outweighs all of this year's.
//! The time of arrival bounds the time that an event counts by; when the clock was wrong, so is that, and it is set to the
//! present once the clock is right.

use crate::base::error::Result;
use crate::base::time::Timestamp;
use crate::catalog::read::view::LATEST_COUNTED;
use crate::catalog::rows::events::StoredEvent;
use crate::catalog::rows::lmdb_error::storage;
use crate::catalog::rows::segments::UserSegments;
use crate::catalog::rows::{codec, keys};

use super::transaction::CatalogWrite;

impl CatalogWrite<'_> {
    /// Lets events and segments of users count as of `now` at the latest. Returns how many events counted as of later;
    /// signals are to be rebuilt when there were any.
    pub(crate) fn bound_arrivals(&mut self, now: Timestamp) -> Result<usize> {
        let (mut changed, mut events) = (Vec::new(), 0);
        for row in self.tables.people.iter(&self.txn).map_err(storage)? {
            let (key, value) = row.map_err(storage)?;
            if keys::event_user(key).is_some() {
                let event = StoredEvent::read((key, value))?;
                if event.counted() > now {
                    changed.push((key.to_vec(), StoredEvent { arrived: Some(now), ..event }.record()?));
                    events += 1;
                }
            } else if keys::is_user_segments(key) {
                let mut segments: UserSegments = codec::decode("segments of a user", value)?;
                if segments.bound(now) {
                    changed.push((key.to_vec(), codec::encode(&segments)?));
                }
            }
        }
        for (key, record) in changed {
            self.tables.people.put(&mut self.txn, &key, &record).map_err(storage)?;
        }
        Ok(events)
    }

    /// Notes the latest time that an event counts by.
    pub(crate) fn set_latest_counted(&mut self, latest: Option<Timestamp>) -> Result<()> {
        match latest {
            Some(latest) => self.set_meta(LATEST_COUNTED, &latest),
            None => self.tables.meta.delete(&mut self.txn, LATEST_COUNTED.as_bytes()).map(|_| ()).map_err(storage),
        }
    }
}

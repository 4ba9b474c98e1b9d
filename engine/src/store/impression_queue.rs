//! Impressions on their way from `rank` to the writer: no request waits for them, and what does not fit is dropped and
//! counted.

use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam::channel::{Receiver, Sender, bounded};

use crate::api::stats::ImpressionStats;
use crate::catalog::Impression;

/// Impressions that may wait. The writer takes them at least once a second.
const QUEUE: usize = 4096;

/// A bounded queue with counts.
pub(crate) struct ImpressionQueue {
    enter: Sender<Box<Impression>>,
    leave: Receiver<Box<Impression>>,
    logged: AtomicU64,
    dropped: AtomicU64,
}

impl Default for ImpressionQueue {
    fn default() -> Self {
        let (enter, leave) = bounded(QUEUE);
        ImpressionQueue { enter, leave, logged: AtomicU64::new(0), dropped: AtomicU64::new(0) }
    }
}

impl ImpressionQueue {
    /// Hands an impression to the writer, or drops it when too many wait.
    pub(crate) fn send(&self, impression: Box<Impression>) {
        self.logged.fetch_add(1, Ordering::Relaxed);
        if self.enter.try_send(impression).is_err() {
            self.lose(1);
        }
    }

    /// Takes the oldest that wait, at most `most`.
    pub(crate) fn take(&self, most: usize) -> Vec<Impression> {
        self.leave.try_iter().take(most).map(|impression| *impression).collect()
    }

    /// So many of those that came are not written.
    pub(crate) fn lose(&self, taken: usize) {
        self.logged.fetch_sub(taken as u64, Ordering::Relaxed);
        self.dropped.fetch_add(taken as u64, Ordering::Relaxed);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.leave.is_empty()
    }

    /// To wait on together with other channels. IMPORTANT: take with [`ImpressionQueue::take`] only.
    pub(crate) fn arrivals(&self) -> &Receiver<Box<Impression>> {
        &self.leave
    }

    /// The counts, with the number of those in the store.
    pub(crate) fn stats(&self, kept: u64) -> ImpressionStats {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        ImpressionStats { kept, logged: read(&self.logged), dropped: read(&self.dropped) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;

    fn impression(n: usize) -> Box<Impression> {
        let (rank_id, time) = (n.to_string(), Timestamp::from_seconds(0.0));
        Box::new(Impression { rank_id, time, ..Impression::default() })
    }

    #[test]
    fn what_does_not_fit_is_dropped_and_counted() {
        let queue = ImpressionQueue::default();
        (0..QUEUE + 5).for_each(|n| queue.send(impression(n)));
        assert_eq!(queue.stats(7), ImpressionStats { kept: 7, logged: QUEUE as u64, dropped: 5 });
        assert_eq!(queue.take(2).iter().map(|taken| taken.rank_id.as_str()).collect::<Vec<_>>(), ["0", "1"]);
        queue.lose(2);
        assert_eq!(queue.take(usize::MAX).len(), QUEUE - 2);
        assert!(queue.is_empty());
        assert_eq!(queue.stats(7), ImpressionStats { kept: 7, logged: QUEUE as u64 - 2, dropped: 7 });
    }
}

//! What a request asks of every candidate, in memory: since when the item is available, and its signals.
//!
//! Two look-ups in tables of a hundred thousand rows are a dozen cache misses one after the other, and a request makes
//! hundreds of them. Here the same is one slot of an array. The tables stay the truth: a slot holds what they say from
//! one transaction on, and answers only readers that are pinned to that transaction or a later one.
//!
//! IMPORTANT: the order of a commit. It marks the slots of what it changed before it is visible, and fills them when it
//! is. A slot that is marked answers nobody, so no reader gets what an older or a newer commit says, and a commit that
//! fails leaves marks and nothing wrong. A slot that nobody has written yet may also be filled by a reader, because a
//! commit that changed it since would have marked it.

use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::base::error::Result;
use crate::base::id::{ItemKey, Seq};
use crate::base::time::Timestamp;
use crate::catalog::prefetch::prefetch;

use super::items::Head;
use super::read::{CatalogRead, View};
use super::signals::ItemSignals;

/// Slots that are allocated together, and how many times: a million items, 72 MB, and only as far as keys go. What has a
/// higher key is read from the tables.
const CHUNK: usize = 1024;
const CHUNKS: usize = 1024;

/// A slot that was never written; the number of no transaction, because the first creates the tables.
const EMPTY: u64 = 0;
/// Set beside the number of a transaction that is changing the item: more than any number, so no reader may look.
const MARK: u64 = 1 << 63;
/// In place of a time or of a count: there is no such row.
const NO_HEAD: u64 = i64::MIN as u64;
const NO_SIGNALS: u64 = u64::MAX;

/// What the tables say of one item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Standing {
    pub head: Option<Head>,
    pub signals: Option<ItemSignals>,
}

/// The standings of one catalog.
pub(super) struct Standings {
    chunks: Box<[OnceLock<Box<[Slot]>>]>,
    /// Held by whoever writes slots. Readers never wait for it.
    writing: Mutex<()>,
}

/// A standing, readable while it is being replaced: `since` is looked at before and after, and differs then.
#[derive(Default)]
struct Slot {
    since: AtomicU64,
    /// Generation, available, four masses, shown, chosen.
    words: [AtomicU64; 8],
}

/// Items that a transaction changed, as it leaves them: marked, and filled once it is committed. `None` for one whose
/// rows cannot be read: its slot stays marked, and whoever reads the rows meets the error.
pub(super) struct Marked<'s> {
    standings: &'s Standings,
    txn: u64,
    items: Vec<(ItemKey, Option<Standing>)>,
}

impl Default for Standings {
    fn default() -> Standings {
        Standings { chunks: (0..CHUNKS).map(|_| OnceLock::new()).collect(), writing: Mutex::default() }
    }
}

impl Standings {
    /// Marks what transaction `txn` changed. IMPORTANT: before it is committed.
    pub(super) fn mark(&self, txn: u64, items: Vec<(ItemKey, Option<Standing>)>) -> Marked<'_> {
        if !items.is_empty() {
            let _one_at_a_time = self.lock();
            for (key, _) in &items {
                if let Some(slot) = self.slot(*key) {
                    slot.since.store(MARK | txn, Ordering::Relaxed);
                }
            }
            // Whoever sees the commit sees the marks.
            fence(Ordering::SeqCst);
        }
        Marked { standings: self, txn, items }
    }

    /// What a reader of transaction `txn` would find in the tables, when it is known.
    fn get(&self, key: ItemKey, txn: u64) -> Option<Standing> {
        let slot = self.chunk(key)?.get()?.get(key.0 as usize % CHUNK)?;
        let since = slot.since.load(Ordering::Acquire);
        if since == EMPTY || since > txn {
            return None;
        }
        let words = slot.words.each_ref().map(|word| word.load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        (slot.since.load(Ordering::Relaxed) == since).then(|| Standing::of(words))
    }

    /// Has the slot of an item at hand for [`Standings::get`].
    fn fetch(&self, key: ItemKey) {
        let slots = self.chunk(key).and_then(OnceLock::get);
        if let Some(slot) = slots.and_then(|slots| slots.get(key.0 as usize % CHUNK)) {
            prefetch(std::slice::from_ref(slot));
        }
    }

    /// Whether a reader may fill the slot of an item.
    fn wants(&self, key: ItemKey) -> bool {
        self.slot(key).is_some_and(|slot| slot.since.load(Ordering::Relaxed) == EMPTY)
    }

    /// Fills a slot that is still empty with what a reader of transaction `txn` found in the tables.
    fn offer(&self, key: ItemKey, txn: u64, standing: &Standing) {
        let Ok(_one_at_a_time) = self.writing.try_lock() else { return };
        if let Some(slot) = self.slot(key).filter(|slot| slot.since.load(Ordering::Relaxed) == EMPTY) {
            slot.fill(txn, standing);
        }
    }

    fn chunk(&self, key: ItemKey) -> Option<&OnceLock<Box<[Slot]>>> {
        self.chunks.get(usize::try_from(key.0).ok()? / CHUNK)
    }

    /// The slot of an item, allocated when it was not; `None` for a key beyond the last.
    fn slot(&self, key: ItemKey) -> Option<&Slot> {
        let chunk = self.chunk(key)?.get_or_init(|| (0..CHUNK).map(|_| Slot::default()).collect());
        chunk.get(key.0 as usize % CHUNK)
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Marked<'_> {
    /// Fills the slots, now that the transaction is committed. What another one has marked since is left to that one.
    pub(super) fn fill(self) {
        let _one_at_a_time = self.standings.lock();
        for (key, standing) in &self.items {
            let slot = self.standings.slot(*key);
            let slot = slot.filter(|slot| slot.since.load(Ordering::Relaxed) == MARK | self.txn);
            if let (Some(slot), Some(standing)) = (slot, standing) {
                slot.fill(self.txn, standing);
            }
        }
    }
}

impl Slot {
    /// Writes a standing into a slot that answers nobody. The caller holds the lock.
    fn fill(&self, txn: u64, standing: &Standing) {
        // A reader that sees one of the words sees that `since` has changed.
        fence(Ordering::Release);
        for (word, value) in self.words.iter().zip(standing.words()) {
            word.store(value, Ordering::Relaxed);
        }
        self.since.store(txn, Ordering::Release);
    }
}

impl Standing {
    fn words(&self) -> [u64; 8] {
        let (generation, available) =
            self.head.map_or((0, NO_HEAD), |head| (head.generation.0, head.available.millis() as u64));
        let ItemSignals { masses: [a, b, c, d], shown, chosen } = self.signals.unwrap_or_default();
        // A count is a number, and none of those has all bits set.
        let shown = self.signals.map_or(NO_SIGNALS, |_| shown.to_bits());
        [generation, available, a.to_bits(), b.to_bits(), c.to_bits(), d.to_bits(), shown, chosen.to_bits()]
    }

    fn of([generation, available, a, b, c, d, shown, chosen]: [u64; 8]) -> Standing {
        let head = Head { generation: Seq(generation), available: Timestamp::from_millis(available as i64) };
        let masses = [a, b, c, d].map(f64::from_bits);
        let signals = ItemSignals { masses, shown: f64::from_bits(shown), chosen: f64::from_bits(chosen) };
        Standing { head: (available != NO_HEAD).then_some(head), signals: (shown != NO_SIGNALS).then_some(signals) }
    }
}

impl View<'_> {
    /// What the tables say of an item.
    pub(super) fn standing(&self, key: ItemKey) -> Result<Standing> {
        Ok(Standing { head: self.head(key)?, signals: self.signals(key)? })
    }
}

impl CatalogRead {
    /// Generation and availability of an item, when it is live: as [`View::head`], and sooner.
    pub(crate) fn head(&self, key: ItemKey) -> Result<Option<Head>> {
        self.known(key).map_or_else(|| self.view().head(key), |standing| Ok(standing.head))
    }

    /// The counters of an item: as [`View::signals`], and sooner.
    pub(crate) fn signals(&self, key: ItemKey) -> Result<Option<ItemSignals>> {
        self.known(key).map_or_else(|| self.view().signals(key), |standing| Ok(standing.signals))
    }

    /// Has what is known of an item at hand for the two above.
    pub(crate) fn fetch_standing(&self, key: ItemKey) {
        self.standings().0.fetch(key);
    }

    /// The standing of an item when it is known, or can be made known. A row that cannot be read is left to whoever asks
    /// for that row.
    fn known(&self, key: ItemKey) -> Option<Standing> {
        let (standings, txn) = self.standings();
        let known = standings.get(key, txn);
        if known.is_some() || !standings.wants(key) {
            return known;
        }
        let standing = self.view().standing(key).ok()?;
        standings.offer(key, txn, &standing);
        Some(standing)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    fn standing(generation: u64) -> Standing {
        let head = Head { generation: Seq(generation), available: Timestamp::MIN };
        let signals = ItemSignals { masses: [f64::NEG_INFINITY, -0.0, 1.5, f64::MAX], shown: 0.0, chosen: 2.0 };
        Standing { head: Some(head), signals: Some(signals) }
    }

    #[test]
    fn a_standing_comes_back_bit_for_bit() {
        let all = standing(u64::MAX);
        let none = Standing { head: None, signals: None };
        let fresh = Standing { signals: Some(ItemSignals::default()), ..none };
        for one in [all, none, fresh, Standing { signals: None, ..all }, Standing { head: None, ..all }] {
            assert_eq!(Standing::of(one.words()), one);
            assert_eq!(Standing::of(one.words()).words(), one.words());
        }
    }

    #[test]
    fn readers_of_older_transactions_and_of_marked_items_are_sent_to_the_tables() {
        let (standings, key) = (Standings::default(), ItemKey(CHUNK as u64 + 3));
        standings.offer(key, 5, &standing(1));
        assert_eq!((standings.get(key, 4), standings.get(key, 5)), (None, Some(standing(1))));
        let marked = standings.mark(7, vec![(key, Some(standing(2)))]);
        assert!(standings.get(key, 6).is_none() && standings.get(key, 7).is_none() && !standings.wants(key));
        standings.offer(key, 6, &standing(1));
        assert!(standings.get(key, 7).is_none(), "a reader may not fill what a commit has marked");
        marked.fill();
        assert_eq!((standings.get(key, 6), standings.get(key, 8)), (None, Some(standing(2))));
    }

    #[test]
    fn a_commit_that_fails_and_one_that_comes_late_fill_nothing() {
        let (standings, key) = (Standings::default(), ItemKey(0));
        drop(standings.mark(7, vec![(key, Some(standing(1)))]));
        standings.offer(key, 6, &standing(1));
        assert!(standings.get(key, 9).is_none());
        let late = standings.mark(7, vec![(key, Some(standing(2)))]);
        let next = standings.mark(8, vec![(key, None)]);
        late.fill();
        next.fill();
        assert!(standings.get(key, 9).is_none(), "a later transaction has marked it, and could not read it");
    }

    #[test]
    fn a_key_beyond_the_last_slot_is_left_to_the_tables() {
        let standings = Standings::default();
        for key in [(CHUNK * CHUNKS) as u64, u64::MAX].map(ItemKey) {
            standings.mark(1, vec![(key, Some(standing(1)))]).fill();
            assert!(standings.get(key, 2).is_none() && !standings.wants(key));
        }
    }

    #[test]
    fn readers_beside_a_writer_see_whole_standings_of_their_time() {
        /// Every word says which transaction wrote it.
        fn of(txn: u64) -> Standing {
            let head = Head { generation: Seq(txn), available: Timestamp::from_millis(txn as i64) };
            let one = txn as f64;
            Standing { head: Some(head), signals: Some(ItemSignals { masses: [one; 4], shown: one, chosen: one }) }
        }
        let (standings, key) = (Standings::default(), ItemKey(7));
        let (committed, seen, over) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
        let read = || {
            while !over.load(Ordering::SeqCst) {
                let txn = committed.load(Ordering::SeqCst);
                if let Some(found) = standings.get(key, txn) {
                    let written = found.head.map_or(0, |head| head.generation.0);
                    assert!(written <= txn, "{written} for a reader of {txn}");
                    assert_eq!(found, of(written), "words of several transactions");
                    seen.fetch_add(1, Ordering::SeqCst);
                }
            }
        };
        std::thread::scope(|scope| {
            let readers = [scope.spawn(read), scope.spawn(read)];
            let mut txn = 0;
            // As long as it takes: on one core the readers come on late.
            while txn < 50_000
                || (seen.load(Ordering::SeqCst) < 1_000 && readers.iter().all(|reader| !reader.is_finished()))
            {
                txn += 1;
                standings.mark(txn, vec![(key, Some(of(txn)))]).fill();
                committed.store(txn, Ordering::SeqCst);
            }
            over.store(true, Ordering::SeqCst);
        });
        assert!(seen.load(Ordering::SeqCst) >= 1_000);
    }
}

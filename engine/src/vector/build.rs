//! Changing a graph: growth, removal, and insertion by several threads.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::error::index_error;
use super::gate::Side;
use super::graph::{Graph, MAX_BUILDERS, MAX_SEARCHES, bits};
use super::order::{Put, side_by_side};
use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;

/// Smallest capacity; beyond it a graph doubles.
const FIRST_CAPACITY: usize = 1024;
/// Largest capacity: the library counts nodes in 32 bits.
const MAX_VECTORS: usize = 1 << 31;
/// Removals in one turn at the gate: a fraction of a millisecond.
const REMOVALS_A_TURN: usize = 512;
/// Insertions that are worth a thread of their own.
const INSERTIONS_A_THREAD: usize = 64;

/// All of this is for one builder at a time: the space holds a lock around it.
impl Graph {
    /// Makes room for `more` vectors, by doubling, and for all searches and builders.
    pub(super) fn reserve(&self, more: usize) -> Result<()> {
        // Growth moves what searches and insertions read. The turn at the gate keeps searches out; insertions are
        // out because only the one builder calls this, and it is not inserting now.
        let _inside = self.gate.enter(Side::Build);
        let needed = self.index.size().saturating_add(more).saturating_add(self.removed());
        if needed > MAX_VECTORS {
            return Err(Error::LimitExceeded {
                what: "vectors of one space",
                limit: MAX_VECTORS as u64,
                found: needed as u64,
            });
        }
        let capacity = needed.next_power_of_two().max(FIRST_CAPACITY);
        let contexts = MAX_SEARCHES.max(MAX_BUILDERS);
        // Loading leaves capacity for exactly what it read and too few contexts, so `reserve(0)` must act as well.
        if more == 0 || capacity > self.index.capacity() {
            self.index.reserve_capacity_and_threads(capacity, contexts).map_err(index_error)?;
        }
        Ok(())
    }

    /// Places that removed vectors take.
    pub(super) fn removed(&self) -> usize {
        self.removed.load(Ordering::Acquire)
    }

    /// Removes keys; those that are not there are passed over.
    pub(super) fn remove(&self, keys: impl IntoIterator<Item = ItemKey>) -> Result<()> {
        let mut keys = keys.into_iter().peekable();
        while keys.peek().is_some() {
            let _inside = self.gate.enter(Side::Build);
            for key in keys.by_ref().take(REMOVALS_A_TURN) {
                let removed = self.index.remove(key.0).map_err(index_error)?;
                self.present.fetch_sub(removed, Ordering::AcqRel);
                self.removed.fetch_add(removed, Ordering::AcqRel);
            }
        }
        Ok(())
    }

    /// Inserts vectors whose keys are distinct and not in the graph. Room was made by [`Graph::reserve`].
    pub(super) fn insert(&self, puts: &[Put<'_>], threads: usize) -> Result<()> {
        // An insertion that takes the place of a removed vector rewires a node that others still link to. The library
        // makes two of those at a time avoid each other by skipping nodes, which costs recall, and has had deadlocks
        // there; so they run one by one, and only appended vectors in parallel.
        let (reusing, appended) = puts.split_at(self.removed().min(puts.len()));
        reusing.iter().try_for_each(|put| self.insert_one(*put))?;
        let appended = &side_by_side(appended);
        match threads.min(appended.len() / INSERTIONS_A_THREAD).clamp(1, MAX_BUILDERS) {
            1 => appended.iter().try_for_each(|put| self.insert_one(*put))?,
            threads => self.insert_in_parallel(appended, threads)?,
        }
        self.suspect(appended.iter().map(|put| put.0));
        if self.check_is_due() {
            self.repair_stranded()?;
        }
        Ok(())
    }

    /// Inserts one vector whose key is not in the graph.
    pub(super) fn insert_one(&self, (key, vector): Put<'_>) -> Result<()> {
        let vector = bits(vector);
        let _inside = self.gate.enter(Side::Build);
        self.index.add(key.0, usearch::f16::from_i16s(&vector)).map_err(index_error)?;
        // The library takes a removed place whenever there is one. Saturating: a wrong count must not wrap.
        let _ = self.removed.fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| n.checked_sub(1));
        self.present.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// Inserts by several threads, which leaves more of the vectors stranded than one does (see `repair`).
    pub(super) fn insert_in_parallel(&self, puts: &[Put<'_>], threads: usize) -> Result<()> {
        let next = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        let failure = Mutex::new(None);
        let work = || {
            while !stop.load(Ordering::Relaxed) {
                let Some(put) = puts.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
                if let Err(error) = self.insert_one(*put) {
                    stop.store(true, Ordering::Relaxed);
                    *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..threads {
                // If the system refuses a thread, the others do its work; this thread does all of it if need be.
                let _ = std::thread::Builder::new().name("onelist-vectors".to_owned()).spawn_scoped(scope, work);
            }
            work();
        });
        match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

//! One vector space: its graph, its overlay, and how far each has come.
//!
//! The order that keeps every vector findable: `stage` before the catalog commits, `apply` after it, `drain` when
//! `apply` has returned. Between the removal and the insertion of a replaced vector the overlay answers for it.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use half::f16;

use super::checkpoint::{self, VectorCheckpoint};
use super::encode::check_stored;
use super::graph::Graph;
use super::spec::SpaceSpec;
use super::tail::Tail;
use crate::api::stats::VectorStats;
use crate::base::error::{Error, Result};
use crate::base::id::{Generation, ItemKey, Seq};

/// One named space. All methods take `&self`; one thread stages, one applies, any number search.
pub(crate) struct Space {
    pub(super) spec: SpaceSpec,
    pub(super) tail: Tail,
    graph: ArcSwap<Graph>,
    /// Held by whatever changes or saves the graph.
    builder: Mutex<()>,
    threads: usize,
    dir: PathBuf,
    staged: AtomicU64,
    applied: AtomicU64,
    checkpoint_seq: AtomicU64,
    rebuild_asked: AtomicBool,
}

impl Space {
    /// A space around a graph that holds everything up to `seq`.
    pub(super) fn new(spec: SpaceSpec, dir: PathBuf, threads: usize, graph: Graph, seq: Seq) -> Space {
        let at = || AtomicU64::new(seq.0);
        Space {
            tail: Tail::new(spec.dimensions),
            spec,
            graph: ArcSwap::from_pointee(graph),
            builder: Mutex::new(()),
            threads,
            dir,
            staged: at(),
            applied: at(),
            checkpoint_seq: at(),
            rebuild_asked: AtomicBool::new(false),
        }
    }

    /// Shows the vectors of commit `seq` to searches before the graph holds them. The writer calls it before its commit, so
    /// that every reader of the commit finds the vectors. If the commit fails, `is_current` hides them.
    ///
    /// # Errors
    /// [`Error::DimMismatch`], [`Error::NonFinite`]; nothing is staged then.
    pub(crate) fn stage(&self, seq: Seq, vectors: Vec<(ItemKey, Generation, Arc<[f16]>)>) -> Result<()> {
        for (_, _, vector) in &vectors {
            check_stored(&self.spec.name, self.spec.dimensions, vector)?;
        }
        self.tail.stage(seq, vectors);
        self.staged.fetch_max(seq.0, Ordering::AcqRel);
        Ok(())
    }

    /// Removes `deletes` from the graph, then adds or replaces `puts` (of two with one key the last counts).
    ///
    /// Appended vectors are inserted by several threads, replacements by one. After an error the graph may hold a part
    /// of the batch: apply it again, or rebuild.
    ///
    /// # Errors
    /// [`Error::DimMismatch`], [`Error::NonFinite`] before anything is changed; [`Error::Index`] when memory is short.
    pub(crate) fn apply(&self, puts: &[(ItemKey, Arc<[f16]>)], deletes: &[ItemKey]) -> Result<()> {
        for (key, vector) in puts {
            check_stored(&self.spec.name, self.spec.dimensions, vector)?;
            if key.0 == u64::MAX {
                return Err(Error::internal("the largest item key is not an item's"));
            }
        }
        let mut seen = HashSet::with_capacity(puts.len());
        let mut distinct: Vec<_> = puts.iter().rev().filter(|put| seen.insert(put.0)).collect();
        distinct.reverse();
        let puts: Vec<_> = distinct.into_iter().map(|(key, vector)| (*key, vector.as_ref())).collect();

        let _builder = self.lock_builder();
        let graph = self.graph();
        graph.remove(deletes.iter().copied().chain(puts.iter().map(|put| put.0)))?;
        if puts.is_empty() {
            return Ok(());
        }
        graph.reserve(puts.len())?;
        graph.insert(&puts, self.threads)
    }

    /// The graph now holds everything up to `seq`: drops that from the overlay.
    pub(crate) fn drain(&self, seq: Seq) {
        self.tail.drain(seq);
        self.applied.fetch_max(seq.0, Ordering::AcqRel);
    }

    /// What makes its vectors comparable.
    pub(crate) fn id(&self) -> &str {
        &self.spec.id
    }

    /// Number of the last commit that was staged.
    #[cfg(test)]
    pub(crate) fn staged(&self) -> Seq {
        Seq(self.staged.load(Ordering::Acquire))
    }

    /// Number of the last commit that the graph holds.
    pub(crate) fn applied(&self) -> Seq {
        Seq(self.applied.load(Ordering::Acquire))
    }

    /// Writes the graph to a file that is complete and durable when this returns; first it looks for vectors that
    /// insertion has stranded. The caller then records the answer in the catalog, and only after that cuts its log. Searches go on; `apply` waits.
    ///
    /// # Errors
    /// [`Error::Io`] (a full disk included), [`Error::Index`]; no file of that name is left behind.
    pub(crate) fn checkpoint(&self, seq: Seq) -> Result<VectorCheckpoint> {
        let _builder = self.lock_builder();
        let graph = self.graph();
        graph.repair_stranded()?;
        let written = checkpoint::write(&self.dir, &self.spec, seq, graph.len() as u64, &graph.to_bytes()?)?;
        self.checkpoint_seq.store(seq.0, Ordering::Release);
        Ok(written)
    }

    /// Deletes the files of this space that none of `keep` names.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn prune(&self, keep: &[VectorCheckpoint]) -> Result<()> {
        let _builder = self.lock_builder();
        checkpoint::prune(&self.dir, &self.spec.name, keep)
    }

    /// Starts again with an empty graph, for a rebuild. The overlay stays: stage the whole catalog first, and no vector
    /// is missing while the new graph grows. A search that runs keeps the old graph until it is done.
    ///
    /// # Errors
    /// [`Error::Index`] when memory is short; the old graph then stays.
    pub(crate) fn clear(&self) -> Result<()> {
        let _builder = self.lock_builder();
        self.graph.store(Arc::new(Graph::new(self.spec.dimensions)?));
        self.applied.store(0, Ordering::Release);
        Ok(())
    }

    /// The share of the graph that removed vectors take, 0 to 1. Past a quarter it is time to rebuild.
    pub(crate) fn deleted_share(&self) -> f32 {
        let graph = self.graph();
        let (present, removed) = (graph.len() as f32, graph.removed() as f32);
        if removed > 0.0 { removed / (present + removed) } else { 0.0 }
    }

    /// Asks for a rebuild and a new file whatever the share, or says that it is done. Whoever follows the writer does it.
    pub(crate) fn ask_for_rebuild(&self, asked: bool) {
        self.rebuild_asked.store(asked, Ordering::Release);
    }

    /// Whether that was asked for and is not done.
    pub(crate) fn rebuild_is_asked(&self) -> bool {
        self.rebuild_asked.load(Ordering::Acquire)
    }

    /// Of a sample of vectors that the graph holds, the share that it finds by searching for them, 0 to 1; 1 for an
    /// empty sample. Measures the graph itself, without the exact scan of small spaces and without the overlay.
    ///
    /// # Errors
    /// [`Error::DimMismatch`], [`Error::NonFinite`], [`Error::Index`].
    pub(crate) fn self_recall(&self, sample: &[(ItemKey, Arc<[f16]>)]) -> Result<f32> {
        if sample.is_empty() {
            return Ok(1.0);
        }
        let graph = self.graph();
        let mut found = 0_usize;
        for (key, vector) in sample {
            check_stored(&self.spec.name, self.spec.dimensions, vector)?;
            found += usize::from(graph.finds(*key, vector)?);
        }
        Ok(found as f32 / sample.len() as f32)
    }

    /// Counts and sizes of this moment.
    pub(crate) fn stats(&self) -> VectorStats {
        let graph = self.graph();
        VectorStats {
            name: self.spec.name.clone(),
            dimensions: self.spec.dimensions as u64,
            indexed: graph.len() as u64,
            tail: self.tail.snapshot().len() as u64,
            lag: 0,
            deleted: graph.removed() as u64,
            memory_bytes: graph.memory() as u64,
            checkpoint_seq: self.checkpoint_seq.load(Ordering::Acquire),
        }
    }

    /// Vectors that searches still scan exactly.
    pub(crate) fn tail_len(&self) -> usize {
        self.tail.snapshot().len()
    }

    /// Number of the last commit in the file on disk.
    pub(crate) fn checkpointed(&self) -> Seq {
        Seq(self.checkpoint_seq.load(Ordering::Acquire))
    }

    /// The graph of this moment.
    pub(super) fn graph(&self) -> Arc<Graph> {
        self.graph.load_full()
    }

    fn lock_builder(&self) -> MutexGuard<'_, ()> {
        self.builder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

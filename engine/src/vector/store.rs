//! All vector spaces of one directory.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use super::checkpoint::{self, Unusable, VectorCheckpoint};
use super::graph::{Graph, MAX_BUILDERS};
use super::space::Space;
use super::spec::SpaceSpec;
use crate::base::error::{Error, Result};
use crate::base::id::Seq;
use crate::base::limits::MAX_DIMENSIONS;

/// Threads that add to a graph when the configuration leaves it open, at most.
const THREADS_BY_DEFAULT: usize = 8;

/// The folder of the vector indexes.
pub(crate) struct VectorStore {
    dir: PathBuf,
    /// `None` where another process writes the files: nothing is moved then.
    quarantine: Option<PathBuf>,
    threads: usize,
    spaces: RwLock<HashMap<String, Arc<Space>>>,
}

impl VectorStore {
    /// Creates both folders when they are missing and removes what a crash left half-written. No space is open yet.
    ///
    /// `threads` add to a graph at a time; 0 is one for each core, at most 8.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn open(dir: &Path, quarantine: &Path, threads: usize) -> Result<VectorStore> {
        for folder in [dir, quarantine] {
            fs::create_dir_all(folder).map_err(|e| Error::io("create", folder, e))?;
        }
        checkpoint::remove_unfinished(dir)?;
        Ok(VectorStore::in_folder(dir, Some(quarantine), threads))
    }

    /// The indexes whose files another process writes: they are read, and nothing in the folder is changed.
    pub(crate) fn beside(dir: &Path, threads: usize) -> VectorStore {
        VectorStore::in_folder(dir, None, threads)
    }

    /// From now on this process writes the files.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn lead(&self) -> Result<()> {
        checkpoint::remove_unfinished(&self.dir)
    }

    fn in_folder(dir: &Path, quarantine: Option<&Path>, threads: usize) -> VectorStore {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_BY_DEFAULT);
        let threads = if threads == 0 { cores() } else { threads.min(MAX_BUILDERS) };
        let (dir, quarantine) = (dir.to_owned(), quarantine.map(Path::to_owned));
        VectorStore { dir, quarantine, threads, spaces: RwLock::default() }
    }

    /// Opens a space from the newest of `checkpoints` that is sound, and returns the commit it holds; `None` is an
    /// empty space, which the caller stages and feeds from the catalog. A space of that name that is open is replaced.
    ///
    /// Files that are not what was recorded are moved to quarantine. Those of another space id or width are passed
    /// over, and go with the next [`Space::prune`].
    ///
    /// # Errors
    /// [`Error::LimitExceeded`] or [`Error::InvalidArgument`] for the width; [`Error::Index`] when memory is short.
    pub(crate) fn open_space(&self, spec: &SpaceSpec, checkpoints: &[VectorCheckpoint]) -> Result<Option<Seq>> {
        crate::base::limits::at_most("dimensions of a vector", MAX_DIMENSIONS, spec.dimensions)?;
        if spec.dimensions == 0 {
            return Err(Error::argument(format!("vector `{}`", spec.name), "1 or more dimensions", "0"));
        }
        let mut candidates: Vec<_> = checkpoints
            .iter()
            .filter(|c| c.space == spec.name && c.space_id == spec.id && c.dimensions as usize == spec.dimensions)
            .collect();
        candidates.sort_by_key(|checkpoint| std::cmp::Reverse(checkpoint.seq));
        let loaded = candidates.into_iter().find_map(|record| self.load(record).map(|graph| (graph, record.seq)));
        let seq = loaded.as_ref().map(|(_, seq)| *seq);
        let (graph, at) = match loaded {
            Some(sound) => sound,
            None => (Graph::new(spec.dimensions)?, Seq(0)),
        };
        let space = Space::new(spec.clone(), self.dir.clone(), self.threads, graph, at);
        let mut spaces = self.spaces.write().unwrap_or_else(PoisonError::into_inner);
        spaces.insert(spec.name.clone(), Arc::new(space));
        Ok(seq)
    }

    /// A space that is empty and is not open yet: it is filled beside the open one of its name and then takes its place.
    ///
    /// # Errors
    /// [`Error::Index`] when memory is short.
    pub(crate) fn prepare_space(&self, spec: &SpaceSpec) -> Result<Arc<Space>> {
        let graph = Graph::new(spec.dimensions)?;
        Ok(Arc::new(Space::new(spec.clone(), self.dir.clone(), self.threads, graph, Seq(0))))
    }

    /// Replaces the open space of the same name. Requests that hold the old one keep it until they end.
    pub(crate) fn replace_space(&self, space: Arc<Space>) {
        let mut spaces = self.spaces.write().unwrap_or_else(PoisonError::into_inner);
        spaces.insert(space.spec.name.clone(), space);
    }

    /// An open space by name.
    pub(crate) fn space(&self, name: &str) -> Option<Arc<Space>> {
        self.spaces.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// All open spaces, by name.
    #[cfg(test)]
    pub(crate) fn spaces(&self) -> Vec<Arc<Space>> {
        let spaces = self.spaces.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = spaces.values().cloned().collect();
        all.sort_by(|a, b| a.spec.name.cmp(&b.spec.name));
        all
    }

    fn load(&self, record: &VectorCheckpoint) -> Option<Graph> {
        let graph = checkpoint::read(&self.dir, record).and_then(|bytes| {
            Graph::from_bytes(&bytes, record.dimensions as usize, record.count).map_err(|_| Unusable::Mismatch)
        });
        match graph {
            Ok(graph) => Some(graph),
            Err(Unusable::Missing) => None,
            Err(Unusable::Mismatch) => {
                if let Some(quarantine) = &self.quarantine {
                    checkpoint::quarantine(&self.dir, quarantine, &record.file);
                }
                None
            }
        }
    }
}

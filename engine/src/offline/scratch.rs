//! A copy of the engine to replay a log into: the same items, none of the events.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::api::config::Config;
use crate::api::exploration::Impressions;
use crate::api::retention::Retention;
use crate::background::fit_space;
use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;
use crate::base::random::is_hex_id;
use crate::base::watch;
use crate::core::Core;
use crate::ingest::{Placed, PreparedItem, prepare_stored};
use crate::open::{DirectoryLock, Taken};
use crate::store::Stores;
use crate::store::snapshot::Snapshot;
use crate::vector;

/// Items that are copied in one batch.
const BATCH: usize = 5_000;

/// An engine in a directory of its own, which goes away with it.
pub(crate) struct Scratch {
    pub db: Arc<Core>,
    path: PathBuf,
}

impl Scratch {
    /// Copies the catalog of `source` into a new engine with other `weights` (none: those of the model), and waits for its
    /// indexes, which serve as in the store; `sessions` requests are scored at the same time. When `source` closes, the copy
    /// ends: this call and later ones return [`Error::Closed`].
    pub(crate) fn open(source: &Stores, weights: Vec<Vec<f32>>, sessions: usize) -> Result<Scratch> {
        Scratch::with_model(source, None, weights, sessions)
    }

    /// [`Scratch::open`] with the model of another folder. Vectors are copied; a model of another vector space embeds every
    /// item again.
    pub(super) fn with_model(
        source: &Stores,
        model: Option<&Path>,
        weights: Vec<Vec<f32>>,
        sessions: usize,
    ) -> Result<Scratch> {
        let path = folder(&source.path).join(crate::base::random::hex_id());
        // The active model may be one that was promoted.
        let active = || source.active().folder.clone().or_else(|| source.config.model.clone());
        let config = Config {
            weights,
            model: model.map(Path::to_owned).or_else(active),
            sessions,
            tune: false,
            fit_space: false,
            re_embed: false,
            // The model's own order is measured, and no user sees it.
            impressions: Impressions::off(),
            explore: None,
            new_items: None,
            // A replay needs the whole past.
            retention: Retention::default(),
            ..source.config.clone()
        };
        let scratch = Scratch { db: Arc::new(Core::open(&path, config)?), path };
        let stores = scratch.db.access()?.stores.clone();
        source.adopt(&stores)?;
        stores.catalog.make_scratch()?;
        // Items are copied with their vectors and semantic ids, so each must have them.
        fit_space::fill_sids(source)?;
        scratch.copy(source)?;
        scratch.db.flush()?;
        Ok(scratch)
    }

    fn copy(&self, source: &Stores) -> Result<()> {
        let snapshot = Snapshot::pin(source)?;
        let (space, width) = (snapshot.item_space(), snapshot.model().width());
        let inner = self.db.access()?;
        if inner.stores.model().space_id() == snapshot.model().space_id() {
            fit_space::adopt(&inner.stores, &snapshot.item)?;
        }
        let (mut batch, mut done): (Vec<PreparedItem>, usize) = (Vec::new(), 0);
        for row in snapshot.catalog.view().items(ItemKey(0))? {
            let (key, record) = row?;
            let (vector, sid) = (snapshot.catalog.view().vector(space, key)?, snapshot.sid(key)?);
            let placed = match vector.zip(sid) {
                Some((bytes, sid)) => Some(Placed { vector: vector::from_bytes(bytes, width)?, sid, error: None }),
                None => None,
            };
            // Under a model of another space the writer embeds it again, as it does after a fit.
            batch.push(prepare_stored(record.item, record.available, placed, &snapshot.item));
            if batch.len() == BATCH {
                source.check_open()?;
                watch::report("copy", done, snapshot.catalog.counters().items as usize);
                done += BATCH;
                inner.writer()?.put(std::mem::take(&mut batch))?;
            }
        }
        inner.writer()?.put(batch).map(|_| ())
    }
}

impl Drop for Scratch {
    /// A folder that cannot be removed now is removed at the next opening.
    fn drop(&mut self) {
        let (db, path) = (self.db.clone(), std::mem::take(&mut self.path));
        let end = move || {
            let _ = db.close(|| Ok(()));
            drop(db);
            let _ = fs::remove_dir_all(path);
        };
        // A call that was told to stop does not wait for the threads of the copy, which end by themselves.
        match watch::is_stopped() {
            true => drop(std::thread::Builder::new().name("onelist-scratch".to_owned()).spawn(end)),
            false => end(),
        }
    }
}

fn folder(store: &Path) -> PathBuf {
    store.join("scratch")
}

/// Removes the copies of interrupted evaluations, which have random names of the engine; anything else stays. Those that a
/// process works with are locked, and stay.
pub(crate) fn clear_scratch(store: &Path) -> Result<()> {
    let path = folder(store);
    let entries = match fs::read_dir(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|e| Error::io("list", &path, e))?,
    };
    for entry in entries.flatten() {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if !is_folder || !entry.file_name().to_str().is_some_and(is_hex_id) {
            continue;
        }
        let entry = entry.path();
        let in_use = entry.join("LOCK").exists() && matches!(DirectoryLock::try_take(&entry), Ok(Taken::By(_)));
        if !in_use {
            fs::remove_dir_all(&entry).map_err(|e| Error::io("remove", &entry, e))?;
        }
    }
    // With something left in it, it stays.
    let _ = fs::remove_dir(&path);
    Ok(())
}

//! Which directories this process has open: a second handle of one shares what the first has opened.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::Core;
use crate::api::config::Config;
use crate::base::error::{Error, Result};

/// An open directory, and the process that opened it: a forked child has inherited the entries of its parent.
struct Entry {
    path: PathBuf,
    pid: u32,
    core: Weak<Core>,
}

static OPEN: Mutex<Vec<Entry>> = Mutex::new(Vec::new());

fn entries() -> MutexGuard<'static, Vec<Entry>> {
    let mut entries = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    entries.retain(|entry| entry.core.strong_count() > 0);
    entries
}

/// What this process has open there, with one handle more.
///
/// # Errors
/// [`Error::AlreadyOpen`] when it is open with other settings.
pub(super) fn find(path: &Path, config: &Config) -> Result<Option<Arc<Core>>> {
    let Ok(path) = path.canonicalize() else { return Ok(None) };
    let pid = std::process::id();
    let found = entries().iter().find(|entry| entry.pid == pid && entry.path == path).map(|entry| entry.core.clone());
    let Some(core) = found.and_then(|core| core.upgrade()).filter(|core| core.join()) else { return Ok(None) };
    if core.config == *config {
        return Ok(Some(core));
    }
    core.leave();
    Err(Error::AlreadyOpen { path, pid })
}

/// Notes that this process has a directory open.
pub(super) fn note(core: &Weak<Core>, path: &Path) {
    let Ok(path) = path.canonicalize() else { return };
    let pid = std::process::id();
    let mut entries = entries();
    entries.retain(|entry| entry.path != path);
    entries.push(Entry { path, pid, core: core.clone() });
}

impl Core {
    /// Takes a share, unless the last one was given back.
    fn join(&self) -> bool {
        let one_more = |handles: usize| (handles > 0).then_some(handles + 1);
        self.handles.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more).is_ok()
    }

    /// Gives a share back. True for the last one: the caller closes.
    pub(crate) fn leave(&self) -> bool {
        self.handles.fetch_sub(1, Ordering::SeqCst) == 1
    }
}

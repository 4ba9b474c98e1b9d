//! Backups, and giving space back.

use std::path::Path;

use serde_json::json;

use super::Engine;
use super::models::absolute;
use crate::api::upkeep::{Backup, Compacted};
use crate::background::{backup, compact};
use crate::base::error::Result;

impl Engine {
    /// Copies the store to `path`, while requests and writes go on: everything that was acknowledged before the call, and of
    /// what is written meanwhile all of a batch or none of it. The copy is a store: to restore it, open it, or move it to
    /// where the lost one was. It has its name once all of it is on disk; the path must be free before.
    ///
    /// ```no_run
    /// # let db = onelist::Engine::open("shop.onelist", onelist::Config::default())?;
    /// let copied = db.backup("/backups/shop-2026-01-31.onelist")?;
    /// println!("{} bytes", copied.bytes);
    /// # Ok::<(), onelist::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`crate::Error::InvalidArgument`] for a path that is taken, or inside a store; [`crate::Error::DiskFull`],
    /// [`crate::Error::Io`]; those of a call that is stopped. Nothing is left at the path then.
    pub fn backup(&self, path: impl AsRef<Path>) -> Result<Backup> {
        // The process that writes may have another working directory.
        let path = absolute(path.as_ref())?;
        match self.elsewhere("backup", json!({"path": path}))? {
            Some(copied) => Ok(copied),
            None => backup::backup(self.core.writing()?.stores(), &path),
        }
    }

    /// Gives space back to the file system: free pages of the catalog, deleted documents of the text index, removed vectors,
    /// older copies of the graphs, what was put aside as damaged. Requests go on; writes wait while the catalog is copied, and
    /// the disk needs room for that copy. Other processes that have the directory open go on with the new file at their next
    /// request. Run it after deleting much, not regularly: free space is used again anyway.
    ///
    /// # Errors
    /// [`crate::Error::DiskFull`], [`crate::Error::Io`]; those of a call that is stopped. What was compacted before stays so.
    pub fn compact(&self) -> Result<Compacted> {
        if let Some(compacted) = self.elsewhere("compact", json!({}))? {
            return Ok(compacted);
        }
        self.core.flush()?;
        compact::compact(self.core.writing()?.stores(), || self.core.flush())
    }
}

//! The whole store as files, and from them an equal store.

use std::path::Path;

use serde_json::json;

use super::Engine;
use crate::api::transfer::{ExportFormat, Transferred};
use crate::base::error::{Error, Result};
use crate::offline::transfer;

impl Engine {
    /// Writes all that is stored into a folder, as JSON lines or Parquet: items with their vectors, users, events,
    /// histories, impressions, scenarios and tunings, and a manifest. docs/DATA.md lists the files. One commit is exported,
    /// while requests and writes go on. Memory is bounded but for the ids of users and items.
    ///
    /// The folder has its name once it is whole and on disk, in place of an earlier export. Equal stores have equal exports,
    /// byte for byte.
    ///
    /// ```no_run
    /// # let db = onelist::Engine::open("shop.onelist", onelist::Config::default())?;
    /// let done = db.export("shop-export", onelist::ExportFormat::Jsonl)?;
    /// println!("{} items, {} events", done.items, done.events);
    /// # Ok::<(), onelist::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`crate::Error::InvalidArgument`] for a path inside a store, or one that has something other than an export;
    /// [`crate::Error::Io`], always for Parquet without the feature `training`; [`crate::Error::Closed`] when the engine is
    /// closed meanwhile. Nothing is left behind then.
    pub fn export(&self, path: impl AsRef<Path>, format: ExportFormat) -> Result<Transferred> {
        let access = self.core.drained()?;
        transfer::export(&access.stores, path.as_ref(), format, &|| access.stores.check_open())
    }

    /// Reads a folder that [`Engine::export`] wrote. An empty store becomes equal to the exported one: the same items,
    /// events, histories, signals and rankings. (Text is embedded again, and co-occurrence lists and the fitted space are made
    /// again.) In a store that has data, items replace those of their ids, events that it has are not logged twice, and what
    /// the other store counted of shown lists and removed events is left out.
    ///
    /// Files are compared with the manifest before anything is written. An import that ends early leaves what it has read;
    /// import again, or begin with a new directory.
    ///
    /// # Errors
    /// [`crate::Error::InvalidArgument`] for a folder that is no export, and for a line that no export has;
    /// [`crate::Error::Damaged`] for a file that is not as it was written; [`crate::Error::Io`]; what [`Engine::put`] and
    /// [`Engine::log`] answer; [`crate::Error::Closed`] when the engine is closed meanwhile.
    pub fn import_from(&self, path: impl AsRef<Path>) -> Result<Transferred> {
        // The process that writes may have another working directory.
        let path = std::path::absolute(path.as_ref()).map_err(|e| Error::io("find", path.as_ref(), e))?;
        if let Some(done) = self.elsewhere("import_from", json!({"path": path}))? {
            return Ok(done);
        }
        let access = self.core.access()?;
        transfer::import(&access, &path, &|| access.stores.check_open())
    }
}

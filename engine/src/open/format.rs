//! The FORMAT file: what the directory is, and which versions read it.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::entries;
use crate::base::error::{Error, Result};
use crate::base::id::Seq;
use crate::catalog::Catalog;

/// The version this library writes.
const FORMAT: u32 = 6;
/// The oldest version that it reads; it becomes the current one when the directory is opened.
const OLDEST: u32 = 2;
const MAGIC: &str = "onelist";
const STORE_ID: &str = "store_id";

/// The file, as JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Format {
    magic: String,
    format: u32,
    /// The oldest format whose library can read this directory.
    oldest_reader: u32,
    /// Names the store, so that an index of another one is never taken for its own.
    store: String,
    page_size: usize,
}

/// Reads the file; `None` when it is missing.
///
/// # Errors
/// [`Error::NewerFormat`], or [`Error::Damaged`].
pub(super) fn read(dir: &Path) -> Result<Option<Format>> {
    let path = dir.join("FORMAT");
    let mut text = String::new();
    match fs::File::open(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io("open", &path, e)),
        Ok(file) => file.take(65_536).read_to_string(&mut text).map_err(|e| Error::io("read", &path, e))?,
    };
    let damaged = |found: String| Error::damaged(path.display().to_string(), found);
    let format: Format = serde_json::from_str(&text).map_err(|e| damaged(e.to_string()))?;
    if format.magic != MAGIC {
        return Err(damaged("another magic word".to_owned()));
    }
    if format.oldest_reader > FORMAT {
        return Err(Error::NewerFormat { path: dir.to_owned(), found: format.format, supported: FORMAT });
    }
    if format.format < OLDEST {
        return Err(damaged(format!(
            "format {} of a version before the first release, expected {OLDEST} or later: put the items again into a new directory",
            format.format
        )));
    }
    if format.page_size != rustix::param::page_size() {
        return Err(damaged(format!("pages of {} bytes, this machine has others", format.page_size)));
    }
    Ok(Some(format))
}

/// Agrees on the store's id between the file and the catalog, creating both for a new directory.
///
/// IMPORTANT: the catalog's record is committed before the file is written. So a FORMAT file without its catalog means
/// that the catalog was lost, and is an error instead of an empty store.
pub(super) fn agree_on_id(dir: &Path, format: Option<Format>, catalog: &Catalog) -> Result<String> {
    let known: Option<String> = catalog.read()?.view().meta(STORE_ID)?;
    match (format, known) {
        (Some(format), Some(known)) if format.store == known => {
            // Before anything is written that an older library would misread.
            if format.format < FORMAT {
                create(dir, &known)?;
            }
            Ok(known)
        }
        (Some(format), found) => Err(differ(dir, &format, found.as_deref())),
        (None, Some(_)) if catalog.read()?.counters().seq > Seq(0) => {
            Err(entries::lost_format(dir, "beside a catalog"))
        }
        (None, known) => {
            let store = known.unwrap_or_else(crate::base::random::hex_id);
            let mut write = catalog.write()?;
            write.set_meta(STORE_ID, &store)?;
            write.commit_bookkeeping()?;
            create(dir, &store)?;
            Ok(store)
        }
    }
}

/// The store's id, in a directory that this process does not write.
///
/// # Errors
/// [`Error::Damaged`] when file and catalog differ.
pub(super) fn same_id(dir: &Path, format: &Format, catalog: &Catalog) -> Result<String> {
    match catalog.read()?.view().meta::<String>(STORE_ID)? {
        Some(known) if known == format.store => Ok(known),
        found => Err(differ(dir, format, found.as_deref())),
    }
}

fn differ(dir: &Path, format: &Format, found: Option<&str>) -> Error {
    Error::damaged(
        dir.join("data.mdb").display().to_string(),
        format!("FORMAT names store {}, the catalog {}", format.store, found.unwrap_or("none")),
    )
}

fn create(dir: &Path, store: &str) -> Result<()> {
    let format = Format {
        magic: MAGIC.to_owned(),
        format: FORMAT,
        oldest_reader: FORMAT,
        store: store.to_owned(),
        page_size: rustix::param::page_size(),
    };
    let text = serde_json::to_string_pretty(&format).map_err(|e| Error::internal(e.to_string()))?;
    let (temporary, path) = (dir.join("FORMAT.tmp"), dir.join("FORMAT"));
    let write = || {
        let mut file = fs::File::create(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, &path)?;
        // The name is durable only when the directory is.
        fs::File::open(dir)?.sync_all()
    };
    write().map_err(|e| Error::io("write", &path, e))
}

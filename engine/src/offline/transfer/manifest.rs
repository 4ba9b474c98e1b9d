//! What an export consists of: written last, read first.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use super::place::sync;
use crate::api::transfer::{ExportFormat, Transferred};
use crate::base::error::{Error, Result};

/// The version of the layout.
const VERSION: u32 = 1;
const NAME: &str = "manifest.json";
/// More than a manifest with 256 fields takes.
const MOST_BYTES: u64 = 1 << 20;

/// One file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct FileRow {
    pub rows: u64,
    pub bytes: u64,
    /// XXH3-128 of the file, in hexadecimal.
    pub hash: String,
}

/// The manifest. It holds nothing of the moment or of the machine: equal stores have equal exports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub onelist_export: u32,
    pub library: String,
    pub format: ExportFormat,
    /// Fields with their types, for people.
    pub schema: BTreeMap<String, String>,
    /// Events that were removed before.
    pub events_removed: u64,
    /// Whether the store had co-occurrence lists, and a vector space fitted to its items: both are made again.
    pub cooccurrence: bool,
    pub fitted: bool,
    /// The next free keys.
    pub next_item: u64,
    pub next_user: u64,
    pub files: BTreeMap<String, FileRow>,
}

impl Manifest {
    pub(super) fn new(format: ExportFormat) -> Manifest {
        Manifest {
            onelist_export: VERSION,
            library: env!("CARGO_PKG_VERSION").to_owned(),
            format,
            schema: BTreeMap::new(),
            events_removed: 0,
            cooccurrence: false,
            fitted: false,
            next_item: 0,
            next_user: 0,
            files: BTreeMap::new(),
        }
    }

    /// Reads the manifest of a folder.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a folder that is no export, or one of a newer library; [`Error::Io`].
    pub(super) fn read(folder: &Path) -> Result<Manifest> {
        let path = folder.join(NAME);
        let refused = |found: String| {
            Error::argument(format!("export {}", folder.display()), "a folder that `export` has written", found)
        };
        let mut text = String::new();
        match File::open(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(refused("no manifest.json".to_owned())),
            Err(e) => return Err(Error::io("open", &path, e)),
            Ok(file) => file.take(MOST_BYTES).read_to_string(&mut text).map_err(|e| Error::io("read", &path, e))?,
        };
        let manifest: Manifest = serde_json::from_str(&text).map_err(|e| refused(format!("manifest.json: {e}")))?;
        if manifest.onelist_export != VERSION {
            return Err(refused(format!("layout {}; this library reads {VERSION}", manifest.onelist_export)));
        }
        Ok(manifest)
    }

    /// What it has, in numbers.
    pub(super) fn summary(&self) -> Transferred {
        let rows = |name: &str| self.files.get(name).map_or(0, |file| file.rows);
        Transferred {
            items: rows("items"),
            users: rows("users"),
            events: rows("events"),
            impressions: rows("impressions"),
            scenarios: rows("scenarios"),
            bytes: self.files.values().map(|file| file.bytes).sum(),
        }
    }

    /// Writes it into a folder, durably.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(NAME);
        let text = serde_json::to_string_pretty(self).map_err(|e| Error::internal(e.to_string()))?;
        let write = || {
            let mut file = File::create_new(&path)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        };
        write().map_err(|e| Error::io("write", &path, e))?;
        sync(folder)
    }
}

impl FileRow {
    /// What a file is.
    pub(super) fn of(path: &Path, rows: u64) -> Result<FileRow> {
        let failed = |e| Error::io("read", path, e);
        let mut file = File::open(path).map_err(failed)?;
        let (mut hash, mut bytes) = (Xxh3::new(), 0);
        let mut buffer = vec![0; 1 << 16];
        loop {
            match file.read(&mut buffer).map_err(failed)? {
                0 => break,
                read => {
                    hash.update(buffer.get(..read).unwrap_or_default());
                    bytes += read as u64;
                }
            }
        }
        Ok(FileRow { rows, bytes, hash: format!("{:032x}", hash.digest128()) })
    }

    /// Compares a file with what it was.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub(super) fn check(&self, path: &Path) -> Result<()> {
        if !fs::symlink_metadata(path).is_ok_and(|found| found.is_file()) {
            return Err(Error::damaged(path.display().to_string(), "no such file; the manifest names it"));
        }
        match FileRow::of(path, self.rows)? {
            found if found == *self => Ok(()),
            found => Err(Error::damaged(
                path.display().to_string(),
                format!("{} bytes with another hash; the manifest says {} bytes", found.bytes, self.bytes),
            )),
        }
    }
}

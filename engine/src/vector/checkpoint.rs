//! Checkpoint files: written so that a crash leaves the old ones whole, read so that damage is found before it is used.
//!
//! The library's own saving writes in place, ignores a full disk, and its loading follows wild addresses in a damaged
//! file. So a graph is turned into bytes in memory, the bytes are hashed, and this file does the writing and the reading.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::spec::SpaceSpec;
use crate::base::error::{Error, Result};
use crate::base::id::Seq;

/// The ending of a finished checkpoint.
const FINISHED: &str = ".usearch";
/// The ending of one that is being written.
const UNFINISHED: &str = ".tmp";

/// What the catalog remembers of a checkpoint file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VectorCheckpoint {
    /// Name of the space.
    pub space: String,
    /// Vector space of its vectors: a file of another one is not used.
    pub space_id: String,
    /// File name inside the folder of the vector store.
    pub file: String,
    /// Length of the file.
    pub bytes: u64,
    /// XXH3-128 of the whole file, in 32 hex digits.
    pub xxh3: String,
    /// The graph holds all commits up to this one.
    pub seq: Seq,
    /// Width of the vectors.
    pub dimensions: u32,
    /// Vectors in the graph, without removed ones.
    pub count: u64,
}

/// Why a checkpoint cannot be used.
pub(super) enum Unusable {
    /// There is no such file.
    Missing,
    /// The file is not what was recorded; it belongs into quarantine.
    Mismatch,
}

/// Writes `bytes` under a name made of space, commit and content hash, and returns the record for the catalog.
///
/// Temporary name, length check, fsync of the file, rename, fsync of the folder: in this order, or a power cut can
/// leave a short file under the final name.
pub(super) fn write(dir: &Path, spec: &SpaceSpec, seq: Seq, count: u64, bytes: &[u8]) -> Result<VectorCheckpoint> {
    let hash = format!("{:032x}", xxh3_128(bytes));
    let prefix = prefix(&spec.name);
    let file = format!("{prefix}{:020}-{}{FINISHED}", seq.0, &hash[..16]);
    let unfinished = dir.join(format!("{prefix}{:020}{UNFINISHED}", seq.0));
    if let Err(error) = write_durably(&unfinished, bytes) {
        // Best effort: opening removes what is left.
        let _ = fs::remove_file(&unfinished);
        return Err(error);
    }
    let finished = dir.join(&file);
    fs::rename(&unfinished, &finished).map_err(|e| Error::io("rename", &unfinished, e))?;
    sync_folder(dir)?;
    Ok(VectorCheckpoint {
        space: spec.name.clone(),
        space_id: spec.id.clone(),
        file,
        bytes: bytes.len() as u64,
        xxh3: hash,
        seq,
        dimensions: u32::try_from(spec.dimensions).map_err(|_| Error::internal("a width beyond 32 bits"))?,
        count,
    })
}

fn write_durably(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = File::create(path).map_err(|e| Error::io("create", path, e))?;
    file.write_all(bytes).map_err(|e| Error::io("write", path, e))?;
    file.sync_all().map_err(|e| Error::io("sync", path, e))?;
    let length = file.metadata().map_err(|e| Error::io("read the length of", path, e))?.len();
    if length != bytes.len() as u64 {
        let short = std::io::Error::other(format!("expected {} bytes, found {length}", bytes.len()));
        return Err(Error::io("write", path, short));
    }
    Ok(())
}

/// Makes creations, renames and removals in a folder durable.
fn sync_folder(dir: &Path) -> Result<()> {
    File::open(dir).and_then(|folder| folder.sync_all()).map_err(|e| Error::io("sync", dir, e))
}

/// The bytes of a checkpoint whose length and hash are those recorded. Memory is taken only for a file that has the
/// recorded length, so that a damaged record cannot ask for more than the disk holds.
pub(super) fn read(dir: &Path, record: &VectorCheckpoint) -> std::result::Result<Vec<u8>, Unusable> {
    if !is_plain_name(&record.file) {
        return Err(Unusable::Missing);
    }
    let path = dir.join(&record.file);
    // Looked at first: opening a pipe would wait for ever.
    match fs::symlink_metadata(&path) {
        Ok(found) if found.is_file() && found.len() == record.bytes => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(Unusable::Missing),
        _ => return Err(Unusable::Mismatch),
    }
    let file = File::open(&path).map_err(|_| Unusable::Mismatch)?;
    let length = usize::try_from(record.bytes).map_err(|_| Unusable::Mismatch)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| Unusable::Mismatch)?;
    file.take(record.bytes).read_to_end(&mut bytes).map_err(|_| Unusable::Mismatch)?;
    let same = bytes.len() == length && format!("{:032x}", xxh3_128(&bytes)) == record.xxh3;
    if same { Ok(bytes) } else { Err(Unusable::Mismatch) }
}

/// Moves a file that failed its check out of the way. Best effort: nothing uses it where it is either.
pub(super) fn quarantine(dir: &Path, quarantine: &Path, file: &str) {
    if !is_plain_name(file) {
        return;
    }
    let free = (0..1000).map(|n| if n == 0 { file.to_owned() } else { format!("{file}.{n}") });
    if let Some(target) = free.map(|name| quarantine.join(name)).find(|path| !path.exists()) {
        let _ = fs::rename(dir.join(file), target);
    }
}

/// Deletes the finished checkpoints of a space that `keep` does not name.
pub(super) fn prune(dir: &Path, space: &str, keep: &[VectorCheckpoint]) -> Result<()> {
    let prefix = prefix(space);
    for name in names(dir)? {
        let ours = name.starts_with(&prefix) && name.ends_with(FINISHED);
        if ours && !keep.iter().any(|record| record.file == name) {
            remove(&dir.join(name))?;
        }
    }
    Ok(())
}

/// Deletes what a crash left half-written, and nothing that has another name than [`write`] gives.
pub(super) fn remove_unfinished(dir: &Path) -> Result<()> {
    for name in names(dir)?.iter().filter(|name| is_plain(name, UNFINISHED)) {
        remove(&dir.join(name))?;
    }
    Ok(())
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", path, error)),
        _ => Ok(()),
    }
}

/// The names in a folder, without those that are not UTF-8: none of ours is.
fn names(dir: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(dir).map_err(|e| Error::io("list", dir, e))?;
    let names: std::io::Result<Vec<_>> = entries.map(|entry| entry.map(|e| e.file_name().into_string().ok())).collect();
    Ok(names.map_err(|e| Error::io("list", dir, e))?.into_iter().flatten().collect())
}

/// The start of a space's file names. Hashed, since a field may be named anything, `../x` included.
fn prefix(space: &str) -> String {
    format!("{:016x}-", xxh3_64(space.as_bytes()))
}

/// Whether a recorded name is one that [`write`] could have given: no other file is ever opened or moved.
fn is_plain_name(name: &str) -> bool {
    is_plain(name, FINISHED)
}

fn is_plain(name: &str, ending: &str) -> bool {
    name.strip_suffix(ending).is_some_and(|stem| stem.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-'))
}

//! Checks the length of the LMDB file before it is mapped.
//!
//! LMDB maps the file without comparing its length with its meta pages: a truncated file is a SIGBUS at the first read
//! of a missing page. A file that is shorter than its meta page's last page is not truncated for that reason: LMDB assigns
//! page numbers while a transaction works, and never writes the pages that the same transaction frees again. So the file
//! is whole when every page that it lacks is in the free list. docs/decisions/0031 has the reasons.
//!
//! | file | what it does |
//! |---|---|
//! | `bytes` | little-endian numbers inside bytes that nothing vouches for |
//! | `meta` | the meta page that counts |
//! | `pages` | single pages, read with bounds |
//! | `free_list` | every page that the free list has |
//! | `missing` | the pages that the file lacks, and which of them are free |

mod bytes;
mod free_list;
mod meta;
mod missing;
mod pages;
#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::path::Path;

use crate::base::error::{Error, Result};

use meta::Meta;
use missing::Missing;
use pages::Pages;

/// Rejects a data file that lacks a page which is in use, and one that is not LMDB's. A missing file is fine: it will be
/// created. The caller holds the lock of the directory, so that nothing else changes the file meanwhile.
pub(super) fn check(path: &Path) -> Result<()> {
    if let Some(needed) = check_length(path)? {
        lengthen(path, needed);
    }
    Ok(())
}

/// The same check of a file that nobody can write, which is left as it is.
pub(super) fn check_only(path: &Path) -> Result<()> {
    check_length(path).map(|_| ())
}

/// The length that the file should have, where it lacks pages that are all free.
fn check_length(path: &Path) -> Result<Option<u64>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io("open", path, e)),
    };
    let length = file.metadata().map_err(|e| Error::io("read the size of", path, e))?.len();
    // Both meta pages are written when the file is created. The creation of an empty file was interrupted, and LMDB
    // creates it again.
    if length == 0 {
        return Ok(None);
    }
    let mut head = Vec::new();
    file.by_ref().take(meta::HEAD_BYTES).read_to_end(&mut head).map_err(|e| Error::io("read", path, e))?;
    let meta = meta::newest(&head).map_err(|found| Error::damaged(path.display().to_string(), found))?;
    let needed = meta.last_page.saturating_add(1).saturating_mul(u64::from(meta.page_size));
    if length >= needed {
        return Ok(None);
    }
    check_missing((&file, path), &meta, length)?;
    Ok(Some(needed))
}

/// Rejects a file that lacks a page which is not in its free list. A page of which only a part is there is missing.
fn check_missing((file, path): (&File, &Path), meta: &Meta, length: u64) -> Result<()> {
    let mut pages = Pages::new((file, path), meta.page_size, length);
    let mut missing = Missing::new(length / u64::from(meta.page_size), meta.last_page);
    if let Some(root) = meta.free_root {
        free_list::visit(&mut pages, root, &mut |page| missing.note_free(page))?;
    }
    match missing.in_use() {
        None => Ok(()),
        Some((first, count)) => Err(pages.damaged(format!(
            "it has {length} bytes: {missing}, and {count} of them are in use, the first is page {first}: the file was truncated"
        ))),
    }
}

/// Makes the file as long as its meta page says. The new part is a hole: it takes no space on disk.
///
/// LMDB does not read free pages, so it does not need this; a page that is damaged and points to a free one is the reason.
/// Reading behind the end of a mapped file is a SIGBUS, which ends the process; a hole reads as zeros, which are an error.
/// Where the file cannot be changed, the check alone has to do. No sync: after a power cut, the next check finds out anew.
fn lengthen(path: &Path, needed: u64) {
    let _ = OpenOptions::new().write(true).open(path).and_then(|file| file.set_len(needed));
}

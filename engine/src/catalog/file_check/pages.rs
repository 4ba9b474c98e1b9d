//! Single pages of an LMDB file, read with bounds instead of being mapped.

use std::collections::HashSet;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::base::error::{Error, Result};

use super::bytes::{u16_at, u64_at};

/// Bytes of a page header.
pub(super) const HEADER: usize = 16;
const OFFSET_KIND: usize = 10;
const OFFSET_POINTERS_END: usize = 12;

/// The whole pages of a file. Reading all of them is the most that it does, so a damaged file cannot keep it busy.
pub(super) struct Pages<'f> {
    file: &'f File,
    path: &'f Path,
    page_size: usize,
    /// How many whole pages the file has.
    count: u64,
    /// How many more may be read: in a file that is not damaged, no page is needed twice.
    left: u64,
    seen: HashSet<u64>,
}

impl<'f> Pages<'f> {
    /// The pages of a file of `length` bytes. `page_size` is a power of two of at least 512.
    pub(super) fn new((file, path): (&'f File, &'f Path), page_size: u32, length: u64) -> Pages<'f> {
        let count = length / u64::from(page_size);
        Pages { file, path, page_size: page_size as usize, count, left: count, seen: HashSet::new() }
    }

    /// Bytes of a page.
    pub(super) fn page_size(&self) -> usize {
        self.page_size
    }

    /// Reads a page that has a header. One that was read before is an error: the file has a cycle.
    pub(super) fn read(&mut self, number: u64) -> Result<Page> {
        let page = Page(self.read_body(number)?);
        if u64_at(&page.0, 0) != Some(number) {
            return Err(self.damaged(format!("its free list has page {number}, which is not such a page")));
        }
        match self.seen.insert(number) {
            true => Ok(page),
            false => Err(self.damaged(format!("its free list comes to page {number} twice"))),
        }
    }

    /// Reads a page that has no header: one that continues another.
    pub(super) fn read_body(&mut self, number: u64) -> Result<Vec<u8>> {
        if number >= self.count {
            let count = self.count;
            return Err(self.damaged(format!(
                "its free list needs page {number}, and the file ends before page {count}: the file was truncated"
            )));
        }
        let Some(left) = self.left.checked_sub(1) else {
            return Err(self.damaged("its free list needs more pages than the file has".to_owned()));
        };
        self.left = left;
        let mut bytes = vec![0; self.page_size];
        let at = number * self.page_size as u64;
        self.file.read_exact_at(&mut bytes, at).map_err(|e| Error::io("read", self.path, e))?;
        Ok(bytes)
    }

    /// The error of a file that is damaged in this way.
    pub(super) fn damaged(&self, found: String) -> Error {
        Error::damaged(self.path.display().to_string(), found)
    }
}

/// A page with a header.
pub(super) struct Page(Vec<u8>);

impl Page {
    /// Whether it has all these flags.
    pub(super) fn is(&self, kind: u16) -> bool {
        u16_at(&self.0, OFFSET_KIND).is_some_and(|flags| flags & kind == kind)
    }

    /// Its bytes, the header included.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// What its pointers point to, each from its beginning to the end of the page; `None` for a pointer out of the page.
    pub(super) fn nodes(&self) -> impl Iterator<Item = Option<&[u8]>> {
        let end = u16_at(&self.0, OFFSET_POINTERS_END).map_or(0, usize::from);
        (HEADER..end).step_by(2).map(|at| self.0.get(usize::from(u16_at(&self.0, at)?)..))
    }
}

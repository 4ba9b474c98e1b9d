//! Checks the length of the LMDB file before it is mapped.
//!
//! LMDB maps the file without comparing its length with its meta pages: a truncated file is a SIGBUS at the first read
//! of a missing page. The two meta pages hold the number of the last page, and the file must contain that page.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::base::error::{Error, Result};

const MAGIC: u32 = 0xBEEF_C0DE;
/// Offsets inside a meta page of LMDB 0.9.70 on a 64-bit machine: a page header of 16 bytes, then `MDB_meta`.
const OFFSET_MAGIC: usize = 16;
const OFFSET_PAGE_SIZE: usize = 16 + 4 + 4 + 8 + 8;
const OFFSET_LAST_PAGE: usize = OFFSET_PAGE_SIZE + 2 * 48;
const META_BYTES: usize = OFFSET_LAST_PAGE + 16;

/// Rejects a data file that is shorter than its meta pages need, and one that is not LMDB's. A missing file is fine: it
/// will be created.
pub(super) fn check(path: &Path) -> Result<()> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::io("open", path, e)),
    };
    let length = file.metadata().map_err(|e| Error::io("read the size of", path, e))?.len();
    let damaged = |found: String| Error::damaged(path.display().to_string(), found);
    // Both meta pages are written when the file is created. The creation of an empty file was interrupted, and LMDB
    // creates it again.
    if length == 0 {
        return Ok(());
    }
    let mut head = Vec::new();
    file.by_ref().take(65_536 + META_BYTES as u64).read_to_end(&mut head).map_err(|e| Error::io("read", path, e))?;
    let (page_size, first_last) = meta(&head, 0).ok_or_else(|| damaged("no LMDB meta page at the start".to_owned()))?;
    let second = meta(&head, page_size as usize).ok_or_else(|| damaged("no second LMDB meta page".to_owned()))?;
    let needed = first_last.max(second.1).saturating_add(1).saturating_mul(u64::from(page_size));
    if length < needed {
        return Err(damaged(format!("{length} bytes, but its meta pages need {needed}: the file was truncated")));
    }
    Ok(())
}

/// Page size and last page number of the meta page at `offset`.
fn meta(head: &[u8], offset: usize) -> Option<(u32, u64)> {
    let page = head.get(offset..offset.checked_add(META_BYTES)?)?;
    let u32_at = |at: usize| Some(u32::from_le_bytes(page.get(at..at + 4)?.try_into().ok()?));
    let page_size = u32_at(OFFSET_PAGE_SIZE)?;
    let last_page = u64::from_le_bytes(page.get(OFFSET_LAST_PAGE..OFFSET_LAST_PAGE + 8)?.try_into().ok()?);
    let sane = u32_at(OFFSET_MAGIC)? == MAGIC && page_size.is_power_of_two() && (512..=65_536).contains(&page_size);
    sane.then_some((page_size, last_page))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    #[test]
    fn a_truncated_file_is_an_error_and_a_whole_one_is_not() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("data.mdb");
        check(&path).expect("missing is fine");
        drop(Catalog::open(dir.path(), 1 << 26).expect("creates"));
        check(&path).expect("whole");
        let whole = std::fs::read(&path).expect("reads");
        for length in [1, 100, 4096, whole.len() / 2, whole.len() - 4096, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).expect("writes");
            assert_eq!(check(&path).expect_err("truncated").name(), "Damaged", "at {length} of {}", whole.len());
        }
        std::fs::write(&path, vec![7; 20_000]).expect("writes");
        assert_eq!(check(&path).expect_err("not LMDB").name(), "Damaged");
    }
}

//! The two meta pages of an LMDB file: which one counts, and what it says of the other pages.

use super::bytes::{u32_at, u64_at};

const MAGIC: u32 = 0xBEEF_C0DE;
/// Offsets inside a meta page of LMDB 0.9.70 on a 64-bit machine: a page header of 16 bytes, then `MDB_meta`, whose first
/// table is the free list.
const OFFSET_MAGIC: usize = 16;
const OFFSET_PAGE_SIZE: usize = OFFSET_MAGIC + 4 + 4 + 8 + 8;
const OFFSET_FREE_ROOT: usize = OFFSET_PAGE_SIZE + 40;
const OFFSET_LAST_PAGE: usize = OFFSET_PAGE_SIZE + 2 * 48;
const OFFSET_TRANSACTION: usize = OFFSET_LAST_PAGE + 8;
const META_BYTES: usize = OFFSET_TRANSACTION + 8;
const LARGEST_PAGE: u32 = 65_536;
/// How many bytes of a file hold both meta pages, whatever its page size.
pub(super) const HEAD_BYTES: u64 = LARGEST_PAGE as u64 + META_BYTES as u64;

/// The root of a table without rows.
const NO_PAGE: u64 = u64::MAX;

/// What a meta page says.
pub(super) struct Meta {
    /// Bytes of a page.
    pub page_size: u32,
    /// The largest page number ever assigned. The file may end before it: see [`super::check`].
    pub last_page: u64,
    /// The root page of the free list; `None` when the list is empty.
    pub free_root: Option<u64>,
    transaction: u64,
}

/// The meta page that LMDB opens the file with: the one of the newer transaction. LMDB never falls back to the other one,
/// which may name fewer pages.
pub(super) fn newest(head: &[u8]) -> Result<Meta, String> {
    let first = read(head, 0).ok_or("no LMDB meta page at the start")?;
    let second = read(head, first.page_size as usize).ok_or("no second LMDB meta page")?;
    if first.page_size != second.page_size {
        return Err(format!("meta pages with two page sizes, {} and {}", first.page_size, second.page_size));
    }
    Ok(if second.transaction > first.transaction { second } else { first })
}

fn read(head: &[u8], offset: usize) -> Option<Meta> {
    let page = head.get(offset..offset.checked_add(META_BYTES)?)?;
    let page_size = u32_at(page, OFFSET_PAGE_SIZE)?;
    let root = u64_at(page, OFFSET_FREE_ROOT)?;
    let meta = Meta {
        page_size,
        last_page: u64_at(page, OFFSET_LAST_PAGE)?,
        free_root: (root != NO_PAGE).then_some(root),
        transaction: u64_at(page, OFFSET_TRANSACTION)?,
    };
    let sane = u32_at(page, OFFSET_MAGIC)? == MAGIC
        && page_size.is_power_of_two()
        && (512..=LARGEST_PAGE).contains(&page_size);
    sane.then_some(meta)
}

//! An LMDB file taken apart: every page is in use or free. Written apart from the check, and panics on damage.

use std::collections::BTreeSet;

pub(super) struct Audit {
    pub page_size: usize,
    pub last_page: u64,
    /// Pages of tables, those of the free list included.
    pub used: BTreeSet<u64>,
    pub free: BTreeSet<u64>,
    /// Pages of the free list itself.
    pub list: BTreeSet<u64>,
    /// Depth of the free list.
    pub depth: usize,
    /// Pages that hold long values of the free list.
    pub long: usize,
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> u64 {
    (0..N).rev().fold(0, |sum, n| sum << 8 | u64::from(bytes[at + n]))
}

impl Audit {
    pub(super) fn of(file: &[u8]) -> Audit {
        let page_size = number::<4>(file, 40) as usize;
        let second = &file[page_size..];
        let meta = if number::<8>(second, 144) > number::<8>(file, 144) { second } else { file };
        let mut audit = Audit {
            page_size,
            last_page: number::<8>(meta, 136),
            used: BTreeSet::new(),
            free: BTreeSet::new(),
            list: BTreeSet::new(),
            depth: number::<2>(meta, 46) as usize,
            long: 0,
        };
        audit.walk(file, number::<8>(meta, 80), true);
        audit.walk(file, number::<8>(meta, 128), false);
        audit
    }

    fn walk(&mut self, file: &[u8], root: u64, list: bool) {
        if root == u64::MAX {
            return;
        }
        self.note(root, list);
        let page = &file[root as usize * self.page_size..][..self.page_size];
        let branch = number::<2>(page, 10) & 1 == 1;
        for n in 0..(number::<2>(page, 12) as usize - 16) / 2 {
            let node = &page[number::<2>(page, 16 + 2 * n) as usize..];
            if branch {
                self.walk(file, number::<6>(node, 0), list);
                continue;
            }
            let mut value = &node[8 + number::<2>(node, 6) as usize..];
            if number::<2>(node, 4) & 1 == 1 {
                let first = number::<8>(value, 0);
                value = &file[first as usize * self.page_size..];
                let run = number::<4>(value, 12);
                (first..first + run).for_each(|page| self.note(page, list));
                self.long += if list { run as usize } else { 0 };
                value = &value[16..];
            }
            if list {
                for n in 0..number::<8>(value, 0) as usize {
                    assert!(self.free.insert(number::<8>(value, 8 + 8 * n)), "a page is free twice");
                }
            } else if number::<2>(node, 4) & 2 == 2 {
                self.walk(file, number::<8>(value, 40), false);
            }
        }
    }

    fn note(&mut self, page: u64, list: bool) {
        assert!(self.used.insert(page), "page {page} is used twice");
        if list {
            self.list.insert(page);
        }
    }

    /// Bytes of a file that has every page.
    pub(super) fn needed(&self) -> usize {
        (self.last_page as usize + 1) * self.page_size
    }

    /// The first page in use that a beginning of the file lacks.
    pub(super) fn lost(&self, length: usize) -> Option<u64> {
        self.used.range((length / self.page_size) as u64..).next().copied()
    }
}

//! The free list of an LMDB file: the pages that its newest transaction does not use.
//!
//! It is a B-tree. The key of a record is the transaction that freed the pages; its value is how many they are, then their
//! numbers. A long value stands in pages of its own, one after another, of which only the first has a header.

use crate::base::error::Result;

use super::bytes::{u16_at, u32_at, u64_at};
use super::pages::{HEADER, Page, Pages};

/// LMDB's own limit of how deep a tree is.
const MAX_DEPTH: usize = 32;
const BRANCH: u16 = 0x01;
const LEAF: u16 = 0x02;
const OVERFLOW: u16 = 0x04;
const OFFSET_RUN: usize = 12;

/// Before the key of a record or a branch: the size of the value (a branch: the page) in two halves, flags, size of the key.
const NODE_HEADER: usize = 8;
/// The flag of a record whose value stands in pages of its own.
const LONG: u16 = 0x01;

/// Calls `found` with every page that the free list has. Every page of the tree is read once: see [`Pages`].
pub(super) fn visit(pages: &mut Pages<'_>, root: u64, found: &mut impl FnMut(u64)) -> Result<()> {
    // One page's children at each depth.
    let mut ahead = vec![(root, 1)];
    while let Some((number, depth)) = ahead.pop() {
        let page = pages.read(number)?;
        let branch = page.is(BRANCH);
        if depth > MAX_DEPTH || branch == page.is(LEAF) {
            return Err(broken(pages, number));
        }
        for node in page.nodes() {
            let node = node.ok_or_else(|| broken(pages, number))?;
            if branch {
                ahead.push((child(node).ok_or_else(|| broken(pages, number))?, depth + 1));
                continue;
            }
            match value(node).ok_or_else(|| broken(pages, number))? {
                Value::Short(bytes) => {
                    let mut numbers = Numbers::new(bytes.len());
                    numbers.take(bytes, found);
                    numbers.done().ok_or_else(|| broken(pages, number))?;
                }
                Value::Long { first, size } => visit_long(pages, (first, size), found)?,
            }
        }
    }
    Ok(())
}

fn visit_long(pages: &mut Pages<'_>, (first, size): (u64, usize), found: &mut impl FnMut(u64)) -> Result<()> {
    let run = (HEADER - 1 + size) / pages.page_size() + 1;
    let head: Page = pages.read(first)?;
    if !head.is(OVERFLOW) || u32_at(head.bytes(), OFFSET_RUN).is_none_or(|pages| (pages as usize) < run) {
        return Err(broken(pages, first));
    }
    let mut numbers = Numbers::new(size);
    numbers.take(head.bytes().get(HEADER..).unwrap_or_default(), found);
    for number in (first + 1..).take(run - 1) {
        numbers.take(&pages.read_body(number)?, found);
    }
    numbers.done().ok_or_else(|| broken(pages, first))
}

fn broken(pages: &Pages<'_>, number: u64) -> crate::base::error::Error {
    pages.damaged(format!("page {number} of its free list is damaged"))
}

/// The page below a node of a branch: 48 bits.
fn child(node: &[u8]) -> Option<u64> {
    Some(u64::from(u32_at(node, 0)?) | u64::from(u16_at(node, 4)?) << 32)
}

enum Value<'p> {
    Short(&'p [u8]),
    Long { first: u64, size: usize },
}

fn value(node: &[u8]) -> Option<Value<'_>> {
    let (size, flags) = (u32_at(node, 0)? as usize, u16_at(node, 4)?);
    let value = node.get(NODE_HEADER + usize::from(u16_at(node, 6)?)..)?;
    match flags {
        0 => Some(Value::Short(value.get(..size)?)),
        LONG => Some(Value::Long { first: u64_at(value, 0)?, size }),
        _ => None,
    }
}

/// The value of one record, piece by piece.
struct Numbers {
    /// How many numbers fit into the value behind their count.
    room: u64,
    /// How many are still to come; `None` before the count, and when the count was larger than the room.
    left: Option<u64>,
}

impl Numbers {
    /// A value of `size` bytes.
    fn new(size: usize) -> Numbers {
        Numbers { room: (size as u64 / 8).saturating_sub(1), left: None }
    }

    /// Takes the next bytes of the value. Behind the numbers there may be bytes without meaning.
    fn take(&mut self, bytes: &[u8], found: &mut impl FnMut(u64)) {
        for word in bytes.as_chunks::<8>().0 {
            let word = u64::from_le_bytes(*word);
            match &mut self.left {
                None if word > self.room => return,
                None => self.left = Some(word),
                Some(0) => return,
                Some(left) => {
                    *left -= 1;
                    found(word);
                }
            }
        }
    }

    /// `None` when the value did not hold what its count says.
    fn done(&self) -> Option<()> {
        (self.left == Some(0)).then_some(())
    }
}

//! Files that no LMDB wrote: refused in a moment, with a reason, whatever their bytes are.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::audit::Audit;
use super::*;

const PAGE: usize = 4096;

/// A file of so many pages that needs `last` and has its free list at page 2.
fn file(pages: usize, last: u64) -> Vec<u8> {
    let mut file = vec![0; pages * PAGE];
    for (n, transaction) in [(0, 4u64), (1, 5)] {
        let meta = &mut file[n * PAGE..];
        meta[8..16].copy_from_slice(&[0, 0, 8, 0, 0, 0, 0, 0]);
        meta[16..20].copy_from_slice(&0xBEEF_C0DEu32.to_le_bytes());
        meta[20..24].copy_from_slice(&1u32.to_le_bytes());
        meta[40..44].copy_from_slice(&(PAGE as u32).to_le_bytes());
        meta[80..88].copy_from_slice(&2u64.to_le_bytes());
        meta[128..136].copy_from_slice(&u64::MAX.to_le_bytes());
        meta[136..144].copy_from_slice(&last.to_le_bytes());
        meta[144..152].copy_from_slice(&transaction.to_le_bytes());
    }
    file
}

/// Writes a page with these nodes: size or child, flags, and what follows the key.
fn page(file: &mut [u8], number: usize, kind: u16, nodes: &[(u64, u16, Vec<u8>)]) {
    let page = &mut file[number * PAGE..][..PAGE];
    page[..8].copy_from_slice(&(number as u64).to_le_bytes());
    page[10..12].copy_from_slice(&kind.to_le_bytes());
    page[12..14].copy_from_slice(&(16 + 2 * nodes.len() as u16).to_le_bytes());
    let mut at = PAGE;
    for (n, (size, flags, value)) in nodes.iter().enumerate() {
        at -= (16 + value.len()).next_multiple_of(2);
        page[16 + 2 * n..18 + 2 * n].copy_from_slice(&(at as u16).to_le_bytes());
        page[at..at + 6].copy_from_slice(&size.to_le_bytes()[..6]);
        if kind == LEAF {
            page[at + 4..at + 6].copy_from_slice(&flags.to_le_bytes());
        }
        page[at + 6..at + 8].copy_from_slice(&8u16.to_le_bytes());
        page[at + 16..at + 16 + value.len()].copy_from_slice(value);
    }
}

const BRANCH: u16 = 1;
const LEAF: u16 = 2;
const OVERFLOW: u16 = 4;

fn numbers(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// A record of the free list with this count in front of its pages.
fn record(count: u64, pages: &[u64]) -> (u64, u16, Vec<u8>) {
    let value = [numbers(&[count]), numbers(pages)].concat();
    (value.len() as u64, 0, value)
}

/// The answer, which must come at once.
fn answer(bytes: &[u8]) -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let answer = checked(&dir.path().join("data.mdb"), bytes);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    answer.map_err(|error| {
        assert_eq!(error.name(), "Damaged", "{error}");
        error.to_string()
    })
}

fn refused(bytes: &[u8], why: &str) {
    let found = answer(bytes).expect_err(why);
    assert!(found.contains(why), "expected {why}, found {found}");
}

#[test]
fn every_missing_page_must_be_free() {
    let with = |last, records: &[(u64, u16, Vec<u8>)]| {
        let mut file = file(3, last);
        page(&mut file, 2, LEAF, records);
        file
    };
    answer(&with(6, &[record(4, &[6, 5, 4, 3])])).expect("all are free");
    answer(&with(6, &[record(2, &[6, 4]), record(0, &[]), record(2, &[5, 3])])).expect("all are free");
    refused(
        &with(6, &[record(3, &[6, 5, 3])]),
        "pages 3 to 6 are missing, and 1 of them are in use, the first is page 4",
    );
    refused(&with(6, &[record(4, &[6, 5, 3, 3])]), "the first is page 4");
    refused(&with(6, &[record(5, &[9, 6, 5, 2, u64::MAX])]), "the first is page 3");
    refused(&with(6, &[]), "4 of them are in use, the first is page 3");
    // Bytes behind the count are left over from another value.
    refused(&with(6, &[record(3, &[6, 5, 4, 3])]), "the first is page 3");
    // A part of page 3 is not page 3.
    let mut part = with(6, &[record(3, &[6, 5, 4])]);
    part.extend([0; 4095]);
    refused(&part, "the first is page 3");
    part.push(0);
    answer(&part).expect("the whole page is");
}

#[test]
fn no_number_is_believed() {
    let with = |last, kind, records: &[(u64, u16, Vec<u8>)]| {
        let mut file = file(4, last);
        page(&mut file, 2, kind, records);
        file
    };
    for last in [1 << 32, 1 << 50, u64::MAX - 1, u64::MAX] {
        refused(&with(last, LEAF, &[record(1, &[4])]), "are in use, the first is page 5");
    }
    for count in [5, 1 << 20, 1 << 61, u64::MAX] {
        refused(&with(6, LEAF, &[record(count, &[6, 5, 4])]), "page 2 of its free list is damaged");
    }
    let long = |size: u64, first: u64| (size, 1, numbers(&[first]));
    refused(&with(6, LEAF, &[long(8_000, 3)]), "its free list has page 3, which is not such a page");
    refused(&with(6, LEAF, &[long(8_000, 77)]), "its free list needs page 77");
    refused(&with(6, LEAF, &[long(8_000, u64::MAX)]), "its free list needs page");
    refused(&with(6, LEAF, &[(u64::from(u32::MAX), 0, numbers(&[1, 6]))]), "page 2 of its free list is damaged");
    refused(&with(6, LEAF, &[(16, 2, numbers(&[1, 6]))]), "page 2 of its free list is damaged");
    for kind in [0, BRANCH | LEAF, OVERFLOW] {
        refused(&with(6, kind, &[]), "page 2 of its free list is damaged");
    }
    let mut pointers = with(6, LEAF, &[]);
    pointers[2 * PAGE + 12..2 * PAGE + 14].copy_from_slice(&u16::MAX.to_le_bytes());
    refused(&pointers, "is damaged");
    let mut sizes = with(6, LEAF, &[]);
    sizes[PAGE + 40..PAGE + 44].copy_from_slice(&8192u32.to_le_bytes());
    refused(&sizes, "two page sizes");
    // A run that claims all pages there are, and one that is shorter than its value.
    for (run, size) in [(u32::MAX, u64::from(u32::MAX)), (1, 8_000)] {
        let mut file = with(6, LEAF, &[long(size, 3)]);
        page(&mut file, 3, OVERFLOW, &[]);
        file[3 * PAGE + 12..3 * PAGE + 16].copy_from_slice(&run.to_le_bytes());
        file[3 * PAGE + 16..3 * PAGE + 24].copy_from_slice(&500u64.to_le_bytes());
        answer(&file).expect_err("damaged");
    }
}

#[test]
fn a_cycle_ends() {
    let children = |pages: &[u64]| -> Vec<_> { pages.iter().map(|page| (*page, 0, Vec::new())).collect() };
    let mut own = file(3, 6);
    page(&mut own, 2, BRANCH, &children(&[2]));
    refused(&own, "its free list comes to page 2 twice");
    let mut pair = file(4, 6);
    page(&mut pair, 2, BRANCH, &children(&[3; 200]));
    page(&mut pair, 3, BRANCH, &children(&[2; 200]));
    refused(&pair, "twice");
    // A chain that is deeper than LMDB builds one.
    let mut chain = file(100, 120);
    (2..99).for_each(|n| page(&mut chain, n, BRANCH, &children(&[n as u64 + 1])));
    page(&mut chain, 99, LEAF, &[]);
    refused(&chain, "is damaged");
    // Long values that overlap: each is read once, and all together not more than the file.
    let mut runs = file(300, 320);
    page(&mut runs, 2, LEAF, &(3..100).map(|first| (200 * PAGE as u64, 1, numbers(&[first]))).collect::<Vec<_>>());
    for first in 3..100 {
        page(&mut runs, first, OVERFLOW, &[]);
        runs[first * PAGE + 12..first * PAGE + 16].copy_from_slice(&201u32.to_le_bytes());
    }
    refused(&runs, "more pages than the file has");
}

/// A file that is shorter than its last page and whole, and the places that matter to the check.
fn short() -> &'static (Vec<u8>, Vec<usize>) {
    static SHORT: OnceLock<(Vec<u8>, Vec<usize>)> = OnceLock::new();
    SHORT.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let (file, _) = deep(dir.path(), 1_600);
        let audit = Audit::of(&file);
        answer(&file).expect("is whole");
        // What both meta pages hold, a hundred times, so that it is hit about as often as the list.
        let metas = (0..100 * 304).map(|n| n / 2 % 152 + n % 2 * PAGE);
        let list = audit.list.iter().flat_map(|page| *page as usize * PAGE..(*page as usize + 1) * PAGE);
        let places = metas.chain(list).collect();
        (file, places)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn flipped_bits_end_in_an_answer(flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8u8), 1..6)) {
        let (file, places) = short();
        let mut file = file.clone();
        for (place, bit) in flips {
            file[places[place.index(places.len())]] ^= 1 << bit;
        }
        let _ = answer(&file);
    }

    #[test]
    fn foreign_numbers_end_in_an_answer(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u64>(), 0..64u32), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let (file, places) = short();
        let mut file = file.clone();
        for (place, number, shift) in changes {
            let at = places[place.index(places.len())] & !7;
            file[at..at + 8].copy_from_slice(&(number >> shift).to_le_bytes());
        }
        file.truncate(cut.index(file.len()) + 1);
        let _ = answer(&file);
    }
}

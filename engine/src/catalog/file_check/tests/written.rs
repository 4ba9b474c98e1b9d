//! Files as LMDB writes them are accepted, and their beginnings if they have every page that is in use.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::audit::Audit;
use super::*;
use crate::base::error::Error;

/// After each of these transactions, each of which may be the last one before a kill.
#[test]
fn a_whole_file_is_accepted_whatever_was_deleted() {
    let (mut files, mut short, mut deep, mut long) = (0, 0, 0, 0);
    for seed in 0..40 {
        let mut rng = StdRng::seed_from_u64(seed);
        let dir = tempfile::tempdir().unwrap();
        let lmdb = Lmdb::open(dir.path());
        let mut reader = None;
        for _ in 0..12 {
            // Pages that a reader may still need are not used again.
            if rng.random_bool(0.3) {
                reader = rng.random_bool(0.5).then(|| lmdb.env.clone().static_read_txn().unwrap());
            }
            lmdb.commit(|txn, tables| change(&mut rng, txn, tables));
            let file = lmdb.file();
            let audit = Audit::of(&file);
            // The assumption behind the check.
            assert!(audit.used.is_disjoint(&audit.free), "seed {seed}");
            assert_eq!((audit.used.len() + audit.free.len()) as u64, audit.last_page - 1, "seed {seed}");
            assert_eq!(audit.lost(file.len()), None, "seed {seed}: LMDB wrote every page in use");
            checked(&dir.path().join("copy"), &file).unwrap();
            files += 1;
            short += usize::from(file.len() < audit.needed());
            deep += usize::from(audit.depth > 1);
            long += usize::from(audit.long > 0);
        }
        drop(reader);
        lmdb.close();
    }
    println!(
        "{files} files, {short} shorter than their last page, {deep} with a deep free list, {long} with long values"
    );
    assert!(short > 20 && long > 50, "{short} short, {long} long");
}

#[test]
fn deletes_of_every_size_leave_a_file_that_is_accepted() {
    let mut short = 0;
    for (n, size) in [20, 150, 700, 3_000].into_iter().enumerate() {
        for count in (5..1_000).step_by(37 + n) {
            let dir = tempfile::tempdir().unwrap();
            let lmdb = Lmdb::open(dir.path());
            lmdb.commit(|txn, tables| tables.iter().for_each(|table| put(txn, *table, 0..count, size)));
            lmdb.commit(|txn, tables| delete(txn, tables[0], 0..count / 4));
            lmdb.commit(|txn, tables| {
                tables.iter().for_each(|table| put(txn, *table, count..count * 2, size));
                tables.iter().for_each(|table| delete_backwards(txn, *table, 0..count * 2));
            });
            let file = lmdb.file();
            lmdb.close();
            short += usize::from(file.len() < Audit::of(&file).needed());
            check(&dir.path().join("data.mdb")).unwrap_or_else(|error| panic!("{count} of {size}: {error}"));
            assert!(Lmdb::open(dir.path()).rows().is_empty());
        }
    }
    println!("{short} files shorter than their last page");
    assert!(short > 20, "{short}");
}

#[test]
fn a_beginning_is_accepted_exactly_if_it_has_every_page_in_use() {
    let mut rng = StdRng::seed_from_u64(5);
    let (mut accepted, mut refused) = (0, 0);
    for seed in 0..8 {
        let dir = tempfile::tempdir().unwrap();
        let (file, rows) = if seed == 0 {
            deep(dir.path(), 2_000)
        } else {
            let lmdb = Lmdb::open(dir.path());
            (0..seed).for_each(|_| lmdb.commit(|txn, tables| change(&mut rng, txn, tables)));
            // So that the last pages are free.
            if seed % 2 == 0 {
                lmdb.commit(|txn, tables| delete(txn, tables[0], 0..3_000));
            }
            let found = (lmdb.file(), lmdb.rows());
            lmdb.close();
            found
        };
        let audit = Audit::of(&file);
        let boundaries = (0..=64).map(|pages| file.len().saturating_sub(pages * audit.page_size));
        let cuts: Vec<usize> = boundaries.chain((0..64).map(|_| rng.random_range(1..=file.len()))).collect();
        for cut in cuts {
            let copy = tempfile::tempdir().unwrap();
            let path = copy.path().join("data.mdb");
            let answer = if cut == 0 { continue } else { checked(&path, &file[..cut]) };
            let Some(lost) = audit.lost(cut) else {
                accepted += 1;
                answer.unwrap_or_else(|error| panic!("seed {seed}, {cut} of {}: {error}", file.len()));
                assert!(std::fs::metadata(&path).unwrap().len() >= audit.needed() as u64);
                let lmdb = Lmdb::open(copy.path());
                assert!(lmdb.rows() == rows, "seed {seed}, {cut} of {}: other rows", file.len());
                lmdb.close();
                continue;
            };
            refused += 1;
            let error = answer.expect_err("a page in use is missing");
            let Error::Damaged { found, .. } = &error else { panic!("{error}") };
            let whole = found.contains(&format!("the first is page {lost}:"));
            assert!(
                whole || cut < 2 * audit.page_size || found.contains("its free list needs page"),
                "{lost}: {error}"
            );
        }
    }
    println!("{accepted} accepted, {refused} refused");
    assert!(accepted > 50 && refused > 200, "{accepted}, {refused}");
}

//! The catalog's own file.

use super::audit::Audit;
use super::*;
use crate::catalog::{Catalog, CatalogWrite};

#[test]
fn the_catalog_opens_after_everything_was_deleted() {
    let mut short = 0;
    for count in [5, 50, 200, 700, 1_500] {
        let dir = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(dir.path(), 1 << 26).unwrap();
        let id = |n: usize| format!("item-{n}");
        let put = |write: &mut CatalogWrite<'_>, n: usize| {
            let item = crate::Item::new(id(n)).text("title", "a thing");
            write.put(&item, None, crate::Timestamp::from_millis(0), &[]).unwrap();
        };
        let mut write = catalog.write().unwrap();
        (0..count).for_each(|n| put(&mut write, n));
        write.commit().unwrap();
        let mut write = catalog.write().unwrap();
        assert!((0..count / 4).all(|n| write.delete(&id(n), &[]).unwrap()));
        write.commit().unwrap();
        let mut write = catalog.write().unwrap();
        (count..count * 2).for_each(|n| put(&mut write, n));
        assert!((count / 4..count * 2).rev().all(|n| write.delete(&id(n), &[]).unwrap()));
        write.commit().unwrap();
        let file = std::fs::read(dir.path().join("data.mdb")).unwrap();
        short += usize::from(file.len() < Audit::of(&file).needed());
        catalog.close();
        let catalog = Catalog::open(dir.path(), 1 << 26).unwrap_or_else(|error| panic!("{count} items: {error}"));
        assert_eq!(catalog.read().unwrap().counters().items, 0);
    }
    assert!(short > 0, "the case is not met any more");
}

#[test]
fn a_truncated_file_is_an_error_and_a_whole_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data.mdb");
    check(&path).expect("missing is fine");
    drop(Catalog::open(dir.path(), 1 << 26).unwrap());
    check(&path).expect("whole");
    let whole = std::fs::read(&path).unwrap();
    let needed = Audit::of(&whole).used.last().map_or(0, |page| (*page as usize + 1) * 4096);
    for length in [1, 100, 4096, whole.len() / 2, needed - 4096, needed - 1] {
        let error = checked(&path, &whole[..length]).expect_err("truncated");
        assert_eq!(error.name(), "Damaged", "at {length} of {}", whole.len());
        assert_eq!(std::fs::metadata(&path).unwrap().len(), length as u64, "a file that is refused is left alone");
    }
    assert_eq!(checked(&path, &[7; 20_000]).expect_err("not LMDB").name(), "Damaged");
}

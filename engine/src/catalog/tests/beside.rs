//! A catalog beside the process that writes it. LMDB allows a process to open a file once, so the other one is a fork.

use std::process::Command;

use super::*;

/// Set in a process that runs one test.
const ALONE: &str = "ONELIST_TEST_ALONE";

/// Whether this process runs this test alone. If not, another process does so, and its failure is one here: a child that is
/// forked beside other tests may inherit a lock that one of their threads held.
fn alone(test: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let program = std::env::current_exe().unwrap();
    let name = format!("catalog::tests::beside::{test}");
    let ran = Command::new(program).args(["--exact", &name, "--test-threads=1"]).env(ALONE, "1").output().unwrap();
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && told.contains("1 passed"), "{told}{}", String::from_utf8_lossy(&ran.stderr));
    false
}

/// Runs work in a forked process, and says whether it held.
fn in_child(work: impl FnOnce() -> bool) -> bool {
    // SAFETY: the child opens an environment of its own and ends without unwinding or running destructors of the parent's.
    match unsafe { libc::fork() } {
        0 => {
            let held = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or(false);
            // SAFETY: ends the child at once.
            unsafe { libc::_exit(i32::from(!held)) }
        }
        child => {
            let mut status = 0;
            // SAFETY: waits for the child above.
            unsafe { libc::waitpid(child, &raw mut status, 0) };
            status == 0
        }
    }
}

fn put(catalog: &Catalog, id: &str) {
    let mut write = catalog.write().unwrap();
    write.put(&Item::new(id), None, Timestamp::from_millis(0), &[]).unwrap();
    write.commit().unwrap();
}

#[test]
fn a_forked_process_reads_beside_its_parent_and_leaves_no_names() {
    if !alone("a_forked_process_reads_beside_its_parent_and_leaves_no_names") {
        return;
    }
    let (dir, catalog) = catalog();
    let held = in_child(|| {
        let other = Catalog::open_beside(dir.path(), 1 << 26).unwrap();
        let twice = Catalog::open_beside(dir.path(), 1 << 26).map(|_| ());
        let read = other.read().unwrap();
        let names = std::fs::read_dir(dir.path()).unwrap().count();
        let refused = other.write().map(|_| ());
        read.counters().items == ITEMS
            && names == 2
            && refused.is_err_and(|error| error.name() == "Internal")
            && twice.is_err_and(|error| error.name() == "AlreadyOpen")
    });
    assert!(held);
    put(&catalog, "more");
    assert!(in_child(|| {
        let other = Catalog::open_read_only(dir.path(), 1 << 26).unwrap();
        other.read().unwrap().counters().items == ITEMS + 1
    }));
    assert_eq!(catalog.read().unwrap().counters().items, ITEMS + 1);
}

#[test]
fn a_process_that_takes_over_reads_and_writes_what_is_current() {
    if !alone("a_process_that_takes_over_reads_and_writes_what_is_current") {
        return;
    }
    let (dir, first) = catalog();
    assert!(in_child(|| {
        let other = Catalog::open_beside(dir.path(), 1 << 26).unwrap();
        // The state of an item is in memory now.
        let before = other.read().unwrap();
        let known = before.head(ItemKey(0)).unwrap().unwrap().generation;
        drop(before);
        other.lead().unwrap();
        put(&other, "i0");
        let after = other.read().unwrap().head(ItemKey(0)).unwrap().unwrap().generation;
        after > known
    }));
    // The parent's process sees it as well.
    assert!(first.read().unwrap().view().item(ItemKey(0)).unwrap().unwrap().generation.0 > 1);
}

#[test]
fn names_that_a_killed_child_left_are_removed_and_others_are_not() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["fork-0123456789abcdef", "fork-0123456789abcdef-lock", "fork-me", "data.mdb", "fork-"] {
        std::fs::write(dir.path().join(name), "x").unwrap();
    }
    crate::catalog::remove_links(dir.path()).unwrap();
    let mut left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["data.mdb", "fork-", "fork-me"]);
}

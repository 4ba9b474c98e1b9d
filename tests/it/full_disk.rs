//! A full disk is named as one. Reads go on, what was acknowledged stays, and writes go on when there is room again, in the
//! same process and through the same handle.
//!
//! The disk is a small file system in memory, which only root may mount; without that right these tests do nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use onelist::{Action, Config, Engine, Error, Event, Item, Request};
use onelist_tests::{ids, thing_of_bytes};

/// A file system of so many KiB, until it is dropped.
struct Disk {
    dir: tempfile::TempDir,
}

impl Disk {
    fn mount(kib: usize) -> Option<Disk> {
        let dir = tempfile::tempdir().expect("a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={kib}k,mode=700"), "tmpfs"]).arg(dir.path());
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        if !mounted {
            println!("not tested: a file system cannot be mounted here");
        }
        mounted.then_some(Disk { dir })
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Takes all the room that is left, and says in which file.
    fn fill(&self) -> PathBuf {
        let file = self.path().join("ballast");
        for size in [1 << 20, 4096] {
            let mut bytes = fs::read(&file).unwrap_or_default();
            loop {
                bytes.extend(vec![1; size]);
                if fs::write(&file, &bytes).is_err() {
                    break;
                }
            }
        }
        file
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).output();
    }
}

fn is_full(error: &Error) -> bool {
    error.name() == "DiskFull" && error.to_string().contains("the disk is full")
}

/// Writes until the disk is full; how many batches were acknowledged.
fn write_until_full(db: &Engine, from: usize) -> usize {
    for batch in from..10_000 {
        if let Err(error) = db.put((0..20).map(|n| thing_of_bytes(batch * 20 + n, 2_000)).collect()) {
            assert!(is_full(&error), "{error}");
            return batch;
        }
    }
    panic!("the disk never was full")
}

#[test]
fn writes_go_on_when_there_is_room_again() {
    let Some(disk) = Disk::mount(24 << 10) else { return };
    let db = Engine::open(disk.path().join("db"), Config::default()).expect("opens");
    db.put((0..20).map(|n| thing_of_bytes(n, 100)).collect()).expect("puts");
    db.flush().expect("flushes");
    let mut batches = 1;
    for round in 0..3 {
        let ballast = disk.fill();
        batches = write_until_full(&db, batches);
        // Reads go on, and everything that was acknowledged is there and nothing else.
        assert_eq!(db.stats().expect("counts").items, batches as u64 * 20, "{round}");
        assert_eq!(ids(&db, &Request::new().query("thing")).expect("ranks").len(), 10);
        let event = || vec![Event::new("u", Action::Click).item("thing-0")];
        let logged = db.log((0..200).flat_map(|_| event()).collect());
        assert!(logged.as_ref().is_err_and(is_full) || logged.is_ok(), "{logged:?}");
        if let Err(error) = db.flush() {
            assert!(is_full(&error), "{error}");
        }
        let events = db.stats().expect("counts").events;
        fs::remove_file(ballast).expect("makes room");
        db.put((0..20).map(|n| thing_of_bytes(batches * 20 + n, 100)).collect()).expect("puts again");
        db.log(event()).expect("logs again");
        batches += 1;
        let stats = db.stats().expect("counts");
        assert_eq!((stats.items, stats.events, stats.poisoned), (batches as u64 * 20, events + 1, None));
    }
    db.flush().expect("flushes again");
    let found = db.verify_signals().expect("counts");
    assert_eq!((found.before, db.verify_vectors().expect("compares").wrong), (found.after, 0));
    let (items, list) =
        (db.scan(None, 10_000).expect("reads"), ids(&db, &Request::new().query("thing")).expect("ranks"));
    db.close().expect("closes");
    let db = Engine::open(disk.path().join("db"), Config::default()).expect("opens");
    assert_eq!(db.scan(None, 10_000).expect("reads"), items);
    assert_eq!(ids(&db, &Request::new().query("thing")).expect("ranks"), list);
}

#[test]
fn new_fields_and_ids_of_a_failed_batch_are_as_if_never_put() {
    let Some(disk) = Disk::mount(20 << 10) else { return };
    let db = Engine::open(disk.path().join("db"), Config::default()).expect("opens");
    db.put(vec![thing_of_bytes(0, 100)]).expect("puts");
    db.log(vec![Event::new("early", Action::Buy).item("lost"), Event::new("early", Action::Buy).item("kept")])
        .expect("logs");
    db.flush().expect("flushes");
    let ballast = disk.fill();
    let lost = || Item::new("lost").text("title", "x ".repeat(500_000)).number("size", 1.0);
    let many: Vec<Item> = (0..40).map(|n| Item { id: format!("lost{n}"), ..lost() }).chain([lost()]).collect();
    let error = db.put(many).expect_err("no room");
    assert!(is_full(&error), "{error}");
    fs::remove_file(ballast).expect("makes room");
    // The field has no type yet, and the keys of the lost items are not given to others.
    db.put(vec![Item::new("kept").text("title", "kept").text("size", "large")]).expect("puts");
    assert_eq!(db.get(&["lost", "lost3"]).expect("reads"), [None, None]);
    assert_eq!(ids(&db, &Request::new().query("kept large")).expect("ranks").len(), 2);
    let found = db.verify_signals().expect("counts");
    assert_eq!(found.before, found.after);
    db.close().expect("closes");
    let db = Engine::open(disk.path().join("db"), Config::default()).expect("opens");
    assert_eq!(ids(&db, &Request::new().query("kept large")).expect("ranks").len(), 2);
}

#[test]
fn backups_compaction_and_training_files_name_a_full_disk() {
    let Some(disk) = Disk::mount(4 << 10) else { return };
    let shop = onelist_tests::shop().expect("opens");
    shop.db.put((0..1_500).map(|n| thing_of_bytes(n, 4_000)).collect()).expect("puts");
    let error = shop.db.backup(disk.path().join("copy")).expect_err("no room");
    assert!(is_full(&error) && error.to_string().contains("copy"), "{error}");
    assert_eq!(fs::read_dir(disk.path()).expect("lists").count(), 0, "nothing is left");
    let db = Engine::open(disk.path().join("db"), Config::default()).expect("opens");
    db.put((0..20).map(|n| thing_of_bytes(n, 100)).collect()).expect("puts");
    db.flush().expect("flushes");
    let ballast = disk.fill();
    let error = db.compact().expect_err("no room");
    assert!(is_full(&error), "{error}");
    fs::remove_file(ballast).expect("makes room");
    db.compact().expect("compacts");
    assert_eq!(db.stats().expect("counts").items, 20);
}

#[test]
fn a_catalog_at_its_limit_says_so_and_goes_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut config = Config::default();
    config.max_bytes = 16 << 20;
    let db = Engine::open(dir.path().join("db"), config).expect("opens");
    let full = |result: onelist::Result<onelist::Token>| match result {
        Err(error) => assert_eq!(error.name(), "CatalogFull", "{error}"),
        Ok(_) => panic!("it fits"),
    };
    let mut put = 0;
    while db.put(vec![thing_of_bytes(put, 100_000)]).is_ok() {
        put += 1;
        assert!(put < 1_000);
    }
    full(db.put(vec![thing_of_bytes(put, 100_000)]));
    let mut logged = 0;
    let event = |n: usize| Event::new(format!("user-{n}"), Action::Click).item("thing-0").query("q".repeat(2_000));
    while db.log((logged..logged + 50).map(event).collect()).is_ok() {
        logged += 50;
        assert!(logged < 100_000);
    }
    full(db.log((logged..logged + 50).map(event).collect()));
    let stats = db.stats().expect("counts");
    assert_eq!((stats.items, stats.poisoned.clone()), (put as u64, None), "{stats:?}");
    assert!(!db.rank(&Request::new().query("thing")).expect("ranks").hits.is_empty());
    db.delete(&(0..put).map(|n| format!("thing-{n}")).collect::<Vec<_>>()).expect("deleting makes room");
    db.put(vec![thing_of_bytes(0, 100)]).expect("puts again");
    db.log((0..5).map(event).collect()).expect("logs again");
}

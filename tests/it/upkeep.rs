//! Backups and compaction: a copy is a store as of one commit, and what was deleted leaves the disk.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use onelist::{Action, Cancel, Config, Engine, Event, Item, Request, Timestamp, User, Watch};
use onelist_tests::{goods, ids, shop};

fn open(path: &Path) -> Engine {
    Engine::open(path, Config::default()).expect("opens")
}

fn thing(n: usize, round: usize) -> Item {
    let words = ["red", "wooden", "boot", "lamp", "garden", "steel", "paper", "winter", "music", "kitchen"];
    let title: Vec<&str> = (1..6).map(|k| words[(n * k + round) % words.len()]).collect();
    Item::new(format!("thing-{n}")).text("title", format!("{} {n} {round}", title.join(" ")))
}

fn on_disk(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).expect("lists").map(|entry| entry.expect("lists"));
    let size = |entry: fs::DirEntry| match entry.metadata().expect("looks") {
        meta if meta.is_dir() => on_disk(&entry.path()),
        meta => meta.blocks() * 512,
    };
    entries.map(size).sum()
}

/// Whether any file below a folder has these bytes.
fn holds(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).expect("lists").map(|entry| entry.expect("lists").path()).any(|path| match path.is_dir() {
        true => holds(&path, text),
        // Of two processes' sockets nothing can be read.
        false if !path.is_file() => false,
        false => fs::read(&path).expect("reads").windows(text.len()).any(|window| window == text.as_bytes()),
    })
}

fn lists(db: &Engine) -> Vec<Vec<String>> {
    let now = Timestamp::from_seconds(1.8e9);
    let requests =
        [Request::new(), Request::new().query("leather"), Request::new().user("hiker"), Request::new().like(["bag"])];
    requests.into_iter().map(|request| ids(db, &request.now(now)).expect("ranks")).collect()
}

#[test]
fn a_backup_opens_as_the_same_store() {
    let shop = shop().expect("opens");
    let (before, copy) = (lists(&shop.db), shop.dir.path().join("copy"));
    let copied = shop.db.backup(&copy).expect("copies");
    assert!(copied.bytes > 10_000);
    // What comes later is not in it.
    shop.db.delete(&["bag"]).expect("deletes");
    let restored = open(&copy);
    assert_eq!(lists(&restored), before);
    assert_eq!(restored.stats().expect("counts").events, 5);
    restored.put(vec![Item::new("new").text("title", "A leather wallet")]).expect("is a store like any other");
    assert_eq!(restored.verify_vectors().expect("compares").wrong, 0);
    restored.close().expect("closes");
    open(&copy).close().expect("opens again");
    // Indexes come with it: nothing had to be put aside, and nothing is rebuilt.
    assert_eq!(fs::read_dir(copy.join("quarantine")).expect("lists").count(), 0);
}

#[test]
fn a_backup_goes_nowhere_else() {
    let shop = shop().expect("opens");
    let (top, store) = (shop.dir.path(), shop.dir.path().join("shop.onelist"));
    fs::create_dir(top.join("there")).expect("makes");
    fs::write(top.join("file"), "x").expect("writes");
    std::os::unix::fs::symlink(top.join("nothing"), top.join("link")).expect("links");
    for bad in ["there", "file", "link", "shop.onelist", "shop.onelist/copy", "there/../shop.onelist/text/copy"] {
        let error = shop.db.backup(top.join(bad)).expect_err(bad);
        assert_eq!(error.name(), "InvalidArgument", "{bad}: {error}");
    }
    assert_eq!(shop.db.backup(top.join("missing/copy")).expect_err("no folder").name(), "Io");
    let cancel = Cancel::new();
    cancel.cancel();
    let stopped = Watch::new().cancel(&cancel).run(|| shop.db.backup(top.join("stopped")));
    assert_eq!(stopped.expect_err("stopped").name(), "Cancelled");
    let names: Vec<_> = fs::read_dir(top).expect("lists").map(|entry| entry.expect("lists").file_name()).collect();
    assert_eq!(names.len(), 4, "nothing is left by half: {names:?}");
    shop.db.backup(top.join("good")).expect("copies");
    assert_eq!(lists(&open(&top.join("good"))), lists(&shop.db));
    assert!(store.exists());
}

#[test]
fn backups_while_writes_go_on_hold_whole_batches() {
    let dir = tempfile::tempdir().expect("a folder");
    let (db, done) = (open(&dir.path().join("db")), AtomicBool::new(false));
    let put = |round: usize| {
        db.put((0..20).map(|n| thing(n, round)).collect()).expect("puts");
        let event = |n: usize| Event::new(format!("u{n}"), Action::Click).item(format!("thing-{n}"));
        db.log((0..20).map(event).collect()).expect("logs");
    };
    put(0);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let rounds = (1..).take_while(|_| !done.load(Ordering::SeqCst));
            rounds.inspect(|round| put(*round)).last().unwrap_or(0)
        });
        for copy in 0..6 {
            std::thread::sleep(Duration::from_millis(30 * copy));
            let path = dir.path().join(format!("copy-{copy}"));
            db.backup(&path).expect("copies");
            let copied = open(&path);
            let texts: Vec<String> =
                copied.scan(None, 100).expect("reads").iter().map(|item| format!("{:?}", item.fields)).collect();
            let rounds: Vec<&str> = texts.iter().map(|text| text.rsplit(' ').next().unwrap_or_default()).collect();
            assert_eq!(texts.len(), 20);
            assert!(rounds.windows(2).all(|pair| pair[0] == pair[1]), "one batch: {rounds:?}");
            assert_eq!(copied.stats().expect("counts").events % 20, 0);
            let found = copied.verify_signals().expect("counts");
            assert_eq!((found.before, copied.verify_vectors().expect("compares").wrong), (found.after, 0));
        }
        done.store(true, Ordering::SeqCst);
        assert!(writer.join().expect("no panic") > 3);
    });
}

#[test]
fn deleting_everything_and_compacting_leaves_little() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("db");
    let db = open(&path);
    for part in 0..4 {
        db.put((part * 750..(part + 1) * 750).map(|n| thing(n, 0)).collect()).expect("puts");
        db.flush().expect("flushes");
    }
    let full = on_disk(&path);
    db.delete(&(0..3_000).map(|n| format!("thing-{n}")).collect::<Vec<_>>()).expect("deletes");
    let compacted = db.compact().expect("compacts");
    let left = on_disk(&path);
    assert!(left <= 1_000_000 && left < full / 2, "{left} of {full} bytes, {compacted:?}");
    assert!(compacted.after < compacted.before && compacted.after.abs_diff(left) < 200_000, "{compacted:?} {left}");
    // The same handle goes on.
    db.put(goods()).expect("puts");
    assert_eq!(ids(&db, &Request::new().query("leather")).expect("ranks").len(), 7);
    db.close().expect("closes");
    let db = open(&path);
    assert_eq!(db.stats().expect("counts").items, 7);
    assert_eq!(ids(&db, &Request::new().query("leather")).expect("ranks").len(), 7);
}

#[test]
fn what_was_deleted_is_in_no_file() {
    let shop = shop().expect("opens");
    let path = shop.dir.path().join("shop.onelist");
    let secret = "Xylophonemaker";
    shop.db.put(vec![Item::new("secret").text("title", format!("{secret} of Vienna"))]).expect("puts");
    shop.db.flush().expect("flushes");
    assert!(holds(&path, secret));
    shop.db.delete(&["secret"]).expect("deletes");
    shop.db.compact().expect("compacts");
    assert!(!holds(&path, secret) && !holds(&path, &secret.to_lowercase()));
    assert_eq!(lists(&shop.db)[0].len(), 7);
}

#[test]
fn what_was_forgotten_is_in_no_file() {
    let shop = shop().expect("opens");
    let path = shop.dir.path().join("shop.onelist");
    let (user, item, query, street) = ("Xantippe-77", "Zanzibarlamp-9", "Quetzalcoatlus", "Wuthering-Lane-4");
    shop.db.put(vec![Item::new(item).text("title", format!("{item} Ypsilantitext"))]).expect("puts");
    shop.db.put_users(vec![User::new(user).text("street", street)]).expect("puts");
    let event = |action| Event::new(user, action).segment("street", street);
    let click = |item: &str| event(Action::Click).item(item);
    shop.db.log(vec![click(item), click("bag"), event(Action::Search).query(query)]).expect("logs");
    shop.db.log(vec![Event::new("hiker", Action::View).item(item)]).expect("logs");
    shop.db.rank(&Request::new().user(user).query(query)).expect("ranks, and keeps what was shown");
    shop.db.flush().expect("flushes");
    let names = [user, item, query, street, "Ypsilantitext"];
    assert!(names.iter().all(|name| holds(&path, name)));
    shop.db.forget(user).expect("forgets");
    shop.db.forget_item(item).expect("forgets");
    shop.db.compact().expect("compacts");
    for name in names {
        assert!(!holds(&path, name) && !holds(&path, &name.to_lowercase()), "{name}");
    }
    assert_eq!(lists(&shop.db)[0].len(), 7);
}

#[test]
fn rewriting_a_catalog_again_and_again_does_not_grow_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("db");
    let db = open(&path);
    let put = |round: usize| {
        db.put((0..1_000).map(|n| thing(n, round)).collect()).expect("puts");
        db.flush().expect("flushes");
    };
    put(0);
    db.compact().expect("compacts");
    let once = on_disk(&path);
    (1..=10).for_each(put);
    db.compact().expect("compacts");
    let (rewritten, expected) = (on_disk(&path), 1.5 * once as f64);
    assert!(rewritten as f64 <= expected, "{once} bytes, and {rewritten} after ten rewrites");
    assert_eq!(db.verify_vectors().expect("compares").wrong, 0);
}

#[test]
fn requests_and_writes_go_on_while_the_store_is_compacted() {
    let shop = shop().expect("opens");
    let (db, before, done) = (&shop.db, lists(&shop.db), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let rounds = (0..).take_while(|_| !done.load(Ordering::SeqCst));
            rounds.inspect(|_| assert_eq!(lists(db), before)).count()
        });
        let writer = scope.spawn(|| {
            let rounds = (0..).take_while(|_| !done.load(Ordering::SeqCst));
            let write = |n: &usize| {
                db.log(vec![Event::new(format!("visitor-{n}"), Action::Search).query("tea")]).expect("logs");
                db.put(vec![Item::new("bag").text("title", "Leather travel bag").number("price", 120.0)])
                    .expect("puts");
                db.put(goods()).expect("puts");
            };
            rounds.inspect(write).count()
        });
        for _ in 0..5 {
            db.compact().expect("compacts");
        }
        done.store(true, Ordering::SeqCst);
        let _ = reader.join();
        assert!(writer.join().expect("no panic") > 0);
    });
    let events = db.stats().expect("counts").events;
    db.close().expect("closes");
    let db = open(&shop.dir.path().join("shop.onelist"));
    assert_eq!((db.stats().expect("counts").events, db.stats().expect("counts").items), (events, 7));
    let found = db.verify_signals().expect("counts");
    assert_eq!((found.before, db.verify_vectors().expect("compares").wrong), (found.after, 0));
}

#[test]
fn a_compaction_that_is_stopped_or_cut_short_loses_nothing() {
    let shop = shop().expect("opens");
    let (path, before) = (shop.dir.path().join("shop.onelist"), lists(&shop.db));
    let mut limit = Duration::from_micros(200);
    while Watch::new().timeout(limit).run(|| shop.db.compact()).is_err() {
        assert_eq!(lists(&shop.db), before);
        limit = limit * 3 / 2;
    }
    assert_eq!(lists(&shop.db), before);
    shop.db.close().expect("closes");
    // Cut between the two renames: the lock file of the copy lies beside the old data.
    fs::write(path.join("lock.mdb"), "of another environment").expect("writes");
    fs::create_dir_all(path.join("scratch/0123456789abcdef")).expect("makes");
    fs::copy(path.join("data.mdb"), path.join("scratch/0123456789abcdef/data.mdb")).expect("copies");
    let db = open(&path);
    assert_eq!(lists(&db), before);
    assert!(!path.join("scratch").exists());
}

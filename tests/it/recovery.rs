//! What is derived comes back by itself; what is true is never guessed.

use std::fs;
use std::path::{Path, PathBuf};

use onelist::{Config, Engine, Item, Request};
use onelist_tests::{goods, shop};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// The answers to a handful of requests, without what differs from call to call.
fn answers(db: &Engine) -> Vec<Vec<(String, String)>> {
    let now = onelist::Timestamp::from_seconds(1.75e9);
    let requests = [
        Request::new(),
        Request::new().query("leather hiking shoes"),
        Request::new().user("hiker"),
        Request::new().user("cook").query("steel"),
        Request::new().like(["teapot"]),
        Request::new().vector("image", vec![0.5, 0.5, 0.1]),
    ];
    let answer = |request: &Request| {
        // Unlogged: what is shown counts, and would change the answers.
        let hits = db.rank(&request.clone().now(now).unlogged()).expect("ranks").hits;
        hits.into_iter().map(|hit| (hit.id, format!("{:.3}", hit.score))).collect()
    };
    requests.iter().map(answer).collect()
}

/// A closed store with goods, and the answers it gave.
fn closed() -> (tempfile::TempDir, PathBuf, Vec<Vec<(String, String)>>) {
    let shop = shop().expect("opens");
    let before = answers(&shop.db);
    shop.db.close().expect("closes");
    let path = shop.dir.path().join("shop.onelist");
    let onelist_tests::Shop { dir, .. } = shop;
    (dir, path, before)
}

fn reopened(path: &Path) -> Vec<Vec<(String, String)>> {
    let db = Engine::open(path, Config::default()).expect("opens");
    let found = answers(&db);
    db.flush().expect("flushes");
    assert_eq!(answers(&db), found, "the same after the indexes have caught up");
    db.close().expect("closes");
    found
}

#[test]
fn reopening_changes_nothing() {
    let (_dir, path, before) = closed();
    assert_eq!(reopened(&path), before);
    assert_eq!(reopened(&path), before);
}

#[test]
fn derived_folders_can_be_deleted() {
    for gone in [&["text"][..], &["vector"], &["text", "vector"]] {
        let (_dir, path, before) = closed();
        gone.iter().for_each(|folder| fs::remove_dir_all(path.join(folder)).expect("removes"));
        assert_eq!(reopened(&path), before, "without {gone:?}");
        assert_eq!(reopened(&path), before, "and again");
    }
}

#[test]
fn damaged_derived_files_are_noticed_and_rebuilt() {
    let seed = 11;
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    for round in 0..12 {
        let (_dir, path, before) = closed();
        let mut files: Vec<PathBuf> = ["text", "vector"].iter().flat_map(|folder| files(&path.join(folder))).collect();
        files.sort();
        let victim = &files[rng.random_range(0..files.len())];
        damage(victim, round, &mut rng);
        assert_eq!(reopened(&path), before, "round {round}, {}", victim.display());
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("lists").map(|entry| entry.expect("lists").path());
    entries.filter(|path| path.is_file() && fs::metadata(path).is_ok_and(|meta| meta.len() > 0)).collect()
}

fn damage(file: &Path, round: usize, rng: &mut StdRng) {
    let mut bytes = fs::read(file).expect("reads");
    match round % 4 {
        0 => {
            let bit = rng.random_range(0..bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        1 => bytes.truncate(rng.random_range(0..bytes.len())),
        2 => bytes.iter_mut().take(4096).for_each(|byte| *byte = 0),
        _ => return fs::remove_file(file).expect("removes"),
    }
    fs::write(file, bytes).expect("writes");
}

#[test]
fn an_older_index_is_replayed_and_a_foreign_one_is_not_used() {
    let (_dir, path, _) = closed();
    let old = path.parent().expect("has one").join("old");
    copy(&path, &old);
    let db = Engine::open(&path, Config::default()).expect("opens");
    db.put(vec![Item::new("new").text("title", "Brand new leather gloves")]).expect("puts");
    let now = answers(&db);
    db.close().expect("closes");
    for folder in ["text", "vector"] {
        fs::remove_dir_all(path.join(folder)).expect("removes");
        copy(&old.join(folder), &path.join(folder));
    }
    assert_eq!(reopened(&path), now, "indexes of the day before");
    let (_other_dir, other, _) = closed();
    fs::remove_dir_all(path.join("text")).expect("removes");
    copy(&other.join("text"), &path.join("text"));
    assert_eq!(reopened(&path), now, "the index of another store");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("creates");
    for entry in fs::read_dir(from).expect("lists") {
        let entry = entry.expect("lists");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copies");
        }
    }
}

#[test]
fn a_directory_of_the_format_before_is_read_and_brought_up_to_date() {
    let (_dir, path, before) = closed();
    let file = path.join("FORMAT");
    let set = |version: u32| {
        let mut format: serde_json::Value = serde_json::from_slice(&fs::read(&file).expect("reads")).expect("is JSON");
        format["format"] = version.into();
        format["oldest_reader"] = version.into();
        fs::write(&file, format.to_string()).expect("writes");
    };
    let version = || {
        serde_json::from_slice::<serde_json::Value>(&fs::read(&file).expect("reads")).expect("is JSON")["format"]
            .clone()
    };
    let now = version();
    set(2);
    assert_eq!(reopened(&path), before);
    assert_eq!(version(), now, "an older library must not open it any more");
    set(1);
    assert_eq!(Engine::open(&path, Config::default()).map(|_| ()).expect_err("refused").name(), "Damaged");
}

#[test]
fn a_damaged_catalog_is_an_error_and_never_an_empty_store() {
    let name = |path: &Path| Engine::open(path, Config::default()).map(|_| "opened").unwrap_or_else(|e| e.name());
    let (_dir, path, _) = closed();
    let data = path.join("data.mdb");
    let whole = fs::read(&data).expect("reads");
    for length in [whole.len() / 2, 4096, 100] {
        fs::write(&data, &whole[..length]).expect("writes");
        assert_eq!(name(&path), "Damaged", "{length} bytes");
    }
    fs::remove_file(&data).expect("removes");
    assert_eq!(name(&path), "Damaged", "no data at all");
    fs::write(&data, &whole).expect("writes");
    assert_eq!(name(&path), "opened");
    fs::write(path.join("FORMAT"), r#"{"magic":"onelist","format":9,"oldest_reader":9,"store":"x","page_size":4096}"#)
        .expect("writes");
    assert_eq!(name(&path), "NewerFormat");
    fs::write(path.join("FORMAT"), "garbage").expect("writes");
    assert_eq!(name(&path), "Damaged");
}

/// Deleted items count in BM25's statistics until their segment is merged, so scores may move a little; nothing else.
#[test]
fn a_rebuild_after_deletes_keeps_the_order() {
    let (_dir, path, _) = closed();
    let db = Engine::open(&path, Config::default()).expect("opens");
    db.put(vec![Item::new("extra").text("title", "Extra leather laces")]).expect("puts");
    db.flush().expect("flushes");
    db.delete(&["extra"]).expect("deletes");
    let order = |lists: Vec<Vec<(String, String)>>| -> Vec<Vec<String>> {
        lists.into_iter().map(|list| list.into_iter().map(|(id, _)| id).collect()).collect()
    };
    let before = order(answers(&db));
    db.close().expect("closes");
    fs::remove_dir_all(path.join("text")).expect("removes");
    fs::remove_dir_all(path.join("vector")).expect("removes");
    assert_eq!(order(reopened(&path)), before);
}

#[test]
fn a_store_survives_many_openings() {
    let (_dir, path, before) = closed();
    for round in 0..5 {
        let db = Engine::open(&path, Config::default()).expect("opens");
        db.put(goods()).expect("puts");
        drop(db);
        assert!(path.join("LOCK").exists(), "round {round}");
    }
    let found = reopened(&path);
    assert_eq!(found[1].len(), before[1].len());
}

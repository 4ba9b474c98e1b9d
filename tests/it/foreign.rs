//! What lies in a directory and is not the engine's: links are not followed, pipes are not opened, and nothing is removed that
//! the engine did not write. No file of a store is replaced by what the engine is asked to write.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use onelist::{Config, Engine, Error, Request, TrainingPlan};
use onelist_tests::{ids, shop};

const FOLDERS: [&str; 7] = ["text", "vector", "models", "adapters", "scratch", "quarantine", "engines"];
const FILES: [&str; 4] = ["LOCK", "FORMAT", "data.mdb", "lock.mdb"];

/// A closed store with goods.
fn closed() -> (tempfile::TempDir, PathBuf) {
    let onelist_tests::Shop { db, dir } = shop().expect("opens");
    db.close().expect("closes");
    let path = dir.path().join("shop.onelist");
    (dir, path)
}

fn pipe(path: &Path) {
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).expect("makes a pipe");
}

/// Opens, and fails when that takes longer than anything but a hang would. Another thread opens a pipe that waits.
fn opened(path: &Path) -> Result<Engine, Error> {
    let start = Instant::now();
    let (path, (sender, answer)) = (path.to_owned(), std::sync::mpsc::channel());
    std::thread::spawn(move || sender.send(Engine::open(path, Config::default())));
    let opened = answer.recv_timeout(Duration::from_secs(60)).expect("opening hangs");
    assert!(start.elapsed() < Duration::from_secs(60));
    opened
}

fn refusal(path: &Path) -> String {
    match opened(path) {
        Ok(_) => panic!("it opened"),
        Err(error) => {
            assert_eq!(error.name(), "NotADatabase", "{error}");
            error.to_string()
        }
    }
}

fn remove(path: &Path) {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path).expect("removes"),
        Ok(_) => fs::remove_file(path).expect("removes"),
        Err(_) => {}
    }
}

#[test]
fn links_are_refused_and_what_they_lead_to_stays() {
    let (dir, path) = closed();
    let victim = dir.path().join("victim");
    for name in ["photos", "deadbeef", "0123456789abcdef"] {
        fs::create_dir_all(victim.join(name)).expect("makes");
        fs::write(victim.join(name).join("precious.jpg"), "x").expect("writes");
    }
    for name in FOLDERS {
        let (at, aside) = (path.join(name), dir.path().join("aside"));
        let had = fs::rename(&at, &aside).is_ok();
        symlink(&victim, &at).expect("links");
        let error = refusal(&path);
        assert!(error.contains(&format!("`{name}`")) && error.contains("a symbolic link"), "{error}");
        fs::remove_file(&at).expect("removes the link");
        if had {
            fs::rename(&aside, &at).expect("moves back");
        }
    }
    for name in FILES {
        let (at, aside) = (path.join(name), dir.path().join("aside"));
        fs::rename(&at, &aside).expect("moves");
        symlink(&aside, &at).expect("links");
        assert!(refusal(&path).contains("a symbolic link"), "{name}");
        fs::remove_file(&at).expect("removes the link");
        fs::rename(&aside, &at).expect("moves back");
    }
    assert_eq!(fs::read_dir(&victim).expect("lists").count(), 3);
    assert!(victim.join("0123456789abcdef/precious.jpg").exists());
    assert_eq!(ids(&opened(&path).expect("opens"), &Request::new()).expect("ranks").len(), 7);
}

/// Puts something in a place.
type Make = fn(&Path);

#[test]
fn nothing_in_place_of_a_file_or_a_folder_makes_opening_hang() {
    let (_dir, path) = closed();
    let kinds: [(&str, Make); 3] = [
        ("a named pipe", pipe),
        ("a socket", |path| drop(UnixListener::bind(path).expect("binds"))),
        ("a directory", |path| fs::create_dir(path).expect("makes")),
    ];
    for (kind, make) in kinds {
        for name in FILES.iter().chain(&FOLDERS[..if kind == "a directory" { 0 } else { 7 }]) {
            let (at, aside) = (path.join(name), path.with_extension("aside"));
            let had = fs::rename(&at, &aside).is_ok();
            make(&at);
            let error = refusal(&path);
            assert!(error.contains(kind) && error.contains(&format!("`{name}`")), "{name}: {error}");
            remove(&at);
            if had {
                fs::rename(&aside, &at).expect("moves back");
            }
        }
    }
    opened(&path).expect("opens");
}

#[test]
fn a_pipe_or_a_link_among_the_files_of_an_index_costs_a_rebuild() {
    let (dir, path) = closed();
    let makers: [fn(&Path, &Path); 3] = [
        |at, _| pipe(at),
        |at, elsewhere| symlink(elsewhere, at).expect("links"),
        |at, _| fs::create_dir(at).expect("makes"),
    ];
    for (round, make) in makers.into_iter().enumerate() {
        for folder in ["text", "vector"] {
            let folder = path.join(folder);
            let names: Vec<_> =
                fs::read_dir(&folder).expect("lists").map(|entry| entry.expect("lists").path()).collect();
            let last = names.iter().filter(|name| !name.to_string_lossy().ends_with(".lock")).max().expect("has files");
            let aside = dir.path().join(format!("aside-{round}"));
            fs::rename(last, &aside).expect("moves");
            make(last, &aside);
            let db = opened(&path).expect("opens");
            assert_eq!(ids(&db, &Request::new().query("leather")).expect("ranks").len(), 7);
            db.flush().expect("flushes");
            db.close().expect("closes");
            assert!(aside.exists(), "what a link leads to stays");
        }
    }
}

#[test]
fn only_what_the_engine_could_have_written_is_removed() {
    let (_dir, path) = closed();
    let hash = "a".repeat(64);
    let foreign =
        ["models/photos", "models/abc.new", "adapters/deadbeef", "scratch/photos", "scratch/0123", "vector/my.tmp"];
    let ours = [format!("models/{hash}"), format!("models/{hash}.new"), format!("adapters/{hash}")];
    let scratch = ["scratch/0123456789abcdef".to_owned(), "vector/0123456789abcdef-7.tmp".to_owned()];
    for name in foreign.iter().copied().chain(ours.iter().chain(&scratch).map(String::as_str)) {
        match name.ends_with(".tmp") {
            true => fs::write(path.join(name), "x").expect("writes"),
            false => {
                fs::create_dir_all(path.join(name)).expect("makes");
                fs::write(path.join(name).join("file"), "x").expect("writes");
            }
        }
    }
    opened(&path).expect("opens").close().expect("closes");
    for name in foreign {
        assert!(path.join(name).exists(), "{name} is gone");
    }
    for name in ours.iter().chain(&scratch) {
        assert!(!path.join(name).exists(), "{name} stays");
    }
}

#[test]
fn a_lost_format_file_is_named() {
    for with in ["models", "text"] {
        let (_dir, path) = closed();
        fs::create_dir_all(path.join(with)).expect("makes");
        let format = fs::read(path.join("FORMAT")).expect("reads");
        fs::remove_file(path.join("FORMAT")).expect("removes");
        let error = opened(&path).err().expect("refused");
        assert_eq!(error.name(), "Damaged");
        assert!(error.to_string().contains("FORMAT: the file is missing"), "{error}");
        // Without the folders it is the catalog that tells.
        for folder in FOLDERS {
            remove(&path.join(folder));
        }
        let error = opened(&path).err().expect("refused");
        assert!(error.to_string().contains("FORMAT: the file is missing beside a catalog"), "{error}");
        fs::write(path.join("FORMAT"), format).expect("writes");
        assert_eq!(opened(&path).expect("opens").stats().expect("counts").items, 7);
    }
}

#[test]
fn the_first_creation_may_end_anywhere() {
    let (_dir, path) = {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("new");
        opened(&path).expect("opens").close().expect("closes");
        (dir, path)
    };
    let data = fs::read(path.join("data.mdb")).expect("reads");
    let cut = |length: usize| Some(data[..length].to_vec());
    let states = [None, cut(0), cut(1), cut(100), cut(4_096), cut(8_191), Some(vec![0; 8_192]), cut(data.len())];
    for (round, state) in states.into_iter().enumerate() {
        for temporary in [false, true] {
            let again = path.with_extension(format!("{round}-{temporary}"));
            fs::create_dir(&again).expect("makes");
            fs::write(again.join("LOCK"), "1\n").expect("writes");
            if temporary {
                fs::write(again.join("FORMAT.tmp"), "{").expect("writes");
            }
            if let Some(bytes) = &state {
                fs::write(again.join("data.mdb"), bytes).expect("writes");
            }
            let db = opened(&again).unwrap_or_else(|error| panic!("{round}: {error}"));
            assert_eq!(db.stats().expect("counts").items, 0);
            db.put(onelist_tests::goods()).expect("puts");
            db.close().expect("closes");
            assert_eq!(opened(&again).expect("opens").stats().expect("counts").items, 7);
        }
    }
}

#[test]
fn training_files_replace_nothing_of_a_store() {
    let shop = shop().expect("opens");
    let (store, top) = (shop.dir.path().join("shop.onelist"), shop.dir.path());
    let other = top.join("other");
    Engine::open(&other, Config::default()).expect("opens").close().expect("closes");
    symlink(store.join("data.mdb"), top.join("link")).expect("links");
    symlink(&store, top.join("folder")).expect("links");
    fs::hard_link(store.join("data.mdb"), top.join("hard")).expect("links");
    pipe(&top.join("pipe"));
    fs::create_dir(top.join("directory")).expect("makes");
    let bad = ["shop.onelist/data.mdb", "shop.onelist/new", "folder/text/new", "other/data.mdb", "other/new", "hard"];
    let more = ["link", "pipe", "directory", "directory/../shop.onelist/LOCK", "directory/../link"];
    let paths = bad.iter().chain(&more).map(|name| top.join(name)).chain([PathBuf::from("/dev/null"), "/".into()]);
    for path in paths {
        let error = shop.db.export_training(&path, &TrainingPlan::default()).expect_err(&path.display().to_string());
        assert_eq!(error.name(), "InvalidArgument", "{error}");
    }
    let good = top.join("rows.parquet");
    for _ in 0..2 {
        assert!(shop.db.export_training(&good, &TrainingPlan::default()).expect("writes").bytes > 0);
    }
    shop.db.put(onelist_tests::goods()).expect("still writes");
    shop.db.close().expect("closes");
    assert_eq!(opened(&store).expect("opens again").stats().expect("counts").items, 7);
}

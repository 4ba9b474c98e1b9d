//! A store that was closed, or whose process was killed, opens again with everything that it held, whatever was deleted
//! last. LMDB never writes pages that the same transaction frees again: data.mdb may be shorter than its last page.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use onelist::{Action, Config, Engine, Event, Item, Timestamp};
use onelist_tests::journal::{Operation, State, script_config};
use onelist_tests::trained::Trained;

/// The bytes that the newest meta page of data.mdb counts, and those that there are.
fn sizes(store: &Path) -> (u64, u64) {
    let file = std::fs::read(store.join("data.mdb")).expect("reads");
    let number = |at: usize| u64::from_le_bytes(file[at..at + 8].try_into().expect("eight bytes"));
    let page = number(40) as u32 as usize;
    let newest = if number(page + 144) > number(144) { page } else { 0 };
    ((number(newest + 136) + 1) * page as u64, file.len() as u64)
}

fn is_short(store: &Path) -> bool {
    let (needed, length) = sizes(store);
    length < needed
}

fn open(store: &Path) -> Engine {
    Engine::open(store, script_config()).unwrap_or_else(|error| panic!("{}: {error}", store.display()))
}

/// Opens the store again and compares what it holds, and its vectors and signals with each other.
fn holds(store: &Path, expected: &State) {
    let db = open(store);
    assert_eq!(&State::of(&db).expect("reads"), expected);
    let space = db.verify_vectors().expect("checks");
    assert_eq!((space.wrong, space.semantic_ids), (0, expected.items.len() as u64));
    let signals = db.verify_signals().expect("counts");
    assert_eq!(signals.before, signals.after);
    db.close().expect("closes");
    assert_eq!(&State::of(&open(store)).expect("reads"), expected);
}

/// The operations, then a close; and the same in a process that is killed instead. Whether both files are short.
fn closed_and_killed(operations: &[Operation]) -> [bool; 2] {
    let dir = tempfile::tempdir().expect("a folder");
    Trained::new("first", 0.25).write(&dir.path().join("first")).expect("writes");
    Trained::elsewhere("second", 0.5).write(&dir.path().join("second")).expect("writes");
    let expected = operations.iter().fold(State::default(), |state, operation| state.after(operation));
    let [closed, killed] = ["closed", "killed"].map(|name| dir.path().join(name));

    let db = open(&closed);
    operations.iter().for_each(|operation| operation.execute(&db, dir.path()).expect("works"));
    db.close().expect("closes");
    let mut short = [is_short(&closed), false];
    holds(&closed, &expected);

    let script: Vec<String> = operations.iter().map(Operation::to_line).collect();
    std::fs::write(dir.path().join("script"), script.join("\n")).expect("writes");
    let mut child = Command::new(env!("CARGO_BIN_EXE_script-child"))
        .args(["killed", "script"])
        .current_dir(dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("is piped")).read_line(&mut line).expect("reads");
    child.kill().expect("kills");
    child.wait().expect("reaps");
    assert_eq!(line, "done\n");
    short[1] = is_short(&killed);
    println!("shorter than its last page, when closed and when killed: {short:?}");
    holds(&killed, &expected);
    short
}

fn put(count: u64, version: u64) -> Operation {
    Operation::Put((0..count).map(|id| (id, version)).collect())
}

fn delete(count: u64) -> Operation {
    Operation::Delete((0..count).collect())
}

#[test]
fn everything_is_deleted() {
    let short = [100, 200, 400, 700, 1_000].map(|count| closed_and_killed(&[put(count, 1), delete(count)]));
    assert!(short.concat().contains(&true), "the case is not met any more");
}

#[test]
fn every_item_is_put_again_and_some_are_deleted() {
    closed_and_killed(&[put(500, 1), put(500, 2), put(500, 3), delete(450), put(20, 4)]);
}

#[test]
fn old_events_are_removed() {
    closed_and_killed(&[put(100, 1), Operation::Log(3_000), Operation::Trim]);
}

#[test]
fn the_space_is_fitted_twice() {
    closed_and_killed(&[put(700, 1), Operation::Fit, Operation::Fit, delete(600)]);
}

#[test]
fn cooccurrence_is_rebuilt_twice() {
    closed_and_killed(&[put(300, 1), Operation::Log(2_000), Operation::Rebuild, Operation::Rebuild, delete(300)]);
}

#[test]
fn every_item_moves_to_another_model_and_back() {
    closed_and_killed(&[put(300, 1), Operation::Model(2), Operation::Model(1), Operation::Model(0), delete(300)]);
}

#[test]
fn old_impressions_are_removed() {
    closed_and_killed(&[put(100, 1), Operation::Rank(400), Operation::Rank(400), Operation::Rank(1)]);
}

fn thing(n: usize) -> Item {
    Item::new(format!("item{n}")).text("title", format!("title{n} thing"))
}

/// As users reported it: sizes from 5 to 2000, the small ones closer together.
#[test]
fn everything_is_deleted_at_a_hundred_sizes() {
    let mut short = 0;
    for count in (0..100).map(|n| 5 + 1_995 * n * n * n / (99 * 99 * 99)) {
        let dir = tempfile::tempdir().expect("a folder");
        let db = open(dir.path());
        for chunk in (0..count).collect::<Vec<_>>().chunks(1_000) {
            db.put(chunk.iter().map(|n| thing(*n)).collect()).expect("puts");
        }
        db.flush().expect("flushes");
        let ids: Vec<String> = (0..count).map(|n| format!("item{n}")).collect();
        assert_eq!(db.delete(&ids).expect("deletes"), count);
        db.close().expect("closes");
        short += usize::from(is_short(dir.path()));
        assert_eq!(open(dir.path()).stats().expect("counts").items, 0, "{count} items");
    }
    println!("{short} of 100 files were shorter than their last page");
    assert!(short >= 5, "the case is not met any more: {short}");
}

/// As users reported it: a log of years, of which retention keeps nothing.
#[test]
fn every_event_is_too_old() {
    let mut short = 0;
    for events in [500, 2_000, 10_000] {
        let dir = tempfile::tempdir().expect("a folder");
        let db = Engine::open(dir.path(), Config::default()).expect("opens");
        db.put((0..100).map(thing).collect()).expect("puts");
        let event = |n: u32| {
            let event = Event::new(format!("u{}", n % 50), Action::Click).item(format!("item{}", n % 100));
            event.at(Timestamp::from_seconds(1.5e9 + f64::from(n)))
        };
        db.log((0..events).map(event).collect()).expect("logs");
        db.close().expect("closes");
        let db = open(dir.path());
        assert_eq!(db.apply_retention().expect("removes"), u64::from(events));
        db.close().expect("closes");
        short += usize::from(is_short(dir.path()));
        let stats = open(dir.path()).stats().expect("counts");
        assert_eq!((stats.items, stats.events, stats.events_removed), (100, 0, u64::from(events)));
    }
    println!("{short} of 3 files were shorter than their last page");
}

/// Values of many pages each.
#[test]
fn long_texts_are_deleted() {
    for count in [3, 40, 200] {
        let dir = tempfile::tempdir().expect("a folder");
        let db = open(dir.path());
        let long = |n: usize| thing(n).text("body", "words and more words ".repeat(40 + n * 20));
        db.put((0..count).map(long).collect()).expect("puts");
        db.delete(&(0..count).map(|n| format!("item{n}")).collect::<Vec<_>>()).expect("deletes");
        db.close().expect("closes");
        println!("{count} long items: sizes {:?}", sizes(dir.path()));
        assert_eq!(open(dir.path()).stats().expect("counts").items, 0);
    }
}

#[test]
fn a_store_of_an_older_format_may_be_short() {
    let dir = tempfile::tempdir().expect("a folder");
    let db = open(dir.path());
    db.put((0..200).map(thing).collect()).expect("puts");
    db.delete(&(0..200).map(|n| format!("item{n}")).collect::<Vec<_>>()).expect("deletes");
    db.close().expect("closes");
    let format = dir.path().join("FORMAT");
    let text = std::fs::read_to_string(&format).expect("reads");
    let older = text.replace(r#""format": 6"#, r#""format": 4"#);
    assert_ne!(older, text);
    std::fs::write(&format, older).expect("writes");
    assert_eq!(open(dir.path()).stats().expect("counts").items, 0);
}

#[test]
fn a_truncated_store_is_refused_with_the_pages_it_lacks() {
    let dir = tempfile::tempdir().expect("a folder");
    let db = open(dir.path());
    db.put((0..300).map(thing).collect()).expect("puts");
    db.close().expect("closes");
    let data = dir.path().join("data.mdb");
    let whole = std::fs::read(&data).expect("reads");
    std::fs::write(&data, &whole[..whole.len() / 2]).expect("writes");
    let error = Engine::open(dir.path(), script_config()).err().expect("is refused");
    let text = error.to_string();
    // Which pages it names depends on where the free list lies.
    assert!(error.name() == "Damaged" && text.contains("the file was truncated"), "{text}");
    std::fs::write(&data, &whole).expect("writes");
    assert_eq!(open(dir.path()).stats().expect("counts").items, 300);
}

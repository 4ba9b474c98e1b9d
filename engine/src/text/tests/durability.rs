//! What survives a close, and what damage leads to.

use std::path::PathBuf;

use super::*;

/// Two segments, one with a deletion.
fn filled() -> Fixture {
    let mut fixture = Fixture::new();
    let changes = fixture.put((0..50).map(|key| (key, titled(&format!("word w{key}")).number("n", key as f64))));
    fixture.commit(changes);
    let mut changes = fixture.put([(50, titled("word last"))]);
    changes.extend(fixture.delete(&[3]));
    fixture.commit(changes);
    fixture
}

/// The first file of a kind.
fn file(fixture: &Fixture, ending: &str) -> PathBuf {
    let folder = std::fs::read_dir(fixture.dir.path().join("text")).expect("folder");
    let paths = folder.map(|entry| entry.expect("entry").path());
    let mut of_kind: Vec<PathBuf> = paths.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    of_kind.sort();
    of_kind.into_iter().next().expect("a file of each kind")
}

#[test]
fn a_commit_survives_and_what_was_not_committed_does_not() {
    let mut fixture = filled();
    let stamp = fixture.stamp();
    let changes = fixture.put([(99, titled("word uncommitted"))]);
    fixture.store.apply(changes, &fixture.schema).expect("applies");
    let (mut fixture, read) = fixture.reopen();
    assert_eq!(read, Some(stamp));
    assert_eq!(fixture.keys("word").len(), 50);
    assert_eq!(fixture.quarantined(), 0);
    // A key that was used before the close is still replaced, not doubled.
    let changes = fixture.put([(7, titled("word again")), (99, titled("word uncommitted"))]);
    fixture.commit(changes);
    assert_eq!((fixture.view().docs(), fixture.keys("again")), (51, vec![7]));
}

#[test]
fn an_index_without_a_commit_is_empty_not_damaged() {
    let (fixture, stamp) = Fixture::new().reopen();
    assert_eq!((stamp, fixture.quarantined()), (None, 0));
}

#[test]
fn another_store_another_count_and_a_missing_list_are_put_aside() {
    let fixture = filled();
    let text = fixture.dir.path().join("text");
    let quarantine = fixture.dir.path().join("quarantine");
    drop(fixture.store);
    let (_, stamp) = TextStore::open(&text, &quarantine, "store-2").expect("opens");
    assert_eq!(stamp, None);
    assert_eq!(std::fs::read_dir(&quarantine).expect("quarantine").count(), 1);

    let fixture = filled();
    let wrong = TextStamp { items: 49, ..fixture.stamp() };
    fixture.store.commit(&wrong).expect("commits");
    let (fixture, stamp) = fixture.reopen();
    assert_eq!((stamp, fixture.quarantined(), fixture.view().docs()), (None, 1, 0));

    let fixture = filled();
    std::fs::remove_file(fixture.dir.path().join("text/meta.json")).expect("removes");
    let (fixture, stamp) = fixture.reopen();
    assert_eq!((stamp, fixture.quarantined()), (None, 1));
}

#[test]
fn damage_to_any_file_is_found_and_the_index_comes_back() {
    let mut fixture = filled();
    let mut quarantined = 0;
    for ending in ["/meta.json", ".fast", ".fieldnorm", ".idx", ".pos", ".store", ".term", ".del"] {
        for damage in ["flip", "cut", "empty", "remove"] {
            let path = file(&fixture, ending);
            let Fixture { dir, store, schema, catalog, seq } = fixture;
            drop(store);
            let mut bytes = std::fs::read(&path).expect("reads");
            let middle = bytes.len() / 2;
            // Half of a small file is tantivy's own footer, where some bits mean nothing.
            let flipped = if bytes.len() > 400 { middle } else { 0 };
            match damage {
                "flip" => bytes[flipped] ^= 4,
                "cut" => bytes.truncate(middle),
                "empty" => bytes.clear(),
                _ => {}
            }
            std::fs::write(&path, bytes).expect("writes");
            if damage == "remove" {
                std::fs::remove_file(&path).expect("removes");
            }
            let (store, stamp) = open(&dir).expect("opens");
            fixture = Fixture { dir, store, schema, catalog, seq };
            assert_eq!(stamp, None, "{damage} of {ending}");
            quarantined += 1;
            assert_eq!(fixture.quarantined(), quarantined, "{damage} of {ending}");
            assert!(fixture.keys("word").is_empty());
            // The caller feeds everything again, in two commits, so that the same kinds of files are there.
            let docs: Vec<TextChange> = fixture
                .catalog
                .iter()
                .map(|(key, (generation, fields))| {
                    TextChange::Put(TextDoc { key: *key, generation: *generation, fields: fields.clone() })
                })
                .collect();
            let extra = TextDoc { key: ItemKey(3), generation: Seq(1), fields: Arc::new(titled("word").fields) };
            fixture.commit(docs.into_iter().chain([TextChange::Put(extra)]).collect());
            fixture.commit(vec![TextChange::Delete(ItemKey(3))]);
            assert_eq!(fixture.keys("word").len(), 50);
        }
    }
    assert_eq!(quarantined, 32);
}

#[test]
fn after_a_failure_nothing_is_skipped() {
    let mut fixture = filled();
    let (text, away) = (fixture.dir.path().join("text"), fixture.dir.path().join("away"));
    let changes = fixture.put([(60, titled("word more"))]);
    fixture.store.apply(changes.clone(), &fixture.schema).expect("applies");
    std::fs::rename(&text, &away).expect("moves");
    assert_eq!(fixture.store.commit(&fixture.stamp()).expect_err("the folder is gone").name(), "Index");
    std::fs::rename(&away, &text).expect("moves back");
    // The item is lost to the index until it is applied again: both refuse instead of leaving a gap.
    assert_eq!(fixture.store.commit(&fixture.stamp()).expect_err("refuses").name(), "Index");
    assert_eq!(fixture.store.apply(Vec::new(), &fixture.schema).expect_err("refuses").name(), "Index");
    assert_eq!(fixture.keys("more"), [60]);
    assert_eq!(fixture.store.restart(STORE).expect("restarts"), Seq(3));
    assert_eq!((fixture.view().applied(), fixture.keys("more")), (Seq(3), vec![60]));
    fixture.commit(changes);
    assert_eq!((fixture.view().tail_len(), fixture.keys("more")), (0, vec![60]));
    let (fixture, stamp) = fixture.reopen();
    assert_eq!((stamp, fixture.view().docs()), (Some(fixture.stamp()), 51));
}

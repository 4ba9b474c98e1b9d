//! The index of a process that follows another one: here two stores on one folder.

use super::*;

fn beside(fixture: &Fixture) -> (TextStore, Option<TextStamp>) {
    TextStore::open_beside(&fixture.dir.path().join("text"), STORE).expect("opens")
}

/// Takes over what the writer has committed, and finds items by a word.
fn found(store: &TextStore, fixture: &Fixture, word: &str) -> Vec<u64> {
    let view = store.view();
    let Some(query) = view.query(word, &fixture.fields()).expect("analyses") else { return Vec::new() };
    let found = view.search(&query, None, &fixture.schema, 100, &fixture.is_current()).expect("searches");
    found.into_iter().map(|(key, _)| key.0).collect()
}

#[test]
fn a_follower_goes_from_overlay_to_index_as_the_writer_does() {
    let mut writer = Fixture::new();
    let (follower, stamp) = beside(&writer);
    assert!(stamp.is_none() && found(&follower, &writer, "red").is_empty(), "no commit yet");
    follower.reload(STORE).expect("nothing to load");
    for round in 1..=4 {
        let changes = writer.put([(round, titled(&format!("red number{round}")))]);
        // What the follower reads from the op log, it stages.
        let docs = changes.iter().filter_map(|change| match change {
            TextChange::Put(doc) => Some(doc.clone()),
            TextChange::Delete(_) => None,
        });
        follower.stage(writer.seq, docs.collect(), &writer.schema);
        assert_eq!(found(&follower, &writer, &format!("number{round}")), [round]);
        writer.commit(changes);
        follower.reload(STORE).expect("loads");
        assert_eq!((follower.view().applied(), follower.view().tail_len()), (writer.seq, 0));
        assert_eq!(found(&follower, &writer, "red").len() as u64, round);
    }
    assert!(follower.reload("another store").is_err(), "an index of another store is not taken");
    assert_eq!(found(&follower, &writer, "red").len(), 4, "and what was loaded stays");
    let (late, stamp) = beside(&writer);
    assert_eq!((stamp.map(|stamp| stamp.seq), found(&late, &writer, "number3")), (Some(writer.seq), vec![3]));
}

#[test]
fn a_rebuilt_index_is_found_again() {
    let mut writer = Fixture::new();
    let changes = writer.put([(1, titled("red")), (2, titled("blue"))]);
    writer.commit(changes);
    let (follower, _) = beside(&writer);
    writer.store.clear().expect("empties");
    let _ = follower.reload(STORE);
    assert_eq!(found(&follower, &writer, "blue"), [2], "what was loaded stays until there is something newer");
    let again = writer.put([(1, titled("red")), (2, titled("blue")), (3, titled("green"))]);
    writer.commit(again);
    follower.reload(STORE).expect("loads");
    assert_eq!(found(&follower, &writer, "green"), [3]);
}

#[test]
fn a_follower_that_takes_over_writes_on() {
    let mut writer = Fixture::new();
    let changes = writer.put([(1, titled("red"))]);
    writer.commit(changes);
    let (follower, _) = beside(&writer);
    let changes = writer.put([(2, titled("blue"))]);
    writer.commit(changes);
    // The process is gone; its last commit was not loaded yet.
    let quarantine = writer.dir.path().join("quarantine");
    let at = follower.lead(&quarantine, STORE).expect("opens");
    assert_eq!(at, Some(writer.seq));
    writer.store = follower;
    for round in 3..6 {
        let changes = writer.put([(round, titled("green"))]);
        writer.commit(changes);
    }
    assert_eq!((writer.keys("green"), writer.keys("blue")), (vec![3, 4, 5], vec![2]));
    let (again, stamp) = writer.reopen();
    assert_eq!((stamp.map(|stamp| stamp.seq), again.keys("red")), (Some(again.seq), vec![1]));
    assert_eq!(again.quarantined(), 0);
}

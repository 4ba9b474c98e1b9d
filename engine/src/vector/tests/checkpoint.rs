//! Files: what was written comes back, and what was damaged is noticed before the library reads it.

use std::fs;
use std::path::PathBuf;

use super::super::VectorCheckpoint;
use super::*;
use crate::base::id::Seq;

/// A store with two checkpoints of one space: 400 vectors at commit 5, and 500 at commit 9.
struct Saved {
    dir: tempfile::TempDir,
    vectors: Vec<Vec<f32>>,
    older: VectorCheckpoint,
    newer: VectorCheckpoint,
}

impl Saved {
    fn new() -> Saved {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path(), 2);
        store.open_space(&spec("item", 24), &[]).unwrap();
        let space = store.space("item").unwrap();
        let vectors = clustered(31, 500, 24);
        let data = entries(&vectors);
        space.apply(&data[..400], &[]).unwrap();
        let older = space.checkpoint(Seq(5)).unwrap();
        space.apply(&data[400..], &[ItemKey(0)]).unwrap();
        let newer = space.checkpoint(Seq(9)).unwrap();
        assert_eq!(space.stats().checkpoint_seq, 9);
        Saved { dir, vectors, older, newer }
    }

    fn path(&self, record: &VectorCheckpoint) -> PathBuf {
        self.dir.path().join("vector").join(&record.file)
    }

    fn reopen(&self) -> (Option<Seq>, Arc<Space>) {
        let store = store(self.dir.path(), 2);
        let seq = store.open_space(&spec("item", 24), &[self.older.clone(), self.newer.clone()]).unwrap();
        (seq, store.space("item").unwrap())
    }

    fn quarantined(&self) -> usize {
        fs::read_dir(self.dir.path().join("quarantine")).unwrap().count()
    }
}

#[test]
fn a_checkpoint_comes_back_whole_and_goes_on() {
    let saved = Saved::new();
    assert_eq!(saved.newer.bytes, fs::metadata(saved.path(&saved.newer)).unwrap().len());
    assert_eq!((saved.newer.seq, saved.newer.count, saved.newer.dimensions), (Seq(9), 499, 24));
    let (seq, space) = saved.reopen();
    assert_eq!((seq, space.applied(), space.staged()), (Some(Seq(9)), Seq(9), Seq(9)));
    let present = entries(&saved.vectors)[1..].to_vec();
    for query in near(32, &saved.vectors, 20) {
        let hits = space.search(&query, 499, None, &everything).unwrap();
        assert_eq!(hits.len(), 499);
        let best = oracle(&present, &query, 1)[0];
        assert!((hits[0].1 - best.1).abs() < 2e-3);
    }
    // It can be changed, searched from many threads, and saved again.
    space.apply(&[(ItemKey(0), to_half(&saved.vectors[0]))], &[]).unwrap();
    assert_eq!(keys(&space.search(&saved.vectors[0], 1, None, &everything).unwrap()), [0]);
    std::thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| {
                (0..50)
                    .for_each(|i| assert!(!space.search(&saved.vectors[i], 5, None, &everything).unwrap().is_empty()))
            });
        }
    });
    assert_eq!(space.checkpoint(Seq(10)).unwrap().count, 500);
    assert_eq!(saved.quarantined(), 0);
}

#[test]
fn damage_falls_back_to_the_older_file_and_then_to_none() {
    type Harm = fn(&PathBuf);
    let harms: [(&str, Harm); 4] = [
        ("truncated", |path| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("emptied", |path| fs::write(path, []).unwrap()),
        ("grown", |path| {
            let mut bytes = fs::read(path).unwrap();
            bytes.push(0);
            fs::write(path, bytes).unwrap();
        }),
        ("replaced by a folder", |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        }),
    ];
    for (name, harm) in harms {
        let saved = Saved::new();
        harm(&saved.path(&saved.newer));
        let (seq, space) = saved.reopen();
        assert_eq!((seq, space.stats().indexed), (Some(Seq(5)), 400), "{name}");
        assert_eq!(saved.quarantined(), 1, "{name}");
        harm(&saved.path(&saved.older));
        let (seq, space) = saved.reopen();
        assert_eq!((seq, space.stats().indexed), (None, 0), "{name}");
        assert!(space.search(&saved.vectors[0], 5, None, &everything).unwrap().is_empty());
        assert_eq!(saved.quarantined(), 2, "{name}");
    }
}

#[test]
fn one_flipped_bit_anywhere_is_noticed() {
    let saved = Saved::new();
    let path = saved.path(&saved.newer);
    let sound = fs::read(&path).unwrap();
    let mut random = Random(33);
    for _ in 0..200 {
        let mut bytes = sound.clone();
        let at = random.below(bytes.len());
        bytes[at] ^= 1 << random.below(8);
        fs::write(&path, &bytes).unwrap();
        assert_eq!(saved.reopen().0, Some(Seq(5)), "a bit of byte {at}");
    }
    fs::write(&path, &sound).unwrap();
    assert_eq!(saved.reopen().0, Some(Seq(9)));
    assert_eq!(saved.quarantined(), 200);
}

#[test]
fn renamed_foreign_and_hostile_records_are_not_used() {
    let saved = Saved::new();
    fs::rename(saved.path(&saved.newer), saved.path(&saved.older)).unwrap();
    assert_eq!(saved.reopen().0, None, "one missing, one with the other's content");

    let saved = Saved::new();
    let opened = |record: VectorCheckpoint, name: &str, dimensions: usize, id: &str| {
        let space = SpaceSpec { name: name.into(), dimensions, id: id.into() };
        store(saved.dir.path(), 1).open_space(&space, &[record]).unwrap()
    };
    let good = || saved.newer.clone();
    assert_eq!(opened(good(), "item", 24, "another model"), None);
    assert_eq!(opened(good(), "other", 24, "field:item:24"), None);
    assert_eq!(opened(good(), "item", 25, "field:item:24"), None);
    assert_eq!(saved.quarantined(), 0, "a sound file of another space is no damage");
    assert_eq!(opened(good(), "item", 24, "field:item:24"), Some(Seq(9)));
    // Records that LMDB could hand out after damage of its own.
    let outside = saved.dir.path().join("abc.usearch");
    fs::write(&outside, b"not ours").unwrap();
    for file in ["../abc.usearch", "", "/etc/passwd", "..", ".usearch", "a\0b.usearch"] {
        assert_eq!(
            opened(VectorCheckpoint { file: file.into(), ..good() }, "item", 24, "field:item:24"),
            None,
            "{file:?}"
        );
    }
    assert!(outside.exists());
    let wide = VectorCheckpoint { dimensions: 25, ..good() };
    assert_eq!(opened(wide, "item", 25, "field:item:24"), None, "the header says 24");
    assert_eq!(saved.quarantined(), 1);
    assert!(saved.reopen().0 == Some(Seq(5)));
    let huge = VectorCheckpoint { bytes: u64::MAX, ..saved.older.clone() };
    assert_eq!(opened(huge, "item", 24, "field:item:24"), None);
}

#[test]
fn unfinished_files_go_and_pruning_keeps_what_is_named() {
    let saved = Saved::new();
    let folder = saved.dir.path().join("vector");
    fs::write(folder.join("00af-7.tmp"), b"half").unwrap();
    let store = store(saved.dir.path(), 1);
    assert!(!folder.join("00af-7.tmp").exists());
    // A field may have any name; its files neither leave the folder nor mix with another space's.
    let odd = spec("../../x/\u{1f600}\n", 3);
    store.open_space(&odd, &[]).unwrap();
    let space = store.space(&odd.name).unwrap();
    let empty = space.checkpoint(Seq(1)).unwrap();
    assert_eq!(empty.count, 0);
    space.apply(&[(ItemKey(4), to_half(&[1.0, 2.0, 3.0]))], &[]).unwrap();
    let one = space.checkpoint(Seq(2)).unwrap();
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 4);
    space.prune(std::slice::from_ref(&one)).unwrap();
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 3);
    assert_eq!(store.open_space(&odd, &[one]).unwrap(), Some(Seq(2)));
    assert_eq!(saved.reopen().0, Some(Seq(9)));
    assert_eq!(store.spaces().len(), 1);
}

#[test]
fn an_empty_graph_comes_back_and_can_be_filled() {
    let (dir, space) = space(8, 1);
    let empty = space.checkpoint(Seq(1)).unwrap();
    let store = store(dir.path(), 1);
    assert_eq!(store.open_space(&spec("item", 8), &[empty]).unwrap(), Some(Seq(1)));
    let space = store.space("item").unwrap();
    assert!(space.search(&[1.0; 8], 5, None, &everything).unwrap().is_empty());
    space.apply(&entries(&clustered(35, 300, 8)), &[]).unwrap();
    assert_eq!(space.search(&[1.0; 8], 5, None, &everything).unwrap().len(), 5);
}

#[test]
fn a_width_that_makes_no_sense_is_a_typed_error() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), 1);
    for dimensions in [0, 8193, usize::MAX] {
        assert!(store.open_space(&spec("v", dimensions), &[]).is_err(), "{dimensions}");
    }
    assert!(store.open_space(&spec("v", 8192), &[]).is_ok());
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_and_leaves_nothing() {
    let saved = Saved::new();
    let (_, space) = saved.reopen();
    let folder = saved.dir.path().join("vector");
    // A folder stands where the temporary file would be created.
    let prefix = saved.newer.file.split('-').next().unwrap();
    fs::create_dir(folder.join(format!("{prefix}-{:020}.tmp", 12))).unwrap();
    assert!(matches!(space.checkpoint(Seq(12)), Err(crate::base::error::Error::Io { .. })));
    assert_eq!(space.stats().checkpoint_seq, 9);
    space.checkpoint(Seq(13)).unwrap();
}

//! Tests of the Parquet file.

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, RowAccessor};

use super::*;

fn answer(history: usize) -> Answer<'static> {
    Answer {
        request: 7,
        user: "ünı",
        time: Timestamp::from_seconds(1.5),
        situation: "search".to_owned(),
        query: (history > 0).then_some("red shoes"),
        history: vec![Past { item: "a", action: "view", row: "view", gap: 0.5 }; history],
        action: "rate",
        value: Some(4.0),
    }
}

fn features() -> Vec<String> {
    ["bm25", "next"].map(str::to_owned).to_vec()
}

/// Adds `count` requests of two candidates each.
fn fill(file: &mut TrainingFile, count: usize, history: usize) {
    let candidates = [
        Candidate { item: "x", taken: true, sources: vec!["next", "fresh"], features: &[0.25, -0.0] },
        Candidate { item: "y", taken: false, sources: Vec::new(), features: &[f32::MIN_POSITIVE, 1.0] },
    ];
    for _ in 0..count {
        file.add(&answer(history), &candidates).expect("adds");
    }
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("lists").map(|entry| entry.expect("lists").file_name());
    entries.map(|name| name.to_string_lossy().into_owned()).collect()
}

#[test]
fn rows_come_back_as_they_went_in() {
    let dir = tempfile::tempdir().expect("makes a directory");
    let path = dir.path().join("training.parquet");
    let mut file = TrainingFile::create(&path, &features(), &[("model", "abc".to_owned())]).expect("creates");
    fill(&mut file, 1, 3);
    fill(&mut file, 1, 0);
    assert!(!path.exists(), "it has its name once it is whole");
    let bytes = file.finish().expect("finishes");
    assert_eq!((names(dir.path()), bytes), (vec!["training.parquet".to_owned()], path.metadata().expect("is").len()));
    let reader = SerializedFileReader::new(File::open(&path).expect("opens")).expect("reads");
    let facts = reader.metadata().file_metadata().key_value_metadata().expect("has facts");
    assert!(facts.iter().any(|fact| fact.key == "onelist.model" && fact.value.as_deref() == Some("abc")));
    let rows: Vec<_> = reader.get_row_iter(None).expect("reads").map(|row| row.expect("reads")).collect();
    assert_eq!(rows.len(), 4);
    assert_eq!((rows[0].get_long(0).expect("is"), rows[0].get_string(1).expect("is").as_str()), (7, "ünı"));
    assert_eq!(rows[0].get_string(4).expect("is"), "red shoes");
    assert_eq!((rows[0].get_list(5).expect("is").len(), rows[2].get_list(5).expect("is").len()), (3, 0));
    assert!(matches!(rows[2].get_column_iter().nth(4), Some((_, Field::Null))), "no query");
    assert!(rows[0].get_bool(10).expect("is") && !rows[1].get_bool(10).expect("is"));
    assert!(matches!(rows[1].get_column_iter().nth(12), Some((_, Field::Null))), "not taken: no value");
    assert_eq!((rows[0].get_list(14).expect("is").len(), rows[1].get_bool(13).expect("is")), (2, false));
    let found = [rows[0].get_float(15), rows[0].get_float(16), rows[1].get_float(15)];
    let bits = found.map(|float| float.expect("is").to_bits());
    assert_eq!(bits, [0.25f32, -0.0, f32::MIN_POSITIVE].map(f32::to_bits));
}

#[test]
fn long_files_are_written_in_groups() {
    let dir = tempfile::tempdir().expect("makes a directory");
    let path = dir.path().join("training.parquet");
    let mut file = TrainingFile::create(&path, &features(), &[]).expect("creates");
    fill(&mut file, 20_000, 1);
    assert!(file.columns[0].len() < GROUP_ROWS);
    fill(&mut file, 12_000, 50);
    assert!(file.columns[5].len() < GROUP_PLACES);
    file.finish().expect("finishes");
    let reader = SerializedFileReader::new(File::open(&path).expect("opens")).expect("reads");
    assert_eq!(reader.metadata().file_metadata().num_rows(), 64_000);
    assert!(reader.num_row_groups() >= 3, "{}", reader.num_row_groups());
}

#[test]
fn an_unfinished_file_leaves_nothing_and_replaces_nothing() {
    let dir = tempfile::tempdir().expect("makes a directory");
    let path = dir.path().join("training.parquet");
    fs::write(&path, "older").expect("writes");
    let mut file = TrainingFile::create(&path, &features(), &[]).expect("creates");
    fill(&mut file, 3, 3);
    drop(file);
    assert_eq!(
        (names(dir.path()), fs::read(&path).expect("reads")),
        (vec!["training.parquet".to_owned()], b"older".to_vec())
    );
    assert!(matches!(TrainingFile::create(&dir.path().join("no/such"), &features(), &[]), Err(Error::Io { .. })));
    let mut file = TrainingFile::create(&path, &features(), &[]).expect("creates");
    let wrong = Candidate { item: "x", taken: true, sources: Vec::new(), features: &[0.5] };
    assert!(matches!(file.add(&answer(1), &[wrong]), Err(Error::Io { .. })), "a feature is missing");
}

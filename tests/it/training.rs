//! Training files: what is in them is what serving computes at that moment.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use onelist::{Action, Config, Engine, Event, Request, Timestamp, TrainingPlan};
use onelist_tests::goods;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};

const START: f64 = 1.75e9;

fn config() -> Config {
    let mut config = Config::default();
    // Otherwise an item is as old as its first `put`, which differs from store to store.
    config.date_field = Some("released".to_owned());
    config
}

fn opened(path: &Path, config: Config) -> Engine {
    let db = Engine::open(path, config).expect("opens");
    db.put(goods()).expect("puts");
    db
}

/// Visits of forty people, an hour apart: clicks, buys in baskets, a dislike, and searches that led to an item.
fn events() -> Vec<Event> {
    let paths = [["boots", "backpack", "bag"], ["teapot", "kettle", "bag"], ["red-shoes", "blue-shoes", "boots"]];
    let mut events = Vec::new();
    for person in 0..40usize {
        for (step, item) in paths[person % 3].iter().enumerate() {
            let time = Timestamp::from_seconds(START + person as f64 * 3_600.0 + step as f64 * 90.0);
            let user = format!("p{}", person % 17);
            events.push(match (person + step) % 5 {
                0 => Event::new(user, Action::Buy).item(*item).at(time).basket(format!("b{person}")),
                1 => Event::new(user, Action::Click).item(*item).at(time).query("leather bag or shoes"),
                2 if step == 0 => Event::new(user, Action::Dislike).item(*item).at(time),
                3 => Event::new(user, Action::Rate).item(*item).at(time).value(5.0),
                _ => Event::new(user, Action::View).item(*item).at(time),
            });
        }
    }
    events
}

/// What the model takes an action for: the ratings here are the best there are.
fn taken_for(event: &Event) -> &str {
    if event.action == Action::Rate { "like" } else { event.action.name() }
}

fn rows(path: &Path) -> Vec<Row> {
    let reader = SerializedFileReader::new(File::open(path).expect("opens")).expect("is Parquet");
    reader.get_row_iter(None).expect("reads").map(|row| row.expect("reads")).collect()
}

fn field<'r>(row: &'r Row, name: &str) -> &'r Field {
    row.get_column_iter().find(|(of, _)| *of == name).unwrap_or_else(|| panic!("no column {name}")).1
}

fn text(row: &Row, name: &str) -> Option<String> {
    match field(row, name) {
        Field::Str(text) => Some(text.clone()),
        Field::Null => None,
        other => panic!("{name} is {other}"),
    }
}

fn list(row: &Row, name: &str) -> Vec<Field> {
    match field(row, name) {
        Field::ListInternal(list) => list.elements().to_vec(),
        other => panic!("{name} is {other}"),
    }
}

fn flag(row: &Row, name: &str) -> bool {
    matches!(field(row, name), Field::Bool(true))
}

/// Everything behind the fixed columns: the features by name.
fn features(row: &Row) -> BTreeMap<String, f32> {
    let all = row.get_column_iter().skip(15);
    let floats = all.map(|(name, field)| match field {
        Field::Float(value) => (name.clone(), *value),
        other => panic!("{name} is {other}"),
    });
    floats.collect()
}

fn plan(requests: usize, until: Option<Timestamp>) -> TrainingPlan {
    let mut plan = TrainingPlan::default();
    (plan.requests, plan.until) = (requests, until);
    plan
}

/// Bits of a feature; explanations leave out zeros of either sign.
fn bits(value: f32) -> u32 {
    if value == 0.0 { 0 } else { value.to_bits() }
}

#[test]
fn features_are_those_of_serving_bit_for_bit() {
    let dir = tempfile::tempdir().expect("makes a directory");
    let db = opened(&dir.path().join("store"), config());
    db.log(events()).expect("logs");
    let file = dir.path().join("training.parquet");
    let (mut queries, mut pictures) = (0, 0);
    for count in [4, 36, 62, 85, 119, 120] {
        let (event, before) =
            events()[..count].split_last().map(|(last, rest)| (last.clone(), rest.to_vec())).expect("has");
        let until = Timestamp::from_millis(event.time.expect("has a time").millis() + 1);
        db.export_training(&file, &plan(1, Some(until))).expect("exports");
        let found = rows(&file);

        // Another store, which has seen the same, scored by ones: there, what a feature adds is the feature.
        let mut ones = config();
        ones.weights = vec![vec![1.0; 26]; 4];
        let serving = opened(&dir.path().join(format!("serving{count}")), ones);
        serving.log(before).expect("logs");
        serving.flush().expect("flushes");
        serving.rebuild_cooccurrence().expect("fits");
        let mut request = Request::new().user(event.user.as_str()).now(event.time.expect("has")).limit(10).explain();
        request.query.clone_from(&event.query);
        queries += usize::from(event.query.is_some());
        let hits = serving.rank(&request).expect("ranks").hits;

        assert_ne!(event.action, Action::Dislike, "it answers a request");
        assert_eq!((found.len(), hits.len()), (7, 7), "every item is a candidate");
        for row in &found {
            let hit = hits.iter().find(|hit| Some(&hit.id) == text(row, "item").as_ref()).expect("is a hit");
            let served = &hit.why.as_ref().expect("is explained").contributions;
            let features = features(row);
            assert_eq!(features.len(), 26);
            for (name, value) in &features {
                let served = served.iter().find(|part| part.feature == *name).map_or(0.0, |part| part.amount);
                assert_eq!(bits(*value), bits(served), "{name} of {} at {count}: {value} and {served}", hit.id);
            }
            assert!(features.values().any(|value| *value != 0.0));
            pictures += usize::from(event.query.is_none() && features["vector"] != 0.0);
            assert_eq!(text(row, "query"), event.query);
            assert_eq!(flag(row, "label"), event.item.as_ref() == Some(&hit.id));
        }
    }
    assert!(queries > 0, "a search is among them");
    assert!(pictures > 0, "a history is compared by pictures, too");
}

#[test]
fn a_row_says_who_asked_when_with_which_past_and_what_was_taken() {
    let dir = tempfile::tempdir().expect("makes a directory");
    let db = opened(&dir.path().join("store"), config());
    db.log(events()).expect("logs");
    let file = dir.path().join("training.parquet");
    db.flush().expect("flushes");
    let before = db.stats().expect("has stats");
    let summary = db.export_training(&file, &TrainingPlan::default()).expect("exports");
    let found = rows(&file);
    let wanted = events().into_iter().filter(|event| event.action != Action::Dislike).count() as u64;
    assert_eq!((summary.requests, summary.rows, summary.not_retrieved), (wanted, found.len() as u64, 0));
    assert_eq!(summary.bytes, file.metadata().expect("is there").len());
    let taken: Vec<&Row> = found.iter().filter(|row| flag(row, "label")).collect();
    assert_eq!(taken.len() as u64, wanted, "one of each request");
    for row in taken {
        let Field::Long(place) = field(row, "request") else { panic!("not a number") };
        let event = &events()[*place as usize];
        assert_eq!(text(row, "item"), event.item);
        assert_eq!(
            (text(row, "user").as_deref(), text(row, "query")),
            (Some(event.user.as_str()), event.query.clone())
        );
        assert_eq!(text(row, "action").as_deref(), Some(event.action.name()));
        assert_eq!(*field(row, "time"), Field::TimestampMillis(event.time.expect("has").millis()));
        assert_eq!(*field(row, "value"), event.value.map_or(Field::Null, Field::Double));
        let past: Vec<Event> =
            events()[..*place as usize].iter().rev().filter(|past| past.user == event.user).cloned().collect();
        let items: Vec<Field> = past.iter().map(|past| Field::Str(past.item.clone().expect("has"))).collect();
        assert_eq!(list(row, "history_items"), items, "newest first");
        let gap = |past: &Event| event.time.expect("has").seconds_since(past.time.expect("has"));
        let gaps: Vec<Field> = past.iter().map(|past| Field::Double(gap(past))).collect();
        assert_eq!((list(row, "history_gaps"), list(row, "history_actions").len()), (gaps, past.len()));
        let rows: Vec<Field> = past.iter().map(|past| Field::Str(taken_for(past).to_owned())).collect();
        assert_eq!(list(row, "history_rows"), rows);
        assert!(flag(row, "retrieved") && !list(row, "sources").is_empty());
    }
    let after = db.stats().expect("has stats");
    assert_eq!((before.items, before.events, before.users), (after.items, after.events, after.users));
}

#[test]
fn requests_and_negatives_are_as_many_as_asked_for() {
    let dir = tempfile::tempdir().expect("makes a directory");
    let db = opened(&dir.path().join("store"), config());
    db.log(events()).expect("logs");
    let file = dir.path().join("training.parquet");
    let mut some = plan(10, None);
    some.negatives = Some(2);
    let summary = db.export_training(&file, &some).expect("exports");
    assert_eq!((summary.requests, summary.rows), (10, 30));
    let first = rows(&file);
    assert!(first.iter().all(|row| matches!(field(row, "request"), Field::Long(place) if *place >= 100)), "the newest");
    db.export_training(&file, &some).expect("exports again");
    let items = |rows: &[Row]| rows.iter().map(|row| text(row, "item")).collect::<Vec<_>>();
    assert_eq!(items(&first), items(&rows(&file)), "drawn the same each time");
    let nothing = db.export_training(&file, &plan(10, Some(Timestamp::MIN))).expect("exports");
    assert_eq!((nothing.requests, rows(&file).len()), (0, 0), "a file without rows is a file");
}

#[test]
fn a_spread_has_requests_of_each_kind_from_the_whole_log() {
    let dir = tempfile::tempdir().expect("makes a directory");
    let db = opened(&dir.path().join("store"), config());
    db.log(events()).expect("logs");
    let file = dir.path().join("training.parquet");
    let mut spread = plan(40, None);
    spread.stratified = true;
    let summary = db.export_training(&file, &spread).expect("exports");
    assert!((30..=40).contains(&summary.requests), "{summary:?}");
    let found = rows(&file);
    let context = |row: &Row| text(row, "request_context").expect("is named");
    let contexts: BTreeSet<String> = found.iter().map(context).collect();
    for kind in ["recommendation, all items", "recommendation, new items"] {
        assert!(contexts.iter().any(|name| name.starts_with(kind)), "{kind}: {contexts:?}");
    }
    let mut left_out = found.iter().filter(|row| context(row).contains("new items"));
    assert!(left_out.all(|row| features(row)["interacted"] == 0.0), "no candidate that the user interacted with");
    let places: BTreeSet<String> = found.iter().map(|row| field(row, "request").to_string()).collect();
    assert_eq!(places.len() as u64, summary.requests, "each event answers one request");
}

#[test]
fn an_item_that_no_source_proposed_has_a_row() {
    let dir = tempfile::tempdir().expect("makes a directory");
    let mut config = config();
    config.candidates = 1;
    let db = opened(&dir.path().join("store"), config);
    db.log(events()).expect("logs");
    let file = dir.path().join("training.parquet");
    let summary = db.export_training(&file, &plan(30, None)).expect("exports");
    assert!(summary.not_retrieved > 0, "{summary:?}");
    let found = rows(&file);
    let missed: Vec<&Row> = found.iter().filter(|row| !flag(row, "retrieved")).collect();
    assert_eq!(missed.len() as u64, summary.not_retrieved);
    assert!(missed.iter().all(|row| flag(row, "label") && list(row, "sources").is_empty()));
    assert!(missed.iter().all(|row| features(row).values().any(|value| *value != 0.0)));
}

#[test]
fn what_cannot_be_is_a_typed_error() {
    let dir = tempfile::tempdir().expect("makes a directory");
    let db = opened(&dir.path().join("store"), config());
    let name = |error: onelist::Error| error.name().to_owned();
    let nowhere = db.export_training(dir.path().join("no/such"), &TrainingPlan::default());
    assert_eq!(nowhere.map_err(name), Err("Io".to_owned()));
    let folder = db.export_training(dir.path(), &TrainingPlan::default());
    assert_eq!(folder.map_err(name), Err("InvalidArgument".to_owned()), "a folder is in the way");
    let file = dir.path().join("training.parquet");
    assert_eq!(db.export_training(&file, &plan(0, None)).map_err(name), Err("InvalidArgument".to_owned()));
    assert!(!file.exists());
    let left: Vec<_> =
        std::fs::read_dir(dir.path()).expect("lists").map(|entry| entry.expect("is").file_name()).collect();
    assert_eq!(left, ["store"], "nothing is left behind");
}

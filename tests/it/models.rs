//! The life cycle of a model: loaded, tried beside the live one, promoted, rolled back; and what is refused.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use onelist::{Action, Config, Engine, Error, Event, Personalization, Request, Source};
use onelist_tests::trained::{Trained, field};
use onelist_tests::{goods, ids, shop};
use serde_json::json;

/// Writes a model below a folder.
fn written(dir: &Path, name: &str, file: &Trained) -> std::path::PathBuf {
    let folder = dir.join(name);
    file.write(&folder).expect("writes");
    folder
}

/// What the network adds to each hit of a request.
fn network(db: &Engine, request: Request) -> Vec<(String, f32)> {
    let hits = db.rank(&request.explain().unlogged()).expect("ranks").hits;
    let part = |hit: &onelist::Hit| {
        let parts = &hit.why.as_ref().expect("explains").contributions;
        parts.iter().find(|part| part.feature == "network").map_or(0.0, |part| part.amount)
    };
    hits.iter().map(|hit| (hit.id.clone(), part(hit))).collect()
}

fn hiker() -> Request {
    Request::new().user("hiker")
}

#[test]
fn a_model_is_loaded_tried_promoted_and_rolled_back() {
    let shop = shop().expect("opens");
    let (db, path) = (&shop.db, shop.dir.path().join("shop.onelist"));
    let first = written(shop.dir.path(), "first", &Trained::new("1", 0.5));
    let second = written(shop.dir.path(), "second", &Trained::new("2", 0.25));
    let before = ids(db, &hiker()).expect("ranks");

    let loaded = db.load_model(&first).expect("loads");
    assert_eq!((loaded.version, loaded.name.as_str(), loaded.active), (1, "onelist-trained 1", false));
    assert_eq!(db.load_model(&first).expect("loads").version, 1, "what is there keeps its version");
    assert_eq!(db.load_model(&second).expect("loads").version, 2);
    // What was loaded is a copy.
    std::fs::remove_dir_all(&first).expect("removes");
    std::fs::remove_dir_all(&second).expect("removes");
    assert_eq!(ids(db, &hiker()).expect("ranks"), before);
    assert!(network(db, hiker()).iter().all(|(_, part)| *part == 0.0));

    let shadow = db.shadow_model(1, &[hiker(), Request::new().query("shoes"), Request::new()]).expect("compares");
    assert_eq!((shadow.active, shadow.shadow, shadow.requests, shadow.failed), (0, 1, 3, 0));
    assert!(shadow.common_top_10 > 0.5 && shadow.rank_correlation > 0.3, "{shadow:?}");
    assert!(shadow.active_us > 0.0 && shadow.shadow_us > 0.0 && shadow.to_text().contains("on 3 requests"));
    // One that turns away from the history orders the same candidates otherwise.
    let away = written(shop.dir.path(), "away", &Trained::new("3", -5.0));
    let away = db.load_model(&away).expect("loads").version;
    let turned = db.shadow_model(away, &[hiker()]).expect("compares");
    assert!(turned.rank_correlation < 0.5, "{turned:?}");
    assert!(db.unload_model(away).expect("unloads"));
    let same = db.shadow_model(0, &[hiker(), Request::new()]).expect("compares");
    assert_eq!((same.common_top_10, same.rank_correlation), (1.0, 1.0));

    assert!(matches!(db.roll_back_model(), Err(Error::InvalidArgument { .. })), "nothing was promoted");
    db.promote_model(1).expect("promotes");
    let parts = network(db, hiker());
    assert!(parts.iter().any(|(_, part)| part.abs() > 0.05) && parts.iter().all(|(_, part)| part.abs() <= 0.5));
    assert_eq!(db.stats().expect("counts").model.name, "onelist-trained 1");
    db.promote_model(2).expect("promotes");
    let models = db.models().expect("lists");
    assert_eq!((models.active, models.before), (2, Some(1)));
    assert_eq!(models.versions.iter().map(|version| version.active).collect::<Vec<_>>(), [false, false, true]);
    let parts = network(db, hiker());
    assert!(parts.iter().any(|(_, part)| part.abs() > 0.02) && parts.iter().all(|(_, part)| part.abs() <= 0.25));

    // What was promoted lasts.
    db.close().expect("closes");
    let again = Engine::open(&path, Config::default()).expect("opens");
    assert_eq!(again.models().expect("lists"), models);
    assert_eq!(network(&again, hiker()), parts);
    for version in [1, 2] {
        assert!(matches!(again.unload_model(version), Err(Error::InvalidArgument { .. })), "in use");
    }
    assert_eq!(again.roll_back_model().expect("rolls back"), 1);
    again.promote_model(0).expect("promotes");
    assert_eq!(ids(&again, &hiker()).expect("ranks"), before);
    assert_eq!(again.roll_back_model().expect("rolls back"), 1);
    again.promote_model(0).expect("promotes");
    assert!(again.unload_model(2).expect("unloads") && !again.unload_model(2).expect("is gone"));
    assert_eq!(path.join("models").read_dir().expect("lists").count(), 1);
    let error = again.promote_model(2).expect_err("is gone").to_string();
    assert!(error.contains("0 or one of the loaded versions (1)"), "{error}");
}

#[test]
fn a_trained_model_proposes_and_explains() {
    let shop = shop().expect("opens");
    let db = &shop.db;
    db.load_model(written(shop.dir.path(), "model", &Trained::new("1", 0.5))).expect("loads");
    db.promote_model(1).expect("promotes");
    let found = db.rank(&hiker().explain()).expect("ranks");
    let by = |hit: &onelist::Hit, source| hit.sources.iter().any(|proposal| proposal.source == source);
    assert!(found.hits.iter().any(|hit| by(hit, Source::ModelContext) && by(hit, Source::Context)));
    assert!(
        found.hits.iter().any(|hit| hit.why.as_ref().expect("explains").line.contains("learned from what people do"))
    );
    // The network speaks of the history, so it is turned up and down with it.
    let plain = network(db, hiker());
    let low = network(db, hiker().personalization(Personalization::Low));
    let high = network(db, hiker().personalization(Personalization::High));
    for (id, part) in plain.iter().filter(|(_, part)| part.abs() > 0.01) {
        let of = |list: &[(String, f32)]| list.iter().find(|(other, _)| other == id).map(|(_, part)| *part);
        assert!(
            of(&low).is_none_or(|low| low.abs() < part.abs()) && of(&high).is_none_or(|high| high.abs() > part.abs())
        );
    }
    // Without it, what is left is what the network makes of the candidates' semantic ids: the same for everybody.
    let (off, nobody) = (network(db, hiker().personalization(Personalization::Off)), network(db, Request::new()));
    let both = off.iter().filter_map(|(id, part)| Some((part, nobody.iter().find(|(other, _)| other == id)?.1)));
    let both: Vec<(&f32, f32)> = both.collect();
    assert!(!both.is_empty() && both.iter().all(|(part, other)| (*part - other).abs() < 1e-4), "{both:?}");
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let shop = shop().expect("opens");
    let (db, dir) = (&shop.db, shop.dir.path());
    let refused = |name: &str, file: &Trained| match db.load_model(written(dir, name, file)) {
        Err(Error::ModelRefused { expected, found, .. }) => format!("{expected} / {found}"),
        other => panic!("{name}: expected a refusal, found {other:?}"),
    };
    let good = Trained::new("1", 0.5);
    let with = |change: &dyn Fn(&mut Trained)| {
        let mut file = good.clone();
        change(&mut file);
        file
    };
    let says = |name: &str, file: &Trained, words: &str| {
        let found = refused(name, file);
        assert!(found.contains(words), "{name}: {found}");
    };
    says(
        "order",
        &with(&|f| f.manifest["features"].as_array_mut().expect("a list").swap(2, 3)),
        "popular_7d, popular_90d",
    );
    says(
        "network first",
        &with(&|f| f.manifest["graph_features"].as_array_mut().expect("a list").swap(4, 5)),
        "in the order",
    );
    says(
        "vectors",
        &good.clone().reweighted(),
        "the item vector and semantic id that the active model of this space gives",
    );
    says("contexts", &with(&|f| f.manifest["dims"]["contexts"] = json!(9)), "context_vec");
    says("probe", &with(&|f| f.manifest["probe"]["outputs"]["scores"][0][0] = json!(9.0)), "scores[0] = 9");
    let appended = |body: Vec<u8>| with(&|f| f.onnx.extend(field(7, &body)));
    let external = field(5, &field(13, &[field(1, b"location"), field(2, b"../../etc/passwd")].concat()));
    says("external", &appended(external), "external data");
    let operator = field(1, &[field(4, b"Run"), field(7, b"evil.ops")].concat());
    says("operator", &appended(operator), "evil.ops");
    let folder = written(dir, "hash", &good);
    let mut bytes = std::fs::read(folder.join("base.onnx")).expect("reads");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(folder.join("base.onnx"), bytes).expect("writes");
    assert!(
        matches!(db.load_model(&folder), Err(Error::ModelRefused { expected, .. }) if expected.contains("base.onnx with sha256"))
    );
    assert!(matches!(db.load_model(dir.join("nowhere")), Err(Error::ModelRefused { .. })));
    assert_eq!(db.models().expect("lists").versions.len(), 1);
    assert!(!dir.join("shop.onelist/models").exists(), "nothing was kept");
    for version in [1, 99] {
        assert!(matches!(db.promote_model(version), Err(Error::InvalidArgument { .. })));
        assert!(matches!(db.shadow_model(version, &[]), Err(Error::InvalidArgument { .. })));
    }
    assert_eq!(ids(db, &Request::new().query("boots")).expect("ranks")[0], "boots");
}

#[test]
fn a_copy_that_was_changed_in_the_store_does_not_answer() {
    let shop = shop().expect("opens");
    let (db, path) = (&shop.db, shop.dir.path().join("shop.onelist"));
    db.load_model(written(shop.dir.path(), "model", &Trained::new("1", 0.5))).expect("loads");
    let folder = path.join("models").read_dir().expect("lists").next().expect("one").expect("reads").path();
    let file = folder.join("manifest.json");
    let text = std::fs::read_to_string(&file).expect("reads");
    std::fs::write(&file, text.replace("onelist-trained", "onelist-changed")).expect("writes");
    assert!(
        matches!(db.promote_model(1), Err(Error::ModelRefused { expected, .. }) if expected.contains("that was loaded"))
    );
    assert_eq!(db.models().expect("lists").active, 0);
    std::fs::write(&file, text).expect("writes");
    db.promote_model(1).expect("promotes");
    db.close().expect("closes");
    // Without the chosen model that of the configuration answers, which is of the same space, and every answer says so.
    std::fs::rename(&folder, path.join("aside")).expect("moves");
    let db = Engine::open(&path, Config::default()).expect("opens");
    let stands_in = |db: &Engine| {
        let warnings = db.rank(&Request::new().query("shoes")).expect("ranks").warnings;
        warnings.iter().any(|warning| warning.contains("in place of version 1") && warning.contains("manifest.json"))
    };
    assert!(stands_in(&db) && db.models().expect("lists").active == 0);
    assert!(matches!(db.promote_model(1), Err(Error::ModelRefused { path, .. }) if path == folder));
    db.close().expect("closes");
    std::fs::rename(path.join("aside"), &folder).expect("moves");
    let db = Engine::open(&path, Config::default()).expect("opens");
    assert!(!stands_in(&db) && db.models().expect("lists").active == 1);
    db.close().expect("closes");
    // A copy that is loaded again is mended, and answers from the next `promote_model` on.
    let weights = std::fs::read_dir(&folder).expect("lists").map(|entry| entry.expect("reads").path());
    let weights = weights.filter(|file| *file != folder.join("manifest.json")).max().expect("has other files");
    let mut bytes = std::fs::read(&weights).expect("reads");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&weights, bytes).expect("writes");
    let db = Engine::open(&path, Config::default()).expect("opens");
    assert_eq!(db.models().expect("lists").active, 0);
    assert_eq!(db.load_model(shop.dir.path().join("model")).expect("loads").version, 1);
    db.promote_model(1).expect("promotes");
    assert_eq!(db.models().expect("lists").active, 1);
    assert_eq!(db.roll_back_model().expect("rolls back"), 0);
}

#[test]
fn what_a_crash_left_half_done_is_removed() {
    let shop = shop().expect("opens");
    let path = shop.dir.path().join("shop.onelist");
    shop.db.load_model(written(shop.dir.path(), "model", &Trained::new("1", 0.5))).expect("loads");
    shop.db.close().expect("closes");
    let (whole, half) = ("0".repeat(64), format!("{}.new", "a".repeat(64)));
    // The last one has no name that the engine gives: somebody else put it there.
    let foreign = path.join("models/mine");
    for folder in [
        path.join("models").join(&half),
        path.join("models").join(whole),
        path.join("adapters").join(half),
        foreign.clone(),
    ] {
        std::fs::create_dir_all(folder).expect("creates");
    }
    let db = Engine::open(&path, Config::default()).expect("opens");
    assert_eq!(path.join("models").read_dir().expect("lists").count(), 2);
    std::fs::remove_dir(foreign).expect("was left alone");
    assert_eq!(path.join("adapters").read_dir().expect("lists").count(), 0);
    db.promote_model(1).expect("promotes");
    db.close().expect("closes");
    // A catalog that was lost names nothing, and nothing is removed for it: it may be restored.
    std::fs::rename(path.join("data.mdb"), path.join("data.aside")).expect("moves");
    assert!(matches!(Engine::open(&path, Config::default()), Err(Error::Damaged { .. })));
    assert_eq!(path.join("models").read_dir().expect("lists").count(), 1);
    std::fs::rename(path.join("data.aside"), path.join("data.mdb")).expect("moves");
    assert_eq!(Engine::open(&path, Config::default()).expect("opens").models().expect("lists").active, 1);
}

#[test]
fn requests_go_on_while_models_change() {
    let shop = shop().expect("opens");
    let (db, ended) = (&shop.db, AtomicBool::new(false));
    db.load_model(written(shop.dir.path(), "model", &Trained::new("1", 0.5))).expect("loads");
    let (features, trained) =
        (db.stats().expect("counts").model.sha256, db.models().expect("lists").versions[1].sha256.clone());
    std::thread::scope(|scope| {
        let asking = || {
            let mut asked = 0;
            while !ended.load(Ordering::Relaxed) {
                let many = [hiker().explain(), Request::new().query("shoes"), Request::new()].map(Request::unlogged);
                assert_eq!(db.rank_many(&many).expect("ranks").len(), 3);
                db.put(goods()).expect("puts");
                asked += 1;
            }
            asked
        };
        let threads = [scope.spawn(asking), scope.spawn(asking)];
        for round in 0..10 {
            db.promote_model(1 - round % 2).expect("promotes");
            let live = db.stats().expect("counts").model.sha256;
            assert_eq!(live, if round % 2 == 0 { trained.as_str() } else { features.as_str() });
        }
        ended.store(true, Ordering::Relaxed);
        assert!(threads.into_iter().map(|thread| thread.join().expect("ends")).sum::<usize>() > 2);
    });
}

#[test]
fn past_requests_are_asked_again() {
    let shop = shop().expect("opens");
    let db = &shop.db;
    db.load_model(written(shop.dir.path(), "model", &Trained::new("1", 0.5))).expect("loads");
    for request in [hiker(), Request::new().user("cook").query("kettle"), Request::new()] {
        db.rank(&request).expect("ranks");
    }
    let before = db.impressions(None, 100).expect("reads").len();
    let shadow = db.shadow_model_on_past(1, 2).expect("compares");
    assert_eq!((shadow.requests, shadow.skipped), (2, 0));
    assert_eq!(db.shadow_model_on_past(1, 100).expect("compares").requests, 3);
    assert_eq!(db.impressions(None, 100).expect("reads").len(), before, "a shadow leaves no impression");
    let unknown = db.shadow_model(1, &[Request::new().scenario("none")]).expect("compares");
    assert_eq!((unknown.requests, unknown.skipped, unknown.failed), (0, 1, 0));
    assert!(matches!(db.shadow_model_on_past(1, 10_001), Err(Error::LimitExceeded { .. })));
}

#[test]
fn a_tuning_is_in_force_for_its_model() {
    let shop = onelist_tests::empty().expect("opens");
    let db = &shop.db;
    let items = (0..40).map(|n| onelist::Item::new(format!("i{n}")).text("title", format!("thing number {n}")));
    db.put(items.collect()).expect("puts");
    let event = |person: u64, step: u64| {
        let item = if (person + step).is_multiple_of(4) { person * 5 % 6 } else { (person * 17 + step) % 40 };
        let time = onelist::Timestamp::from_seconds(1.7e9 + person as f64 * 3600.0 + step as f64 * 60.0);
        Event::new(format!("u{person}"), Action::Click).item(format!("i{item}")).at(time)
    };
    db.log((0..250).flat_map(|person| (0..4).map(move |step| event(person, step))).collect()).expect("logs");
    let fitted = db.tune().expect("tunes");
    assert!(fitted.version == 1 && fitted.sets.iter().any(|set| set.kept));
    let version = || db.rank(&Request::new().user("u1").unlogged()).expect("ranks").weights_version;
    assert_eq!(version(), 1);
    db.load_model(written(shop.dir.path(), "model", &Trained::new("1", 0.5))).expect("loads");
    db.promote_model(1).expect("promotes");
    assert_eq!(version(), 0, "it was fitted for another model");
    assert!(matches!(db.use_tuning(1), Err(Error::InvalidArgument { .. })));
    // The network's weight is fitted like any other, by a scratch copy with the promoted model.
    let trained = db.tune().expect("tunes");
    assert!(trained.version == 2 && trained.features.last().is_some_and(|name| name == "network"), "{trained:?}");
    if trained.sets.iter().any(|set| set.kept) {
        assert_eq!(version(), 2);
    }
    db.roll_back_model().expect("rolls back");
    assert_eq!(version(), 1, "each model has its own again");
}

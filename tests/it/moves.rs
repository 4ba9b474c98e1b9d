//! Moving a store to a model of another vector space: every item is placed anew, and until then the old model answers.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use onelist::evaluation::Variant;
use onelist::{Action, Config, Engine, Error, Event, Item, Plan, Protocol, Request, Source, TrainingPlan, Value};
use onelist_tests::trained::{Trained, shipped};
use onelist_tests::{Shop, empty};

const NOUNS: [&str; 10] = ["shoe", "boot", "teapot", "kettle", "backpack", "tent", "novel", "camera", "guitar", "sofa"];
const WORDS: [&str; 7] = ["red", "blue", "leather", "wooden", "electric", "small", "heavy"];

fn thing(n: usize) -> Item {
    let title = format!("{} {} {}", WORDS[n % 7], WORDS[(n / 7 + n) % 7], NOUNS[n % 10]);
    Item::new(format!("thing-{n}")).text("title", title).with("look", Value::Vector(vec![n as f32 + 1.0, 1.0]))
}

fn filled(count: usize) -> Shop {
    let shop = empty().expect("opens");
    shop.db.put((0..count).map(thing).collect()).expect("puts");
    shop.db.log(vec![Event::new("u", Action::Click).item("thing-7")]).expect("logs");
    shop
}

fn written(shop: &Shop, name: &str, file: &Trained) -> PathBuf {
    let folder = shop.dir.path().join(name);
    file.write(&folder).expect("writes");
    folder
}

/// Whether a search in an item's own words comes to an item of those words by its meaning.
fn finds_itself(db: &Engine, n: usize) -> bool {
    let wanted = thing(n).fields.remove("title").expect("has one");
    let Value::Text(text) = &wanted else { panic!("a title is text") };
    let hits = db.rank(&Request::new().query(text).limit(20).unlogged()).expect("ranks").hits;
    let near = |hit: &onelist::Hit| hit.sources.iter().any(|p| p.source == Source::Semantic && p.score > 0.99);
    hits.iter().any(|hit| near(hit) && hit.fields.get("title") == Some(&wanted))
}

/// Every item stands where the live model places it.
fn whole(db: &Engine, space: &str, items: u64) {
    assert_eq!(db.stats().expect("counts").space.id, space);
    let checked = db.verify_vectors().expect("checks");
    assert_eq!((checked.vectors, checked.semantic_ids, checked.wrong), (items, items, 0));
    assert!((0..items as usize).step_by(97).all(|n| finds_itself(db, n)));
}

fn base() -> String {
    shipped().manifest["space_id"].as_str().expect("is named").to_owned()
}

#[test]
fn requests_and_writes_go_on_while_items_move() {
    let shop = filled(400);
    let (db, done) = (&shop.db, AtomicBool::new(false));
    let version = db.load_model(written(&shop, "other", &Trained::elsewhere("1", 0.5))).expect("loads").version;
    let refused = db.shadow_model(version, &[Request::new()]);
    assert!(
        matches!(&refused, Err(Error::InvalidArgument { found, .. }) if found.contains("elsewhere")),
        "{refused:?}"
    );
    let (looks, written) = std::thread::scope(|scope| {
        let read = |reader: usize| {
            let mut looks = 0;
            while !done.load(Ordering::SeqCst) || looks == 0 {
                let n = (looks * 13 + reader) % 400;
                assert!(finds_itself(db, n), "thing-{n} is lost");
                let listed = db.rank(&Request::new().user("u").limit(5).unlogged()).expect("ranks").hits;
                assert_eq!(listed.len(), 5);
                looks += 1;
            }
            looks
        };
        let readers = [scope.spawn(move || read(0)), scope.spawn(move || read(1))];
        let writer = scope.spawn(|| {
            let mut count = 400;
            while !done.load(Ordering::SeqCst) {
                db.put(vec![thing(count), thing(count - 400)]).expect("puts");
                db.put(vec![Item::new("brief").text("title", "gone at once")]).expect("puts");
                assert_eq!(db.delete(&["brief"]).expect("deletes"), 1);
                count += 1;
            }
            count
        });
        for answers in [version, 0, version] {
            db.promote_model(answers).expect("promotes");
            let space = if answers == 0 { base() } else { "elsewhere".to_owned() };
            assert_eq!(db.stats().expect("counts").space.id, space);
        }
        done.store(true, Ordering::SeqCst);
        (readers.map(|reader| reader.join().expect("ends")), writer.join().expect("ends"))
    });
    assert!(written > 402 && looks.iter().all(|looks| *looks > 2), "{written} {looks:?}");
    whole(db, "elsewhere", written as u64);
    let seen = db.rank(&Request::new().like(["thing-3"]).limit(5).unlogged()).expect("ranks");
    assert_eq!(seen.hits.len(), 5);
    assert_eq!(db.roll_back_model().expect("rolls back"), 0);
    whole(db, &base(), written as u64);
}

#[test]
fn a_moved_store_is_like_one_that_began_there() {
    let shop = filled(300);
    let folder = written(&shop, "other", &Trained::elsewhere("1", 0.5));
    let version = shop.db.load_model(&folder).expect("loads").version;
    shop.db.promote_model(version).expect("promotes");
    let mut config = Config::default();
    config.model = Some(folder);
    let began = Engine::open(shop.dir.path().join("began"), config).expect("opens");
    began.put((0..300).map(thing).collect()).expect("puts");
    began.log(vec![Event::new("u", Action::Click).item("thing-7")]).expect("logs");
    let lists = |db: &Engine| {
        db.flush().expect("flushes");
        let ask = |request: Request| db.rank(&request.unlogged()).expect("ranks").hits;
        let hits = [ask(Request::new().query("red leather boot")), ask(Request::new().user("u"))];
        hits.map(|hits| hits.into_iter().map(|hit| (hit.id, (hit.score * 1e4).round())).collect::<Vec<_>>())
    };
    assert_eq!(lists(&shop.db), lists(&began));
    // Rows for a trainer name the space that the model knows, so that a network can be fitted to them.
    let rows = shop.dir.path().join("rows.parquet");
    shop.db.export_training(&rows, &TrainingPlan::default()).expect("exports");
    let bytes = std::fs::read(rows).expect("reads");
    assert!(bytes.windows(9).any(|part| part == b"elsewhere") && !bytes.windows(10).any(|part| part == b"elsewhere+"));
    // A fit on top of it, a rolling back from it, and an opening of each.
    assert!(shop.db.fit_space().expect("fits"));
    let fitted = shop.db.stats().expect("counts").space;
    assert!(fitted.fits == 1 && fitted.id.starts_with("elsewhere+"), "{fitted:?}");
    let path = shop.dir.path().join("shop.onelist");
    shop.db.close().expect("closes");
    let db = Engine::open(&path, Config::default()).expect("opens");
    assert_eq!(db.stats().expect("counts").space, fitted);
    assert_eq!(db.roll_back_model().expect("rolls back"), 0);
    db.close().expect("closes");
    whole(&Engine::open(&path, Config::default()).expect("opens"), &base(), 300);
}

#[test]
fn opening_with_another_model_moves_the_items_when_that_is_asked_for() {
    let shop = filled(300);
    let (folder, path) = (written(&shop, "other", &Trained::elsewhere("1", 0.5)), shop.dir.path().join("shop.onelist"));
    shop.db.fit_space().expect("fits");
    shop.db.close().expect("closes");
    let open = |model: Option<&Path>, re_embed: bool| {
        let mut config = Config::default();
        (config.model, config.re_embed) = (model.map(Path::to_owned), re_embed);
        Engine::open(&path, config)
    };
    let refused = open(Some(&folder), false).map(|_| ());
    assert!(
        matches!(&refused, Err(Error::ModelRefused { expected, .. }) if expected.contains("re_embed") && expected.contains(&base())),
        "{refused:?}"
    );
    for (model, re_embed) in [(Some(folder.as_path()), true), (Some(folder.as_path()), false)] {
        let db = open(model, re_embed).expect("opens");
        whole(&db, "elsewhere", 300);
        assert!(db.stats().expect("counts").model.name.contains("trained"));
        db.close().expect("closes");
    }
    assert!(matches!(open(None, false).map(|_| ()), Err(Error::ModelRefused { .. })));
    whole(&open(None, true).expect("opens"), &base(), 300);
}

#[test]
fn a_model_of_another_space_is_measured_beside_the_one_that_answers() {
    let shop = filled(200);
    let events =
        (0..400).map(|n: usize| Event::new(format!("u{}", n % 20), Action::Buy).item(format!("thing-{}", n * 7 % 200)));
    shop.db.log(events.collect()).expect("logs");
    // The same numbers under another name: it must answer as `rank` does, from vectors that were made anew.
    let mut same = shipped();
    same.manifest["space_id"] = "a copy".into();
    let mut plan = Plan::default();
    (plan.protocol, plan.baselines, plan.tune) = (Protocol::LeaveLastOut, false, false);
    let models = [("same", same), ("other", Trained::elsewhere("1", 5.0))];
    let variant = |(name, file): &(&str, Trained)| Variant {
        name: (*name).to_owned(),
        weights: Vec::new(),
        model: Some(written(&shop, name, file)),
    };
    plan.variants = models.iter().map(variant).collect();
    let report = shop.db.evaluate(&plan).expect("measures");
    let systems = &report.tasks[0].systems;
    let measure = |name: &str| {
        let system = systems.iter().find(|system| system.name == name).expect("is there");
        system.measures.iter().map(|measure| measure.value.mean).collect::<Vec<_>>()
    };
    assert_eq!(measure("same"), measure("rank"));
    assert_ne!(measure("other"), measure("rank"));
}

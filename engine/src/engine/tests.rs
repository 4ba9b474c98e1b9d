//! What only the inside shows: semantic ids of single items, and the records of a fit.

use crate::api::candidate::Candidate;
use crate::api::config::Config;
use crate::api::event::{Action, Event};
use crate::api::feature::Feature;
use crate::api::item::Item;
use crate::api::request::Request;
use crate::api::source::Source;
use crate::background::{fit_space, verify};
use crate::base::id::{ItemKey, SemanticId};
use crate::catalog::SidPrefix;
use crate::core::Core;
use crate::engine::Engine;
use crate::model::tests::network::trained::Trained;
use crate::rank::Features;
use crate::store::Stores;
use crate::store::item_space;
use crate::store::snapshot::Snapshot;
use crate::testing::thing;
use crate::understand::{RequestCx, Understood};

fn opened(items: usize) -> (tempfile::TempDir, Engine) {
    let dir = tempfile::tempdir().unwrap();
    let config = Config { sessions: 1, ..Config::default() };
    let db = Engine::open(dir.path().join("db"), config).unwrap();
    db.put((0..items).map(thing).collect()).unwrap();
    (dir, db)
}

fn sid(stores: &Stores, id: &str) -> Option<SemanticId> {
    let snapshot = Snapshot::pin(stores).unwrap();
    let key = snapshot.catalog.view().item_key(id).unwrap().unwrap();
    snapshot.sid(key).unwrap()
}

/// Every item stands in the store as the model places it in the live space now, whenever it was put.
fn check_places(core: &Core, items: usize) {
    let stores = core.access().unwrap().stores.clone();
    let live = stores.item_space().unwrap();
    for n in (0..items).step_by(7) {
        let embedded = stores.model().embed(live.tensors(), &[thing(n).content(&stores.config)]).unwrap();
        assert_eq!(sid(&stores, &thing(n).id), embedded[0].as_ref().map(|vectors| vectors.sid), "{n}");
    }
    assert_eq!(verify::vectors(&stores).unwrap().wrong, 0);
}

#[test]
fn semantic_ids_are_those_of_the_content() {
    let (_dir, db) = opened(200);
    check_places(&db.core, 200);
    let stores = db.core.access().unwrap().stores.clone();
    let twin = Item { id: "twin".to_owned(), ..thing(3) };
    db.put(vec![Item::new("bare").number("n", 1.0), twin, thing(3)]).unwrap();
    assert_eq!(sid(&stores, "bare"), None);
    assert_eq!(sid(&stores, "twin"), sid(&stores, "thing-3"), "the same words have the same id");
    let snapshot = Snapshot::pin(&stores).unwrap();
    let prefix = SidPrefix::of(sid(&stores, "thing-3").unwrap())[1];
    let listed = snapshot.catalog.view().sid_prefix(snapshot.item_space(), prefix).unwrap();
    let key = snapshot.catalog.view().item_key("thing-3").unwrap().unwrap();
    assert!(listed.map(|key| key.unwrap()).any(|listed| listed == key));
}

#[test]
fn a_fit_gives_every_item_its_place_in_the_new_space() {
    let (dir, db) = opened(400);
    let before = sid(&db.core.access().unwrap().stores, "thing-3");
    let shipped = db.stats().unwrap().space;
    assert_eq!((shipped.fits, shipped.fitted_items, shipped.drift), (0, 0, None));
    assert!(db.fit_space().unwrap());
    let fitted = db.stats().unwrap().space;
    assert_eq!((fitted.fits, fitted.fitted_items, fitted.drift), (1, 400, None));
    assert_ne!(fitted.id, shipped.id);
    check_places(&db.core, 400);
    assert_ne!(sid(&db.core.access().unwrap().stores, "thing-3"), before, "codes of another codebook");
    db.put((400..450).map(thing).collect()).unwrap();
    check_places(&db.core, 450);
    // A second fit takes the place of the first one's predecessor.
    assert!(db.fit_space().unwrap());
    check_places(&db.core, 450);
    assert_eq!(db.stats().unwrap().space.fits, 2);
    let id = db.stats().unwrap().space.id;
    db.close().unwrap();
    let db = Engine::open(dir.path().join("db"), Config::default()).unwrap();
    let again = db.stats().unwrap();
    assert_eq!((again.space.id, again.space.fits), (id, 2));
    assert_eq!(again.vectors[0].indexed, 450, "the graph was on disk");
    check_places(&db.core, 450);
}

#[test]
fn the_rows_of_the_space_before_go_when_nobody_reads_them() {
    let (_dir, db) = opened(300);
    let stores = db.core.access().unwrap().stores.clone();
    let old = stores.item_space().unwrap().number;
    let pinned = Snapshot::pin(&stores).unwrap();
    assert!(db.fit_space().unwrap());
    fit_space::remove_old(&stores).unwrap();
    assert!(stores.catalog.read().unwrap().view().has_space(old).unwrap(), "a reader still has them");
    let query = pinned.vector(pinned.item_space(), crate::base::id::ItemKey(5)).unwrap().unwrap();
    let near =
        pinned.item.graph.search(&query, 3, None, &|key, generation| pinned.is_current(key, generation)).unwrap();
    assert!(near[0].1 > 0.999, "and its own graph: {near:?}");
    drop(pinned);
    fit_space::remove_old(&stores).unwrap();
    assert!(!stores.catalog.read().unwrap().view().has_space(old).unwrap());
    check_places(&db.core, 300);
}

/// The vectors that a request ranks with are those of its commit in the table, and only what has none lacks content.
fn check_features(pinned: &Snapshot) {
    let (space, width) = (pinned.item_space(), pinned.model().width());
    let candidates: Vec<Candidate> =
        (0..320).rev().map(|key| Candidate { key: ItemKey(key), proposals: Vec::new() }).collect();
    let request = Request::new();
    let understood = Understood::read(pinned, &request).unwrap();
    let cx = RequestCx { snapshot: pinned, request: &request, understood: &understood };
    let features = Features::read(cx, &candidates).unwrap();
    for (at, candidate) in candidates.iter().enumerate() {
        let stored = pinned.catalog.view().vector(space, candidate.key).unwrap();
        let mut expected = vec![0.0; width];
        if let Some(bytes) = stored {
            crate::vector::read_bytes(bytes, &mut expected).unwrap();
        }
        let same = |found: &[f32]| found.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits());
        assert!(same(&features.vectors[at * width..(at + 1) * width]), "{:?}", candidate.key);
        assert_eq!(
            features.columns[at * Feature::COLUMNS + Feature::ContentMissing as usize] == 1.0,
            stored.is_none(),
            "{:?}",
            candidate.key
        );
        assert_eq!(pinned.vector(space, candidate.key).unwrap(), stored.map(|_| expected), "{:?}", candidate.key);
    }
}

#[test]
fn requests_rank_with_the_vectors_of_their_commit() {
    let (_dir, db) = opened(300);
    let stores = db.core.access().unwrap().stores.clone();
    let renamed = |n: usize, other: usize| Item { id: format!("thing-{n}"), ..thing(other) };
    let around = |changes: &[&dyn Fn()]| {
        let mut pins = vec![Snapshot::pin(&stores).unwrap()];
        check_features(&pins[0]);
        for change in changes {
            change();
            pins.push(Snapshot::pin(&stores).unwrap());
            // The newest first and then the oldest: each may fill what the other reads.
            pins.iter().rev().chain(&pins).for_each(check_features);
        }
    };
    around(&[
        &|| {
            db.put((0..90).map(|n| renamed(n, n + 7)).collect()).unwrap();
        },
        &|| db.flush().unwrap(),
        &|| assert_eq!(db.delete(&(50..70).map(|n| format!("thing-{n}")).collect::<Vec<_>>()).unwrap(), 20),
        &|| assert!(db.fit_space().unwrap()),
        &|| {
            db.put((40..60).map(|n| renamed(n, n + 11)).chain([Item::new("bare").number("n", 1.0)]).collect()).unwrap();
        },
    ]);
    fit_space::remove_old(&stores).unwrap();
    // The next fit takes the numbers of the first space, now that no request reads that.
    around(&[
        &|| assert!(db.fit_space().unwrap()),
        &|| {
            db.put((0..30).map(|n| renamed(n, n + 3)).collect()).unwrap();
        },
        &|| db.flush().unwrap(),
    ]);
}

#[test]
fn items_of_an_older_store_get_their_semantic_ids() {
    let (_dir, db) = opened(150);
    let stores = db.core.access().unwrap().stores.clone();
    let space = stores.item_space().unwrap().number;
    let mut write = stores.catalog.write().unwrap();
    for key in 0..150 {
        write.set_sid(space, crate::base::id::ItemKey(key), None).unwrap();
    }
    write.set_meta("semantic_ids", &false).unwrap();
    write.commit_bookkeeping().unwrap();
    assert_eq!(db.verify_vectors().unwrap().wrong, 150);
    fit_space::fill_sids(&stores).unwrap();
    check_places(&db.core, 150);
    assert!(item_space::sids_are_complete(stores.catalog.read().unwrap().view()).unwrap());
}

#[test]
fn a_fit_for_another_model_is_forgotten_when_the_store_is_empty() {
    let (dir, db) = opened(120);
    assert!(db.fit_space().unwrap());
    let ids: Vec<String> = (0..120).map(|n| thing(n).id).collect();
    db.delete(&ids).unwrap();
    let stores = db.core.access().unwrap().stores.clone();
    let mut fit = stores.item_space().unwrap().fit.clone().unwrap();
    fit.base = "another model".to_owned();
    let mut write = stores.catalog.write().unwrap();
    fit.make_live(&mut write).unwrap();
    write.commit_bookkeeping().unwrap();
    drop(stores);
    db.close().unwrap();
    let db = Engine::open(dir.path().join("db"), Config::default()).unwrap();
    assert_eq!(db.stats().unwrap().space.fits, 0);
    db.put((0..20).map(thing).collect()).unwrap();
    check_places(&db.core, 20);
}

#[test]
fn a_copy_for_a_replay_works_in_the_space_of_its_source() {
    let (_dir, db) = opened(200);
    assert!(db.fit_space().unwrap());
    let stores = db.core.access().unwrap().stores.clone();
    let copy = crate::offline::Scratch::open(&stores, Vec::new(), 1).unwrap();
    let placed = copy.db.access().unwrap().stores.item_space().unwrap().name().to_owned();
    assert_eq!(placed, db.stats().unwrap().space.id);
    check_places(&copy.db, 200);
    // Tunings know nothing of spaces: one that is in force stays so.
    assert_eq!(db.stats().unwrap().model.space_id, stores.model().space_id());
}

/// The network of the trained test file, computed from what is stored: `trained.rs` has the formula. Answers for how many
/// candidates, and whether one was proposed by the code that the file expects.
fn check_network(db: &Engine, strength: f32) -> (usize, bool) {
    let stores = db.core.access().unwrap().stores.clone();
    let snapshot = Snapshot::pin(&stores).unwrap();
    let vector = |id: &str| {
        let key = snapshot.catalog.view().item_key(id).unwrap().unwrap();
        snapshot.vector(snapshot.item_space(), key).unwrap().unwrap()
    };
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let codes = |id: &str| sid(&stores, id).unwrap().into_iter().map(f32::from).sum::<f32>();
    let learned = vector("thing-3");
    // The first level of the live space says which codes are expected; that of what was liked is proposed in any case.
    let tensors = snapshot.item.tensors().unwrap_or(stores.model().shipped_space()).clone();
    let centres = tensors.centres(0).chunks(learned.len()).map(|centre| dot(centre, &learned)).enumerate();
    let mut expected: Vec<(usize, f32)> = centres.collect();
    expected.sort_by(|a, b| b.1.total_cmp(&a.1));
    let liked = usize::from(sid(&stores, "thing-3").unwrap()[0]);
    let expected: Vec<usize> = expected.iter().map(|(code, _)| *code).take(8).filter(|code| *code != liked).collect();
    let hits = db.rank(&Request::new().user("u").limit(40).explain().unlogged()).unwrap().hits;
    let mut proposed = false;
    for hit in &hits {
        let inside = dot(&vector(&hit.id), &learned) + codes(&hit.id) / 1000.0 + codes("thing-3") / 10_000.0;
        let parts = &hit.why.as_ref().unwrap().contributions;
        let found = parts.iter().find(|part| part.feature == "network").unwrap().amount;
        assert!((found - strength * inside.tanh()).abs() < 1e-3, "{}: {found} {inside}", hit.id);
        let by_code = hit.sources.iter().any(|proposal| proposal.source == Source::SemanticId);
        proposed |= by_code && expected.contains(&usize::from(sid(&stores, &hit.id).unwrap()[0]));
    }
    (hits.len(), proposed)
}

#[test]
fn a_trained_model_reads_the_semantic_ids_of_the_live_space() {
    let (dir, db) = opened(200);
    db.log(vec![Event::new("u", Action::Buy).item("thing-3")]).unwrap();
    let folder = dir.path().join("trained");
    Trained::new("1", 0.5).write(&folder).unwrap();
    let version = db.load_model(&folder).unwrap().version;
    db.promote_model(version).unwrap();
    assert_eq!(check_network(&db, 0.5), (40, true));
    let shipped = sid(&db.core.access().unwrap().stores.clone(), "thing-3");
    assert!(db.fit_space().unwrap());
    assert_ne!(sid(&db.core.access().unwrap().stores.clone(), "thing-3"), shipped);
    assert_eq!(check_network(&db, 0.5), (40, true));
}

#[test]
fn a_fit_outlives_the_model_that_it_was_made_with() {
    let (dir, db) = opened(200);
    db.log(vec![Event::new("u", Action::Buy).item("thing-3")]).unwrap();
    assert!(db.fit_space().unwrap());
    let space = db.stats().unwrap().space;
    let folder = dir.path().join("trained");
    Trained::new("1", 0.5).write(&folder).unwrap();
    let version = db.load_model(&folder).unwrap().version;
    let ask = || Request::new().user("u").query("wooden boot").limit(10).unlogged();
    // Nothing but the network is new in the file: with a strength of nothing both models answer alike, in the fitted space.
    let still = dir.path().join("still");
    Trained::new("0", 0.0).write(&still).unwrap();
    let same = db.load_model(&still).unwrap().version;
    let shadow =
        db.shadow_model(same, &[Request::new().query("wooden boot"), Request::new().like(["thing-3"])]).unwrap();
    assert_eq!((shadow.requests, shadow.common_top_10), (2, 1.0), "{shadow:?}");
    assert!(shadow.rank_correlation > 0.999, "{shadow:?}");
    let list = |db: &Engine| db.rank(&ask()).unwrap().hits.into_iter().map(|hit| hit.id).collect::<Vec<_>>();
    let before = list(&db);
    db.promote_model(version).unwrap();
    assert_eq!(db.stats().unwrap().space, space);
    check_places(&db.core, 200);
    assert_eq!(check_network(&db, 0.5), (40, true));
    db.close().unwrap();
    let db = Engine::open(dir.path().join("db"), Config::default()).unwrap();
    assert_eq!((db.models().unwrap().active, db.stats().unwrap().space), (version, space.clone()));
    assert_eq!(check_network(&db, 0.5), (40, true));
    assert_eq!(db.roll_back_model().unwrap(), 0);
    assert_eq!((list(&db), db.stats().unwrap().space), (before, space));
    // A fit by the one serves the other as well.
    db.promote_model(version).unwrap();
    assert!(db.fit_space().unwrap());
    db.roll_back_model().unwrap();
    check_places(&db.core, 200);
}

#[cfg(feature = "training")]
#[test]
fn exported_rows_name_the_space_they_were_compared_in() {
    let (dir, db) = opened(200);
    db.log(vec![Event::new("u", Action::Buy).item("thing-3"), Event::new("u", Action::Buy).item("thing-4")]).unwrap();
    assert!(db.fit_space().unwrap());
    let path = dir.path().join("rows.parquet");
    db.export_training(&path, &crate::api::training::TrainingPlan::default()).unwrap();
    let (bytes, id) = (std::fs::read(&path).unwrap(), db.stats().unwrap().space.id);
    assert!(bytes.windows(id.len()).any(|window| window == id.as_bytes()), "{id}");
}

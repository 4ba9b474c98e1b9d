//! Adapters: what they change, what they may not change, and that they stay.

use std::path::{Path, PathBuf};

use onelist::{Config, Engine, Error, Hit, Request};
use onelist_tests::adapter::{self, Tensor, encode, tensors};
use onelist_tests::trained::Trained;
use onelist_tests::{Shop, shop};

const WIDTH: usize = 192;

/// The shop with a trained model that answers, and its hash.
fn trained_shop() -> (Shop, String) {
    let shop = shop().expect("opens");
    let folder = shop.dir.path().join("model");
    Trained::new("1", 0.5).write(&folder).expect("writes");
    let version = shop.db.load_model(&folder).expect("loads");
    shop.db.promote_model(version.version).expect("promotes");
    (shop, version.sha256)
}

fn written(dir: &Path, name: &str, base: &str, seed: u64) -> PathBuf {
    adapter::write(dir, name, base, &tensors(WIDTH, seed)).expect("writes")
}

fn hiker(adapter: Option<&str>) -> Request {
    let request = Request::new().user("hiker").unlogged().explain();
    match adapter {
        Some(name) => request.adapter(name),
        None => request,
    }
}

fn scores(hits: &[Hit]) -> Vec<(String, f32)> {
    hits.iter().map(|hit| (hit.id.clone(), hit.score)).collect()
}

#[test]
fn requests_choose_their_adapter() {
    let (shop, base) = trained_shop();
    let (db, dir) = (&shop.db, shop.dir.path());
    let plain = scores(&db.rank(&hiker(None)).expect("ranks").hits);
    let loaded = db.load_adapter("shoes", written(dir, "a", &base, 1)).expect("loads");
    assert!(loaded.usable && loaded.base == base && loaded.bytes > 12_000 && loaded.name == "shoes");
    db.load_adapter("kitchen", written(dir, "b", &base, 2)).expect("loads");
    let shoes = scores(&db.rank(&hiker(Some("shoes"))).expect("ranks").hits);
    let kitchen = scores(&db.rank(&hiker(Some("kitchen"))).expect("ranks").hits);
    assert!(shoes != plain && kitchen != plain && shoes != kitchen);
    assert_eq!(scores(&db.rank(&hiker(None)).expect("ranks").hits), plain, "the others are as before");
    // What an adapter adds stays a part of the network's contribution, and parts add up.
    for hit in db.rank(&hiker(Some("shoes"))).expect("ranks").hits {
        let sum: f32 = hit.why.expect("explains").contributions.iter().map(|part| part.amount).sum();
        assert!((sum - hit.score).abs() < 1e-3, "{} is {}", sum, hit.score);
    }
    let mixed = [Some("kitchen"), None, Some("shoes"), Some("kitchen"), None].map(hiker);
    let found = db.rank_many(&mixed).expect("ranks");
    let found: Vec<_> = found.iter().map(|ranking| scores(&ranking.hits)).collect();
    assert_eq!(found, [&kitchen, &plain, &shoes, &kitchen, &plain].map(Clone::clone));
}

#[test]
fn an_unknown_adapter_is_an_error_that_names_the_known() {
    let (shop, base) = trained_shop();
    let error = shop.db.rank(&hiker(Some("shoes"))).expect_err("is unknown");
    assert!(error.name() == "UnknownAdapter" && error.to_string().ends_with("are none"), "{error}");
    shop.db.load_adapter("boots", written(shop.dir.path(), "a", &base, 1)).expect("loads");
    shop.db.load_adapter("bags", written(shop.dir.path(), "a", &base, 1)).expect("loads");
    let error = shop.db.rank(&hiker(Some("shoes"))).expect_err("is unknown");
    assert!(error.to_string().ends_with("are bags, boots"), "{error}");
    assert!(matches!(
        shop.db.load_adapter("", written(shop.dir.path(), "a", &base, 1)),
        Err(Error::InvalidArgument { .. })
    ));
    let long = "x".repeat(129);
    assert!(matches!(shop.db.unload_adapter(&long), Err(Error::LimitExceeded { .. })));
}

#[test]
fn adapters_stay_and_follow_their_model() {
    let (shop, base) = trained_shop();
    let (db, path) = (&shop.db, shop.dir.path().join("shop.onelist"));
    let file = written(shop.dir.path(), "a", &base, 1);
    db.load_adapter("shoes", &file).expect("loads");
    db.load_adapter("boots", &file).expect("loads");
    let shoes = scores(&db.rank(&hiker(Some("shoes"))).expect("ranks").hits);
    std::fs::remove_dir_all(&file).expect("removes");
    db.close().expect("closes");
    let db = Engine::open(&path, Config::default()).expect("opens");
    assert_eq!(scores(&db.rank(&hiker(Some("shoes"))).expect("ranks").hits), shoes);
    let usable = |db: &Engine| -> Vec<(String, bool)> {
        db.models().expect("lists").adapters.into_iter().map(|one| (one.name, one.usable)).collect()
    };
    assert_eq!(usable(&db), [("boots".to_owned(), true), ("shoes".to_owned(), true)]);
    // Another model has none of them; a shadow of it counts what only fails there.
    let shadow = db.shadow_model(0, &[hiker(Some("shoes")), hiker(None)]).expect("compares");
    assert_eq!((shadow.requests, shadow.failed, shadow.errors.len()), (1, 1, 1));
    assert!(shadow.errors[0].contains("unknown adapter `shoes`"));
    db.promote_model(0).expect("promotes");
    assert_eq!(usable(&db), [("boots".to_owned(), false), ("shoes".to_owned(), false)]);
    assert!(matches!(db.rank(&hiker(Some("shoes"))), Err(Error::UnknownAdapter { .. })));
    db.roll_back_model().expect("rolls back");
    assert_eq!(scores(&db.rank(&hiker(Some("shoes"))).expect("ranks").hits), shoes);
    // Two names, one folder: it goes with the second.
    let folders = || path.join("adapters").read_dir().expect("lists").count();
    assert_eq!(folders(), 1);
    assert!(db.unload_adapter("shoes").expect("unloads") && folders() == 1);
    assert!(!db.unload_adapter("shoes").expect("is gone"));
    assert_eq!(scores(&db.rank(&hiker(Some("boots"))).expect("ranks").hits), shoes);
    assert!(db.unload_adapter("boots").expect("unloads") && folders() == 0);
    assert!(db.models().expect("lists").adapters.is_empty());
}

#[test]
fn a_replaced_adapter_is_the_new_one() {
    let (shop, base) = trained_shop();
    let db = &shop.db;
    db.load_adapter("shoes", written(shop.dir.path(), "a", &base, 1)).expect("loads");
    let first = scores(&db.rank(&hiker(Some("shoes"))).expect("ranks").hits);
    db.load_adapter("shoes", written(shop.dir.path(), "b", &base, 2)).expect("loads");
    assert_ne!(scores(&db.rank(&hiker(Some("shoes"))).expect("ranks").hits), first);
    let models = db.models().expect("lists");
    assert_eq!(models.adapters.len(), 1);
    assert_eq!(shop.dir.path().join("shop.onelist/adapters").read_dir().expect("lists").count(), 1);
}

#[test]
fn adapters_that_do_not_fit_are_refused() {
    let (shop, base) = trained_shop();
    let (db, dir) = (&shop.db, shop.dir.path());
    let refused = |path: &Path| match db.load_adapter("shoes", path) {
        Err(Error::ModelRefused { expected, found, .. }) => format!("{expected} / {found}"),
        other => panic!("expected a refusal, found {other:?}"),
    };
    let with = |name: &str, change: &dyn Fn(&mut Vec<Tensor>)| {
        let mut all = tensors(WIDTH, 1);
        change(&mut all);
        refused(&adapter::write(dir, name, &base, &all).expect("writes"))
    };
    let other = refused(&written(dir, "other", &"0".repeat(64), 1));
    assert!(other.contains("onelist-trained 1") && other.contains("one for 0000"), "{other}");
    let fewer = with("fewer", &|all| drop(all.pop()));
    assert!(fewer.contains("an adapter with lora_context_down [192, 8]"), "{fewer}");
    assert!(with("more", &|all| all.push(all[0].clone())).contains("5 tensors"));
    assert!(with("name", &|all| all[0].0 = "weights".to_owned()).contains("/ weights [192, 8]"));
    assert!(with("shape", &|all| all[0].1 = vec![8, 192]).contains("/ lora_context_down [8, 192]"));
    assert!(with("length", &|all| all[0].2.truncate(9)).contains("bytes"));
    assert!(with("nan", &|all| all[1].2[3] = f32::NAN).contains("others in lora_context_up"));
    let path = written(dir, "cut", &base, 1);
    std::fs::write(path.join("adapter.onnx_adapter"), &encode(&tensors(WIDTH, 1))[..1000]).expect("writes");
    assert!(refused(&path).contains("an adapter with sha256"));
    std::fs::remove_file(path.join("adapter.json")).expect("removes");
    assert!(refused(&path).contains("a file adapter.json"));
    assert!(refused(&dir.join("none")).contains("a file adapter.json"));
    // Weights so large that scores overflow show in the trial run.
    assert!(with("huge", &|all| all.iter_mut().for_each(|one| one.2.fill(3e38))).contains("a probe that runs"));
    assert!(db.models().expect("lists").adapters.is_empty());
    db.promote_model(0).expect("promotes");
    let zero = db.stats().expect("counts").model.sha256;
    assert!(refused(&written(dir, "zero", &zero, 1)).contains("one that takes none"));
}

#[test]
fn an_adapter_must_not_move_items() {
    let shop = shop().expect("opens");
    let folder = shop.dir.path().join("model");
    Trained::moving("1", 0.5).write(&folder).expect("writes");
    let version = shop.db.load_model(&folder).expect("loads");
    shop.db.promote_model(version.version).expect("promotes");
    let path = written(shop.dir.path(), "a", &version.sha256, 1);
    match shop.db.load_adapter("shoes", &path) {
        Err(Error::ModelRefused { expected, .. }) => assert!(expected.contains("item_vec as without"), "{expected}"),
        other => panic!("expected a refusal, found {other:?}"),
    }
    let still: Vec<Tensor> =
        tensors(WIDTH, 1).into_iter().map(|(name, shape, values)| (name, shape, vec![0.0; values.len()])).collect();
    let path = adapter::write(shop.dir.path(), "zeros", &version.sha256, &still).expect("writes");
    shop.db.load_adapter("shoes", &path).expect("an adapter of zeros moves nothing");
}

//! Models that must not load, and what the error says.

use serde_json::json;

use super::{Copy, MANIFEST, ONNX, TOKENIZER, refusal};
use crate::api::config::{Config, Precision, Provider};
use crate::base::error::Error;
use crate::model::Model;
use crate::model::wire::varint;

/// One length-delimited protobuf field.
fn field(number: u64, body: &[u8]) -> Vec<u8> {
    [varint(number << 3 | 2), varint(body.len() as u64), body.to_vec()].concat()
}

/// The shipped graph with more in it: protobuf merges a message that appears twice, so appended bytes are part of it.
fn with_appended(model: &[u8]) -> Copy {
    let mut copy = Copy::new();
    copy.replace("base.onnx", &[ONNX, model].concat(), true);
    copy
}

#[test]
fn an_untouched_copy_loads() {
    let model = Copy::new().load().unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(MANIFEST).unwrap();
    assert_eq!(model.stats().sha256, manifest["sha256"].as_str().unwrap());
    assert_eq!(model.space_id(), manifest["space_id"].as_str().unwrap());
    assert_eq!(model.stats().provider, "cpu");
    assert_eq!(model.stats().fallback, None);
    assert_eq!(model.action_row("buy"), 4);
    assert_eq!(model.action_row("custom"), 12);
    assert_eq!(model.action_row("whistled"), 12);
    assert_eq!(model.features().len() + 5, model.all_features().len());
}

#[test]
fn files_that_are_missing_or_no_files() {
    let copy = Copy::new();
    assert!(refusal(copy.load_as_is()).0.contains("manifest.json"));
    std::fs::remove_file(copy.path().join("base.onnx")).unwrap();
    assert!(copy.refusal().0.contains("base.onnx"));
    std::fs::create_dir(copy.path().join("base.onnx")).unwrap();
    assert!(copy.refusal().1.contains("not a file"));
}

#[test]
fn wrong_hashes() {
    for file in ["base.onnx", "tokenizer.json"] {
        let mut copy = Copy::new();
        let mut bytes = std::fs::read(copy.path().join(file)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        copy.replace(file, &bytes, false);
        let (expected, found) = copy.refusal();
        assert!(expected.contains("sha256") && expected.contains(file) && found.len() == 64, "{expected} / {found}");
    }
    let mut copy = Copy::new();
    copy.manifest["codebook_sha256"] = "00".repeat(32).into();
    assert!(copy.refusal().0.contains("codebook"));
}

#[test]
fn manifests_that_do_not_fit_the_engine() {
    let cases = [
        ("/format", json!(2), "manifest format 1"),
        ("/features/0", json!("popular_7d"), "features in the order bm25"),
        ("/graph_features", json!(["cos_query"]), "graph_features in the order"),
        ("/dims/item", json!(64), "64"),
        ("/dims/item", json!(0), "item of 1 to"),
        ("/dims/features", json!(8), "dims.features = 21"),
        ("/dims/vocab", json!(10), "[10]"),
        ("/gap_buckets", json!("seconds"), "gap_buckets"),
        ("/actions/buy", json!(99), "action rows from 0 to 15"),
        ("/actions", json!({"buy": 1}), "custom"),
        ("/onnx", json!("../base.onnx"), "inside the model's folder"),
        ("/opset", json!(17), "opset 17"),
        ("/domains", json!(["evil"]), "operator domains"),
        ("/inputs/0/dtype", json!("f32"), "input text_ids i64"),
        ("/outputs/5/name", json!("score"), "output scores"),
        ("/probe/tolerance", json!(1e9), "tolerance"),
        ("/probe/inputs/query_text", json!([]), "query_text"),
        ("/probe/inputs/text_ids", json!([[99999, 1, 2, 3], [1, 2, 3, 4]]), "a probe that runs"),
        ("/probe/inputs/text_mask", json!([[1], [1, 2]]), "text_mask"),
        ("/probe/outputs/item_sid/0/0", json!(-1), "item_sid"),
        ("/probe/outputs/scores/0/0", json!(5.0), "scores[0] = 5"),
        ("/probe/outputs", json!({}), "text_emb"),
        ("/dims", json!("wide"), "all its fields"),
    ];
    for (place, value, says) in cases {
        let mut copy = Copy::new();
        match copy.manifest.pointer_mut(place) {
            Some(entry) => *entry = value,
            None => copy.manifest[&place[1..]] = value,
        }
        let (expected, found) = copy.refusal();
        assert!(format!("{expected} / {found}").contains(says), "{place}: expected {expected}, found {found}");
    }
}

#[test]
fn a_swapped_feature_order_is_refused_with_both_orders() {
    let mut copy = Copy::new();
    copy.manifest["features"].as_array_mut().unwrap().swap(2, 3);
    let (expected, found) = copy.refusal();
    assert!(expected.contains("popular_7d, popular_90d") && found.contains("popular_90d, popular_7d"));
}

#[test]
fn a_manifest_that_is_too_long_or_no_json() {
    let copy = Copy::new();
    std::fs::write(copy.path().join("manifest.json"), vec![b' '; (1 << 20) + 1]).unwrap();
    assert!(refusal(copy.load_as_is()).0.contains("at most 1048576 bytes"));
    for bytes in [&b""[..], b"{", b"[]", &[0xff; 64], &[b'['; 100_000]] {
        std::fs::write(copy.path().join("manifest.json"), bytes).unwrap();
        assert!(refusal(copy.load_as_is()).0.contains("manifest.json"));
    }
}

#[test]
fn graphs_that_are_cut_off_or_random() {
    for keep in [0, 1, 100, ONNX.len() / 2, ONNX.len() - 1] {
        let mut copy = Copy::new();
        copy.replace("base.onnx", &ONNX[..keep], true);
        let (expected, _) = copy.refusal();
        assert!(expected.contains("ONNX"), "{keep} bytes: {expected}");
    }
    for seed in 1..20 {
        let bytes: Vec<u8> = super::numbers(seed, 4096).iter().map(|n| (n * 128.0) as i8 as u8).collect();
        let mut copy = Copy::new();
        copy.replace("base.onnx", &bytes, true);
        copy.refusal();
    }
}

#[test]
fn a_graph_that_only_onnx_runtime_can_refuse() {
    let unknown = [field(2, b"nowhere"), field(4, b"NoSuchOperator")].concat();
    let (expected, found) = with_appended(&field(7, &field(1, &unknown))).refusal();
    assert!(expected.contains("ONNX Runtime") && found.contains("NoSuchOperator"), "{expected} / {found}");
}

#[test]
fn a_manifest_that_is_consistent_but_of_another_graph() {
    let mut copy = Copy::new();
    let width = copy.manifest["dims"]["item"].clone();
    let text = copy.manifest.to_string();
    for shape in ["inputs", "outputs"] {
        for tensor in copy.manifest[shape].as_array_mut().unwrap() {
            let sizes = tensor["shape"].as_array_mut().unwrap();
            sizes.iter_mut().filter(|size| **size == width).for_each(|size| *size = json!(64));
        }
    }
    copy.manifest["dims"]["item"] = json!(64);
    assert_ne!(text, copy.manifest.to_string());
    let (expected, found) = copy.refusal();
    assert!(expected.contains("64]") && found.contains(&width.to_string()), "{expected} / {found}");
}

/// Bytes of operators, shapes and names, changed one at a time behind an honest hash: an error or a model that passes
/// its probe, but never a crash.
#[test]
fn a_changed_byte_of_the_graph_never_kills_the_process() {
    let mut refused = 0;
    for seed in 1..=30 {
        let numbers = super::numbers(seed, 2);
        let mut bytes = ONNX.to_vec();
        bytes[(numbers[0].abs() * 8000.0) as usize] = (numbers[1] * 128.0) as i8 as u8;
        let mut copy = Copy::new();
        copy.replace("base.onnx", &bytes, true);
        match copy.load() {
            Ok(_) => {}
            Err(Error::ModelRefused { .. }) => refused += 1,
            Err(other) => panic!("expected a refusal, found {other}"),
        }
    }
    assert!(refused > 5, "only {refused} of 30 were refused");
}

#[test]
fn external_data_is_refused_wherever_it_hides() {
    let location = field(13, &[field(1, b"location"), field(2, b"../../etc/passwd")].concat());
    let flag = [14 << 3, 1].to_vec();
    for tensor in [location.clone(), flag] {
        let attribute = field(5, &tensor);
        let in_node = field(1, &field(5, &attribute));
        let nested = field(1, &field(5, &field(6, &field(5, &tensor))));
        let sparse = field(15, &field(1, &tensor));
        for graph in [field(5, &tensor), in_node, nested, sparse] {
            let (_, found) = with_appended(&field(7, &graph)).refusal();
            assert!(found.contains("external data"), "{found}");
        }
    }
}

#[test]
fn operators_of_other_domains_are_refused() {
    let node = [field(4, b"Run"), field(7, b"evil.ops")].concat();
    assert!(with_appended(&field(7, &field(1, &node))).refusal().1.contains("evil.ops"));
    let set = field(8, &[field(1, b"evil.ops"), vec![2 << 3, 1]].concat());
    assert!(with_appended(&set).refusal().1.contains("evil.ops"));
    let microsoft = field(8, &[field(1, b"com.microsoft"), vec![2 << 3, 1]].concat());
    assert!(with_appended(&microsoft).refusal().1.contains("com.microsoft"));
    let mut allowed = with_appended(&microsoft);
    allowed.manifest["domains"] = json!(["com.microsoft"]);
    allowed.load().unwrap();
    assert!(with_appended(&field(25, b"")).refusal().1.contains("functions"));
    assert!(with_appended(&field(20, b"")).refusal().1.contains("training"));
}

#[test]
fn nesting_is_bounded() {
    let mut graph = Vec::new();
    for _ in 0..2000 {
        graph = field(1, &field(5, &field(6, &graph)));
    }
    assert!(with_appended(&field(7, &graph)).refusal().0.contains("nested at most"));
}

#[test]
fn tokenizers_that_do_not_fit() {
    let swapped = String::from_utf8(TOKENIZER.to_vec()).unwrap().replacen("\"WordPiece\"", "\"Word\"", 9);
    let beyond = String::from_utf8(TOKENIZER.to_vec()).unwrap().replace("\"##x\":", "\"##x\":9");
    for bytes in [&b"{}"[..], b"", b"not json", &TOKENIZER[..1000], swapped.as_bytes(), beyond.as_bytes()] {
        let mut copy = Copy::new();
        copy.replace("tokenizer.json", bytes, true);
        let (expected, _) = copy.refusal();
        assert!(expected.contains("tokenizer.json") || expected.contains("token ids"), "{expected}");
    }
}

/// Up to the library that is missing on this machine, for each provider; where nothing is missing, it has to run there.
#[test]
fn a_provider_that_cannot_start() {
    let engines = tempfile::tempdir().unwrap();
    for provider in [Provider::Cuda, Provider::TensorRt] {
        let engine_cache = Some(engines.path().join("engines"));
        let config = Config { provider, engine_cache, sessions: 1, ..Config::default() };
        match Model::load(&config) {
            Ok(model) => assert_eq!(model.stats().provider, provider.name()),
            Err(Error::Provider { provider: name, expected, found, advice }) => {
                let text = format!("{expected} / {found} / {advice}");
                assert!(
                    name == provider.name() && [&expected, &found, &advice].iter().all(|part| part.len() > 9),
                    "{text}"
                );
                let model = Model::load(&Config { provider_fallback: true, ..config }).unwrap();
                assert_eq!(model.stats().provider, "cpu");
                let fallback = model.stats().fallback.unwrap();
                assert!(
                    fallback.starts_with(&format!("{name}: expected {expected}, found {found}. {advice}")),
                    "{fallback}"
                );
                assert!(model.embed(None, &["red shoes".to_owned()]).unwrap()[0].is_some());
            }
            Err(other) => panic!("expected a provider error, found {other}"),
        }
    }
}

#[test]
fn a_folder_for_engines_that_others_may_write_to_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let engines = tempfile::tempdir().unwrap();
    let config = Config { provider: Provider::TensorRt, sessions: 1, ..Config::default() };
    let config = Config { engine_cache: Some(engines.path().to_path_buf()), ..config };
    // The first attempt makes the folder that the second finds.
    drop(Model::load(&config));
    for entry in std::fs::read_dir(engines.path()).unwrap() {
        let path = entry.unwrap().path();
        assert!(path.file_name().unwrap().to_str().unwrap().starts_with(super::shipped().stats().sha256.as_str()));
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
    }
    match Model::load(&config) {
        Err(Error::Provider { found, advice, .. }) => {
            assert!(found.contains("not trusted") && advice.contains("engine_cache"), "{found} / {advice}");
        }
        other => panic!("expected a provider error, found {:?}", other.map(|model| model.stats())),
    }
}

#[test]
fn reduced_arithmetic_is_for_a_gpu() {
    let reduced = |provider| Config { provider, precision: Precision::Reduced, ..Config::default() }.validate();
    assert!(reduced(Provider::Cpu).unwrap_err().to_string().contains("precision"));
    assert!(reduced(Provider::Cuda).is_ok() && reduced(Provider::TensorRt).is_ok());
}

#[test]
fn weights_that_do_not_fit_the_model() {
    for weights in [vec![vec![1.0; 26]; 3], vec![vec![1.0; 25]; 4]] {
        let loaded = Model::load(&Config { weights, sessions: 1, ..Config::default() });
        assert!(matches!(loaded, Err(Error::InvalidArgument { .. })));
    }
    let loaded = Model::load(&Config { weights: vec![vec![f32::NAN; 26]; 4], sessions: 1, ..Config::default() });
    assert!(matches!(loaded, Err(Error::NonFinite { .. })));
}

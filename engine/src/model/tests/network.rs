//! A file of the trained form: what it takes and gives beside model zero, and what is refused of it.

#[path = "../../../../tests/src/adapter.rs"]
pub(super) mod adapter;
#[path = "../../../../tests/src/trained.rs"]
#[expect(dead_code, reason = "the integration tests use the rest")]
pub(crate) mod trained;

use std::sync::OnceLock;

use serde_json::json;

use super::{assert_close, history, refusal, unit_vectors};
use crate::api::config::Config;
use crate::model::history::HistoryInput;
use crate::model::{AdapterFiles, ContextInput, Model, ScoreInput};
use trained::Trained;

const STRENGTH: f32 = 0.5;

fn load(file: &Trained, config: Config) -> crate::Result<Model> {
    let folder = tempfile::tempdir().unwrap();
    file.write(folder.path()).unwrap();
    Model::load(&Config { model: Some(folder.path().to_path_buf()), sessions: 1, ..config })
}

fn model() -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| load(&Trained::new("1", STRENGTH), Config::default()).unwrap())
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn the_network_is_a_feature_like_any_other() {
    let model = model();
    assert_eq!(model.all_features().last().unwrap(), "network");
    let shipped = super::shipped();
    assert_eq!(model.all_features().len(), shipped.all_features().len() + 1);
    assert_eq!(model.features(), shipped.features());
    assert!(model.personal_features(false).last().unwrap() & !shipped.personal_features(false).last().unwrap());
    assert_eq!(model.shipped_weights().len(), 4 * model.all_features().len());
    assert!(model.reads_sids() && !shipped.reads_sids());
    assert_eq!(model.space_id(), shipped.space_id());
    let texts = ["Red running shoes".to_owned()];
    assert_eq!(model.embed(None, &texts).unwrap(), shipped.embed(None, &texts).unwrap());
}

#[test]
fn semantic_ids_reach_the_network() {
    let (model, d) = (model(), model().width());
    let (vectors, past) = (unit_vectors(1, 3, d), unit_vectors(2, 2, d));
    let features = vec![0.0; 3 * model.features().len()];
    let mut events = history(&past, d, 4);
    events[1].sid = Some([7, 0, 255]);
    let sids = [Some([200, 3, 1]), None, Some([0, 0, 0])];
    let context = model.context(&ContextInput { history: &events, ..Default::default() }).unwrap();
    let learned = context.history.unwrap();
    let input = ScoreInput {
        query: None,
        history: &events,
        cand_vec: &vectors,
        cand_feat: &features,
        cand_sid: &sids,
        explain: true,
        weights: None,
        space: None,
        adapter: None,
    };
    let all = model.all_features().len();
    let network = |input: ScoreInput| -> Vec<f32> {
        let scores = model.score(&[input]).unwrap().remove(0);
        scores.contributions.chunks(all).map(|row| row[all - 1]).collect()
    };
    let expected = |sums: [f32; 3], past: f32| -> Vec<f32> {
        let inside = vectors.chunks(d).zip(sums).map(|(v, sum)| dot(v, &learned) + sum / 1000.0 + past / 10_000.0);
        inside.map(|inside| STRENGTH * inside.tanh()).collect()
    };
    assert_close(&network(input), &expected([204.0, -3.0, 0.0], 262.0 - 3.0), 1e-4);
    assert_close(&network(ScoreInput { cand_sid: &[], ..input }), &expected([-3.0; 3], 262.0 - 3.0), 1e-4);
    // Of several requests in a run, each has its own codes, and padding has none.
    let short = ScoreInput { cand_vec: &vectors[..d], cand_feat: &features[..model.features().len()], ..input };
    let short = ScoreInput { cand_sid: &sids[..1], history: &events[1..], ..short };
    let alone = model.score(&[input]).unwrap().remove(0);
    let both = model.score(&[short, input]).unwrap();
    assert_close(&both[1].scores, &alone.scores, 1e-5);
    assert_close(&both[0].scores, &model.score(&[short]).unwrap()[0].scores, 1e-5);
    assert!(model.score(&[ScoreInput { cand_sid: &sids[..2], ..input }]).is_err());
}

#[test]
fn learned_contexts_and_codes_come_with_the_context() {
    let (model, d) = (model(), model().width());
    let past = unit_vectors(5, 3, d);
    let events: Vec<HistoryInput> = history(&past, d, 4);
    let context = model.context(&ContextInput { history: &events, ..Default::default() }).unwrap();
    assert_eq!(context.learned.len(), 1);
    assert_close(&context.learned[0], context.history.as_ref().unwrap(), 1e-6);
    let logits: Vec<f32> = trained::first_level(d).chunks(d).map(|centre| dot(centre, &context.learned[0])).collect();
    let mut order: Vec<usize> = (0..256).collect();
    order.sort_by(|a, b| logits[*b].total_cmp(&logits[*a]));
    assert_eq!(context.codes.iter().map(|code| usize::from(*code)).collect::<Vec<_>>(), order[..8]);
    // Without a history the learned vector has no direction; model zero learned none.
    let searched = model.context(&ContextInput { text: Some("red shoes"), ..Default::default() }).unwrap();
    assert!(searched.query.is_some() && searched.learned.is_empty() && searched.codes.len() == 8);
    let zero = super::shipped().context(&ContextInput { history: &events, ..Default::default() }).unwrap();
    assert!(zero.learned.is_empty() && zero.codes.is_empty());
}

#[test]
fn manifests_of_the_trained_form_that_do_not_fit() {
    let cases = [
        ("/graph_features/5", json!("magic"), "cos_disliked, network"),
        ("/dims/graph_features", json!(5), "dims.graph_features = 6"),
        ("/dims/contexts", json!(1), "contexts of 2 to 16"),
        ("/dims/contexts", json!(4), "context_vec"),
        ("/lora/params/0/name", json!("weights"), "begin with lora_"),
        ("/lora/params/0/name", json!("lora_none"), "no such tensor"),
        ("/lora/params/1/name", json!("lora_context_down"), "twice"),
        ("/lora/params/0/shape", json!([192, 9]), "of rank 8"),
        ("/lora/params/0/shape", json!([8, 192]), "[192, 8]"),
        ("/lora/params/0/shape", json!([8, 1u64 << 40]), "1 to 1048576 values"),
        ("/lora/rank", json!(0), "of rank 0"),
        ("/probe/outputs/sid_logits/0/3", json!(99.0), "sid_logits[3] = 99"),
        ("/probe/outputs/context_vec/0/2/0", json!(5.0), "context_vec"),
    ];
    for (place, value, says) in cases {
        let mut file = Trained::new("1", STRENGTH);
        *file.manifest.pointer_mut(place).unwrap() = value;
        let (expected, found) = refusal(load(&file, Config::default()));
        assert!(format!("{expected} / {found}").contains(says), "{place}: expected {expected}, found {found}");
    }
    let mut seven = Trained::new("1", STRENGTH);
    seven.manifest["graph_features"].as_array_mut().unwrap().push(json!("another"));
    assert!(refusal(load(&seven, Config::default())).0.ends_with("cos_disliked, network"));
    // A tensor that the manifest lists in another form than the contract's.
    let mut sids = Trained::new("1", STRENGTH);
    let inputs = sids.manifest["inputs"].as_array_mut().unwrap();
    inputs.iter_mut().filter(|input| input["name"] == "cand_sid").for_each(|input| input["dtype"] = json!("f32"));
    assert!(refusal(load(&sids, Config::default())).0.contains("cand_sid i64 [any, any, 3]"));
}

#[test]
fn a_manifest_that_lists_less_does_without() {
    let mut file = Trained::new("1", STRENGTH);
    let drop = |list: &mut serde_json::Value, names: &[&str]| {
        let kept = list.as_array_mut().unwrap();
        kept.retain(|tensor| !names.contains(&tensor["name"].as_str().unwrap()));
    };
    drop(&mut file.manifest["inputs"], &["cand_sid", "history_sid"]);
    drop(&mut file.manifest["outputs"], &["sid_logits"]);
    file.manifest["lora"] = json!({"rank": 0, "params": []});
    file.manifest["probe"]["outputs"].as_object_mut().unwrap().remove("sid_logits");
    let model = load(&file, Config::default()).unwrap();
    assert!(!model.reads_sids());
    let context = model.context(&ContextInput { text: Some("red shoes"), ..Default::default() }).unwrap();
    assert!(context.codes.is_empty());
}

#[test]
fn configured_weights_have_a_column_for_the_network() {
    let rows = |columns: usize| Config { weights: vec![vec![0.5; columns]; 4], ..Config::default() };
    let columns = model().all_features().len();
    let file = Trained::new("1", STRENGTH);
    assert!(load(&file, rows(columns)).is_ok());
    let refused = load(&file, rows(columns - 1)).err().unwrap().to_string();
    assert!(refused.contains(&format!("4 rows of {columns}")), "{refused}");
}

/// The same scores as ONNX Runtime's own handling of the file, through the options of a run.
#[test]
fn an_adapter_is_what_onnx_runtime_makes_of_it() {
    use ort::session::{Adapter, RunOptions, Session};
    use ort::value::TensorRef;

    let (model, d) = (model(), model().width());
    let dir = tempfile::tempdir().unwrap();
    let (base, tensors) = (model.stats().sha256, adapter::tensors(d, 7));
    let path = adapter::write(dir.path(), "a", &base, &tensors).unwrap();
    let ours = model.adapter(&AdapterFiles::read(&path).unwrap()).unwrap();
    let (vectors, past) = (unit_vectors(3, 4, d), unit_vectors(4, 2, d));
    let columns = model.features().len();
    let (features, events) = (vec![0.0; 4 * columns], history(&past, d, 4));
    let input = ScoreInput {
        query: None,
        history: &events,
        cand_vec: &vectors,
        cand_feat: &features,
        cand_sid: &[],
        explain: false,
        weights: None,
        space: None,
        adapter: Some(&ours),
    };
    let found = model.score(&[input, ScoreInput { space: None, adapter: None, ..input }]).unwrap();
    assert!(found[0].scores.iter().zip(&found[1].scores).any(|(a, b)| (a - b).abs() > 1e-3), "it changes scores");

    let environment = &crate::model::runtime::runtime(&Config::default()).unwrap().environment;
    let onnx = Trained::new("1", STRENGTH).onnx;
    let mut session = Session::builder(environment).unwrap().commit_from_memory(&onnx).unwrap();
    let mut options = RunOptions::new().unwrap();
    options.add_adapter(&Adapter::from_memory(&adapter::encode(&tensors), None).unwrap()).unwrap();
    let (actions, mask) = (vec![4i64; 2], vec![1f32; 2]);
    let gaps: Vec<i64> = events.iter().map(|event| crate::model::history::gap_row(event.gap_seconds)).collect();
    macro_rules! tensor {
        ($shape:expr, $values:ident) => {
            TensorRef::from_array_view(($shape, $values.as_slice())).unwrap()
        };
    }
    let inputs = ort::inputs! {
        "history_vec" => tensor!([1, 2, d], past),
        "history_action" => tensor!([1, 2], actions),
        "history_gap" => tensor!([1, 2], gaps),
        "history_mask" => tensor!([1, 2], mask),
        "cand_vec" => tensor!([1, 4, d], vectors),
        "cand_feat" => tensor!([1, 4, columns], features),
    };
    let outputs = session.run_with_options(inputs, &options).unwrap();
    let (_, scores) = outputs["scores"].try_extract_tensor::<f32>().unwrap();
    assert_close(&found[0].scores, scores, 1e-5);
    // Contexts follow the adapter as well.
    let context = |adapter| model.context(&ContextInput { history: &events, adapter, ..Default::default() }).unwrap();
    assert!(context(Some(&ours)).learned != context(None).learned);
    assert_eq!(context(Some(&ours)).history, context(None).history);
}

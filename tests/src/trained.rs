//! A model file that is trained in form: the shipped graph with a small network in it whose numbers are known.
//!
//! Its parts are those that a trained file may have beside model zero: the feature `network`, a third context vector,
//! semantic ids of candidates and history, scores of codes, and tensors of adapters. They are put into the shipped file
//! as protobuf (onnx.proto), so that no second large file is kept, and what they compute is simple enough to compute here
//! as well:
//!
//! - `learned` = h + (h @ lora_context_down) @ lora_context_up, with the history's vector h
//! - `network` = strength * tanh(candidate . learned + (sum of its codes) / 1000 + (sum of the history's codes) / 10000
//!   + (candidate @ lora_scorer_down) @ lora_scorer_up)
//! - `sid_logits` = `codebook[0] . learned`

use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const MANIFEST: &[u8] = include_bytes!("../../engine/model/manifest.json");
const ONNX: &[u8] = include_bytes!("../../engine/model/base.onnx");
const TOKENIZER: &[u8] = include_bytes!("../../engine/model/tokenizer.json");

/// Rank of the adapter tensors.
pub const RANK: usize = 8;
const F32: u64 = 1;
const I64: u64 = 7;

/// A trained file in memory, to be changed and written.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The graph.
    pub onnx: Vec<u8>,
    /// The manifest; its hash of the graph is written by [`Trained::write`].
    pub manifest: Value,
}

/// Lowercase hexadecimal SHA-256.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The shipped file as it is: for tests that change a copy.
pub fn shipped() -> Trained {
    Trained { onnx: ONNX.to_vec(), manifest: serde_json::from_slice(MANIFEST).unwrap_or_default() }
}

/// Names and shapes of the adapter tensors, for item vectors of this width.
pub fn lora_params(width: usize) -> Vec<(String, Vec<usize>)> {
    [
        ("lora_context_down", [width, RANK]),
        ("lora_context_up", [RANK, width]),
        ("lora_scorer_down", [width, RANK]),
        ("lora_scorer_up", [RANK, 1]),
    ]
    .into_iter()
    .map(|(name, shape)| (name.to_owned(), shape.to_vec()))
    .collect()
}

impl Trained {
    /// A file whose network has this strength.
    pub fn new(version: &str, strength: f32) -> Trained {
        Trained::built(version, strength, false)
    }

    /// One whose adapters would move item vectors, which no adapter may.
    pub fn moving(version: &str, strength: f32) -> Trained {
        Trained::built(version, strength, true)
    }

    /// One that weighs words otherwise, except for those of its probe: it says that its space is the shipped one, and puts
    /// texts elsewhere in it.
    pub fn reweighted(mut self) -> Trained {
        let probed: Vec<f32> =
            self.manifest["probe"]["inputs"]["text_ids"].as_array().into_iter().flatten().flat_map(floats).collect();
        let tensor = field(8, b"token_weights");
        let found = self.onnx.windows(tensor.len()).position(|window| window == tensor);
        // The raw data follows the name: a key, and a length of three bytes.
        let start = found.map_or(0, |at| at + tensor.len() + 4);
        let words = self.manifest["dims"]["vocab"].as_u64().unwrap_or_default() as usize;
        let raw = self.onnx.get_mut(start..start + 4 * words).unwrap_or_default();
        for (id, word) in raw.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let weight = f32::from_le_bytes(*word);
            let factor = if probed.contains(&(id as f32)) { 1.0 } else { 10f32.powi(id as i32 % 3 - 1) };
            *word = (weight * factor).to_le_bytes();
        }
        self
    }

    /// One that weighs words otherwise and says so: a model of another vector space.
    pub fn elsewhere(version: &str, strength: f32) -> Trained {
        let mut file = Trained::new(version, strength).reweighted();
        file.manifest["space_id"] = "elsewhere".into();
        file
    }

    fn built(version: &str, strength: f32, moves_items: bool) -> Trained {
        let shipped = shipped();
        let size = |name: &str| shipped.manifest["dims"][name].as_u64().unwrap_or_default() as usize;
        let (width, own) = (size("item"), size("features") + size("graph_features"));
        let onnx = graph(ONNX, (width, own), strength, moves_items);
        let manifest = manifest(shipped.manifest, version, (width, own), strength);
        Trained { onnx, manifest }
    }

    /// Writes the three files into a folder, with the hash of the graph as it is now.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&self, folder: &Path) -> std::io::Result<()> {
        let mut manifest = self.manifest.clone();
        manifest["sha256"] = sha256(&self.onnx).into();
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("base.onnx"), &self.onnx)?;
        std::fs::write(folder.join("tokenizer.json"), TOKENIZER)?;
        std::fs::write(folder.join("manifest.json"), manifest.to_string())
    }
}

fn manifest(mut manifest: Value, version: &str, (width, own): (usize, usize), strength: f32) -> Value {
    manifest["name"] = "onelist-trained".into();
    manifest["version"] = version.into();
    manifest["dims"]["graph_features"] = json!(manifest["dims"]["graph_features"].as_u64().unwrap_or_default() + 1);
    manifest["dims"]["contexts"] = json!(3);
    push(&mut manifest["graph_features"], json!("network"));
    push(&mut manifest["inputs"], json!({"name": "cand_sid", "dtype": "i64", "shape": ["B", "K", 3]}));
    push(&mut manifest["inputs"], json!({"name": "history_sid", "dtype": "i64", "shape": ["B", "L", 3]}));
    push(&mut manifest["outputs"], json!({"name": "sid_logits", "dtype": "f32", "shape": ["B", 256]}));
    let shape = |name: &str, shape: Value, all: &mut Value| {
        let tensors = all.as_array_mut().into_iter().flatten();
        tensors.filter(|tensor| tensor["name"] == name).for_each(|tensor| tensor["shape"] = shape.clone());
    };
    shape("weights", json!([4, own + 1]), &mut manifest["inputs"]);
    shape("contributions", json!(["B", "K", own + 1]), &mut manifest["outputs"]);
    shape("context_vec", json!(["B", 3, width]), &mut manifest["outputs"]);
    let params = lora_params(width);
    let params: Vec<Value> = params.iter().map(|(name, shape)| json!({"name": name, "shape": shape})).collect();
    manifest["lora"] = json!({ "rank": RANK, "params": params });
    probe(&mut manifest, width, strength);
    manifest
}

fn push(list: &mut Value, value: Value) {
    if let Some(list) = list.as_array_mut() {
        list.push(value);
    }
}

fn floats(list: &Value) -> Vec<f32> {
    list.as_array().into_iter().flatten().map(|value| value.as_f64().unwrap_or_default() as f32).collect()
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Adds to the probe what the network computes of its inputs, by the formulas above.
fn probe(manifest: &mut Value, width: usize, strength: f32) {
    let centres = first_level(width);
    let mut probe = manifest["probe"].take();
    let mut logits = Vec::new();
    for row in 0..probe["outputs"]["context_vec"].as_array().map_or(0, Vec::len) {
        let history = probe["outputs"]["context_vec"][row][1].clone();
        let learned = floats(&history);
        push(&mut probe["outputs"]["context_vec"][row], history);
        logits.push(json!(centres.chunks(width).map(|centre| dot(centre, &learned)).collect::<Vec<f32>>()));
        let candidates = probe["inputs"]["cand_vec"][row].as_array().cloned().unwrap_or_default();
        for (place, candidate) in candidates.iter().enumerate() {
            // Nobody has a semantic id in the probe: three codes of -1, for the candidate and for an event without.
            let events = probe["inputs"]["history_mask"][row].as_array().map_or(0, Vec::len);
            let masked = floats(&probe["inputs"]["history_mask"][row]).iter().sum::<f32>();
            assert!(events as f32 >= masked);
            let inside = dot(&floats(candidate), &learned) - 3.0 / 1000.0 - 3.0 * masked / 10_000.0;
            let network = strength * inside.tanh();
            push(&mut probe["outputs"]["contributions"][row][place], json!(network));
            let score = probe["outputs"]["scores"][row][place].as_f64().unwrap_or_default() + f64::from(network);
            probe["outputs"]["scores"][row][place] = json!(score);
        }
    }
    probe["outputs"]["sid_logits"] = json!(logits);
    manifest["probe"] = probe;
}

/// Centres of the first level of the shipped codebook.
pub fn first_level(width: usize) -> Vec<f32> {
    let graph = field_bytes(ONNX, 7).next().unwrap_or_default();
    let raw = field_bytes(graph, 5).find(|tensor| field_bytes(tensor, 8).next() == Some(b"codebook"));
    let raw = raw.and_then(|tensor| field_bytes(tensor, 9).next()).unwrap_or_default();
    let first = raw.get(..256 * width * 4).unwrap_or_default();
    first.as_chunks::<4>().0.iter().map(|word| f32::from_le_bytes(*word)).collect()
}

/// Puts the network into the graph: what it replaces is renamed or left out, the rest is appended.
fn graph(model: &[u8], (width, own): (usize, usize), strength: f32, moves_items: bool) -> Vec<u8> {
    let old = field_bytes(model, 7).next().unwrap_or_default();
    let mut new = Vec::new();
    for (number, body) in fields(old) {
        let name = |field| field_bytes(body, field).next().unwrap_or_default();
        match number {
            // Nodes by their output: one goes on under another name.
            1 if name(2) == b"contributions" => {}
            1 if moves_items && name(2) == b"item_vec" => {
                new.extend(field(1, &renamed(body, "item_vec", "part_items")))
            }
            1 if name(2) == b"context_vec" => new.extend(field(1, &renamed(body, "context_vec", "part_contexts"))),
            5 if name(8) == b"weights" => new.extend(field(5, &wider(body, own))),
            11 if name(1) == b"weights" => {}
            12 if name(1) == b"contributions" || name(1) == b"context_vec" => {}
            _ => new.extend(field(number, body)),
        }
    }
    new.extend(network(old, (width, own), strength, moves_items));
    let others = fields(model).filter(|(number, _)| *number != 7).flat_map(|(number, body)| field(number, body));
    // Numbers of the model (its version) are kept as they are.
    [numbers(model), others.collect(), field(7, &new)].concat()
}

/// A node with another name for its output.
fn renamed(node: &[u8], from: &str, to: &str) -> Vec<u8> {
    let rename = |(number, body): (u64, &[u8])| match number == 2 && body == from.as_bytes() {
        true => field(number, to.as_bytes()),
        false => field(number, body),
    };
    fields(node).flat_map(rename).collect()
}

/// The weights with a column of ones for the network.
fn wider(tensor: &[u8], own: usize) -> Vec<u8> {
    let raw = field_bytes(tensor, 9).next().unwrap_or_default();
    let values: Vec<f32> = raw.as_chunks::<4>().0.iter().map(|word| f32::from_le_bytes(*word)).collect();
    let rows: Vec<f32> = values.chunks(own).flat_map(|row| row.iter().copied().chain([1.0])).collect();
    floats_tensor("weights", &[4, own + 1], &rows)
}

fn network(old: &[u8], (width, own): (usize, usize), strength: f32, moves_items: bool) -> Vec<u8> {
    // The inputs of the node that multiplies features by weights.
    let product = field_bytes(old, 1).find(|node| field_bytes(node, 2).next() == Some(b"contributions"));
    let mut inputs = field_bytes(product.unwrap_or_default(), 1).map(|name| String::from_utf8_lossy(name).into_owned());
    let (features, row) = (inputs.next().unwrap_or_default(), inputs.next().unwrap_or_default());
    let mut all = Vec::new();
    let mut node = |op: &str, inputs: &[&str], output: &str, attributes: &[(&str, u64)]| {
        let inputs = inputs.iter().flat_map(|name| field(1, name.as_bytes()));
        let attributes = attributes.iter().flat_map(|(name, value)| {
            // Type 2 is INT.
            field(5, &[field(1, name.as_bytes()), number(3, *value), number(20, 2)].concat())
        });
        let body: Vec<u8> =
            inputs.chain(field(2, output.as_bytes())).chain(field(4, op.as_bytes())).chain(attributes).collect();
        all.extend(field(1, &body));
    };
    if moves_items {
        node("MatMul", &["part_items", "lora_context_down"], "net_items_low", &[]);
        node("MatMul", &["net_items_low", "lora_context_up"], "net_items_delta", &[]);
        node("Add", &["part_items", "net_items_delta"], "item_vec", &[]);
    }
    // learned [B,D]
    node("Gather", &["part_contexts", "net_one"], "net_history", &[("axis", 1)]);
    node("MatMul", &["net_history", "lora_context_down"], "net_low", &[]);
    node("MatMul", &["net_low", "lora_context_up"], "net_delta", &[]);
    node("Add", &["net_history", "net_delta"], "net_learned", &[]);
    node("Unsqueeze", &["net_learned", "net_axis1"], "net_learned3", &[]);
    node("Pad", &["part_contexts", "net_pad_after"], "net_contexts", &[]);
    node("Pad", &["net_learned3", "net_pad_before"], "net_third", &[]);
    node("Add", &["net_contexts", "net_third"], "context_vec", &[]);
    // network [B,K]
    node("Unsqueeze", &["net_learned", "net_axis2"], "net_column", &[]);
    node("MatMul", &["cand_vec", "net_column"], "net_dot3", &[]);
    node("MatMul", &["cand_vec", "lora_scorer_down"], "net_cand_low", &[]);
    node("MatMul", &["net_cand_low", "lora_scorer_up"], "net_cand_delta", &[]);
    node("Cast", &["cand_sid"], "net_codes", &[("to", F32)]);
    node("ReduceSum", &["net_codes", "net_axis2"], "net_code_sum", &[("keepdims", 1)]);
    node("Mul", &["net_code_sum", "net_thousandth"], "net_code_part", &[]);
    node("Cast", &["history_sid"], "net_past_codes", &[("to", F32)]);
    node("ReduceSum", &["net_past_codes", "net_axis2"], "net_past_sum", &[("keepdims", 0)]);
    node("Mul", &["net_past_sum", "history_mask"], "net_past_valid", &[]);
    node("ReduceSum", &["net_past_valid", "net_axis1"], "net_past_all", &[("keepdims", 1)]);
    node("Unsqueeze", &["net_past_all", "net_axis2"], "net_past3", &[]);
    node("Mul", &["net_past3", "net_myriadth"], "net_past_part", &[]);
    node("Add", &["net_dot3", "net_cand_delta"], "net_a", &[]);
    node("Add", &["net_a", "net_code_part"], "net_b", &[]);
    node("Add", &["net_b", "net_past_part"], "net_c", &[]);
    node("Tanh", &["net_c"], "net_d", &[]);
    node("Mul", &["net_d", "net_strength"], "net_e", &[]);
    node("Pad", &[&features, "net_pad_feature"], "net_features", &[]);
    node("Pad", &["net_e", "net_pad_network"], "net_feature", &[]);
    node("Add", &["net_features", "net_feature"], "net_all", &[]);
    node("Mul", &["net_all", &row], "contributions", &[]);
    // sid_logits [B,256]
    node("Gather", &["codebook", "net_zero"], "net_centres", &[("axis", 0)]);
    node("MatMul", &["net_centres", "net_column"], "net_logits3", &[]);
    node("Squeeze", &["net_logits3", "net_axis2"], "sid_logits", &[]);
    all.extend(constants(width, own, strength));
    all
}

/// Constants, defaults, and the inputs and outputs that are new or of another shape.
fn constants(width: usize, own: usize, strength: f32) -> Vec<u8> {
    let mut all = Vec::new();
    let mut add = |number: u64, body: Vec<u8>| all.extend(field(number, &body));
    add(5, integers_tensor("net_zero", &[], &[0]));
    add(5, integers_tensor("net_one", &[], &[1]));
    add(5, integers_tensor("net_axis1", &[1], &[1]));
    add(5, integers_tensor("net_axis2", &[1], &[2]));
    add(5, integers_tensor("net_pad_after", &[6], &[0, 0, 0, 0, 1, 0]));
    add(5, integers_tensor("net_pad_before", &[6], &[0, 2, 0, 0, 0, 0]));
    add(5, integers_tensor("net_pad_feature", &[6], &[0, 0, 0, 0, 0, 1]));
    add(5, integers_tensor("net_pad_network", &[6], &[0, 0, own as i64, 0, 0, 0]));
    add(5, floats_tensor("net_thousandth", &[], &[0.001]));
    add(5, floats_tensor("net_myriadth", &[], &[0.0001]));
    add(5, floats_tensor("net_strength", &[], &[strength]));
    add(5, integers_tensor("cand_sid", &[1, 1, 3], &[-1; 3]));
    add(5, integers_tensor("history_sid", &[1, 1, 3], &[-1; 3]));
    for (name, shape) in lora_params(width) {
        add(5, floats_tensor(&name, &shape, &vec![0.0; shape.iter().product()]));
        add(11, value(&name, F32, &shape.iter().map(ToString::to_string).collect::<Vec<_>>()));
    }
    let sizes = |sizes: &[&str]| sizes.iter().map(|size| (*size).to_owned()).collect::<Vec<_>>();
    let (columns, width) = ((own + 1).to_string(), width.to_string());
    add(11, value("cand_sid", I64, &sizes(&["cand_sid_B", "cand_sid_K", "3"])));
    add(11, value("history_sid", I64, &sizes(&["history_sid_B", "history_sid_L", "3"])));
    add(11, value("weights", F32, &sizes(&["4", &columns])));
    add(12, value("context_vec", F32, &sizes(&["context_B", "3", &width])));
    add(12, value("contributions", F32, &sizes(&["parts_B", "parts_K", &columns])));
    add(12, value("sid_logits", F32, &sizes(&["logits_B", "256"])));
    all
}

/// `ValueInfoProto`: sizes that are numbers are fixed, others are symbols.
fn value(name: &str, kind: u64, sizes: &[String]) -> Vec<u8> {
    let dim = |size: &String| match size.parse() {
        Ok(fixed) => field(1, &number(1, fixed)),
        Err(_) => field(1, &field(2, size.as_bytes())),
    };
    let shape: Vec<u8> = sizes.iter().flat_map(dim).collect();
    let tensor = [number(1, kind), field(2, &shape)].concat();
    [field(1, name.as_bytes()), field(2, &field(1, &tensor))].concat()
}

fn tensor(name: &str, kind: u64, shape: &[usize], raw: &[u8]) -> Vec<u8> {
    let dims = shape.iter().flat_map(|size| number(1, *size as u64));
    dims.chain(number(2, kind)).chain(field(8, name.as_bytes())).chain(field(9, raw)).collect()
}

fn floats_tensor(name: &str, shape: &[usize], values: &[f32]) -> Vec<u8> {
    tensor(name, F32, shape, &values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
}

fn integers_tensor(name: &str, shape: &[usize], values: &[i64]) -> Vec<u8> {
    tensor(name, I64, shape, &values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// One length-delimited protobuf field.
pub fn field(number: u64, body: &[u8]) -> Vec<u8> {
    [varint(number << 3 | 2), varint(body.len() as u64), body.to_vec()].concat()
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

/// The fields of a message: each with its number, whether it is a number, and its bytes.
fn walk(mut message: &[u8]) -> Vec<(u64, bool, &[u8])> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let (key, rest) = take_varint(message);
        let (value, after) = take_varint(rest);
        match key & 7 {
            0 => {
                found.push((key >> 3, true, rest.get(..rest.len() - after.len()).unwrap_or_default()));
                message = after;
            }
            2 => {
                let (body, rest) = after.split_at((value as usize).min(after.len()));
                found.push((key >> 3, false, body));
                message = rest;
            }
            // Four or eight bytes: the shipped file has floats in attributes.
            kind => message = rest.get(if kind == 5 { 4 } else { 8 }..).unwrap_or_default(),
        }
    }
    found
}

fn take_varint(bytes: &[u8]) -> (u64, &[u8]) {
    let length = bytes.iter().position(|byte| byte & 0x80 == 0).map_or(bytes.len(), |last| last + 1);
    let (number, rest) = bytes.split_at(length);
    (number.iter().rev().fold(0, |all, byte| all << 7 | u64::from(byte & 0x7f)), rest)
}

/// The fields that are messages or texts.
fn fields(message: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    walk(message).into_iter().filter(|(_, plain, _)| !plain).map(|(number, _, body)| (number, body))
}

fn field_bytes(message: &[u8], wanted: u64) -> impl Iterator<Item = &[u8]> {
    fields(message).filter(move |(number, _)| *number == wanted).map(|(_, body)| body)
}

/// The fields that are numbers, as they stand.
fn numbers(message: &[u8]) -> Vec<u8> {
    let plain = walk(message).into_iter().filter(|(_, plain, _)| *plain);
    plain.flat_map(|(number, _, value)| [varint(number << 3), value.to_vec()].concat()).collect()
}

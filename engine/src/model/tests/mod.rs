//! Tests of the model on the file that ships with the engine.

mod device;
mod gpu;
mod names;
pub(crate) mod network;
mod refusals;
mod runtime;
mod scoring;
mod speed;
mod text;

use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::api::config::Config;
use crate::base::error::{Error, Result};
use crate::model::{HistoryInput, Model, ScoreInput, files};

const MANIFEST: &[u8] = include_bytes!("../../../model/manifest.json");
const ONNX: &[u8] = include_bytes!("../../../model/base.onnx");
const TOKENIZER: &[u8] = include_bytes!("../../../model/tokenizer.json");
const SCORING: &[u8] = include_bytes!("../../../model/fixtures/scoring.json");

/// The shipped model, loaded once for all tests.
pub(crate) fn shipped() -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| Model::load(&Config { sessions: 2, ..Config::default() }).unwrap())
}

/// A copy of the shipped model's files that a test may spoil.
struct Copy {
    folder: TempDir,
    manifest: Value,
}

impl Copy {
    fn new() -> Copy {
        let copy = Copy { folder: tempfile::tempdir().unwrap(), manifest: serde_json::from_slice(MANIFEST).unwrap() };
        std::fs::write(copy.path().join("base.onnx"), ONNX).unwrap();
        std::fs::write(copy.path().join("tokenizer.json"), TOKENIZER).unwrap();
        copy
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Replaces a file; `honest` also writes its hash into the manifest, so that only its content can be refused.
    fn replace(&mut self, file: &str, bytes: &[u8], honest: bool) {
        std::fs::write(self.path().join(file), bytes).unwrap();
        if honest && file == "base.onnx" {
            self.manifest["sha256"] = files::sha256(bytes).into();
        } else if honest {
            self.manifest["tokenizer"]["sha256"] = files::sha256(bytes).into();
        }
    }

    fn load(&self) -> Result<Model> {
        std::fs::write(self.path().join("manifest.json"), self.manifest.to_string()).unwrap();
        self.load_as_is()
    }

    fn load_as_is(&self) -> Result<Model> {
        Model::load(&Config { model: Some(self.path().to_path_buf()), sessions: 1, ..Config::default() })
    }

    /// Loads what must be refused, and returns what was expected and what was found.
    fn refusal(&self) -> (String, String) {
        refusal(self.load())
    }
}

fn refusal(loaded: Result<Model>) -> (String, String) {
    match loaded {
        Err(Error::ModelRefused { expected, found, .. }) => (expected, found),
        Err(other) => panic!("expected a refusal, found {other}"),
        Ok(_) => panic!("expected a refusal, but it loaded"),
    }
}

/// Numbers from a fixed sequence in -1..1, so that tests repeat.
fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        })
        .collect()
}

/// Vectors of length one.
fn unit_vectors(seed: u64, count: usize, width: usize) -> Vec<f32> {
    let mut all = numbers(seed, count * width);
    for row in all.chunks_mut(width) {
        let norm = row.iter().map(|v| v * v).sum::<f32>().sqrt();
        row.iter_mut().for_each(|v| *v /= norm);
    }
    all
}

/// A history whose events lie one hour apart.
fn history(vectors: &[f32], width: usize, action: i64) -> Vec<HistoryInput<'_>> {
    let count = vectors.len() / width;
    let gap = |index: usize| 3600.0 * (count - index) as f64;
    let event = |(i, vector)| HistoryInput { vector, action, gap_seconds: gap(i), sid: None };
    vectors.chunks(width).enumerate().map(event).collect()
}

fn assert_close(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= tolerance, "at {index}: expected {expected}, found {found}");
    }
}

fn score_one(input: ScoreInput) -> Vec<f32> {
    shipped().score(&[input]).unwrap().remove(0).scores
}

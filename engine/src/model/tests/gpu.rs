//! On a machine with a GPU: each provider gives what the CPU gives, and takes this long. docs/MODEL.md, "On a GPU", says how to
//! run it.

use std::time::Instant;

use super::device::{Given, assert_within, past};
use super::speed::measure;
use super::{assert_close, shipped};
use crate::api::config::{Config, Precision, Provider};
use crate::base::error::Error;
use crate::model::{ContextInput, Model};

/// The largest difference: that of 32-bit floats whose sums are taken in another order, and of less exact arithmetic.
const EXACT: f32 = 1e-4;
const REDUCED: f32 = 2e-2;

#[test]
#[ignore = "needs a GPU"]
fn a_gpu_gives_what_the_cpu_gives() {
    let engines = tempfile::tempdir().unwrap();
    let load = |provider, precision| {
        let engine_cache = Some(engines.path().to_path_buf());
        Model::load(&Config { provider, precision, engine_cache, sessions: 1, ..Config::default() })
    };
    times("cpu", shipped());
    for (provider, precision, tolerance) in [
        (Provider::Cuda, Precision::Full, EXACT),
        (Provider::Cuda, Precision::Reduced, REDUCED),
        (Provider::TensorRt, Precision::Full, REDUCED),
        (Provider::TensorRt, Precision::Reduced, REDUCED),
    ] {
        let name = format!("{} {}", provider.name(), precision.name());
        for attempt in ["open", "open again"] {
            let started = Instant::now();
            match load(provider, precision) {
                Ok(model) => {
                    println!("{name}: {attempt} {:.1} s", started.elapsed().as_secs_f64());
                    assert_eq!(model.stats().provider, provider.name());
                    compare(&model, tolerance);
                    times(&name, &model);
                }
                // TensorRT is a package of its own; CUDA is what this test is for.
                Err(Error::Provider { expected, found, .. }) if provider == Provider::TensorRt => {
                    println!("{name}: not here. Expected {expected}, found {found}");
                }
                Err(other) => panic!("{name}: {other}"),
            }
        }
    }
}

fn compare(model: &Model, tolerance: f32) {
    for (events, candidates) in [(0, 1), (3, 70), (17, 256), (200, 1025)] {
        let given = Given::new(model, events as u64, events, candidates);
        let past = past(&given, model.width());
        assert_within(tolerance, shipped(), model, &[given.input(&past, true), given.input(&past, false)]);
    }
    let texts: Vec<String> = (1..100).map(|i| "red leather shoes ".repeat(i)).collect();
    for (found, expected) in model.embed(None, &texts).unwrap().iter().zip(shipped().embed(None, &texts).unwrap()) {
        assert_close(&found.as_ref().unwrap().item, &expected.unwrap().item, tolerance);
    }
}

fn times(name: &str, model: &Model) {
    let given = Given::new(model, 1, 50, 1_000);
    let past = past(&given, model.width());
    let text = ContextInput { text: Some("red leather shoes"), history: &past, ..Default::default() };
    println!("{name}: context {:.3} ms", measure(200, || drop(model.context(&text))));
    let (d, f) = (model.width(), model.features().len());
    for (requests, count) in [(1, 200), (1, 1_000), (64, 200)] {
        let mut input = given.input(&past, true);
        (input.cand_vec, input.cand_feat) = (&input.cand_vec[..count * d], &input.cand_feat[..count * f]);
        (input.cand_sid, input.explain) = (&[], false);
        let inputs = vec![input; requests];
        let took = measure(100, || drop(model.score(&inputs)));
        println!("{name}: {requests} requests of {count} candidates {took:.3} ms");
    }
    let texts: Vec<String> = (0..5_000).map(|i| format!("red leather shoes number {i} for the garden")).collect();
    let started = Instant::now();
    assert_eq!(model.embed(None, &texts).unwrap().len(), texts.len());
    println!("{name}: {:.0} texts/s", 5_000.0 / started.elapsed().as_secs_f64());
}

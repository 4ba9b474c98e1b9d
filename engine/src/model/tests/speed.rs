//! Measurements, printed. Run with `cargo test --release -p onelist --lib model::tests::speed -- --ignored --nocapture`.

use std::time::Instant;

use super::{history, numbers, unit_vectors};
use crate::api::config::Config;
use crate::model::{ContextInput, Model, ScoreInput};

fn p50(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The median of some runs, in milliseconds.
pub(super) fn measure(runs: usize, mut work: impl FnMut()) -> f64 {
    let times = (0..runs).map(|_| {
        let started = Instant::now();
        work();
        started.elapsed().as_secs_f64() * 1e3
    });
    p50(times.collect())
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[test]
#[ignore = "a measurement"]
fn latencies_and_rates() {
    let load = |sessions| Model::load(&Config { sessions, ..Config::default() }).unwrap();
    let started = Instant::now();
    drop(load(1));
    println!("first load, with ONNX Runtime      {:8.1} ms", started.elapsed().as_secs_f64() * 1e3);
    for sessions in [1, 2, 8] {
        let before = resident_kib();
        let started = Instant::now();
        let model = load(sessions);
        let took = started.elapsed().as_secs_f64() * 1e3;
        let grown = (resident_kib().saturating_sub(before)) as f64 / 1024.0;
        println!("load, {sessions} sessions                   {took:8.1} ms, {grown:6.1} MiB more");
        drop(model);
    }
    let model = load(1);
    let (d, f) = (model.width(), model.features().len());
    let (events, vectors) = (unit_vectors(1, 50, d), unit_vectors(2, 1000, d));
    let (features, query) = (numbers(3, 1000 * f), unit_vectors(4, 1, d));
    let events = history(&events, d, 2);
    let text = ContextInput {
        text: Some("red leather shoes for women"),
        vector: None,
        history: &events,
        space: None,
        adapter: None,
    };
    println!("context, text and 50 events        {:8.3} ms", measure(500, || drop(model.context(&text))));
    let bare = ContextInput { history: &[], ..text };
    println!("context, text only                 {:8.3} ms", measure(500, || drop(model.context(&bare))));
    for (count, explain) in [(100, false), (200, false), (200, true), (1000, false)] {
        let input = ScoreInput {
            query: Some(&query),
            history: &events,
            cand_vec: &vectors[..count * d],
            cand_feat: &features[..count * f],
            cand_sid: &[],
            explain,
            weights: None,
            space: None,
            adapter: None,
        };
        let took = measure(500, || drop(model.score(&[input])));
        println!("score, 50 events, {count:4} candidates{} {took:8.3} ms", if explain { "*" } else { " " });
    }
    let words = ["red", "leather", "shoes", "kitchen", "garden", "lamp", "vintage", "holder", "heart", "set"];
    let titles: Vec<String> = (0..20_000usize)
        .map(|i| (0..3 + i % 5).map(|j| words[(i * 7 + j * 3) % 10]).collect::<Vec<_>>().join(" "))
        .collect();
    let started = Instant::now();
    let count: usize = titles.iter().map(|title| model.tokens.ids(title).unwrap().len()).sum();
    let rate = titles.len() as f64 / started.elapsed().as_secs_f64();
    println!("tokens alone                       {rate:8.0} titles/s ({:.1} tokens each)", count as f64 / 20_000.0);
    for sessions in [1, 2] {
        let model = load(sessions);
        let started = Instant::now();
        assert_eq!(model.embed(None, &titles).unwrap().len(), titles.len());
        println!(
            "embed, {sessions} threads                   {:8.0} titles/s",
            20_000.0 / started.elapsed().as_secs_f64()
        );
    }
}

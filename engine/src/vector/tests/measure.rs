//! Figures, for a person to read: `cargo test --release -p onelist --lib vector::tests::measure -- --ignored --nocapture`.

use std::time::Instant;

use super::*;
use crate::base::id::Seq;

const DIMENSIONS: usize = 128;

fn percentile(times: &mut [f64], share: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    times[((times.len() - 1) as f64 * share) as usize]
}

/// Milliseconds of each search.
fn timed(space: &Space, queries: &[Vec<f32>], k: usize) -> Vec<f64> {
    let one = |query: &Vec<f32>| {
        let start = Instant::now();
        assert_eq!(space.search(query, k, None, &everything).unwrap().len(), k);
        start.elapsed().as_secs_f64() * 1e3
    };
    queries.iter().map(one).collect()
}

#[test]
#[ignore = "prints figures"]
fn build_search_and_overlay() {
    let vectors = clustered(51, 20_000, DIMENSIONS);
    let data = entries(&vectors);
    let queries = near(52, &vectors, 500);
    for threads in [1, 2] {
        let (_dir, space) = space(DIMENSIONS, threads);
        let start = Instant::now();
        space.apply(&data, &[]).unwrap();
        println!("build 20k x 128, {threads} threads: {:.0}/s", 20_000.0 / start.elapsed().as_secs_f64());
        let mut times = timed(&space, &queries, 100);
        let (p50, p99) = (percentile(&mut times, 0.5), percentile(&mut times, 0.99));
        println!("  top-100: p50 {p50:.3} ms, p99 {p99:.3} ms");
        for k in [10, 100] {
            let found = recall(&data, &queries, k, |q| space.search(q, k, None, &everything).unwrap());
            println!("  recall@{k}: {found:.4}");
        }
        println!("  self-recall: {:.5}", space.self_recall(&data).unwrap());
        let start = Instant::now();
        let saved = space.checkpoint(Seq(1)).unwrap();
        println!("  checkpoint: {:.1} ms, {} bytes/item", start.elapsed().as_secs_f64() * 1e3, saved.bytes / 20_000);
    }
    for n in [10_000, 100_000] {
        let data = entries(&clustered(53, n, DIMENSIONS));
        let (_dir, space) = space(DIMENSIONS, 1);
        for (at, chunk) in data.chunks(1000).enumerate() {
            let seq = Seq(at as u64 + 1);
            space.stage(seq, chunk.iter().map(|(key, v)| (*key, seq, Arc::clone(v))).collect()).unwrap();
        }
        let mut times = timed(&space, &queries[..200], 100);
        let (p50, p99) = (percentile(&mut times, 0.5), percentile(&mut times, 0.99));
        println!("overlay of {n}, top-100: p50 {p50:.2} ms, p99 {p99:.2} ms");
    }
}

#[test]
#[ignore = "prints figures"]
fn stranded_vectors_by_threads() {
    for dimensions in [32, 128] {
        let data = entries(&clustered(54, 20_000, dimensions));
        for threads in [2, 8] {
            let (_dir, space) = space(dimensions, threads);
            let start = Instant::now();
            space.apply(&data, &[]).unwrap();
            let rate = 20_000.0 / start.elapsed().as_secs_f64();
            let missed = data.len() as f32 * (1.0 - space.self_recall(&data).unwrap());
            println!("{dimensions} dimensions, {threads} threads, {rate:.0}/s: {missed:.0} missed");
        }
    }
}

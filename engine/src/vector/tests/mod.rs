//! Tests of the vector store as a whole, and the data they share.

mod checkpoint;
mod concurrency;
mod measure;
mod overlay;
mod search;

use std::path::Path;
use std::sync::Arc;

use half::f16;

use super::{Space, SpaceSpec, VectorStore, exact_top_k, to_half, widen};
use crate::base::id::{Generation, ItemKey};

/// A vector with its key, as `apply` takes it.
type Entry = (ItemKey, Arc<[f16]>);

/// SplitMix64: the same numbers on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 24) as f32
    }

    /// About N(0, 1): the sum of twelve uniform numbers.
    fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.unit()).sum::<f32>() - 6.0
    }
}

/// `n` f32 vectors, not normalised: overlapping clusters of a hundred in at most 24 latent dimensions, turned into the
/// wanted width, with a little noise. Embeddings are like that: wide, and of a much lower intrinsic dimension.
fn clustered(seed: u64, n: usize, dimensions: usize) -> Vec<Vec<f32>> {
    let mut random = Random(seed);
    let latent = dimensions.min(24);
    let mut drawn = |n: usize, width: usize| -> Vec<Vec<f32>> {
        (0..n).map(|_| (0..width).map(|_| random.normal()).collect()).collect()
    };
    let centres = drawn((n / 100).max(4), latent);
    let basis = drawn(latent, dimensions);
    (0..n)
        .map(|_| {
            let centre = &centres[random.below(centres.len())];
            let mut vector: Vec<f32> = (0..dimensions).map(|_| 0.2 * random.normal()).collect();
            for (c, axis) in centre.iter().zip(&basis) {
                let weight = c + random.normal();
                vector.iter_mut().zip(axis).for_each(|(v, a)| *v += weight * a);
            }
            vector
        })
        .collect()
}

fn entries(vectors: &[Vec<f32>]) -> Vec<Entry> {
    vectors.iter().enumerate().map(|(i, v)| (ItemKey(i as u64), to_half(v))).collect()
}

fn spec(name: &str, dimensions: usize) -> SpaceSpec {
    SpaceSpec { name: name.to_owned(), dimensions, id: format!("field:{name}:{dimensions}") }
}

fn store(dir: &Path, threads: usize) -> VectorStore {
    VectorStore::open(&dir.join("vector"), &dir.join("quarantine"), threads).unwrap()
}

/// An empty space in a folder of its own.
fn space(dimensions: usize, threads: usize) -> (tempfile::TempDir, Arc<Space>) {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), threads);
    assert_eq!(store.open_space(&spec("item", dimensions), &[]).unwrap(), None);
    (dir, store.space("item").unwrap())
}

fn everything(_: ItemKey, _: Option<Generation>) -> bool {
    true
}

fn keys(hits: &[(ItemKey, f32)]) -> Vec<u64> {
    hits.iter().map(|hit| hit.0.0).collect()
}

/// The oracle: exact, over the same stored vectors, for the same normalised query.
fn oracle(data: &[Entry], query: &[f32], k: usize) -> Vec<(ItemKey, f32)> {
    exact_top_k(&widen(&to_half(query)), data.iter().map(|(key, v)| (*key, v.as_ref())), k)
}

/// Mean share of the oracle's `k` that `answer` finds.
fn recall(data: &[Entry], queries: &[Vec<f32>], k: usize, answer: impl Fn(&[f32]) -> Vec<(ItemKey, f32)>) -> f64 {
    let found: usize = queries
        .iter()
        .map(|query| {
            let hits = keys(&answer(query));
            keys(&oracle(data, query, k)).iter().filter(|key| hits.contains(key)).count()
        })
        .sum();
    found as f64 / (queries.len() * k) as f64
}

/// Queries near stored vectors.
fn near(seed: u64, vectors: &[Vec<f32>], n: usize) -> Vec<Vec<f32>> {
    let mut random = Random(seed);
    (0..n)
        .map(|_| {
            let base = &vectors[random.below(vectors.len())];
            base.iter().map(|x| x + 1.5 * random.normal()).collect()
        })
        .collect()
}

//! usearch, called directly, with the parameters that the engine uses.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use half::f16;
use half::slice::HalfFloatSliceExt;
use usearch::{Index, IndexOptions, MetricKind, ScalarKind};

use crate::Result;
use crate::bar::bar;
use crate::measure::threads;

/// Links of a node, candidates of an insertion, candidates of a search.
const M: usize = 16;
const EF_ADD: usize = 128;
const EF_SEARCH: usize = 128;
/// Room for what is put one by one later.
const SPARE: usize = 4096;

/// A graph of f16 vectors with their inner product.
pub struct Graph(Index);

impl Graph {
    fn empty(width: usize) -> Result<Graph> {
        let options = IndexOptions {
            dimensions: width,
            metric: MetricKind::IP,
            quantization: ScalarKind::F16,
            connectivity: M,
            expansion_add: EF_ADD,
            expansion_search: EF_SEARCH,
            multi: false,
        };
        Ok(Graph(Index::new(&options)?))
    }

    /// Builds the graph of vectors that are given row by row; a vector's key is its row. Returns it with nothing saved.
    pub fn build(vectors: &[f16], width: usize) -> Result<Graph> {
        let graph = Graph::empty(width)?;
        let rows = vectors.len() / width;
        graph.0.reserve_capacity_and_threads(rows + SPARE, threads())?;
        let (next, bar) = (AtomicUsize::new(0), bar("direct: usearch builds", rows));
        let work = || -> Result<()> {
            loop {
                let row = next.fetch_add(1, Ordering::Relaxed);
                let Some(vector) = vectors.get(row * width..(row + 1) * width) else { return Ok(()) };
                graph.add(row as u64, vector)?;
                if row % 1000 == 0 {
                    bar.set_position(row as u64);
                }
            }
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads()).map(|_| scope.spawn(work)).collect();
            threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a thread panicked")?)
        })?;
        bar.finish_and_clear();
        Ok(graph)
    }

    /// Adds one vector.
    pub fn add(&self, key: u64, vector: &[f16]) -> Result<()> {
        Ok(self.0.add(key, usearch::f16::from_i16s(&bits(vector)))?)
    }

    /// Writes the graph to a file.
    pub fn save(&self, file: &Path) -> Result<()> {
        Ok(self.0.save(&file.to_string_lossy())?)
    }

    /// Reads a graph from a file that [`Graph::save`] wrote.
    pub fn load(file: &Path, width: usize) -> Result<Graph> {
        let graph = Graph::empty(width)?;
        graph.0.load(&file.to_string_lossy())?;
        graph.0.change_expansion_add(EF_ADD);
        graph.0.change_expansion_search(EF_SEARCH);
        graph.0.reserve_capacity_and_threads(graph.0.size() + SPARE, threads())?;
        Ok(graph)
    }

    /// The `k` nearest keys.
    pub fn nearest(&self, query: &[f32], k: usize) -> Result<Vec<u64>> {
        let half: Vec<f16> = query.iter().map(|x| f16::from_f32(*x)).collect();
        Ok(self.0.search(usearch::f16::from_i16s(&bits(&half)), k)?.keys)
    }
}

/// The bit patterns in the type that the binding wants.
fn bits(vector: &[f16]) -> Vec<i16> {
    let patterns: &[u16] = vector.reinterpret_cast();
    patterns.iter().map(|bits| bits.cast_signed()).collect()
}

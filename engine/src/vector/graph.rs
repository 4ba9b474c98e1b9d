//! One HNSW graph. Only this file, `build`, `repair` and `distance` call usearch; they keep the rules it needs:
//!
//! * Capacity and contexts are reserved before they are used, while no other thread is inside (`gate`).
//! * Every count is clamped before it crosses the language border: a size that cannot be allocated aborts there.
//! * A predicate that panics aborts too, so the one that calls foreign code catches panics itself.
//! * Bytes are loaded only after their hash was checked, and loaded from the very buffer that was hashed.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use half::f16;
use half::slice::HalfFloatSliceExt;
use usearch::{Index, IndexOptions, MetricKind, ScalarKind};

use super::distance;
use super::error::index_error;
use super::gate::{Gate, Side};
use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;

/// Links of a node on each level above the lowest (twice as many there): the M of HNSW.
const CONNECTIVITY: usize = 16;
/// Candidates that an insertion keeps while it looks for neighbours.
const EXPANSION_ADD: usize = 128;
/// Candidates that a search keeps at least: recall@10 of .98 and more with f16 at 128 dimensions.
const EXPANSION_SEARCH: usize = 128;
/// Up to this many vectors a scan of all is as fast as the graph, and misses nothing.
pub(super) const EXACT_UP_TO: usize = 5_000;
/// Searches inside a graph at a time; more wait their turn.
pub(super) const MAX_SEARCHES: usize = 64;
/// Most threads that add to one graph.
pub(super) const MAX_BUILDERS: usize = 64;
/// The key that usearch keeps for removed nodes.
const FREE_KEY: u64 = u64::MAX;

/// A graph of L2-normalised f16 vectors with their inner product.
pub(super) struct Graph {
    pub(super) index: Index,
    pub(super) gate: Gate,
    /// Vectors in the graph. Counted here, so that a search passes the gate once and not to ask for the size.
    pub(super) present: AtomicUsize,
    /// Places that removed vectors take; the next insertions use them again.
    pub(super) removed: AtomicUsize,
    /// Keys inserted since stranded vectors were last looked for.
    pub(super) suspects: Mutex<Vec<ItemKey>>,
}

/// The arguments of a graph search.
pub(super) struct Wanted<'q> {
    /// Half-precision query, of the graph's width, finite and L2-normalised.
    pub query: &'q [f16],
    /// How many hits are wanted.
    pub k: usize,
    /// How many to fetch at first, at least `k`: some will not be accepted.
    pub fetch: usize,
    /// Keys that may be in the answer, when the caller knows them beforehand.
    pub allowed: Option<&'q roaring::RoaringTreemap>,
}

impl Graph {
    /// An empty graph.
    pub(super) fn new(dimensions: usize) -> Result<Graph> {
        let mut graph = Graph::with_default_distance(dimensions)?;
        distance::install(&mut graph.index, dimensions)?;
        Ok(graph)
    }

    fn with_default_distance(dimensions: usize) -> Result<Graph> {
        let options = IndexOptions {
            dimensions,
            metric: MetricKind::IP,
            quantization: ScalarKind::F16,
            connectivity: CONNECTIVITY,
            expansion_add: EXPANSION_ADD,
            expansion_search: EXPANSION_SEARCH,
            multi: false,
        };
        let index = Index::new(&options).map_err(index_error)?;
        let gate = Gate::new(MAX_SEARCHES, MAX_BUILDERS);
        let (present, removed) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let graph = Graph { index, gate, present, removed, suspects: Mutex::default() };
        graph.reserve(0)?;
        Ok(graph)
    }

    /// A graph from the bytes that [`Graph::to_bytes`] wrote. **The caller has checked their hash**: the library reads
    /// wild addresses from damaged ones.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the header tells of another width, element type or count, or the library refuses.
    pub(super) fn from_bytes(bytes: &[u8], dimensions: usize, count: u64) -> Result<Graph> {
        let refused = |reason: String| Error::damaged("vector checkpoint", reason);
        let head = Index::metadata_from_buffer(bytes).map_err(|e| refused(e.to_string()))?;
        let as_expected = head.dimensions == dimensions as u64
            && head.quantization == ScalarKind::F16
            && head.metric == MetricKind::IP
            && !head.multi
            && head.count_present == count;
        if !as_expected {
            return Err(refused(format!("expected {count} f16 vectors of {dimensions} dimensions, found {head:?}")));
        }
        let mut graph = Graph::with_default_distance(dimensions)?;
        graph.index.load_from_buffer(bytes).map_err(|e| refused(e.to_string()))?;
        if graph.index.dimensions() != dimensions || graph.index.size() as u64 != count {
            return Err(refused(format!("expected {count} vectors, loaded {}", graph.index.size())));
        }
        let removed = usize::try_from(head.count_deleted).map_err(|e| refused(e.to_string()))?;
        graph.present.store(graph.index.size(), Ordering::Release);
        graph.removed.store(removed, Ordering::Release);
        distance::install(&mut graph.index, dimensions)?;
        // Loading keeps neither the contexts nor the search width that the index was made with.
        graph.index.change_expansion_add(EXPANSION_ADD);
        graph.index.change_expansion_search(EXPANSION_SEARCH);
        graph.reserve(0)?;
        Ok(graph)
    }

    /// The graph as one byte string. No insertion may run meanwhile; searches may.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        let length = self.index.serialized_length();
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(length).map_err(index_error)?;
        bytes.resize(length, 0);
        self.index.save_to_buffer(&mut bytes).map_err(index_error)?;
        Ok(bytes)
    }

    /// Vectors in the graph, without the removed ones.
    pub(super) fn len(&self) -> usize {
        self.present.load(Ordering::Acquire)
    }

    /// Memory of the graph, in bytes.
    pub(super) fn memory(&self) -> usize {
        let _inside = self.gate.enter(Side::Search);
        self.index.memory_usage()
    }

    /// The `wanted.k` nearest keys that are allowed and that `accept` takes, with their cosine, best first.
    ///
    /// `accept` is asked outside the library first. Only when it refuses so many that hits are missing, the search
    /// runs again with `accept` inside the traversal, which finds the rest if it exists.
    pub(super) fn nearest(&self, wanted: &Wanted<'_>, accept: &dyn Fn(ItemKey) -> bool) -> Result<Vec<(ItemKey, f32)>> {
        let size = self.len();
        let fetch = wanted.fetch.max(wanted.k).min(size);
        if fetch == 0 {
            return Ok(Vec::new());
        }
        // A search for everything returns everything, including the few vectors that no link leads to.
        let exact = size <= EXACT_UP_TO || fetch == size;
        let allowed = |key: ItemKey| wanted.allowed.is_none_or(|keys| keys.contains(key.0));
        let first = match wanted.allowed {
            _ if exact => self.scan(wanted.query, fetch)?,
            None => self.traverse(wanted.query, fetch)?,
            Some(_) => self.traverse_where(wanted.query, fetch, &allowed)?,
        };
        let exhausted = first.len() < fetch || (exact && fetch == size);
        let hits = keep(first, wanted.k, |key| allowed(key) && accept(key));
        if hits.len() >= wanted.k || exhausted {
            return Ok(hits);
        }
        let both = |key: ItemKey| allowed(key) && accept(key);
        if exact {
            return Ok(keep(self.scan(wanted.query, size)?, wanted.k, both));
        }
        self.traverse_where(wanted.query, wanted.k.min(size), &both)
    }

    /// The `k` nearest by the graph alone, without the exact scan of small graphs: what self-recall measures.
    pub(super) fn traverse(&self, query: &[f16], k: usize) -> Result<Vec<(ItemKey, f32)>> {
        let _inside = self.gate.enter(Side::Search);
        let k = k.min(self.index.size());
        self.index.search(usearch::f16::from_i16s(&bits(query)), k).map(hits).map_err(index_error)
    }

    /// The `k` nearest of all, by a scan.
    fn scan(&self, query: &[f16], k: usize) -> Result<Vec<(ItemKey, f32)>> {
        let _inside = self.gate.enter(Side::Search);
        let k = k.min(self.index.size());
        self.index.exact_search(usearch::f16::from_i16s(&bits(query)), k).map(hits).map_err(index_error)
    }

    /// The `k` nearest that `accept` takes; `accept` runs inside the traversal.
    fn traverse_where(&self, query: &[f16], k: usize, accept: &dyn Fn(ItemKey) -> bool) -> Result<Vec<(ItemKey, f32)>> {
        let panicked = Cell::new(false);
        let guarded = |key: u64| {
            // After a panic the closure is not called again; the traversal then ends with what it has.
            !panicked.get()
                && catch_unwind(AssertUnwindSafe(|| accept(ItemKey(key)))).unwrap_or_else(|_| {
                    panicked.set(true);
                    false
                })
        };
        let found = {
            let _inside = self.gate.enter(Side::Search);
            let k = k.min(self.index.size());
            self.index.filtered_search(usearch::f16::from_i16s(&bits(query)), k, guarded)
        };
        if panicked.get() {
            return Err(Error::internal("the check of a vector hit panicked"));
        }
        found.map(hits).map_err(index_error)
    }
}

/// The bit patterns in the type that the binding wants.
pub(super) fn bits(vector: &[f16]) -> Vec<i16> {
    let patterns: &[u16] = vector.reinterpret_cast();
    patterns.iter().map(|bits| bits.cast_signed()).collect()
}

/// Distances become cosines. Rounding can carry them a little past 1, hence the clamp.
fn hits(matches: usearch::ffi::Matches) -> Vec<(ItemKey, f32)> {
    let pairs = matches.keys.into_iter().zip(matches.distances);
    pairs
        .filter(|(key, distance)| *key != FREE_KEY && distance.is_finite())
        .map(|(key, distance)| (ItemKey(key), (1.0 - distance).clamp(-1.0, 1.0)))
        .collect()
}

fn keep(hits: Vec<(ItemKey, f32)>, k: usize, accept: impl Fn(ItemKey) -> bool) -> Vec<(ItemKey, f32)> {
    hits.into_iter().filter(|(key, _)| accept(*key)).take(k).collect()
}

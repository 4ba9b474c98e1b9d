//! The state of an engine, in numbers.

use serde::{Deserialize, Serialize};

use crate::base::time::Timestamp;

/// What `stats` answers. Counts are those of one moment.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Items in the catalog.
    pub items: u64,
    /// Users with at least one event.
    pub users: u64,
    /// Events logged and kept.
    pub events: u64,
    /// Events that were removed, because [`crate::Config::retention`] did not keep them.
    pub events_removed: u64,
    /// Number of the last committed batch.
    pub seq: u64,
    /// Batches in the op log: those that a checkpoint does not hold yet.
    pub oplog: u64,
    /// Bytes on disk in the directory, holes left out.
    pub disk_bytes: u64,
    /// Which part takes them.
    pub disk: DiskStats,
    /// Jobs of callers that wait for the writer.
    pub queue: u64,
    /// Events and impressions that are durable and not applied to the tables of signals yet.
    pub journal: u64,
    /// Transactions that read the catalog at this moment. One that stays keeps pages from being used again.
    pub readers: u64,
    /// When [`crate::Engine::backup`] succeeded last.
    pub last_backup: Option<Timestamp>,
    /// When [`crate::Engine::compact`] succeeded last.
    pub last_compact: Option<Timestamp>,
    /// Number of the last batch that the text index holds on disk.
    pub text_seq: u64,
    /// Items that readers still see through the text overlay.
    pub text_tail: u64,
    /// Each vector index.
    pub vectors: Vec<VectorStats>,
    /// The live model.
    pub model: ModelStats,
    /// The vector space that items live in.
    pub space: SpaceStats,
    /// What was shown, as far as it is remembered.
    pub impressions: ImpressionStats,
    /// Why writes are refused, when they are.
    pub poisoned: Option<String>,
    /// What background work failed last, when it did; it is tried again.
    pub background_error: Option<String>,
    /// The version of the weights in force: 0 for those that the model ships or the configuration fixes.
    pub weights_version: u64,
    /// What the last tuning in the background failed with, when it did; it is tried again.
    pub tuning_error: Option<String>,
    /// What this process does for the directory, beside others.
    pub process: ProcessStats,
}

/// What a process does for a directory that several have open.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct ProcessStats {
    /// `writer`, `follower` or `reader`.
    pub role: &'static str,
    /// The process that writes; 0 when it is not known.
    pub writer: u32,
    /// Processes that follow or read; 0 in one that is not the writer.
    pub followers: u64,
    /// Those of them that say nothing although they live: stopped, most likely. If one was stopped within a call, the file cannot
    /// use pages again that were freed since, and grows until the process goes on or ends.
    pub hung: Vec<HungProcess>,
}

/// A process that says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct HungProcess {
    /// Its process id.
    pub pid: u32,
    /// Since how many seconds.
    pub seconds: u64,
}

/// Bytes on disk, part by part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct DiskStats {
    /// The catalog.
    pub catalog: u64,
    /// Those of its bytes that are free pages: they are used again, or given back by [`crate::Engine::compact`].
    pub catalog_free: u64,
    /// The text index.
    pub text: u64,
    /// The graphs.
    pub vector: u64,
    /// Models and adapters.
    pub models: u64,
    /// Copies that calls work with.
    pub scratch: u64,
    /// What was put aside as damaged.
    pub quarantine: u64,
}

/// What `recount` found: digests of all signals of items, of users with items, of co-visits and of segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SignalCheck {
    /// As they were kept, event by event.
    pub before: u64,
    /// As they were counted anew. Equal digests mean that every count was right.
    pub after: u64,
}

/// What `verify_vectors` found: what the catalog keeps about the content of items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct VectorCheck {
    /// Items with a vector of the model's.
    pub vectors: u64,
    /// Items with a semantic id: as many, except while those of an older store are being made.
    pub semantic_ids: u64,
    /// Vectors of any space that are not as they were written. Answers leave them out, with a warning, until the item is put again.
    pub damaged: u64,
    /// Vectors without a semantic id, semantic ids without a vector, rows of lists that should not be there, and damaged vectors.
    pub wrong: u64,
}

/// Impressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct ImpressionStats {
    /// Impressions in the store.
    pub kept: u64,
    /// Rankings whose impression was taken for logging since the engine was opened.
    pub logged: u64,
    /// Rankings whose impression was lost since then, because more came than could be written.
    pub dropped: u64,
}

/// One vector index.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct VectorStats {
    /// `item` for the model's vectors, else the name of the field.
    pub name: String,
    /// Dimensions.
    pub dimensions: u64,
    /// Vectors in the graph.
    pub indexed: u64,
    /// Vectors that are scanned exactly, because the graph does not hold them yet.
    pub tail: u64,
    /// Batches that the graph does not hold yet; 0: it is up to date.
    pub lag: u64,
    /// Places in the graph that deleted vectors still take.
    pub deleted: u64,
    /// Memory of the graph in bytes.
    pub memory_bytes: u64,
    /// Number of the last batch in the file on disk.
    pub checkpoint_seq: u64,
}

/// The vector space that items live in: what ships with the model, or what was fitted to the catalog.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct SpaceStats {
    /// What makes vectors comparable; the model's own space id until the first fit.
    pub id: String,
    /// How many fits there were; 0: what ships with the model.
    pub fits: u64,
    /// Items with content when it was fitted; 0 without a fit.
    pub fitted_items: u64,
    /// How badly new items fit: the mean squared distance of the last thousand or so from the centres of their semantic
    /// ids, over that of items of the catalog then. 1 is as well as those; `None` without a fit, or without new items.
    pub drift: Option<f64>,
}

/// The live model.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct ModelStats {
    /// Name and version.
    pub name: String,
    /// SHA-256 of the ONNX file, in hex.
    pub sha256: String,
    /// The vector space its item vectors live in.
    pub space_id: String,
    /// Where it runs: `cpu`, `cuda` or `tensorrt`.
    pub provider: String,
    /// Why it runs on the CPU although another provider was asked for.
    pub fallback: Option<String>,
    /// Which shared library of ONNX Runtime was loaded.
    pub onnxruntime: String,
}

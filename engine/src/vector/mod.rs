//! The derived vector indexes: one HNSW graph (usearch) per named space, and an exact overlay over what the graph lacks.
//!
//! The catalog is the truth; everything here can be deleted and rebuilt from it. A search returns *candidates*: the caller
//! decides through `is_current` which of them its snapshot of the catalog still holds.
//!
//! | file | what it holds |
//! |---|---|
//! | `encode` | f32 to normalised f16, f16 to bytes, and back |
//! | `dot` | the dot product, and the exact top-k that pre-filtered scoring uses |
//! | `gate` | searches or builders inside the graph, never both |
//! | `graph`, `build`, `repair`, `distance` | the only files that name a usearch type |
//! | `order` | which vector of a batch enters the graph after which |
//! | `tail` | the overlay: vectors of commits that the graph does not hold yet |
//! | `spec`, `error` | what a space is; errors of the index library |
//! | `space`, `search` | one space: staging, applying, searching |
//! | `checkpoint`, `store` | files on disk, and opening them |

mod build;
mod checkpoint;
mod distance;
mod dot;
mod encode;
mod error;
mod gate;
mod graph;
mod order;
mod repair;
mod search;
mod space;
mod spec;
mod store;
mod tail;
#[cfg(test)]
mod tests;

pub(crate) use checkpoint::VectorCheckpoint;
pub(crate) use dot::dot_bytes;
#[cfg(test)]
pub(crate) use dot::exact_top_k;
#[cfg(test)]
pub(crate) use encode::widen;
pub(crate) use encode::{from_bytes, normalised, read_bytes, to_bytes, to_half};
pub(crate) use space::Space;
pub(crate) use spec::SpaceSpec;
pub(crate) use store::VectorStore;

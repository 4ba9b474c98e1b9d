//! The derived vector indexes: one HNSW graph (usearch) per named space, and an exact overlay over what the graph lacks.
//!
//! The catalog is the truth; everything here can be deleted and fed again from it. What a search returns are
//! *candidates*: the caller says through `live` which of them its snapshot of the catalog still holds.
//!
//! | file | what it holds |
//! |---|---|
//! | `encode` | f32 to normalised f16, f16 to bytes, and back |
//! | `dot` | the dot product, and the exact top-k that pre-filtered scoring uses |
//! | `gate` | who may be inside the graph: searches or builders, never both |
//! | `graph`, `build`, `repair`, `distance` | the only files that name a usearch type |
//! | `order` | which vector of a batch enters the graph after which |
//! | `tail` | the overlay: vectors of commits that the graph does not hold yet |
//! | `space`, `search` | one space: staging, applying, searching |
//! | `checkpoint`, `store` | files on disk, and opening them |

mod build;
mod checkpoint;
mod distance;
mod dot;
mod encode;
mod gate;
mod graph;
mod order;
mod repair;
mod search;
mod space;
mod store;
mod tail;
#[cfg(test)]
mod tests;

pub(crate) use checkpoint::VectorCheckpoint;
#[cfg(test)]
pub(crate) use dot::exact_top_k;
pub(crate) use dot::{dot, dot_bytes};
pub(crate) use encode::{from_bytes, normalised, read_bytes, to_bytes, to_half, widen};
pub(crate) use space::Space;
pub(crate) use store::{SpaceSpec, VectorStore};

use crate::base::error::Error;

/// A failure that the index library reports. The index is derived, so the caller may rebuild it.
fn index_error(reason: impl std::fmt::Display) -> Error {
    Error::Index { index: "vector", reason: reason.to_string() }
}

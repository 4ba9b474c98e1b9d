//! **One list for search and recommendation.**
//!
//! Onelist is an embedded engine: a directory on disk and a library in your process. Put items in, log what people do,
//! ask for a ranking. The same call answers a search, a recommendation, a personalised search and a first visit; one
//! ONNX model scores all four.

mod candidate;
mod catalog;
mod config;
mod error;
mod event;
mod filter;
mod id;
mod item;
mod limits;
mod ranking;
mod request;
mod schema;
mod score;
mod stats;
mod time;

pub use candidate::{Proposal, Source};
pub use config::{Config, FieldConfig, Provider};
pub use error::{Error, ErrorKind, Result};
pub use event::{Action, Event};
pub use filter::{Compare, Filter, Scalar};
pub use item::{Fields, Item, Kind, Value};
pub use ranking::{Contribution, Hit, Ranking, Took, Why};
pub use request::{HistoryEvent, Request};
pub use stats::{ModelStats, Stats, VectorStats};
pub use time::Timestamp;

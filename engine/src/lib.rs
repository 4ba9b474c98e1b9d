//! **One list for search and recommendation.**
//!
//! Onelist is an embedded engine: a directory on disk and a library in your process. Put items in, log what people do,
//! ask for a ranking. The same call answers a search, a recommendation, a personalised search and a first visit; one
//! ONNX model scores all four, so there is one list, one index, one set of logs.
//!
//! Start at [`Engine`]; docs/ARCHITECTURE.md says which module may use which.

// Layer 0: vocabulary.
mod config;
mod error;
mod exposure;
mod id;
mod kind;
pub mod limits;
mod prefetch;
mod random;
mod retention;
mod score;
mod time;

// Layer 1: plain data.
mod calibration;
mod candidate;
mod control;
mod cursor;
pub mod evaluation;
mod event;
mod filter;
mod fit_space;
mod impression;
mod item;
mod item_space;
pub mod json;
mod lifecycle;
mod ranking;
mod request;
mod rule;
mod schema;
mod stats;
mod training;

// Layer 2: stores and the model.
mod catalog;
mod model;
mod text;
mod vector;

// Layer 3: the pinned view, and bringing what is derived in line with what is true.
mod event_tail;
mod forget;
mod impression_queue;
mod intent;
mod interests;
mod live;
mod live_weights;
mod recover;
mod refit;
mod registry;
mod relations;
mod segments;
mod snapshot;
mod stores;

// Layer 4: stages.
mod arrange;
mod calibrate;
mod evaluate;
mod export;
mod impress;
mod ingest;
mod maintain;
mod observe;
mod open;
mod rank;
mod respond;
mod retrieve;

// Layer 5: the facade.
mod engine;

pub use calibration::{Calibration, Situation, WeightSet};
pub use candidate::{Proposal, Source};
pub use config::{ActionConfig, Config, FieldConfig, Meaning, Precision, Provider};
pub use control::{Cap, ExcludeSeen, Mix, Personalization, SeenWhen};
pub use engine::{Engine, counterfactual};
pub use error::{Error, ErrorKind, Result};
pub use evaluation::{Plan, Protocol, Report};
pub use event::{Action, Event};
pub use exposure::{Exploration, Impressions, NewItems};
pub use filter::{Compare, Filter, Scalar};
pub use impression::{Exposure, Impression};
pub use item::{Fields, Item, Kind, Value};
pub use lifecycle::{AdapterVersion, ModelVersion, Models, Shadow};
pub use ranking::{Contribution, Hit, Influence, Moved, Ranking, TermPart, Took, Why};
pub use request::{HistoryEvent, Request};
pub use retention::Retention;
pub use rule::{Rule, Which};
pub use stats::{ImpressionStats, ModelStats, Recount, SpaceCheck, SpaceStats, Stats, VectorStats};
pub use time::Timestamp;
pub use training::{TrainingPlan, TrainingSummary};

//! **One list for search and recommendation.**
//!
//! Onelist is an embedded engine: a directory on disk and a library in your process. Put items in, log what people do,
//! ask for a ranking. The same call answers a search, a recommendation, a personalised search and a first visit; one
//! ONNX model scores all four, so there is one list, one index, one set of logs.
//!
//! Start at [`Engine`]; docs/ARCHITECTURE.md says which module may use which.

mod base;

mod api;

mod catalog;
mod model;
mod text;
mod vector;

mod store;

mod background;
mod understand;

mod registry;

mod ingest;
mod open;
mod rank;
mod rerank;
mod respond;
mod retrieve;
mod share;

mod core;
mod pipeline;

mod offline;

mod engine;

#[cfg(test)]
mod testing;

pub use api::config::{ActionConfig, Config, FieldConfig, Meaning, Mode, Precision, Provider};
pub use api::controls::{Cap, ExcludeSeen, Mix, Personalization, SeenWhen};
pub use api::evaluation::{Plan, Protocol, Report};
pub use api::event::{Action, Event};
pub use api::exploration::{Exploration, Impressions, NewItems};
pub use api::field_change::{FieldChanged, FieldInfo, FieldInfos, OnUnfit};
pub use api::filter::{Compare, Filter, Scalar};
pub use api::history::HistoryEvent;
pub use api::impression::{Impression, NewItemExposure};
pub use api::item::{Fields, Item, Kind, Value};
pub use api::models::{AdapterVersion, ModelVersion, Models, Shadow};
pub use api::notice::{Level, Line, Listener, Metric};
pub use api::ranking::{Contribution, Hit, Influence, Moved, Ranking, TermPart, Took, Why};
pub use api::request::Request;
pub use api::retention::Retention;
pub use api::rows::Rows;
pub use api::rule::{Rule, Which};
pub use api::source::{Proposal, Source};
pub use api::stats::{
    DiskStats, HungProcess, ImpressionStats, ModelStats, ProcessStats, SignalCheck, SpaceStats, Stats, VectorCheck,
    VectorStats,
};
pub use api::stored_events::{EventFilter, EventPage, EventQuery, EventRecord, Forgotten, Merged, UserSummary};
pub use api::token::Token;
pub use api::training::{TrainingPlan, TrainingSummary};
pub use api::transfer::{ExportFormat, Transferred};
pub use api::tuning::{RequestContext, Tuning, WeightSet};
pub use api::update::Update;
pub use api::upkeep::{Backup, Compacted};
pub use api::user::User;
pub use api::{decode, evaluation, feature, json};
pub use base::error::{Error, ErrorKind, Result};
pub use base::limits;
pub use base::number::Number;
pub use base::row::RowError;
pub use base::time::Timestamp;
pub use base::watch::{Cancel, Progress, Watch};
pub use engine::Engine;
pub use offline::evaluation::counterfactual;

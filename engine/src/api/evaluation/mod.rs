//! What `evaluate` is asked and what it answers: plain data.

mod decisions;
mod external;
mod plan;
mod results;

pub use decisions::{Counterfactual, Decisions, Estimate, Guards};
pub use external::{External, ExternalAnswer, OpenQuestion, Questions};
pub use plan::{JudgedQuery, Plan, Protocol, SplitAt, Targets, Variant};
pub use results::{
    Beyond, Interval, LogFigures, Measure, Outcome, PointInTime, Report, Slice, SystemKind, SystemReport, TaskReport,
    Verdict,
};

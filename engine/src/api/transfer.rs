//! Exporting a store, and importing it.

use serde::{Deserialize, Serialize};

/// The form of the files of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ExportFormat {
    /// One JSON object a line.
    #[default]
    Jsonl,
    /// Parquet, with the feature `training`.
    Parquet,
}

/// What was exported or imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Transferred {
    /// Items.
    pub items: u64,
    /// Users.
    pub users: u64,
    /// Events.
    pub events: u64,
    /// Impressions.
    pub impressions: u64,
    /// Scenarios.
    pub scenarios: u64,
    /// Bytes of the files.
    pub bytes: u64,
}

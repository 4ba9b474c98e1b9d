//! What upkeep answers: backups and compaction.

use serde::{Deserialize, Serialize};

/// What [`crate::Engine::backup`] wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Backup {
    /// Bytes of all files.
    pub bytes: u64,
}

/// What [`crate::Engine::compact`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Compacted {
    /// Bytes on disk before.
    pub before: u64,
    /// Bytes on disk after.
    pub after: u64,
}

//! What a write answers: the commit that has it.

use serde::{Deserialize, Serialize};

/// The number of a commit. What was written with it, or before it, is seen by every process whose store has come to it:
/// [`crate::Engine::wait_for`]. Later commits have larger numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(pub u64);

//! Which part of the data is scored.

use sha2::{Digest, Sha256};

/// Which part of the data is scored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Half {
    /// The part on which weights were chosen.
    Validation,
    /// The part that is reported: the later events, and all queries.
    #[default]
    Report,
    /// Of queries, those that `Validation` leaves out; of events, those that are reported.
    Rest,
}

impl Half {
    /// Whether a query belongs to this half.
    pub fn takes(self, query: &str) -> bool {
        // The model's exporter splits its figures the same way: validation is where the first byte of SHA-256 is even.
        let even = Sha256::digest(query.as_bytes())[0] % 2 == 0;
        match self {
            Half::Validation => even,
            Half::Report => true,
            Half::Rest => !even,
        }
    }
}

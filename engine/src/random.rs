//! Names that do not repeat.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Sixteen hex digits that differ from call to call and from process to process. Not a secret.
pub(crate) fn hex_id() -> String {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    // The standard library seeds each `RandomState` from the system's random source.
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u64(CALLS.fetch_add(1, Ordering::Relaxed));
    format!("{:016x}", hasher.finish())
}

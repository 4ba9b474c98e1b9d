//! Identities: the caller's ids are strings; inside, everything is a dense number with a type of its own.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, Result};
use crate::base::limits::MAX_ID_BYTES;

/// The dense key of an item: given at the first `put` (or the first event) of its id, and never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct ItemKey(pub u64);

/// The dense key of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct UserKey(pub u64);

/// The number of a committed write batch: every commit adds one, and no number is used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub(crate) struct Seq(pub u64);

impl Seq {
    /// The commit that follows this one.
    pub(crate) fn next(self) -> Seq {
        Seq(self.0 + 1)
    }
}

/// A map by keys that the engine gives.
pub(crate) type KeyMap<K, V> = HashMap<K, V, BuildHasherDefault<KeyHasher>>;

/// A multiplicative hash (Knuth, *The Art of Computer Programming*, 6.4). Keys are dense numbers that the engine gives,
/// so they cannot be chosen to collide, and thousands are looked up in a request.
#[derive(Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u64(u64::from(byte));
    }

    fn write_isize(&mut self, number: isize) {
        // The discriminant of an enum.
        self.write_u64(number as u64);
    }

    fn write_u64(&mut self, key: u64) {
        // The high bits are the mixed ones, and the table wants them low as well.
        let mixed = (self.0 ^ key).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

/// Which version of an item a derived index holds: the sequence number of the `put` that wrote it.
pub(crate) type Generation = Seq;

/// Codes of an item's content, coarse to fine: items that share the first ones are alike.
pub(crate) type SemanticId = [u8; 3];

/// Refuses an id that is empty or too long. Any other UTF-8 is taken, NUL and `/` included.
pub(crate) fn check_id(what: &'static str, id: &str) -> Result<()> {
    if id.is_empty() || id.len() > MAX_ID_BYTES {
        return Err(Error::InvalidId { what, limit: MAX_ID_BYTES, found: id.len() });
    }
    Ok(())
}

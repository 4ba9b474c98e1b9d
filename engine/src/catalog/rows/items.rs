//! The bytes of an item: a head that requests check without decoding the rest, and the record.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::api::item::Item;
use crate::base::error::{Error, Result};
use crate::base::id::{Generation, Seq};
use crate::base::time::Timestamp;

use super::codec;

/// One version of an item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ItemRecord {
    /// The commit that wrote this version.
    pub generation: Generation,
    /// Time of the first `put` of this id.
    pub first_put: Timestamp,
    /// When the item became available: its date field, or `first_put`.
    pub available: Timestamp,
    /// What the caller put.
    pub item: Item,
}

/// What a request needs to know about every candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub generation: Generation,
    pub available: Timestamp,
}

/// Bytes of a head: generation u64, available i64, checksum u32, all little-endian.
const HEAD: usize = 20;

/// Encodes an item.
///
/// # Errors
/// [`Error::LimitExceeded`] when it is too long.
pub(crate) fn encode(record: &ItemRecord) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(256);
    bytes.extend_from_slice(&record.generation.0.to_le_bytes());
    bytes.extend_from_slice(&record.available.millis().to_le_bytes());
    bytes.extend_from_slice(&(xxh3_64(&bytes) as u32).to_le_bytes());
    bytes.extend_from_slice(&codec::encode(record)?);
    Ok(bytes)
}

/// Reads the head of an item.
///
/// # Errors
/// [`Error::Damaged`] when its checksum does not match.
pub(crate) fn head(bytes: &[u8]) -> Result<Head> {
    let parts = || {
        let (head, sum) = bytes.get(..HEAD)?.split_at(HEAD - 4);
        if sum != (xxh3_64(head) as u32).to_le_bytes() {
            return None;
        }
        let (generation, available) = head.split_at(8);
        Some(Head {
            generation: Seq(u64::from_le_bytes(generation.try_into().ok()?)),
            available: Timestamp::from_millis(i64::from_le_bytes(available.try_into().ok()?)),
        })
    };
    parts().ok_or_else(|| Error::damaged("item head", "a checksum that does not match"))
}

/// Decodes the record of an item.
///
/// # Errors
/// [`Error::Damaged`] for bytes that [`encode`] did not write.
pub(crate) fn record(bytes: &[u8]) -> Result<ItemRecord> {
    let payload = bytes.get(HEAD..).ok_or_else(|| Error::damaged("item", "a record shorter than its head"))?;
    codec::decode("item", payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_and_record_round_trip_and_damage_is_detected() {
        let time = Timestamp::from_seconds(-1.5);
        let wrote = ItemRecord { generation: Seq(7), first_put: time, available: time, item: Item::new("a") };
        let mut bytes = encode(&wrote).expect("encodes");
        assert_eq!(record(&bytes).expect("decodes"), wrote);
        assert_eq!(head(&bytes).expect("reads"), Head { generation: Seq(7), available: time });
        bytes[3] ^= 1;
        assert_eq!(head(&bytes).expect_err("detected").name(), "Damaged");
        assert_eq!(record(&bytes[..10]).expect_err("detected").name(), "Damaged");
    }
}

//! The one codec of the catalog: `[version u8][checksum u32 LE][bincode]`.
//!
//! LMDB has no page checksums, so a flipped bit would be read back as other data: every value carries its own checksum.
//! Decoding has a limit on what it allocates, because a damaged length prefix could ask for exabytes.

use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::xxh3_64;

use crate::base::error::{Error, Result};
use crate::base::limits::MAX_RECORD_BYTES;

const VERSION: u8 = 1;
/// The version of records with segments. Older records have none and keep version 1.
pub(crate) const SEGMENTED: u8 = 2;
/// The version of events and journals that may name an import. Older records have none and keep their version.
pub(crate) const BATCHED: u8 = 3;
/// Bytes of version and checksum.
const HEADER: usize = 5;
/// Bytes to reserve for a record: most are shorter.
const USUAL: usize = 128;

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<MAX_RECORD_BYTES>()
}

fn checksum(payload: &[u8]) -> [u8; 4] {
    (xxh3_64(payload) as u32).to_le_bytes()
}

/// Encodes a record.
///
/// # Errors
/// [`Error::LimitExceeded`] when it is longer than [`MAX_RECORD_BYTES`].
pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    encode_as(VERSION, value)
}

/// Encodes a record under another version.
///
/// # Errors
/// [`Error::LimitExceeded`] when it is longer than [`MAX_RECORD_BYTES`].
pub(crate) fn encode_as<T: Serialize>(version: u8, value: &T) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(USUAL);
    bytes.resize(HEADER, version);
    bincode::serde::encode_into_std_write(value, &mut bytes, bincode::config::standard())
        .map_err(|e| Error::internal(format!("cannot encode a record: {e}")))?;
    let (header, payload) = bytes.split_at_mut(HEADER);
    crate::base::limits::at_most("bytes of one record", MAX_RECORD_BYTES, payload.len())?;
    header[1..].copy_from_slice(&checksum(payload));
    Ok(bytes)
}

/// Decodes a record; `what` names it in the error.
///
/// # Errors
/// [`Error::Damaged`] for bytes that [`encode`] did not write.
pub(crate) fn decode<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T> {
    decode_as(VERSION, what, bytes)
}

/// Whether a record has the version [`SEGMENTED`].
pub(crate) fn is_segmented(bytes: &[u8]) -> bool {
    bytes.first() == Some(&SEGMENTED)
}

/// Whether a record has the version [`BATCHED`].
pub(crate) fn is_batched(bytes: &[u8]) -> bool {
    bytes.first() == Some(&BATCHED)
}

/// Decodes a record that [`encode_as`] wrote under this version; `what` names it in the error.
///
/// # Errors
/// [`Error::Damaged`] for bytes that [`encode_as`] did not write under this version.
pub(crate) fn decode_as<T: DeserializeOwned>(wanted: u8, what: &str, bytes: &[u8]) -> Result<T> {
    let (Some((&version, rest)), true) = (bytes.split_first(), bytes.len() >= HEADER) else {
        return Err(Error::damaged(what, format!("{} bytes, shorter than a header", bytes.len())));
    };
    if version != wanted {
        return Err(Error::damaged(what, format!("record version {version}, expected {wanted}")));
    }
    let (sum, payload) = rest.split_at(HEADER - 1);
    if sum != checksum(payload) {
        return Err(Error::damaged(what, "a checksum that does not match"));
    }
    let (value, used) =
        bincode::serde::decode_from_slice(payload, config()).map_err(|e| Error::damaged(what, e.to_string()))?;
    if used != payload.len() {
        return Err(Error::damaged(what, format!("{} bytes after the record", payload.len() - used)));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::item::Item;

    #[test]
    fn any_flipped_bit_is_detected() {
        let item = Item::new("a").text("title", "Red shoes").number("price", 1.5);
        let bytes = encode(&item).expect("encodes");
        assert_eq!(decode::<Item>("item", &bytes).expect("decodes"), item);
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode::<Item>("item", &damaged).expect_err("detected").name(), "Damaged");
        }
        for cut in 0..bytes.len() {
            assert!(decode::<Item>("item", &bytes[..cut]).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_decode_or_fail(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
            // With a valid checksum in front, so that the decoder itself runs.
            let mut bytes = vec![VERSION];
            bytes.extend_from_slice(&checksum(&payload));
            bytes.extend_from_slice(&payload);
            let _ = decode::<Item>("item", &bytes);
            let _ = decode::<Vec<u64>>("list", &bytes);
        }
    }
}

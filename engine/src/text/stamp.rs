//! What a commit holds. The stamp travels inside tantivy's own commit, so the two cannot disagree.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::base::id::Seq;

/// The version of the layout and of the analyser together. An index of another version is rebuilt.
pub(super) const TEXT_FORMAT: u32 = 2;

/// What a commit of the text index holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextStamp {
    /// Every change up to this commit of the catalog is in the index, and none after it.
    pub seq: Seq,
    /// Items that the index holds.
    pub items: u64,
    /// The catalog's digest of (key, generation) of those items.
    pub digest: u64,
    /// The id of the store: a folder that was copied in from elsewhere is not taken for ours.
    pub store: String,
}

/// The stamp as tantivy's commit payload.
#[derive(Serialize, Deserialize)]
struct Payload {
    format: u32,
    seq: u64,
    #[serde(rename = "live")]
    items: u64,
    digest: u64,
    store: String,
    /// Tantivy checksums its segments but not its list of them: a flipped digit of `seq` would skip or repeat changes.
    check: u64,
}

impl TextStamp {
    /// The stamp as JSON.
    pub(super) fn encode(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Payload {
            format: TEXT_FORMAT,
            seq: self.seq.0,
            items: self.items,
            digest: self.digest,
            store: self.store.clone(),
            check: self.check(TEXT_FORMAT),
        })
    }

    /// Reads a stamp of this format and this store.
    ///
    /// # Errors
    /// What is wrong with the stamp.
    pub(super) fn decode(payload: &str, store: &str) -> Result<TextStamp, String> {
        let read: Payload = serde_json::from_str(payload).map_err(|e| format!("unreadable commit stamp: {e}"))?;
        let stamp = TextStamp { seq: Seq(read.seq), items: read.items, digest: read.digest, store: read.store };
        if read.check != stamp.check(read.format) {
            return Err("the commit stamp fails its checksum".to_owned());
        }
        if read.format != TEXT_FORMAT {
            return Err(format!("format {}, expected {TEXT_FORMAT}", read.format));
        }
        if stamp.store != store {
            return Err(format!("store `{}`, expected `{store}`", stamp.store));
        }
        Ok(stamp)
    }

    fn check(&self, format: u32) -> u64 {
        xxh3_64(format!("{format} {} {} {} {}", self.seq.0, self.items, self.digest, self.store).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_survives_its_payload_and_nothing_else_does() {
        let stamp = TextStamp { seq: Seq(u64::MAX), items: 3, digest: u64::MAX - 1, store: "s".to_owned() };
        let payload = stamp.encode().expect("encodes");
        assert_eq!(TextStamp::decode(&payload, "s"), Ok(stamp));
        assert!(TextStamp::decode(&payload, "t").is_err());
        for (at, old) in payload.char_indices().filter(|(_, c)| c.is_ascii_digit()) {
            let new = if old == '7' { "8" } else { "7" };
            let flipped = format!("{}{new}{}", &payload[..at], &payload[at + 1..]);
            assert!(TextStamp::decode(&flipped, "s").is_err(), "{flipped}");
        }
    }
}

//! The journal and the op log.

use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, Seq};
use crate::catalog::rows::entries::Entry;
use crate::catalog::rows::format_v2::OldEntry;
use crate::catalog::rows::format_v5::SegmentedEntry;
use crate::catalog::rows::lmdb_error::storage;
use crate::catalog::rows::{codec, keys};

use super::view::View;

impl<'t> View<'t> {
    /// The commits of the journal after `after`, oldest first.
    pub(crate) fn journal(&self, after: Seq) -> Result<impl Iterator<Item = Result<(Seq, Vec<Entry>)>> + use<'t>> {
        let first = keys::seq(after.next());
        let rows = self.tables.journal.range(self.txn, &keys::from(&first)).map_err(storage)?;
        Ok(rows.map(|row| {
            let (key, value) = row.map_err(storage)?;
            let seq = keys::last_item(key).ok_or_else(|| Error::damaged("journal", "a short key"))?;
            Ok((Seq(seq.0), entries(value)?))
        }))
    }

    /// The commits after `after` with the items that each one changed, oldest first.
    pub(crate) fn oplog(&self, after: Seq) -> Result<impl Iterator<Item = Result<(Seq, Vec<ItemKey>)>> + use<'t>> {
        let first = keys::seq(after.next());
        let rows = self.tables.oplog.range(self.txn, &keys::from(&first)).map_err(storage)?;
        Ok(rows.map(|row| {
            let (key, value) = row.map_err(storage)?;
            let seq = keys::last_item(key).ok_or_else(|| Error::damaged("op log", "a short key"))?;
            Ok((Seq(seq.0), codec::decode("op log", value)?))
        }))
    }

    /// Number of commits in the op log.
    pub(crate) fn oplog_len(&self) -> Result<u64> {
        self.tables.oplog.len(self.txn).map_err(storage)
    }
}

/// The entries of a commit, in this format or an older one.
fn entries(record: &[u8]) -> Result<Vec<Entry>> {
    if codec::is_batched(record) {
        return codec::decode_as(codec::BATCHED, "journal", record);
    }
    if codec::is_segmented(record) {
        let old: Vec<SegmentedEntry> = codec::decode_as(codec::SEGMENTED, "journal", record)?;
        return Ok(old.into_iter().map(Entry::from).collect());
    }
    let old: Vec<OldEntry> = codec::decode("journal", record)?;
    Ok(old.into_iter().map(Entry::from).collect())
}

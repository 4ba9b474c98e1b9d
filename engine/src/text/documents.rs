//! Which document of a segment holds an item.
//!
//! The term dictionary knows it too, and takes a look-up in an automaton, a record and a block of postings for each
//! item. A request asks for hundreds of items in every segment; here each is one read of an array.

use tantivy::columnar::Column;

use crate::base::id::ItemKey;

/// Keys may be spread over so many times as many numbers as there are documents: an array of all of them is used up to
/// there, which takes at most 16 bytes a document.
const SPREAD: u64 = 4;
/// In the array: no document has this key.
const NONE: u32 = u32::MAX;

/// Documents of one segment by the key of their item. It depends on the segment alone and not on what was deleted of it,
/// so it is built once for all commits that keep the segment.
pub(super) enum Documents {
    /// By key, from the lowest on.
    Dense { lowest: u64, documents: Box<[u32]> },
    /// Ascending by key, for keys that lie far apart.
    Sparse(Box<[(u64, u32)]>),
}

impl Documents {
    /// Reads the keys of all documents, `count` of them. Of several with one key the last counts: the others were
    /// replaced while the segment was written.
    pub(super) fn read(keys: &Column<u64>, count: u32) -> Documents {
        let (lowest, highest) = (keys.min_value(), keys.max_value());
        let all = (0..count).filter_map(|document| keys.first(document).map(|key| (key, document)));
        let spread = highest.saturating_sub(lowest);
        if spread >= u64::from(count).saturating_mul(SPREAD) {
            return Documents::sparse(all.collect());
        }
        let mut documents = vec![NONE; spread as usize + 1].into_boxed_slice();
        for (key, document) in all {
            if let Some(place) = documents.get_mut(key.saturating_sub(lowest) as usize) {
                *place = document;
            }
        }
        Documents::Dense { lowest, documents }
    }

    fn sparse(mut all: Vec<(u64, u32)>) -> Documents {
        // The last document of a key comes first, and stays.
        all.sort_unstable_by_key(|(key, document)| (*key, std::cmp::Reverse(*document)));
        all.dedup_by_key(|(key, _)| *key);
        Documents::Sparse(all.into_boxed_slice())
    }

    /// The document of an item, deleted or not.
    pub(super) fn of(&self, key: ItemKey) -> Option<u32> {
        match self {
            Documents::Dense { lowest, documents } => {
                let place = usize::try_from(key.0.checked_sub(*lowest)?).ok()?;
                documents.get(place).copied().filter(|document| *document != NONE)
            }
            Documents::Sparse(all) => {
                let place = all.binary_search_by_key(&key.0, |(key, _)| *key).ok()?;
                all.get(place).map(|(_, document)| *document)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tantivy::columnar::ColumnValues;

    use super::*;

    /// A column with one value for each document.
    fn column(keys: &[u64]) -> Column<u64> {
        struct Values(Vec<u64>);
        impl ColumnValues<u64> for Values {
            fn get_val(&self, document: u32) -> u64 {
                self.0[document as usize]
            }
            fn min_value(&self) -> u64 {
                self.0.iter().copied().min().unwrap_or(0)
            }
            fn max_value(&self) -> u64 {
                self.0.iter().copied().max().unwrap_or(0)
            }
            fn num_vals(&self) -> u32 {
                self.0.len() as u32
            }
        }
        Column { index: tantivy::columnar::ColumnIndex::Full, values: Arc::new(Values(keys.to_vec())) }
    }

    #[test]
    fn every_key_leads_to_its_last_document_and_no_other_key_to_any() {
        for (keys, dense) in [
            (vec![7_u64, 9, 8, 7, 12], true),
            (vec![5], true),
            (vec![u64::MAX, u64::MAX - 1], true),
            (vec![3, 1_000_000, u64::MAX, 3], false),
            (vec![0, u64::MAX], false),
        ] {
            let documents = Documents::read(&column(&keys), keys.len() as u32);
            assert_eq!(matches!(documents, Documents::Dense { .. }), dense, "{keys:?}");
            for probe in (0..20).chain(keys.iter().flat_map(|key| [key.saturating_sub(1), *key, key.saturating_add(1)]))
            {
                let expected = keys.iter().rposition(|key| *key == probe).map(|at| at as u32);
                assert_eq!(documents.of(ItemKey(probe)), expected, "{probe} among {keys:?}");
            }
        }
        assert_eq!(Documents::read(&column(&[]), 0).of(ItemKey(0)), None);
    }
}

//! A write transaction of LMDB together with the environment that it borrows.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use heed::RwTxn;

use crate::base::error::Result;
use crate::catalog::opened::Opened;
use crate::catalog::rows::lmdb_error::storage;

/// The transaction keeps its environment open, also when another one has taken its place meanwhile.
pub(in crate::catalog) struct OwnedWrite {
    /// IMPORTANT: before `opened`, so that it is dropped before what it borrows.
    txn: RwTxn<'static>,
    pub opened: Arc<Opened>,
}

impl OwnedWrite {
    /// Waits for its turn.
    pub(in crate::catalog) fn begin(opened: Arc<Opened>) -> Result<OwnedWrite> {
        let txn = opened.env.write_txn().map_err(storage)?;
        // SAFETY: only the lifetime changes. The transaction borrows `opened.env`, which lies behind the `Arc` that is kept
        // beside it, and so neither moves nor goes before it: fields are dropped in the order in which they are declared,
        // the transaction is lent out for no longer than `self`, and `commit` ends it before `opened` is let go.
        let txn = unsafe { std::mem::transmute::<RwTxn<'_>, RwTxn<'static>>(txn) };
        Ok(OwnedWrite { txn, opened })
    }

    /// Commits.
    pub(in crate::catalog) fn commit(self) -> heed::Result<()> {
        let OwnedWrite { txn, opened } = self;
        let result = txn.commit();
        drop(opened);
        result
    }
}

impl Deref for OwnedWrite {
    type Target = RwTxn<'static>;

    fn deref(&self) -> &RwTxn<'static> {
        &self.txn
    }
}

impl DerefMut for OwnedWrite {
    fn deref_mut(&mut self) -> &mut RwTxn<'static> {
        &mut self.txn
    }
}

//! An open LMDB environment with its tables, and what is cached of its rows.

use std::sync::Arc;

use heed::{Env, WithoutTls};

use crate::base::error::Result;

use super::environment::Files;
use super::memory::slot_values::ItemState;
use super::memory::versioned_slots::VersionedSlots;
use super::rows::lmdb_error::storage;
use super::rows::tables::Tables;

/// An open environment, and what is cached of its rows.
pub(in crate::catalog) struct Opened {
    pub env: Env<WithoutTls>,
    pub tables: Tables,
    pub states: Arc<VersionedSlots<ItemState>>,
    pub vectors: Arc<VersionedSlots<[u8]>>,
    /// The files that were opened, where another process may exchange them.
    pub files: Option<Files>,
    /// Added to the numbers of its transactions, which begin anew in a copy: so later ones have larger numbers here.
    pub first_number: u64,
}

impl Opened {
    /// An environment that this process writes: makes the tables that it lacks.
    pub(in crate::catalog) fn create(env: Env<WithoutTls>) -> Result<Opened> {
        env.clear_stale_readers().map_err(storage)?;
        let mut txn = env.write_txn().map_err(storage)?;
        let tables = Tables::create(&env, &mut txn)?;
        txn.commit().map_err(storage)?;
        Ok(Opened::with(env, tables, None, 0))
    }

    /// An environment that another process may be writing.
    pub(in crate::catalog) fn beside(env: Env<WithoutTls>, files: Option<Files>, first: u64) -> Result<Opened> {
        let txn = env.read_txn().map_err(storage)?;
        let tables = Tables::open(&env, &txn)?;
        // The tables can be used by other transactions once this one is committed.
        txn.commit().map_err(storage)?;
        Ok(Opened::with(env, tables, files, first))
    }

    fn with(env: Env<WithoutTls>, tables: Tables, files: Option<Files>, first_number: u64) -> Opened {
        let (states, vectors) = (Arc::new(ItemState::slots()), Arc::default());
        Opened { env, tables, states, vectors, files, first_number }
    }
}

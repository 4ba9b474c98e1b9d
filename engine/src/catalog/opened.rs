//! An open LMDB environment with its tables, and what is cached of its rows.

use std::path::Path;
use std::sync::Arc;

use heed::{Env, EnvOpenOptions, WithoutTls};

use crate::base::error::{Error, Result};

use super::memory::slot_values::ItemState;
use super::memory::versioned_slots::VersionedSlots;
use super::rows::lmdb_error::storage;
use super::rows::tables::{self, Tables};

/// Reader slots of LMDB: one for each concurrent request. They cost nothing until they are used.
const MAX_READERS: u32 = 1024;

/// An open environment, and what is cached of its rows.
pub(in crate::catalog) struct Opened {
    pub env: Env<WithoutTls>,
    pub tables: Tables,
    pub states: Arc<VersionedSlots<ItemState>>,
    pub vectors: Arc<VersionedSlots<[u8]>>,
}

impl Opened {
    /// Opens the environment of a directory, and makes the tables that it lacks.
    pub(in crate::catalog) fn open(dir: &Path, max_bytes: u64) -> Result<Opened> {
        let env = open_env(dir, max_bytes.saturating_add(reserve(max_bytes)))?;
        env.clear_stale_readers().map_err(storage)?;
        let mut txn = env.write_txn().map_err(storage)?;
        let tables = Tables::create(&env, &mut txn)?;
        txn.commit().map_err(storage)?;
        Ok(Opened { env, tables, states: Arc::new(ItemState::slots()), vectors: Arc::default() })
    }
}

/// Room beyond `max_bytes` for what makes room: deleting needs pages before it frees any.
fn reserve(max_bytes: u64) -> u64 {
    const LEAST: u64 = 16 << 20;
    (max_bytes / 16).max(LEAST)
}

fn open_env(dir: &Path, max_bytes: u64) -> Result<Env<WithoutTls>> {
    // LMDB wants a multiple of the page size; 64 KiB is one everywhere.
    let mut size = max_bytes.next_multiple_of(1 << 16);
    loop {
        let mut options = EnvOpenOptions::new().read_txn_without_tls();
        options.map_size(size as usize).max_readers(MAX_READERS).max_dbs(tables::COUNT);
        // SAFETY: LMDB maps the file, so no other process may change or truncate it while it is open. The directory's
        // LOCK file keeps other engines out, its permissions other users, and `file_check` has made sure that every page
        // in use is in the file. No unsafe flag is set.
        match unsafe { options.open(dir) } {
            // A machine with a limit on address space: halve the size, down to 1 GiB.
            Err(heed::Error::Io(e)) if e.kind() == std::io::ErrorKind::OutOfMemory && size > 1 << 30 => size /= 2,
            Err(heed::Error::EnvAlreadyOpened) => {
                return Err(Error::AlreadyOpen { path: dir.to_owned(), pid: std::process::id() });
            }
            other => return other.map_err(storage),
        }
    }
}

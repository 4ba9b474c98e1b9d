//! Scenarios: named rules, each a record of the meta table.

use heed::types::{Bytes, DecodeIgnore};

use crate::base::error::{Error, Result};

use super::read::view::View;
use super::rows::codec;
use super::rows::lmdb_error::storage;
use super::write::transaction::CatalogWrite;

/// The prefix of the name in the meta table. No other record of that table has it.
const PREFIX: &str = "scenario:";

fn key(name: &str) -> Vec<u8> {
    [PREFIX, name].concat().into_bytes()
}

impl View<'_> {
    /// The rules of a scenario, as JSON text.
    pub(crate) fn scenario(&self, name: &str) -> Result<Option<String>> {
        let bytes = self.tables.meta.get(self.txn, &key(name)).map_err(storage)?;
        bytes.map(|bytes| codec::decode("scenario", bytes)).transpose()
    }

    /// The names of all scenarios, sorted.
    pub(crate) fn scenario_names(&self) -> Result<Vec<String>> {
        let rows = self.tables.meta.remap_types::<Bytes, DecodeIgnore>();
        let rows = rows.prefix_iter(self.txn, PREFIX.as_bytes()).map_err(storage)?;
        rows.map(|row| {
            let (key, ()) = row.map_err(storage)?;
            let name = key.get(PREFIX.len()..).and_then(|name| std::str::from_utf8(name).ok());
            name.map(str::to_owned).ok_or_else(|| Error::damaged("scenario", "a name that is not UTF-8"))
        })
        .collect()
    }
}

impl CatalogWrite<'_> {
    /// Stores the rules of a scenario, as JSON text, and replaces those of before.
    pub(crate) fn set_scenario(&mut self, name: &str, rules: &str) -> Result<()> {
        self.tables.meta.put(&mut self.txn, &key(name), &codec::encode(&rules)?).map_err(storage)
    }

    /// Removes a scenario. False when there is none with that name.
    pub(crate) fn delete_scenario(&mut self, name: &str) -> Result<bool> {
        self.tables.meta.delete(&mut self.txn, &key(name)).map_err(storage)
    }
}

//! Writes the attributes of users.

use std::collections::BTreeMap;

use crate::api::item::{Fields, Kind};
use crate::base::error::Result;
use crate::catalog::read::user_records::ATTRIBUTES;
use crate::catalog::rows::lmdb_error::storage;
use crate::catalog::rows::{codec, keys};

use super::transaction::CatalogWrite;

impl CatalogWrite<'_> {
    /// Writes the attributes of a user, who gets a key when there is none.
    pub(crate) fn set_user_record(&mut self, id: &str, attributes: &Fields) -> Result<()> {
        let user = self.ensure_user(id)?;
        let record = codec::encode(attributes)?;
        self.tables.people.put(&mut self.txn, &keys::user_record(user), &record).map_err(storage)
    }

    /// Removes the attributes of a user; whether there were any.
    pub(crate) fn delete_user_record(&mut self, id: &str) -> Result<bool> {
        let Some(user) = self.view().user_key(id)? else { return Ok(false) };
        self.tables.people.delete(&mut self.txn, &keys::user_record(user)).map_err(storage)
    }

    /// Writes the attributes that users have, with their types.
    pub(crate) fn set_user_attributes(&mut self, attributes: &BTreeMap<String, Kind>) -> Result<()> {
        self.set_meta(ATTRIBUTES, attributes)
    }
}

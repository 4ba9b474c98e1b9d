//! The attributes of users.

use std::collections::BTreeMap;

use crate::api::item::{Fields, Kind};
use crate::base::error::Result;
use crate::base::id::UserKey;
use crate::catalog::rows::lmdb_error::storage;
use crate::catalog::rows::{codec, keys};

use super::view::View;

/// The meta record of the attributes of users and their types.
pub(in crate::catalog) const ATTRIBUTES: &str = "user_attributes";

impl View<'_> {
    /// The attributes of a user; `None` for one without a record.
    pub(crate) fn user_record(&self, user: UserKey) -> Result<Option<Fields>> {
        let bytes = self.tables.people.get(self.txn, &keys::user_record(user)).map_err(storage)?;
        bytes.map(|bytes| codec::decode("user", bytes)).transpose()
    }

    /// The attributes of all users with their types; none in a store without records of users.
    pub(crate) fn user_attributes(&self) -> Result<BTreeMap<String, Kind>> {
        Ok(self.meta(ATTRIBUTES)?.unwrap_or_default())
    }
}

//! What a stage is given: the snapshot that the request reads, the request, and what was understood of it.

use super::understood::Understood;
use crate::api::request::Request;
use crate::base::id::ItemKey;
use crate::store::snapshot::Snapshot;

/// The context of one request. Stages take it whole.
#[derive(Clone, Copy)]
pub(crate) struct RequestCx<'r> {
    pub snapshot: &'r Snapshot<'r>,
    pub request: &'r Request,
    pub understood: &'r Understood,
}

impl RequestCx<'_> {
    /// Whether the request lets an item into the list; see [`Understood::admits`].
    pub(crate) fn admits(&self, key: ItemKey) -> bool {
        self.understood.admits(self.snapshot, key)
    }
}

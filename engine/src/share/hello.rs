//! What both sides of a connection say first.

use serde::{Deserialize, Serialize};

/// Changes with what frames hold. Versions of the library that differ here do not understand each other.
const PROTOCOL: u32 = 1;

/// Who is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    protocol: u32,
    /// Orders hold the library's own types, so both sides must have the same ones.
    library: String,
    pub store: String,
    pub pid: u32,
}

impl Hello {
    /// What this process says.
    pub(crate) fn of(store: &str) -> Hello {
        let library = env!("CARGO_PKG_VERSION").to_owned();
        Hello { protocol: PROTOCOL, library, store: store.to_owned(), pid: std::process::id() }
    }

    /// Whether both understand each other. A follower that has not read the store yet does not know its id.
    pub(super) fn fits(&self, other: &Hello) -> bool {
        let same_store = self.store.is_empty() || other.store.is_empty() || self.store == other.store;
        self.protocol == other.protocol && self.library == other.library && same_store
    }
}

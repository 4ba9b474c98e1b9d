//! What a commit of the catalog changes in the text index.

use std::sync::Arc;

use crate::api::item::Fields;
use crate::base::id::{Generation, ItemKey};

/// One version of an item, as the text index sees it.
#[derive(Debug, Clone)]
pub(crate) struct TextDoc {
    /// The item.
    pub key: ItemKey,
    /// The `put` that wrote this version.
    pub generation: Generation,
    /// All fields of this version.
    pub fields: Arc<Fields>,
}

/// One change to the index. Changes are states, not differences: applying one twice is the same as once.
#[derive(Debug, Clone)]
pub(crate) enum TextChange {
    /// This version, instead of any older one.
    Put(TextDoc),
    /// No version of the item.
    Delete(ItemKey),
}

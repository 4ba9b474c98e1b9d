//! What answers requests: a model, the weights in force for it, and the adapters made for it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::model::{Adapter, Model};
use crate::store::weights::ActiveWeights;

/// Names of adapters that an error lists.
const LISTED: usize = 20;

/// Swapped as a whole, so that no request sees the weights or an adapter of another model than its own. Requests that run
/// keep what they began with, sessions included.
#[derive(Clone)]
pub(crate) struct ActiveModel {
    /// 0 for the model of the configuration, or that which ships.
    pub version: u64,
    /// The folder of the store that the model was read from; `None` for version 0.
    pub folder: Option<PathBuf>,
    pub model: Arc<Model>,
    pub weights: Arc<ActiveWeights>,
    /// Why it answers in place of the version that was chosen, if it does.
    pub stands_in: Option<Arc<str>>,
    /// By the name that requests use.
    pub adapters: BTreeMap<String, Arc<Adapter>>,
}

impl ActiveModel {
    /// The adapter of a name.
    ///
    /// # Errors
    /// [`Error::UnknownAdapter`] with those that there are.
    pub(crate) fn adapter(&self, name: &str) -> Result<Arc<Adapter>> {
        self.adapters.get(name).cloned().ok_or_else(|| {
            let known: Vec<&str> = self.adapters.keys().take(LISTED).map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Error::UnknownAdapter { name: name.to_owned(), known }
        })
    }
}

//! One copy of a model for all stores of a process that are opened alike: sessions and their memory are shared.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::api::config::{Config, Provider};
use crate::base::error::Result;
use crate::model::files::Files;
use crate::model::loaded::Model;

static OPEN: Mutex<Option<HashMap<String, Weak<Model>>>> = Mutex::new(None);

impl Model {
    /// A model that is open already with the same files and settings, or one that is opened now. It is closed with the last
    /// store that uses it.
    ///
    /// # Errors
    /// Those of [`Model::open`].
    pub(crate) fn shared(config: &Config, files: &Files) -> Result<Arc<Model>> {
        let Some(key) = key(config, files) else { return Ok(Arc::new(Model::open(config, files)?)) };
        if let Some(model) = open().get_or_insert_default().get(&key).and_then(Weak::upgrade) {
            return Ok(model);
        }
        // Without the lock: opening takes a while, and a process may be forked meanwhile.
        let model = Arc::new(Model::open(config, files)?);
        let mut open = open();
        let models = open.get_or_insert_default();
        models.retain(|_, model| model.strong_count() > 0);
        if let Some(other) = models.get(&key).and_then(Weak::upgrade) {
            return Ok(other);
        }
        models.insert(key, Arc::downgrade(&model));
        Ok(model)
    }
}

fn open() -> MutexGuard<'static, Option<HashMap<String, Weak<Model>>>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What makes two open models the same; `None` on a GPU, where sessions also hold what was compiled for their store. A forked
/// process shares nothing with its parent, whose sessions may be lent to threads that are not there.
fn key(config: &Config, files: &Files) -> Option<String> {
    let Config { weights, provider, provider_fallback, precision, sessions, threads_per_session, onnxruntime, .. } =
        config;
    let settings = (provider_fallback, precision, sessions, threads_per_session, onnxruntime, weights);
    (*provider == Provider::Cpu).then(|| format!("{} {} {settings:?}", std::process::id(), files.id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_that_are_opened_alike_share_a_model_until_the_last_is_closed() {
        let files = Files::read(None).unwrap();
        let config = |sessions| Config { sessions, ..Config::default() };
        let first = Model::shared(&config(3), &files).unwrap();
        let second = Model::shared(&config(3), &files).unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        let other = Model::shared(&config(2), &files).unwrap();
        assert!(!Arc::ptr_eq(&first, &other), "other settings");
        let closed = Arc::downgrade(&first);
        drop((first, second));
        assert!(closed.upgrade().is_none());
        assert!(Model::shared(&config(3), &files).is_ok());
    }
}

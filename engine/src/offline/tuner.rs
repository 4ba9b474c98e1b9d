//! Tuning in the background, as the log grows (`Config::tune`).

use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use super::tuning::tune;
use crate::base::error::{Error, Result};
use crate::base::time::Timestamp;
use crate::core::Access;
use crate::store::Stores;
use crate::store::tunings;

/// Events from which weights are tuned, and growth of the log after which they are tuned again.
const MIN_EVENTS: u64 = 1_000;
const GROWTH: f64 = 1.5;
/// How often the size of the log is checked.
const LOOK: Duration = Duration::from_secs(1);
/// Pause after a failure.
const RETRY: Duration = Duration::from_secs(60);

/// The thread. It holds the engine only while it works, and stops its work when the engine closes.
pub(crate) struct Tuner(JoinHandle<()>);

impl Tuner {
    /// Starts the thread when the configuration asks for it.
    pub(crate) fn start(access: &Arc<Access>) -> Result<Option<Tuner>> {
        let stores = access.stores.clone();
        if !stores.config.tune {
            return Ok(None);
        }
        let path = stores.path.clone();
        let access = Arc::downgrade(access);
        let thread = std::thread::Builder::new()
            .name("onelist-tune".to_owned())
            .spawn(move || run(&stores, &access))
            .map_err(|e| Error::io("start a thread for", path, e))?;
        Ok(Some(Tuner(thread)))
    }

    /// Waits for the end of the thread, which comes when the engine closes.
    pub(crate) fn join(self) -> Result<()> {
        self.0.join().map_err(|_| Error::internal("the tuning thread panicked"))
    }
}

fn run(stores: &Stores, access: &Weak<Access>) {
    while !stores.progress.is_closing() {
        // Events do not wake the thread: it checks the log from time to time.
        stores.progress.wait(LOOK, || false);
        if stores.progress.is_closing() || stores.poisoned.load().is_some() {
            continue;
        }
        let Some(access) = access.upgrade() else { return };
        match step(&access) {
            // The engine is closing, which is not a failure.
            Ok(()) | Err(Error::Closed) => {}
            Err(error) => {
                stores.tuning_error.store(Some(Arc::new(error.to_string())));
                drop(access);
                stores.progress.wait(RETRY, || false);
            }
        }
    }
}

fn step(access: &Access) -> Result<()> {
    if tunings::is_due(&access.stores, MIN_EVENTS, GROWTH)? {
        tune(access, Timestamp::MAX)?;
        access.stores.tuning_error.store(None);
    }
    Ok(())
}

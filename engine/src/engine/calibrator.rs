//! Calibrating in the background, as the log grows (`Config::calibrate`).

use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Inner;
use super::calibrate::calibrate;
use crate::error::{Error, Result};
use crate::live_weights;
use crate::stores::Stores;
use crate::time::Timestamp;

/// Events from which it is worth trying, and growth of the log after which it is tried again.
const LEAST_EVENTS: u64 = 1_000;
const GROWTH: f64 = 1.5;
/// How often the log is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Pause after a failure.
const RETRY: Duration = Duration::from_secs(60);

/// The thread. It holds the engine only while it works, and gives up its work when the engine closes.
pub(super) struct Calibrator(JoinHandle<()>);

impl Calibrator {
    /// Starts the thread when the configuration asks for it.
    pub(super) fn start(inner: &Arc<Inner>) -> Result<Option<Calibrator>> {
        let stores = inner.stores.clone();
        if !stores.config.calibrate {
            return Ok(None);
        }
        let path = stores.path.clone();
        let inner = Arc::downgrade(inner);
        let thread = std::thread::Builder::new()
            .name("onelist-calibrate".to_owned())
            .spawn(move || run(&stores, &inner))
            .map_err(|e| Error::io("start a thread for", path, e))?;
        Ok(Some(Calibrator(thread)))
    }

    /// Waits for the end of the thread, which comes when the engine closes.
    pub(super) fn join(self) -> Result<()> {
        self.0.join().map_err(|_| Error::internal("the calibration thread panicked"))
    }
}

fn run(stores: &Stores, inner: &Weak<Inner>) {
    while !stores.progress.is_closing() {
        // Nobody rings for events: the log is looked at from time to time.
        stores.progress.wait(LOOK, || false);
        if stores.progress.is_closing() || stores.poisoned.load().is_some() {
            continue;
        }
        let Some(inner) = inner.upgrade() else { return };
        match step(&inner) {
            // Closing gives the work up; that is no failure.
            Ok(()) | Err(Error::Closed) => {}
            Err(error) => {
                stores.calibration_error.store(Some(Arc::new(error.to_string())));
                drop(inner);
                stores.progress.wait(RETRY, || false);
            }
        }
    }
}

fn step(inner: &Inner) -> Result<()> {
    if live_weights::is_due(&inner.stores, LEAST_EVENTS, GROWTH)? {
        calibrate(inner, Timestamp::MAX)?;
        inner.stores.calibration_error.store(None);
    }
    Ok(())
}

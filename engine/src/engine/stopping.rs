//! Stopping the calls of an engine from another thread, for bindings that have no place for a handle.

use super::Engine;
use crate::base::error::Result;
use crate::base::watch::{Cancel, Watch};
use crate::store::lock;

impl Engine {
    /// Makes a call that [`Engine::cancel`] stops. Rust has [`Watch`] for the same with a handle of one's own.
    ///
    /// # Errors
    /// Those of the call, and [`crate::Error::Cancelled`].
    pub fn stoppable<T>(&self, call: impl FnOnce(&Engine) -> Result<T>) -> Result<T> {
        let cancel = Cancel::new();
        let mut running = lock(&self.running);
        running.retain(|call| call.strong_count() > 0);
        running.push(cancel.weak());
        drop(running);
        Watch::new().cancel(&cancel).run(|| call(self))
    }

    /// Stops every call that runs at this moment inside [`Engine::stoppable`], as all calls from C do; those that come later
    /// go on. Returns how many there were.
    pub fn cancel(&self) -> usize {
        let running: Vec<Cancel> = lock(&self.running).drain(..).filter_map(|call| Cancel::upgrade(&call)).collect();
        running.iter().for_each(Cancel::cancel);
        running.len()
    }
}

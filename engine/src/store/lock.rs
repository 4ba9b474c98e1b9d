//! Taking a lock whose holder may have panicked.

use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use crate::base::error::Result;
use crate::base::watch;

/// A lock that works on after a panic elsewhere: what these locks guard is replaced whole, never half written.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same for a lock that may be held for long: a call that is told to stop does not wait for it.
pub(crate) fn lock_watched<T>(mutex: &Mutex<T>) -> Result<MutexGuard<'_, T>> {
    watch::wait(|each| match mutex.try_lock() {
        Ok(held) => Some(held),
        Err(TryLockError::Poisoned(held)) => Some(held.into_inner()),
        Err(TryLockError::WouldBlock) => {
            std::thread::sleep(each / 10);
            None
        }
    })
}

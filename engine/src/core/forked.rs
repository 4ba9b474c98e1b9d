//! A forked child: nothing of the parent's is used or let go of, and the directory is opened anew.

use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

use super::{Core, State};
use crate::base::error::{Error, Result};

/// How often it is looked again meanwhile.
const LOOK: Duration = Duration::from_millis(5);
/// How long a forked process waits for another of its threads that opens the directory.
const REOPENING: Duration = Duration::from_secs(60);

impl Core {
    /// Opens the directory again in a forked child. Nothing of the parent's is touched, and nothing is let go of: its threads are
    /// not here, and its files are the parent's.
    pub(super) fn reopen(&self) -> Result<()> {
        let _one_at_a_time = self.wait_to_reopen()?;
        let inherited = self.state.load_full();
        if inherited.opened_by == std::process::id() {
            return Ok(());
        }
        if self.facade.is_none() {
            return Err(Error::Forked { opened_by: inherited.opened_by });
        }
        let state = Arc::new(State::new());
        if inherited.access.load().is_some() && !inherited.closing.load(Ordering::SeqCst) {
            self.start(&state)?;
        }
        self.state.store(state);
        std::mem::forget(inherited);
        Ok(())
    }

    /// Another thread of a process may have held the lock at the fork, and is not here to give it back.
    fn wait_to_reopen(&self) -> Result<MutexGuard<'_, ()>> {
        let until = Instant::now() + REOPENING;
        loop {
            match self.reopening.try_lock() {
                Ok(held) => return Ok(held),
                Err(TryLockError::Poisoned(held)) => return Ok(held.into_inner()),
                Err(TryLockError::WouldBlock) if Instant::now() < until => std::thread::sleep(LOOK),
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::Forked { opened_by: self.state.load().opened_by });
                }
            }
        }
    }

    /// In a forked child: closes what was never opened here, and touches nothing of the parent's.
    pub(super) fn forget(&self) -> Result<()> {
        let _one_at_a_time = self.wait_to_reopen()?;
        let inherited = self.state.load_full();
        if inherited.opened_by != std::process::id() {
            self.state.store(Arc::new(State::new()));
            std::mem::forget(inherited);
        }
        Ok(())
    }
}

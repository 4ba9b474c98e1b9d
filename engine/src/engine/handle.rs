//! What one [`super::Engine`] holds: a share in an open directory, until it is closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::api::stats::ProcessStats;
use crate::base::error::{Error, Result};
use crate::base::id::Seq;
use crate::core::order::Order;
use crate::core::{Access, Core, Writing};
use crate::store::Notices;

/// A share. Every call asks first whether it was given back.
pub(super) struct Handle {
    core: Arc<Core>,
    /// An engine that works for another process has no share of its own.
    shares: bool,
    closed: AtomicBool,
}

impl Handle {
    /// The share that opening gave.
    pub(super) fn of(core: Arc<Core>) -> Handle {
        Handle { core, shares: true, closed: AtomicBool::new(false) }
    }

    /// For an order of another process.
    pub(super) fn visiting(core: Arc<Core>) -> Handle {
        Handle { core, shares: false, closed: AtomicBool::new(false) }
    }

    fn open(&self) -> Result<&Core> {
        if self.closed.load(Ordering::SeqCst) { Err(Error::Closed) } else { Ok(&self.core) }
    }

    pub(super) fn notices(&self) -> &Notices {
        self.core.notices()
    }

    pub(super) fn access(&self) -> Result<Arc<Access>> {
        self.open()?.access()
    }

    pub(super) fn drained(&self) -> Result<Arc<Access>> {
        self.open()?.drained()
    }

    pub(super) fn writing(&self) -> Result<Writing> {
        self.open()?.writing()
    }

    pub(super) fn order<O: Order>(&self, order: O) -> Result<O::Answer> {
        self.open()?.order(order)
    }

    pub(super) fn flush(&self) -> Result<()> {
        self.open()?.flush()
    }

    pub(super) fn rebuild_cooccurrence(&self) -> Result<()> {
        self.open()?.rebuild_cooccurrence()
    }

    pub(super) fn text_durable(&self) -> Option<Seq> {
        self.core.text_durable()
    }

    pub(super) fn process(&self, access: &Access) -> ProcessStats {
        self.core.process(access)
    }

    /// Gives the share back; with the last one the directory is closed.
    pub(super) fn close(&self) -> Result<()> {
        if !self.shares || self.closed.swap(true, Ordering::SeqCst) || !self.core.leave() {
            return Ok(());
        }
        self.core.close()
    }
}

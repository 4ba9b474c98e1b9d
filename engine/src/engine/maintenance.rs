//! Maintenance on request: what the background threads do by themselves, and checks.

use serde_json::json;

use super::Engine;
use super::orders::VerifySignals;
use crate::api::stats::{SignalCheck, VectorCheck};
use crate::background::{fit_space, retention, verify};
use crate::base::error::Result;

impl Engine {
    /// Fits what is fitted to the whole log now, instead of in the background when the log has grown by a fifth: which
    /// items the same people have. For measuring, and after a bulk import.
    pub fn rebuild_cooccurrence(&self) -> Result<()> {
        match self.elsewhere("rebuild_cooccurrence", json!({}))? {
            Some(()) => Ok(()),
            None => self.core.rebuild_cooccurrence(),
        }
    }

    /// Fits the vector space of items to the catalog now, instead of in the background ([`crate::Config::fit_space`]): which
    /// directions of meaning tell its items apart, and the codes of semantic ids. Every item is then placed again, beside
    /// the old vectors, while requests and writes go on, and one commit puts the new ones in their place. It takes about
    /// as long as putting the items did. False, with nothing changed, when fewer than 100 items have text.
    ///
    /// Cosines of another space are other numbers: scores change, and so does the order.
    ///
    /// # Errors
    /// [`crate::Error::Closed`] when the engine closes meanwhile; [`crate::Error::Storage`], [`crate::Error::Index`], [`crate::Error::Io`]. The old
    /// space stays then.
    pub fn fit_space(&self) -> Result<bool> {
        match self.elsewhere("fit_space", json!({}))? {
            Some(fitted) => Ok(fitted),
            None => fit_space::fit_space(self.core.writing()?.stores()),
        }
    }

    /// Counts all signals again from the stored events, in the order in which they were logged: after a change of
    /// [`crate::Config::actions`], or as a check. Writers wait meanwhile; it takes seconds for each million events.
    pub fn verify_signals(&self) -> Result<SignalCheck> {
        self.core.order(VerifySignals)
    }

    /// Compares what the catalog keeps about the content of items, row by row: vectors, semantic ids, and the lists of
    /// items that share the first codes of one. It takes about a second for each half million items; requests and writes go on.
    pub fn verify_vectors(&self) -> Result<VectorCheck> {
        verify::vectors(&self.core.access()?.stores)
    }

    /// Removes the events that [`crate::Config::retention`] does not keep now, instead of in the background when the log has grown
    /// by a tenth or a day has passed. Returns how many. The rest is counted again beside the store, in seconds for each million events; writers wait for
    /// the difference.
    ///
    /// # Errors
    /// [`crate::Error::Storage`], [`crate::Error::Damaged`], and [`crate::Error::Closed`] when the engine is closed meanwhile; what earlier steps removed stays removed.
    pub fn apply_retention(&self) -> Result<u64> {
        if let Some(removed) = self.elsewhere("apply_retention", json!({}))? {
            return Ok(removed);
        }
        let access = self.core.access()?;
        let writer = access.writer()?;
        retention::apply(&access.stores, || writer.drain())
    }
}

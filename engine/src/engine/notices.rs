//! Listening to an engine.

use super::Engine;
use crate::api::notice::{Line, Listener, Metric};
use crate::base::error::Result;

impl Engine {
    /// Tells `listener` how long every call and every step of background work took, or with `None` nobody. It is called on the
    /// thread that did the work: it should be quick, and must not call the engine.
    ///
    /// ```no_run
    /// # let db = onelist::Engine::open("shop.onelist", onelist::Config::default())?;
    /// db.on_metric(Some(Box::new(|metric| println!("{} of {} rows: {} s", metric.what, metric.rows, metric.seconds))))?;
    /// # Ok::<(), onelist::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`crate::Error::Closed`].
    pub fn on_metric(&self, listener: Option<Listener<Metric>>) -> Result<()> {
        self.core.access()?;
        self.core.notices().on_metric(listener);
        Ok(())
    }

    /// Tells `listener` what happens in the background, in lines for a log, or with `None` nobody. As for
    /// [`Engine::on_metric`], it must not call the engine. With the feature `tracing` the lines are events of that crate, too.
    ///
    /// # Errors
    /// [`crate::Error::Closed`].
    pub fn on_log(&self, listener: Option<Listener<Line>>) -> Result<()> {
        self.core.access()?;
        self.core.notices().on_log(listener);
        Ok(())
    }
}

//! What an application hears of its engine: figures of every call, and a line when something of note happens.
//!
//! With nobody listening a call costs one look at an empty place. With the feature `tracing` every line goes to the subscriber of
//! the process as well, with the target `onelist`.

use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwapOption;

use crate::api::notice::{Level, Line, Listener, Metric};

/// Who listens.
#[derive(Default)]
pub(crate) struct Notices {
    metrics: ArcSwapOption<Listener<Metric>>,
    lines: ArcSwapOption<Listener<Line>>,
}

impl Notices {
    /// Tells `listener` every figure from now on, in place of the one before.
    pub(crate) fn on_metric(&self, listener: Option<Listener<Metric>>) {
        self.metrics.store(listener.map(Arc::new));
    }

    /// Tells `listener` every line from now on, in place of the one before.
    pub(crate) fn on_log(&self, listener: Option<Listener<Line>>) {
        self.lines.store(listener.map(Arc::new));
    }

    /// Does work, and tells how long it took; `rows` says how much it was.
    pub(crate) fn timed<T>(&self, what: &'static str, rows: usize, work: impl FnOnce() -> T) -> T {
        if self.metrics.load().is_none() {
            return work();
        }
        let start = Instant::now();
        let done = work();
        if let Some(hears) = self.metrics.load_full() {
            hears(&Metric { what, rows: rows as u64, seconds: start.elapsed().as_secs_f64() });
        }
        done
    }

    /// Tells a line.
    pub(crate) fn log(&self, level: Level, text: &str) {
        trace(level, text);
        if let Some(hears) = self.lines.load_full() {
            hears(&Line { level, text: text.to_owned() });
        }
    }
}

#[cfg(feature = "tracing")]
fn trace(level: Level, text: &str) {
    match level {
        Level::Info => tracing::info!(target: "onelist", "{text}"),
        Level::Warn => tracing::warn!(target: "onelist", "{text}"),
        Level::Error => tracing::error!(target: "onelist", "{text}"),
    }
}

#[cfg(not(feature = "tracing"))]
fn trace(_: Level, _: &str) {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn the_last_listener_hears_and_none_is_fine() {
        let (notices, heard) = (Notices::default(), Arc::new(Mutex::new(Vec::new())));
        assert_eq!(notices.timed("put", 3, || 7), 7);
        notices.log(Level::Info, "nobody listens");
        let to = heard.clone();
        notices.on_metric(Some(Box::new(move |metric| {
            to.lock().unwrap().push(format!("{} {}", metric.what, metric.rows))
        })));
        let to = heard.clone();
        notices.on_log(Some(Box::new(move |line| {
            to.lock().unwrap().push(format!("{} {}", line.level.name(), line.text))
        })));
        notices.timed("put", 3, || ());
        notices.log(Level::Warn, "slow");
        assert_eq!(*heard.lock().unwrap(), ["put 3", "warn slow"]);
        notices.on_metric(None);
        notices.on_log(None);
        notices.timed("put", 3, || ());
        notices.log(Level::Error, "again");
        assert_eq!(heard.lock().unwrap().len(), 2);
    }
}

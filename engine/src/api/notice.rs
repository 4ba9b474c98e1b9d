//! What an application hears of its engine.

/// What hears figures or lines.
pub type Listener<T> = Box<dyn Fn(&T) + Send + Sync>;

/// How long a call took, and how much it did.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Metric {
    /// `rank`, `put`, `log`, `delete`, `commit`, `text_commit` or `vector_checkpoint`.
    pub what: &'static str,
    /// Requests, items, events, ids, or jobs of a commit.
    pub rows: u64,
    /// Seconds.
    pub seconds: f64,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line {
    /// How much it matters.
    pub level: Level,
    /// What happened. No ids and no texts of items or users are in it.
    pub text: String,
}

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Level {
    /// Work that was done.
    Info,
    /// Something failed, and is tried again.
    Warn,
    /// Somebody has to act.
    Error,
}

impl Level {
    /// `info`, `warn` or `error`.
    pub fn name(self) -> &'static str {
        match self {
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }
}

//! What was measured.

use serde::Serialize;

/// A mean with its 95 % interval (percentile bootstrap over users or queries, seeded; Efron 1979).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct Interval {
    /// The mean.
    pub mean: f64,
    /// 2.5th percentile of the resampled means.
    pub low: f64,
    /// 97.5th percentile.
    pub high: f64,
}

/// One figure of one system.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Measure {
    /// `ndcg`, `hit`, `recall`, `mrr`, `map`.
    pub name: &'static str,
    /// Length of the list that was scored.
    pub k: usize,
    /// The figure.
    pub value: Interval,
    /// `rank` minus this system, question by question; `None` for `rank` itself.
    pub rank_minus: Option<Interval>,
}

/// What a system is in the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SystemKind {
    /// The engine, as it is configured.
    Rank,
    /// What it has to beat.
    Baseline,
    /// The engine with something changed: other weights, or a feature or source left out.
    Variant,
    /// A system from elsewhere, by the answers that were given for it. It has to be beaten too.
    External,
}

/// How the lists of a system look, beyond who finds the target. All of the first k places.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct Beyond {
    /// Share of all items that were in some list.
    pub coverage: f64,
    /// Gini coefficient of how often each item was shown: 0 is even, 1 is one item for everybody.
    pub gini: f64,
    /// Mean of `-log2` of an item's share of the events so far: higher is less popular.
    pub novelty: f64,
    /// Mean cosine distance between the items of a list, 0 to 2.
    pub distance: f64,
    /// Kullback-Leibler divergence of a list's categories from those of the user's history (Steck, RecSys 2018);
    /// `None` without a category field or histories. Lower fits better.
    pub calibration: Option<f64>,
    /// Share of questions with an empty list.
    pub empty: f64,
}

/// A part of the questions.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Slice {
    /// Which part.
    pub name: String,
    /// How many questions it has.
    pub questions: usize,
    /// The first measure on it.
    pub value: Interval,
}

/// Everything about one system on one task.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SystemReport {
    /// Its name.
    pub name: String,
    /// What it is in the comparison.
    pub kind: SystemKind,
    /// The figures; the first is the one that the verdict is about.
    pub measures: Vec<Measure>,
    /// `rank` minus this system on the first measure, question by question; `None` for `rank` itself.
    pub rank_minus: Option<Interval>,
    /// Share of relevant items among what was retrieved (the engine: its candidates; others: their first 200).
    pub retrieved: f64,
    /// How the lists look.
    pub beyond: Beyond,
    /// Parts of the questions.
    pub slices: Vec<Slice>,
    /// Milliseconds of a call: the median and the 99th percentile; zeros for an external system.
    pub latency_ms: [f64; 2],
    /// Expected rank of the targets, counted in the bins of [`TaskReport::rank_bins`].
    pub ranks: Vec<u32>,
}

/// How `rank` stands against the best of the baselines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// Better, and the interval of the difference does not touch zero.
    Better,
    /// The interval of the difference holds zero.
    Level,
    /// Worse, and the interval of the difference does not touch zero.
    Worse,
    /// There was nothing to compare with.
    Alone,
}

/// The comparison with the best baseline, in plain words.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Verdict {
    /// Which way it went.
    pub outcome: Outcome,
    /// The baseline, or the external system, with the highest mean.
    pub best_baseline: Option<String>,
    /// `rank` minus the best baseline.
    pub difference: Interval,
    /// One sentence.
    pub line: String,
}

/// One task: recommendation, search, or search with a history.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TaskReport {
    /// `next item`, `query`, or `query and history`.
    pub name: String,
    /// Questions that were asked.
    pub questions: usize,
    /// The first of the plan's lengths of list.
    pub k: usize,
    /// `rank` first, then the others by falling first measure.
    pub systems: Vec<SystemReport>,
    /// Baselines that could not run, with the reason.
    pub not_run: Vec<String>,
    /// Names of the bins of [`SystemReport::ranks`].
    pub rank_bins: Vec<String>,
    /// `rank` against the best baseline.
    pub verdict: Verdict,
}

/// What was replayed.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct LogFigures {
    /// Items that were ranked.
    pub items: usize,
    /// Users with an event.
    pub users: usize,
    /// Events.
    pub events: usize,
    /// Share of events whose user has another event of the same millisecond. Many mean that their order says nothing.
    pub same_time: f64,
    /// Events of items that are not in the catalog: left out.
    pub unknown_items: usize,
}

/// Whether answers were functions of the past.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct PointInTime {
    /// Questions that were asked twice: with the log as it is, and with another future after them.
    pub questions: usize,
    /// Systems whose answers differed: they looked into the future, and their figures mean nothing.
    pub leaks: Vec<String>,
    /// Systems whose answers differ from one run of the same log to the next, so that nothing can be said: approximate
    /// search makes them so.
    pub unsteady: Vec<String>,
}

/// What `evaluate` answers. [`Report::text`] and [`Report::html`] show it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The protocol in words.
    pub protocol: String,
    /// What to keep in mind when reading the figures.
    pub warnings: Vec<String>,
    /// What was replayed.
    pub log: LogFigures,
    /// SHA-256 over the targets (user, item, time), the first 16 hex digits: equal targets, comparable figures.
    pub targets_hash: String,
    /// The tasks that were measured.
    pub tasks: Vec<TaskReport>,
    /// The point-in-time check.
    pub point_in_time: PointInTime,
    /// Seconds that it took.
    pub seconds: f64,
}

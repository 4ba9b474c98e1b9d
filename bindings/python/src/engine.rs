//! The engine as a Python object: every call runs without the GIL, and none lets a panic through.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use onelist::{Error, Item, Line, Metric, Request, Rows, Rule, Update, json};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping};
use serde::de::DeserializeOwned;

use crate::error::from_engine;
use crate::read::{read, read_rows};
use crate::results::{Ranking, item_dict};
use crate::watch::{long, told};

/// An open store. `onelist.Engine` wraps it with the public keywords and their defaults.
#[pyclass(frozen, module = "onelist._native")]
pub(crate) struct Engine {
    inner: onelist::Engine,
}

/// An argument, and dicts as an answer.
type Given<'a, 'py> = &'a Bound<'py, PyAny>;
type Dicts<'py> = Vec<Bound<'py, PyDict>>;

/// One item, or the rows of a batch.
fn read_items<T: DeserializeOwned>(items: Given<'_, '_>) -> PyResult<Rows<T>> {
    let one = items.is_instance_of::<PyMapping>();
    if one { Ok(vec![read(items, "item")?].into()) } else { read_rows(items, "items") }
}

/// Runs an engine call without the GIL, so that other Python threads go on meanwhile (and the engine's own threads can
/// never wait for a lock that a Python thread holds).
pub(crate) fn call<T: Send>(py: Python<'_>, work: impl FnOnce() -> onelist::Result<T> + Send) -> PyResult<T> {
    py.detach(|| caught(work)).map_err(|error| from_engine(py, &error))
}

/// Runs a call that is long for many rows: the start of a thread would slow a short one down.
fn either<T: Send>(py: Python<'_>, many: bool, work: impl FnOnce() -> onelist::Result<T> + Send) -> PyResult<T> {
    if many { long(py, work) } else { call(py, work) }
}

/// Turns a panic into [`Error::Internal`]: pyo3's own `PanicException` slips past `except Exception`.
pub(crate) fn caught<T>(work: impl FnOnce() -> onelist::Result<T>) -> onelist::Result<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result,
        Err(payload) => {
            let text = payload.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("without a message");
            Err(Error::Internal { reason: format!("panic: {text}") })
        }
    }
}

#[pymethods]
impl Engine {
    /// Opens or creates the store at `path`. `config` is the JSON form of the configuration.
    #[new]
    fn new(py: Python<'_>, path: PathBuf, config: String) -> PyResult<Self> {
        let inner = long(py, || onelist::Engine::open(path, json::config_from_json(&config)?))?;
        Ok(Engine { inner })
    }

    /// Calls a method by its name, with its arguments as the JSON text of an object; the answer as JSON text.
    fn call(&self, py: Python<'_>, method: &str, arguments: String) -> PyResult<String> {
        long(py, || self.inner.call(method, &arguments))
    }

    /// Puts one dict or an iterable of dicts, as one atomic batch; the number of its commit.
    fn put(&self, py: Python<'_>, items: Given<'_, '_>) -> PyResult<u64> {
        let items: Rows<Item> = read_items(items)?;
        either(py, items.len() > 100, || Ok(self.inner.put_rows(items)?.0))
    }

    /// Changes the given fields of one item or of an iterable of items, as one atomic batch; the number of its commit.
    fn update(&self, py: Python<'_>, items: Given<'_, '_>) -> PyResult<u64> {
        let updates: Rows<Update> = read_items(items)?;
        either(py, updates.len() > 100, || Ok(self.inner.update_rows(updates)?.0))
    }

    /// Deletes one id or an iterable of ids; how many of them existed.
    fn delete(&self, py: Python<'_>, ids: Given<'_, '_>) -> PyResult<usize> {
        let ids: Vec<String> = read(ids, "ids")?;
        either(py, ids.len() > 1_000, || self.inner.delete(&ids))
    }

    /// The stored item of each id, or None.
    fn get<'py>(&self, py: Python<'py>, ids: Given<'_, 'py>) -> PyResult<Vec<Option<Bound<'py, PyDict>>>> {
        let ids: Vec<String> = read(ids, "ids")?;
        let found = call(py, || self.inner.get(&ids))?;
        found.iter().map(|item| item.as_ref().map(|item| item_dict(py, item)).transpose()).collect()
    }

    /// At most `limit` items after the item `after`, in the order of their first put.
    fn scan<'py>(&self, py: Python<'py>, after: Given<'_, 'py>, limit: Given<'_, 'py>) -> PyResult<Dicts<'py>> {
        let (after, limit): (Option<String>, usize) = (read(after, "after")?, read(limit, "limit")?);
        let found = call(py, || self.inner.scan(after.as_deref(), limit))?;
        found.iter().map(|item| item_dict(py, item)).collect()
    }

    /// Logs an iterable of event dicts, as one atomic batch; the number of its commit.
    fn log(&self, py: Python<'_>, events: Given<'_, '_>) -> PyResult<u64> {
        let events: Rows<onelist::Event> = read_rows(events, "events")?;
        either(py, events.len() > 1_000, || Ok(self.inner.log_rows(events)?.0))
    }

    /// Answers one request, a dict of the keywords of `rank`.
    fn rank(&self, py: Python<'_>, request: Given<'_, '_>) -> PyResult<Ranking> {
        let request = read(request, "rank")?;
        Ranking::new(py, call(py, || self.inner.rank(&request))?)
    }

    /// Answers an iterable of requests with one ranking for each.
    fn rank_many(&self, py: Python<'_>, requests: Given<'_, '_>) -> PyResult<Vec<Ranking>> {
        let requests: Vec<Request> = read(requests, "requests")?;
        let rankings = either(py, requests.len() > 4, || self.inner.rank_many(&requests))?;
        rankings.into_iter().map(|ranking| Ranking::new(py, ranking)).collect()
    }

    /// Asks a version and the live one the same requests; how they differ, as JSON text.
    fn shadow_model(&self, py: Python<'_>, version: Given<'_, '_>, requests: Given<'_, '_>) -> PyResult<String> {
        let (version, requests): (u64, Vec<Request>) = (read(version, "version")?, read(requests, "requests")?);
        long(py, || json::shadow_to_json(&self.inner.shadow_model(version, &requests)?))
    }

    /// Stores an iterable of rules under a name.
    fn set_scenario(&self, py: Python<'_>, name: Given<'_, '_>, rules: Given<'_, '_>) -> PyResult<()> {
        let name: String = read(name, "name")?;
        let rules: Vec<Rule> = read(rules, "rules")?;
        call(py, || self.inner.set_scenario(&name, &rules))
    }

    /// Tells one callable `(what, rows, seconds)` of every call and step, another `(level, text)` of what happens in the
    /// background; None removes the listener.
    fn listen(&self, py: Python<'_>, metrics: Option<Py<PyAny>>, lines: Option<Py<PyAny>>) -> PyResult<()> {
        let metrics =
            metrics.map(|m| told(m, |py, hears, at: &Metric| hears.call1(py, (at.what, at.rows, at.seconds))));
        let lines = lines.map(|l| told(l, |py, hears, line: &Line| hears.call1(py, (line.level.name(), &line.text))));
        call(py, || self.inner.on_metric(metrics).and_then(|()| self.inner.on_log(lines)))
    }

    /// Flushes and closes; later calls raise `ClosedError`. Closing twice is fine.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        long(py, || self.inner.close())
    }
}

/// The bound of weights, the least number of decisions that count, resamples, the seed.
type Guards = (Option<f64>, f64, usize, u64);

/// Estimates from logged decisions, as JSON text.
#[pyfunction]
pub(crate) fn counterfactual(py: Python<'_>, columns: [Vec<f64>; 5], guards: Guards) -> PyResult<String> {
    let [reward, logged, target, q_logged, q_target] = columns;
    let decisions = onelist::evaluation::Decisions { reward, logged, target, q_logged, q_target };
    let (clip, min_effective, resamples, seed) = guards;
    let guards = onelist::evaluation::Guards { min_effective, clip, resamples, seed };
    call(py, || json::counterfactual_to_json(&onelist::counterfactual(&decisions, &guards)?))
}

impl Drop for Engine {
    /// Closes without the GIL: writing checkpoints and ending threads must not stop the other threads of the program.
    /// When the interpreter is ending there is nothing to let go of, and the engine closes as it is dropped.
    fn drop(&mut self) {
        // An error has nobody to go to here; whoever wants it calls `close`.
        let _ = Python::try_attach(|py| py.detach(|| caught(|| self.inner.close())));
    }
}

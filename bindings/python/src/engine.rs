//! The engine as a Python object: every call runs without the GIL, and none lets a panic through.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use onelist::{Error, Item, Request, Rule, Timestamp, json};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping};

use crate::error::from_engine;
use crate::read::read;
use crate::results::{Ranking, item_dict};

/// An open store. `onelist.Engine` wraps it with the public keywords and their defaults.
#[pyclass(frozen, module = "onelist._native")]
pub(crate) struct Engine {
    inner: onelist::Engine,
}

/// Runs an engine call without the GIL, so that other Python threads go on meanwhile (and the engine's own threads can
/// never wait for a lock that a Python thread holds).
fn call<T: Send>(py: Python<'_>, work: impl FnOnce() -> onelist::Result<T> + Send) -> PyResult<T> {
    py.detach(|| caught(work)).map_err(|error| from_engine(py, &error))
}

/// Turns a panic into [`Error::Internal`]: pyo3's own `PanicException` slips past `except Exception`.
fn caught<T>(work: impl FnOnce() -> onelist::Result<T>) -> onelist::Result<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result,
        Err(payload) => Err(Error::Internal { reason: format!("panic: {}", panic_text(payload.as_ref())) }),
    }
}

/// The message of a panic, when it has one.
fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}

#[pymethods]
impl Engine {
    /// Opens or creates the store at `path`. `config` is the JSON form of the configuration.
    #[new]
    fn new(py: Python<'_>, path: PathBuf, config: String) -> PyResult<Self> {
        let inner = call(py, || onelist::Engine::open(path, json::config_from_json(&config)?))?;
        Ok(Engine { inner })
    }

    /// Puts one dict or an iterable of dicts, as one atomic batch.
    fn put(&self, py: Python<'_>, items: &Bound<'_, PyAny>) -> PyResult<()> {
        let items: Vec<Item> = match items.is_instance_of::<PyMapping>() {
            true => vec![read(items, "item")?],
            false => read(items, "items")?,
        };
        call(py, || self.inner.put(items))
    }

    /// Deletes one id or an iterable of ids; how many of them existed.
    fn delete(&self, py: Python<'_>, ids: &Bound<'_, PyAny>) -> PyResult<usize> {
        let ids: Vec<String> = read(ids, "ids")?;
        call(py, || self.inner.delete(&ids))
    }

    /// The stored item of each id, or None.
    fn get<'py>(&self, py: Python<'py>, ids: &Bound<'py, PyAny>) -> PyResult<Vec<Option<Bound<'py, PyDict>>>> {
        let ids: Vec<String> = read(ids, "ids")?;
        let found = call(py, || self.inner.get(&ids))?;
        found.iter().map(|item| item.as_ref().map(|item| item_dict(py, item)).transpose()).collect()
    }

    /// At most `limit` items after the item `after`, in the order of their first put.
    fn scan<'py>(
        &self,
        py: Python<'py>,
        after: &Bound<'py, PyAny>,
        limit: &Bound<'py, PyAny>,
    ) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let (after, limit): (Option<String>, usize) = (read(after, "after")?, read(limit, "limit")?);
        let found = call(py, || self.inner.scan(after.as_deref(), limit))?;
        found.iter().map(|item| item_dict(py, item)).collect()
    }

    /// Logs an iterable of event dicts, as one atomic batch.
    fn log(&self, py: Python<'_>, events: &Bound<'_, PyAny>) -> PyResult<()> {
        let events = read(events, "events")?;
        call(py, || self.inner.log(events))
    }

    /// Answers one request, a dict of the keywords of `rank`.
    fn rank(&self, py: Python<'_>, request: &Bound<'_, PyAny>) -> PyResult<Ranking> {
        let request = read(request, "rank")?;
        Ranking::new(py, call(py, || self.inner.rank(&request))?)
    }

    /// Answers an iterable of requests with one ranking for each.
    fn rank_many(&self, py: Python<'_>, requests: &Bound<'_, PyAny>) -> PyResult<Vec<Ranking>> {
        let requests: Vec<Request> = read(requests, "requests")?;
        let rankings = call(py, || self.inner.rank_many(&requests))?;
        rankings.into_iter().map(|ranking| Ranking::new(py, ranking)).collect()
    }

    /// The impressions that are kept, as JSON text: at most `limit` after that of the ranking `after`.
    fn impressions(&self, py: Python<'_>, after: &Bound<'_, PyAny>, limit: &Bound<'_, PyAny>) -> PyResult<String> {
        let (after, limit): (Option<String>, usize) = (read(after, "after")?, read(limit, "limit")?);
        call(py, || json::impressions_to_json(&self.inner.impressions(after.as_deref(), limit)?))
    }

    /// How much of what was shown were new items, as JSON text.
    fn new_item_exposure(&self, py: Python<'_>) -> PyResult<String> {
        call(py, || json::new_item_exposure_to_json(&self.inner.new_item_exposure()?))
    }

    /// Fits what is fitted to the whole log.
    fn rebuild_cooccurrence(&self, py: Python<'_>) -> PyResult<()> {
        call(py, || self.inner.rebuild_cooccurrence())
    }

    /// Fits the vector space of items; whether there was enough content.
    fn fit_space(&self, py: Python<'_>) -> PyResult<bool> {
        call(py, || self.inner.fit_space())
    }

    /// Compares vectors and semantic ids; whether all is right.
    fn verify_vectors(&self, py: Python<'_>) -> PyResult<bool> {
        call(py, || self.inner.verify_vectors().map(|found| found.wrong == 0))
    }

    /// Counts all signals anew; whether they were right.
    fn verify_signals(&self, py: Python<'_>) -> PyResult<bool> {
        call(py, || self.inner.verify_signals().map(|recount| recount.before == recount.after))
    }

    /// Removes the events that are not kept; how many.
    fn apply_retention(&self, py: Python<'_>) -> PyResult<u64> {
        call(py, || self.inner.apply_retention())
    }

    /// Measures by a plan in JSON: the report as text, as JSON and as a page.
    fn evaluate(&self, py: Python<'_>, plan: String) -> PyResult<(String, String, String)> {
        call(py, || {
            let report = self.inner.evaluate(&json::plan_from_json(&plan)?)?;
            Ok((report.text(), json::report_to_json(&report)?, report.html()))
        })
    }

    /// Lists the questions of a plan in JSON, as JSON.
    fn questions(&self, py: Python<'_>, plan: String) -> PyResult<String> {
        call(py, || json::questions_to_json(&self.inner.questions(&json::plan_from_json(&plan)?)?))
    }

    /// Fits the weights to the log, to the events before `until`: the tuning as text and as JSON.
    fn tune(&self, py: Python<'_>, until: &Bound<'_, PyAny>) -> PyResult<(String, String)> {
        let until: Option<Timestamp> = read(until, "until")?;
        let until = until.unwrap_or(Timestamp::MAX);
        call(py, || {
            let tuning = self.inner.tune_until(until)?;
            Ok((tuning.to_text(), json::tuning_to_json(&tuning)?))
        })
    }

    /// The tunings that are kept, oldest first, each as text and as JSON.
    fn tunings(&self, py: Python<'_>) -> PyResult<Vec<(String, String)>> {
        call(py, || {
            let (kept, _) = self.inner.tunings()?;
            kept.iter().map(|one| Ok((one.to_text(), json::tuning_to_json(one)?))).collect()
        })
    }

    /// Puts a kept tuning in force, or with 0 what the model ships.
    fn use_tuning(&self, py: Python<'_>, version: &Bound<'_, PyAny>) -> PyResult<()> {
        let version = read(version, "version")?;
        call(py, || self.inner.use_tuning(version))
    }

    /// The models and adapters, as JSON text.
    fn models(&self, py: Python<'_>) -> PyResult<String> {
        call(py, || json::models_to_json(&self.inner.models()?))
    }

    /// Checks a model and copies it into the store; its version, as JSON text.
    fn load_model(&self, py: Python<'_>, path: PathBuf) -> PyResult<String> {
        call(py, || json::model_to_json(&self.inner.load_model(path)?))
    }

    /// Asks a version and the live one the same requests, or (None) so many past ones; how they differ, as JSON text.
    fn shadow_model(
        &self,
        py: Python<'_>,
        version: &Bound<'_, PyAny>,
        requests: &Bound<'_, PyAny>,
        sample: &Bound<'_, PyAny>,
    ) -> PyResult<String> {
        let (version, sample) = (read(version, "version")?, read(sample, "sample")?);
        let requests: Option<Vec<Request>> = read(requests, "requests")?;
        call(py, || {
            json::shadow_to_json(&match requests {
                Some(requests) => self.inner.shadow_model(version, &requests)?,
                None => self.inner.shadow_model_on_past(version, sample)?,
            })
        })
    }

    /// Lets a version answer.
    fn promote_model(&self, py: Python<'_>, version: &Bound<'_, PyAny>) -> PyResult<()> {
        let version = read(version, "version")?;
        call(py, || self.inner.promote_model(version))
    }

    /// Lets the version answer that did before; which that is.
    fn roll_back_model(&self, py: Python<'_>) -> PyResult<u64> {
        call(py, || self.inner.roll_back_model())
    }

    /// Removes a version; whether there was one.
    fn unload_model(&self, py: Python<'_>, version: &Bound<'_, PyAny>) -> PyResult<bool> {
        let version = read(version, "version")?;
        call(py, || self.inner.unload_model(version))
    }

    /// Checks an adapter and lets requests name it; what it is, as JSON text.
    fn load_adapter(&self, py: Python<'_>, name: &Bound<'_, PyAny>, path: PathBuf) -> PyResult<String> {
        let name: String = read(name, "name")?;
        call(py, || json::adapter_to_json(&self.inner.load_adapter(&name, path)?))
    }

    /// Removes an adapter; whether there was one.
    fn unload_adapter(&self, py: Python<'_>, name: &Bound<'_, PyAny>) -> PyResult<bool> {
        let name: String = read(name, "name")?;
        call(py, || self.inner.unload_adapter(&name))
    }

    /// Writes a training file by a plan in JSON; what was written, as JSON.
    fn export_training(&self, py: Python<'_>, path: PathBuf, plan: String) -> PyResult<String> {
        call(py, || {
            let plan = json::training_plan_from_json(&plan)?;
            json::training_summary_to_json(&self.inner.export_training(path, &plan)?)
        })
    }

    /// Stores an iterable of rules under a name.
    fn set_scenario(&self, py: Python<'_>, name: &Bound<'_, PyAny>, rules: &Bound<'_, PyAny>) -> PyResult<()> {
        let name: String = read(name, "name")?;
        let rules: Vec<Rule> = read(rules, "rules")?;
        call(py, || self.inner.set_scenario(&name, &rules))
    }

    /// The stored scenarios, as JSON text.
    fn scenarios(&self, py: Python<'_>) -> PyResult<String> {
        call(py, || json::scenarios_to_json(&self.inner.scenarios()?))
    }

    /// Removes a scenario; whether there was one.
    fn delete_scenario(&self, py: Python<'_>, name: &Bound<'_, PyAny>) -> PyResult<bool> {
        let name: String = read(name, "name")?;
        call(py, || self.inner.delete_scenario(&name))
    }

    /// The state of the engine, as JSON text.
    fn stats(&self, py: Python<'_>) -> PyResult<String> {
        call(py, || json::stats_to_json(&self.inner.stats()?))
    }

    /// Waits until both indexes hold everything that is committed, and writes their checkpoints.
    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        call(py, || self.inner.flush())
    }

    /// Flushes and closes; later calls raise `ClosedError`. Closing twice is fine.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        call(py, || self.inner.close())
    }
}

/// Estimates from logged decisions, as JSON text.
#[pyfunction]
#[pyo3(signature = (reward, logged, target, q_logged, q_target, clip, min_effective, resamples, seed, /))]
#[expect(clippy::too_many_arguments, reason = "columns and guards, one by one, as the Python function has them")]
pub(crate) fn counterfactual(
    py: Python<'_>,
    reward: Vec<f64>,
    logged: Vec<f64>,
    target: Vec<f64>,
    q_logged: Vec<f64>,
    q_target: Vec<f64>,
    clip: Option<f64>,
    min_effective: f64,
    resamples: usize,
    seed: u64,
) -> PyResult<String> {
    let decisions = onelist::evaluation::Decisions { reward, logged, target, q_logged, q_target };
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

//! The engine's answers as frozen Python objects.

use numpy::PyArray1;
use onelist::{Fields, Item, Number, Timestamp, Value, Why};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{IntoPyDict, PyDateTime, PyDelta, PyDict, PyIterator, PyList, PyTuple, PyTzInfo};

/// One item of a ranking.
///
/// Attributes are converted when they are first asked for, so that a list of 10,000 hits costs little until it is read.
#[pyclass(frozen, module = "onelist._native")]
pub(crate) struct Hit {
    hit: onelist::Hit,
    fields: PyOnceLock<Py<PyDict>>,
}

impl Hit {
    /// A part of the explanation; empty unless the request said `explain`.
    fn why_of<'h, T: 'h>(&'h self, part: fn(&Why) -> &Vec<T>) -> impl Iterator<Item = &'h T> {
        self.hit.why.iter().flat_map(part)
    }
}

#[pymethods]
impl Hit {
    /// The item's id.
    #[getter]
    fn id(&self) -> &str {
        &self.hit.id
    }

    /// The model's score, with what `unlike` and rules add: higher is better; comparable within one ranking only.
    #[getter]
    fn score(&self) -> f32 {
        self.hit.score
    }

    /// The stored fields, or those that the request named.
    #[getter]
    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let fields = self.fields.get_or_try_init(py, || {
            let dict = PyDict::new(py);
            fill(&dict, &self.hit.fields).map(|()| dict.unbind())
        })?;
        Ok(fields.bind(py).clone())
    }

    /// Each source that proposed the item, with the item's rank (from 1) and score there. When two proposals come from
    /// sources of one name (two vector fields), the better rank stays.
    #[getter]
    fn sources<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let mut proposals: Vec<_> = self.hit.sources.iter().collect();
        proposals.sort_by_key(|proposal| std::cmp::Reverse(proposal.rank));
        proposals.into_iter().map(|p| (p.source.name(), (p.rank, p.score))).into_py_dict(py)
    }

    /// Why the item stands where it stands, in one line; None unless the request said `explain`.
    #[getter]
    fn why(&self) -> Option<&str> {
        self.hit.why.as_ref().map(|why| why.line.as_str())
    }

    /// What each feature added to the score, largest magnitude first.
    #[getter]
    fn contributions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.why_of(|why| &why.contributions).map(|part| (&part.feature, part.amount)).into_py_dict(py)
    }

    /// What the score loses without each of the newest items of the history, by id, largest magnitude first.
    #[getter]
    fn history<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.why_of(|why| &why.history).map(|part| (&part.item, part.amount)).into_py_dict(py)
    }

    /// What each word of the query adds by its matches.
    #[getter]
    fn terms<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.why_of(|why| &why.terms).map(|part| (&part.term, part.amount)).into_py_dict(py)
    }

    /// The rules that touched the hit.
    #[getter]
    fn rules<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.why_of(|why| &why.rules).collect::<Vec<_>>())
    }

    /// The place by score alone, from 1, and what moved the hit from there; None when nothing did, or unless the
    /// request said `explain`.
    #[getter]
    fn moved(&self) -> Option<(usize, &str)> {
        let moved = self.hit.why.as_ref()?.moved.as_ref()?;
        Some((moved.from, &moved.by))
    }

    /// The probability that the hit stood at its place, given those before; None where nothing was drawn.
    #[getter]
    fn propensity(&self) -> Option<f32> {
        self.hit.propensity
    }

    fn __repr__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("onelist._display")?.call_method1("hit_text", (slf,))
    }
}

/// One ranked list, best first. It reads like a tuple of its hits.
#[pyclass(frozen, module = "onelist._native")]
pub(crate) struct Ranking {
    /// Everything but the hits.
    ranking: onelist::Ranking,
    /// The hits, best first.
    #[pyo3(get)]
    hits: Py<PyTuple>,
}

impl Ranking {
    /// Takes over an answer of the engine.
    pub(crate) fn new(py: Python<'_>, mut ranking: onelist::Ranking) -> PyResult<Self> {
        let hits = std::mem::take(&mut ranking.hits).into_iter();
        let hits: Vec<Py<Hit>> =
            hits.map(|hit| Py::new(py, Hit { hit, fields: PyOnceLock::new() })).collect::<PyResult<_>>()?;
        Ok(Ranking { ranking, hits: PyTuple::new(py, hits)?.unbind() })
    }
}

#[pymethods]
impl Ranking {
    /// Names this answer; give it to the events that follow from it.
    #[getter]
    fn rank_id(&self) -> &str {
        &self.ranking.rank_id
    }

    /// The ids of the hits, best first.
    #[getter]
    fn ids<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let ids = self.hits.bind(py).iter().map(|hit| hit.getattr("id"));
        PyList::new(py, ids.collect::<PyResult<Vec<_>>>()?)
    }

    /// How many candidates were scored.
    #[getter]
    fn candidates(&self) -> usize {
        self.ranking.candidates
    }

    /// Which weights scored it: 0 for those that ship or are configured, else a tuning's version.
    #[getter]
    fn weights_version(&self) -> u64 {
        self.ranking.weights_version
    }

    /// Asks for the next page, as the keyword `page_token`; None when there is none.
    #[getter]
    fn next_page_token(&self) -> Option<&str> {
        self.ranking.next_page_token.as_deref()
    }

    /// Whether the order was drawn at random.
    #[getter]
    fn explored(&self) -> bool {
        self.ranking.explored
    }

    /// Where the time went, in microseconds.
    #[getter]
    fn took<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.ranking.took.parts().into_py_dict(py)
    }

    /// What was left out or done another way, in words; empty when nothing was.
    #[getter]
    fn warnings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.ranking.warnings)
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        self.hits.bind(py).len()
    }

    fn __getitem__<'py>(&self, py: Python<'py>, index: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.hits.bind(py).as_any().get_item(index)
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.hits.bind(py).try_iter()
    }

    fn __repr__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("onelist._display")?.call_method1("ranking_text", (slf,))
    }

    fn _repr_html_<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("onelist._display")?.call_method1("ranking_html", (slf,))
    }
}

/// An item as a dict: `id`, then its fields.
pub(crate) fn item_dict<'py>(py: Python<'py>, item: &Item) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("id", &item.id)?;
    fill(&dict, &item.fields)?;
    Ok(dict)
}

/// Adds the fields to a dict: vectors as `float32` arrays, dates as datetimes in UTC.
fn fill(dict: &Bound<'_, PyDict>, fields: &Fields) -> PyResult<()> {
    let py = dict.py();
    for (name, value) in fields {
        match value {
            Value::Text(text) => dict.set_item(name, text)?,
            Value::Number(number) => dict.set_item(name, number)?,
            Value::Integer(integer) => dict.set_item(name, integer)?,
            Value::Numbers(numbers) => dict.set_item(name, listed(py, numbers)?)?,
            Value::Bool(flag) => dict.set_item(name, flag)?,
            Value::Date(moment) => dict.set_item(name, datetime(py, *moment)?)?,
            Value::Tags(tags) => dict.set_item(name, tags)?,
            Value::Geo { lat, lon } => dict.set_item(name, [("lat", lat), ("lon", lon)].into_py_dict(py)?)?,
            Value::Vector(vector) => dict.set_item(name, PyArray1::from_slice(py, vector))?,
            // The enum may grow: a type that this binding does not know is better left out than guessed.
            _ => {}
        }
    }
    Ok(())
}

/// A list of numbers: an int for each whole one, a float for any other.
fn listed<'py>(py: Python<'py>, numbers: &[Number]) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for number in numbers {
        match number {
            Number::Integer(integer) => list.append(integer)?,
            Number::Float(float) => list.append(float)?,
        }
    }
    Ok(list)
}

/// An aware datetime in UTC; exact to the millisecond, from year 1 to 9999, where the C library's conversion is not.
fn datetime(py: Python<'_>, moment: Timestamp) -> PyResult<Bound<'_, PyAny>> {
    const MILLIS_PER_DAY: i64 = 86_400_000;
    let epoch = PyDateTime::new(py, 1970, 1, 1, 0, 0, 0, 0, Some(&*PyTzInfo::utc(py)?))?;
    let (days, millis) = (moment.millis().div_euclid(MILLIS_PER_DAY), moment.millis().rem_euclid(MILLIS_PER_DAY));
    // Both fit: a timestamp spans the years 1 to 9999, and a remainder is less than a day.
    let since = PyDelta::new(py, days as i32, (millis / 1000) as i32, (millis % 1000) as i32 * 1000, true)?;
    epoch.add(since)
}

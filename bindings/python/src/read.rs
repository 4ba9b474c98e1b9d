//! Python objects as the engine reads them: what a request, an event or an item holds is declared there.
//!
//! None is a key that is not given, a datetime is a time, an array is a vector, one str may stand for a list of them.
//! Nothing here panics on any object: the items of a dict are taken before any is read, because reading a value can run the
//! caller's code, and that code may change the dict.

use std::borrow::Cow;

use numpy::{PyArray1, PyArrayDescrMethods, PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods};
use onelist::decode::{self, Refused, Shape, Source};
use onelist::{Error, Rows, Timestamp};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{
    IntoPyDict, PyBool, PyByteArray, PyBytes, PyDate, PyDateTime, PyDict, PyFloat, PyFrozenSet, PyInt, PyList,
    PyMapping, PySet, PyString, PyTuple, PyTzInfo,
};
use serde::de::DeserializeOwned;

use crate::error::{engine_error, from_refused};

/// Entries of one mapping that is not a dict.
const MOST_ENTRIES: usize = 65_536;

type Read<T> = Result<T, Refused<PyErr>>;
type Shaped<'s, 'py> = Read<Shape<'s, Value<'py>>>;

/// Reads a `T`; `argument` names it in errors.
pub(crate) fn read<T: DeserializeOwned>(value: &Bound<'_, PyAny>, argument: &str) -> PyResult<T> {
    decode::read(&Value(value.clone())).map_err(|refused| from_refused(value.py(), refused, argument))
}

/// Reads the rows of a batch, each for itself.
pub(crate) fn read_rows<T: DeserializeOwned>(value: &Bound<'_, PyAny>, batch: &'static str) -> PyResult<Rows<T>> {
    let rows = decode::rows(&Value(value.clone()), batch, engine_error);
    rows.map_err(|refused| from_refused(value.py(), refused, batch))
}

/// A Python object.
struct Value<'py>(Bound<'py, PyAny>);

impl<'py> Source for Value<'py> {
    type Failure = PyErr;
    type Key = PyBackedStr;
    const LONE_TEXTS: bool = true;
    const WHOLE_NUMBERS: bool = true;

    fn shape(&self) -> Shaped<'_, 'py> {
        let value = &self.0;
        Ok(if value.is_none() {
            Shape::Null
        } else if let Ok(flag) = value.cast::<PyBool>() {
            Shape::Bool(flag.is_true())
        } else if let Ok(string) = value.cast::<PyString>() {
            Shape::Text(Cow::Borrowed(text(string)?))
        } else if value.is_instance_of::<PyFloat>() {
            Shape::Number(value.extract()?)
        } else if value.is_instance_of::<PyInt>() {
            whole_number(value)?
        } else if let Ok(dict) = value.cast::<PyDict>() {
            entries(dict)
        } else if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
            elements(value)?
        } else {
            uncommon(value)?
        })
    }

    fn is_null(&self) -> bool {
        self.0.is_none()
    }

    /// A value by its type, a dict by its keys.
    fn described(&self) -> String {
        if let Ok(dict) = self.0.cast::<PyDict>() {
            let keys: Vec<String> = dict.keys().iter().take(8).map(|key| key.to_string()).collect();
            return format!("a dict with the keys [{:.99}]", keys.join(", "));
        }
        self.0.get_type().name().map_or_else(|_| "another type".to_owned(), |name| name.to_string())
    }

    fn seconds(&self, number: f64) -> Read<f64> {
        match number.is_finite() {
            true => Ok(number),
            false => Err(Refused::error(Error::NonFinite { what: "time".to_owned(), index: 0 })),
        }
    }
}

/// The pairs of a dict, all of them taken now: that runs no code of the caller's.
fn entries<'s, 'py: 's>(dict: &Bound<'py, PyDict>) -> Shape<'s, Value<'py>> {
    let pairs: Vec<_> = dict.iter().collect();
    Shape::Map(Box::new(pairs.into_iter().map(|(key, value)| {
        let string = key
            .cast::<PyString>()
            .map_err(|_| Refused::shape("a string").found(|| Value(key.clone()).described()).under("key"))?;
        // Without UTF-8 it is the usual error.
        let key = PyBackedStr::try_from(string.clone()).or_else(|failed| text(string).and(Err(failed.into())));
        Ok((key.map_err(|refused| refused.under("key"))?, Value(value)))
    })))
}

fn elements<'s, 'py: 's>(list: &Bound<'py, PyAny>) -> Shaped<'s, 'py> {
    Ok(Shape::List(Box::new(list.try_iter()?.map(|element| Ok(Value(element?))))))
}

/// A `str` as UTF-8, or the byte offset of its first lone surrogate.
fn text<'s>(string: &'s Bound<'_, PyString>) -> Read<&'s str> {
    string.to_str().or_else(|failed| {
        // UnicodeEncodeError counts characters; the bytes of what comes before are the offset.
        let start: usize = failed.value(string.py()).getattr("start")?.extract()?;
        let before = string.try_iter()?.take(start).map(|c| c?.extract::<String>());
        let before: String = before.collect::<PyResult<_>>()?;
        Err(Refused::error(Error::InvalidUtf8 { offset: before.len() }))
    })
}

/// What is not told apart at a glance: times, sets, mappings, arrays, other numbers, iterables.
fn uncommon<'s, 'py: 's>(value: &Bound<'py, PyAny>) -> Shaped<'s, 'py> {
    let builtins = || value.py().import("builtins");
    if is_missing(value)? {
        return Ok(Shape::Missing);
    } else if let Some(seconds) = calendar(value)? {
        return Ok(Shape::Time(seconds));
    } else if value.is_instance_of::<PySet>() || value.is_instance_of::<PyFrozenSet>() {
        // A set has no order of its own; sorted, the same items give the same bytes on disk in every run.
        let sorted = builtins()?.getattr("sorted")?.call1((value,));
        let Shape::List(list) = elements(sorted.as_ref().unwrap_or(value))? else { return Ok(Shape::Other) };
        return Ok(Shape::Set(list));
    } else if value.is_instance_of::<PyMapping>() {
        // Taken one by one, so that a mapping without end is an error and not a full memory.
        let pairs = value.call_method0("items")?.try_iter()?.take(MOST_ENTRIES + 1).map(|pair| pair?.extract());
        let pairs = pairs.collect::<PyResult<Vec<(Bound<'_, PyAny>, Bound<'_, PyAny>)>>>()?;
        if pairs.len() > MOST_ENTRIES {
            let (limit, found) = (MOST_ENTRIES as u64, pairs.len() as u64);
            return Err(Refused::error(Error::LimitExceeded { what: "entries of one mapping", limit, found }));
        }
        return Ok(entries(&pairs.into_py_dict(value.py())?));
    } else if value.hasattr("__array__")? {
        return array(value);
    } else if let Ok(whole) = value.call_method0("__index__") {
        return whole_number(&whole);
    } else if let Ok(number) = value.extract() {
        return Ok(Shape::Number(number));
    }
    let is_bytes = value.is_instance_of::<PyBytes>() || value.is_instance_of::<PyByteArray>();
    if is_bytes || !value.hasattr("__iter__")? { Ok(Shape::Other) } else { elements(value) }
}

/// A whole number, or the end of the range that it is beyond.
fn whole_number<'s, 'py: 's>(value: &Bound<'py, PyAny>) -> Shaped<'s, 'py> {
    let end = || PyResult::Ok(if value.lt(0)? { i128::MIN } else { i128::MAX });
    Ok(Shape::Whole(value.extract().or_else(|_| end())?))
}

/// Whether it marks a missing value: `NaT` or `NA` of pandas, or what `numpy.ma` has under a mask.
fn is_missing(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    let name = value.get_type().name()?;
    Ok(matches!(name.to_str()?, "NaTType" | "NAType" | "MaskedConstant"))
}

/// Seconds since 1970 of a datetime (one without a time zone is taken as UTC) or a date (its midnight in UTC); `None` for
/// anything else.
fn calendar(value: &Bound<'_, PyAny>) -> PyResult<Option<f64>> {
    const SECONDS_PER_DAY: f64 = 86_400.0;
    /// `date.toordinal()` of 1970-01-01.
    const EPOCH_ORDINAL: f64 = 719_163.0;
    // A datetime is a date as well, so it comes first.
    let seconds = if value.is_instance_of::<PyDateTime>() {
        let mut aware = value.clone();
        if value.getattr("tzinfo")?.is_none() {
            let utc = PyDict::new(value.py());
            utc.set_item("tzinfo", PyTzInfo::utc(value.py())?)?;
            aware = value.call_method("replace", (), Some(&utc))?;
        }
        aware.call_method0("timestamp")?.extract()?
    } else if value.is_instance_of::<PyDate>() {
        (value.call_method0("toordinal")?.extract::<f64>()? - EPOCH_ORDINAL) * SECONDS_PER_DAY
    } else {
        return Ok(None);
    };
    // Datetimes go on for almost a millisecond after the last timestamp.
    Ok(Some(Timestamp::from_seconds(seconds).seconds()))
}

/// A NumPy array or scalar, or whatever turns itself into one (a tensor, a Series).
fn array<'s, 'py: 's>(value: &Bound<'py, PyAny>) -> Shaped<'s, 'py> {
    if value.hasattr("mask")? && value.hasattr("filled")? {
        // What is under the mask becomes None, which says so in an error, and in no vector.
        if value.getattr("mask")?.call_method0("any")?.is_truthy()? {
            return elements(&value.call_method0("tolist")?);
        }
    }
    let array = value.py().import("numpy")?.call_method1("asarray", (value,))?;
    let Ok(untyped) = array.cast::<PyUntypedArray>() else { return Ok(Shape::Other) };
    let item = || array.call_method0("item");
    Ok(match (untyped.ndim(), untyped.dtype().kind()) {
        (0, b'M') => {
            // Nanoseconds would come back as an int; a datetime holds microseconds. NaT becomes None.
            let moment = array.call_method1("astype", ("datetime64[us]",))?.call_method0("item")?;
            calendar(&moment)?.map_or(Shape::Missing, Shape::Time)
        }
        // Not by its item: that of a long double is a long double again, without end.
        (0, b'f') => Shape::Number(array.extract()?),
        (0, b'i' | b'u') => whole_number(&item()?)?,
        (0, b'b') => Shape::Bool(item()?.extract()?),
        (0, b'U') => Shape::Text(Cow::Owned(item()?.extract()?)),
        (1, b'f') => Shape::Vector(floats(&array)?),
        (1, b'i' | b'u' | b'U' | b'O') => elements(&array.call_method0("tolist")?)?,
        (dimensions, _) => {
            let kind = untyped.dtype().str()?;
            let found = || format!("a {dimensions}-D array of {kind}");
            return Err(Refused::shape("a 1-D array of numbers or str").found(found));
        }
    })
}

/// The components as `f32`, from any layout in memory; what does not fit becomes infinite, which the engine refuses.
fn floats(array: &Bound<'_, PyAny>) -> PyResult<Vec<f32>> {
    if let Ok(single) = array.cast::<PyArray1<f32>>() {
        return Ok(single.readonly().as_array().to_vec());
    }
    // NumPy warns when a cast to f32 overflows; from f64 it is done here, silently.
    let double = array.call_method1("astype", ("float64",))?.cast_into::<PyArray1<f64>>()?;
    Ok(double.readonly().as_array().iter().map(|x| *x as f32).collect())
}

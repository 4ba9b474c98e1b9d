//! Python values to the engine's items and fields.
//!
//! No JSON in between. Nothing here panics on any object: the items of a dict are taken before any is read, because
//! reading a value can run the caller's code, and that code may change the dict.

use numpy::{PyArray1, PyArrayDescrMethods, PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods};
use onelist::{Error, Item, Timestamp, Value};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{
    PyBool, PyDate, PyDateTime, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PyMapping, PySet, PyString, PyTuple,
    PyTzInfo,
};

use crate::error::{Place, invalid, refused, wrong_form, wrong_type};

/// Most elements that are read from one iterable, so that an endless generator is an error and not a full memory. It
/// is the engine's own limit for a batch.
const MAX_ELEMENTS: usize = 1_000_000;

/// What a field can hold, for error messages.
const FIELD_TYPES: &str = "str, a number, bool, datetime, date, a list of str (tags), a list of numbers or a 1-D array \
                           (a vector), {\"lat\", \"lon\"}, or None";

/// A `str` as UTF-8.
///
/// # Errors
/// `InvalidType`, or `InvalidUtf8` with the byte offset of the first lone surrogate.
pub(crate) fn text(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<String> {
    let Ok(string) = value.cast::<PyString>() else {
        return Err(wrong_type(place, "str", value));
    };
    match string.to_str() {
        Ok(text) => Ok(text.to_owned()),
        Err(failed) => {
            // UnicodeEncodeError counts characters; the bytes of what comes before are the offset.
            let start: usize = failed.value(value.py()).getattr("start")?.extract()?;
            let valid: String =
                string.try_iter()?.take(start).map(|c| c?.extract::<String>()).collect::<PyResult<_>>()?;
            Err(refused(value.py(), place, &Error::InvalidUtf8 { offset: valid.len() }))
        }
    }
}

/// A number as `f64`: int, float, NumPy scalar, Decimal; not bool. Integers beyond 2^53 are rounded.
pub(crate) fn number(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<f64> {
    if value.is_instance_of::<PyBool>() {
        return Err(wrong_type(place, "a number", value));
    }
    value.extract::<f64>().map_err(|failed| {
        if value.is_instance_of::<PyInt>() {
            invalid(value.py(), place, "a number within the range of a double", "a larger integer")
        } else if failed.is_instance_of::<pyo3::exceptions::PyTypeError>(value.py()) {
            wrong_type(place, "a number", value)
        } else {
            failed
        }
    })
}

/// One id, or an iterable of ids.
pub(crate) fn ids(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<Vec<String>> {
    if value.is_instance_of::<PyString>() {
        return Ok(vec![text(value, place)?]);
    }
    elements(value, place, "str or an iterable of str", text)
}

/// Every element of an iterable, converted, up to [`MAX_ELEMENTS`].
pub(crate) fn elements<'py, T>(
    value: &Bound<'py, PyAny>,
    place: &Place<'_>,
    expected: &str,
    convert: impl Fn(&Bound<'py, PyAny>, &Place<'_>) -> PyResult<T>,
) -> PyResult<Vec<T>> {
    if value.is_instance_of::<PyString>() {
        return Err(wrong_type(place, expected, value));
    }
    let Ok(iterator) = value.try_iter() else {
        return Err(wrong_type(place, expected, value));
    };
    let mut found = Vec::new();
    for (index, element) in iterator.enumerate() {
        if index == MAX_ELEMENTS {
            let error = Error::LimitExceeded {
                what: "elements of one argument",
                limit: MAX_ELEMENTS as u64,
                found: MAX_ELEMENTS as u64 + 1,
            };
            return Err(refused(value.py(), place, &error));
        }
        found.push(convert(&element?, &Place::Index(place, index))?);
    }
    Ok(found)
}

/// The pairs of a dict or another mapping, all of them taken before any is looked at: see the module's text.
pub(crate) fn pairs<'py>(
    value: &Bound<'py, PyAny>,
    place: &Place<'_>,
) -> PyResult<Vec<(PyBackedStr, Bound<'py, PyAny>)>> {
    let dict = match value.cast::<PyDict>() {
        Ok(dict) => dict.clone(),
        Err(_) if value.is_instance_of::<PyMapping>() => {
            value.py().get_type::<PyDict>().call1((value,))?.cast_into::<PyDict>()?
        }
        Err(_) => return Err(wrong_type(place, "a dict", value)),
    };
    // Taking a pair runs no code of the caller's.
    let taken: Vec<_> = dict.iter().collect();
    taken.into_iter().map(|(key, value)| Ok((key_text(key, place)?, value))).collect()
}

/// A key as UTF-8, not copied.
fn key_text(key: Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<PyBackedStr> {
    if let Ok(string) = key.cast::<PyString>()
        && let Ok(text) = PyBackedStr::try_from(string.clone())
    {
        return Ok(text);
    }
    // No string, or one without UTF-8: the usual error.
    let text = text(&key, &Place::Key(place, "key"))?;
    PyBackedStr::try_from(PyString::new(key.py(), &text))
}

/// A datetime (one without a time zone is taken as UTC) or a date (its midnight in UTC); `None` for anything else.
fn calendar(value: &Bound<'_, PyAny>) -> PyResult<Option<Timestamp>> {
    const SECONDS_PER_DAY: f64 = 86_400.0;
    /// `date.toordinal()` of 1970-01-01.
    const EPOCH_ORDINAL: f64 = 719_163.0;
    let py = value.py();
    // A datetime is a date as well, so it comes first.
    if value.is_instance_of::<PyDateTime>() {
        let aware = if value.getattr("tzinfo")?.is_none() {
            let utc = PyDict::new(py);
            utc.set_item("tzinfo", PyTzInfo::utc(py)?)?;
            value.call_method("replace", (), Some(&utc))?
        } else {
            value.clone()
        };
        return Ok(Some(Timestamp::from_seconds(aware.call_method0("timestamp")?.extract()?)));
    }
    if value.is_instance_of::<PyDate>() {
        let ordinal: f64 = value.call_method0("toordinal")?.extract()?;
        return Ok(Some(Timestamp::from_seconds((ordinal - EPOCH_ORDINAL) * SECONDS_PER_DAY)));
    }
    Ok(None)
}

/// A point in time: datetime, date, or finite seconds since the Unix epoch.
pub(crate) fn time(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<Timestamp> {
    // Plain numbers first: most times are, and they are told apart at a glance.
    let plain = value.is_exact_instance_of::<PyFloat>() || value.is_exact_instance_of::<PyInt>();
    if let Some(moment) = if plain { None } else { calendar(value)? } {
        return Ok(moment);
    }
    let seconds = number(value, place)?;
    if !seconds.is_finite() {
        return Err(refused(value.py(), place, &Error::NonFinite { what: "time".to_owned(), index: 0 }));
    }
    Ok(Timestamp::from_seconds(seconds))
}

/// A vector: a 1-D array of numbers (NumPy, or anything with `__array__`), or a list or tuple of numbers.
pub(crate) fn vector(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<Vec<f32>> {
    match field(value, place)? {
        Some(Value::Vector(vector)) => Ok(vector),
        // An empty list is read as no tags; here it can only mean a vector without components: the engine refuses it.
        Some(Value::Tags(tags)) if tags.is_empty() => Ok(Vec::new()),
        _ => Err(wrong_type(place, "a 1-D array or a list of numbers", value)),
    }
}

/// The value of a field; `None` for None, which means that the item does not have the field.
pub(crate) fn field(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<Option<Value>> {
    if value.is_none() {
        return Ok(None);
    }
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(Some(Value::Bool(flag.is_true())));
    }
    if value.is_instance_of::<PyString>() {
        return text(value, place).map(|text| Some(Value::Text(text)));
    }
    if value.is_instance_of::<PyFloat>() || value.is_instance_of::<PyInt>() {
        return number(value, place).map(|number| Some(Value::Number(number)));
    }
    if let Some(moment) = calendar(value)? {
        return Ok(Some(Value::Date(moment)));
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        return list(value, place).map(Some);
    }
    if value.is_instance_of::<PySet>() || value.is_instance_of::<PyFrozenSet>() {
        return set(value, place).map(Some);
    }
    if value.is_instance_of::<PyMapping>() {
        return mapping(value, place).map(Some);
    }
    if value.hasattr("__array__")? {
        return array(value, place);
    }
    match number(value, place) {
        Ok(number) => Ok(Some(Value::Number(number))),
        Err(_) => Err(wrong_type(place, FIELD_TYPES, value)),
    }
}

/// Only strings: tags. Only numbers: a vector. Nothing: no tags.
fn list(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<Value> {
    let mut tags = Vec::new();
    let mut vector = Vec::new();
    for (index, element) in value.try_iter()?.enumerate() {
        let (element, place) = (element?, Place::Index(place, index));
        if element.is_instance_of::<PyString>() && vector.is_empty() {
            tags.push(text(&element, &place)?);
        } else if tags.is_empty() && !element.is_instance_of::<PyString>() {
            vector.push(number(&element, &place)? as f32);
        } else {
            return Err(wrong_type(&place, "only str (tags) or only numbers (a vector) in one list", &element));
        }
    }
    Ok(if vector.is_empty() { Value::Tags(tags) } else { Value::Vector(vector) })
}

/// Tags. A set has no order of its own, so they are sorted: the same items give the same bytes on disk in every run.
fn set(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<Value> {
    let mut tags = elements(value, place, "a set of str", text)?;
    tags.sort_unstable();
    Ok(Value::Tags(tags))
}

/// A place `{"lat", "lon"}` in degrees, or `{"date"}` in seconds since the Unix epoch, as in JSON.
fn mapping(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<Value> {
    let pairs = pairs(value, place)?;
    let get = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    match (get("lat"), get("lon"), get("date"), pairs.len()) {
        (Some(lat), Some(lon), None, 2) => Ok(Value::Geo {
            lat: number(lat, &Place::Key(place, "lat"))?,
            lon: number(lon, &Place::Key(place, "lon"))?,
        }),
        (None, None, Some(date), 1) => Ok(Value::Date(time(date, &Place::Key(place, "date"))?)),
        _ => {
            let keys: Vec<&str> = pairs.iter().take(8).map(|(key, _)| key.as_str()).collect();
            let found = format!("a dict with the keys [{}]", keys.join(", "));
            Err(wrong_form(value.py(), place, "{\"lat\", \"lon\"} or {\"date\"}", &found))
        }
    }
}

/// A NumPy array or scalar, or whatever turns itself into one (a tensor, a Series).
fn array(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<Option<Value>> {
    let py = value.py();
    let array = py.import("numpy")?.call_method1("asarray", (value,))?;
    let Ok(untyped) = array.cast::<PyUntypedArray>() else {
        return Err(wrong_type(place, FIELD_TYPES, value));
    };
    let kind = untyped.dtype().kind();
    match (untyped.ndim(), kind) {
        (0, b'M') => {
            // Nanoseconds would come back as an int; a datetime holds microseconds. NaT becomes None.
            let moment = array.call_method1("astype", ("datetime64[us]",))?.call_method0("item")?;
            field(&moment, place)
        }
        // Numbers, bools and strings only: what an object array holds could lead back here without end.
        (0, b'b' | b'f' | b'i' | b'u' | b'U') => field(&array.call_method0("item")?, place),
        (1, b'f' | b'i' | b'u') => floats(&array).map(|vector| Some(Value::Vector(vector))),
        (1, b'U' | b'O') => list(&array.call_method0("tolist")?, place).map(Some),
        (dimensions, _) => {
            let dtype = untyped.dtype().str()?;
            let found = format!("a {dimensions}-D array of {dtype}");
            Err(wrong_form(py, place, "a 1-D array of numbers or str", &found))
        }
    }
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

/// An item from a dict: `id`, and every other key a field.
pub(crate) fn item(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<Item> {
    let mut id = None;
    let mut item = Item::new("");
    for (key, value) in pairs(value, place)? {
        let place = Place::Key(place, &key);
        if key == "id" {
            id = Some(text(&value, &place)?);
        } else if let Some(value) = field(&value, &place)? {
            item.fields.insert((*key).to_owned(), value);
        }
    }
    item.id = id.ok_or_else(|| invalid(value.py(), place, "a dict with the key `id`", "none"))?;
    Ok(item)
}

/// One dict, or an iterable of dicts.
pub(crate) fn items(value: &Bound<'_, PyAny>) -> PyResult<Vec<Item>> {
    if value.is_instance_of::<PyMapping>() {
        return Ok(vec![item(value, &Place::Argument("item"))?]);
    }
    elements(value, &Place::Argument("items"), "a dict or an iterable of dicts", item)
}

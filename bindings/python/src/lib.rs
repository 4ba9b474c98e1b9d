//! The native half of the Python package `onelist`.
//!
//! It converts and forwards, and holds no logic: `read` says what a Python object is, `engine` calls the engine without the
//! GIL, `watch` lets Ctrl-C stop it, `results` and `error` turn answers and errors into Python objects.

mod engine;
mod error;
mod read;
mod results;
mod watch;

use onelist::json::{config_keys, event_keys, request_keys};
use pyo3::prelude::*;
use pyo3::types::IntoPyDict;

/// The module `onelist._native`; `onelist/_native.pyi` describes it to type checkers.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<engine::Engine>()?;
    module.add_class::<results::Ranking>()?;
    module.add_class::<results::Hit>()?;
    module.add_function(wrap_pyfunction!(engine::counterfactual, module)?)?;
    module.add_function(wrap_pyfunction!(watch::listen, module)?)?;
    // What the engine reads, for the tests of this package's own lists of keywords.
    let keys = [("request", request_keys()), ("event", event_keys()), ("config", config_keys())];
    module.add("KEYS", keys.into_py_dict(module.py())?)?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}

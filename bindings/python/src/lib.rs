//! The native half of the Python package `onelist`.
//!
//! It converts and forwards, and holds no logic: `convert` and `request` read Python objects, `engine` calls the engine
//! without the GIL, `results` and `error` turn answers and errors into Python objects.

mod convert;
mod engine;
mod error;
mod request;
mod results;

use pyo3::prelude::*;

/// The module `onelist._native`; `onelist/_native.pyi` describes it to type checkers.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<engine::Engine>()?;
    module.add_class::<results::Ranking>()?;
    module.add_class::<results::Hit>()?;
    module.add_function(wrap_pyfunction!(engine::counterfactual, module)?)?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}

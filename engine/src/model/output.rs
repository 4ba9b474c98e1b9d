//! Outputs of a run, copied out of ONNX Runtime and checked.

use ort::value::DynValue;

use crate::base::error::{Error, Result};

/// One output, copied out of ONNX Runtime.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Output {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Floats, all finite; empty when the output holds integers.
    pub floats: Vec<f32>,
    /// Integers; empty when the output holds floats.
    pub integers: Vec<i64>,
}

impl Output {
    /// The floats of an output that has to have this shape.
    ///
    /// # Errors
    /// [`Error::ModelFailed`].
    pub(super) fn floats_of(self, shape: &[usize]) -> Result<Vec<f32>> {
        self.check_shape(shape)?;
        Ok(self.floats)
    }

    /// The integers of an output that has to have this shape.
    ///
    /// # Errors
    /// [`Error::ModelFailed`].
    pub(super) fn integers_of(self, shape: &[usize]) -> Result<Vec<i64>> {
        self.check_shape(shape)?;
        Ok(self.integers)
    }

    fn check_shape(&self, shape: &[usize]) -> Result<()> {
        let full = self.floats.len().max(self.integers.len()) == shape.iter().product::<usize>();
        if self.shape == shape && full {
            return Ok(());
        }
        Err(failed(format!("expected an output of shape {shape:?}, found {:?}", self.shape)))
    }
}

/// Copies an output out of ONNX Runtime.
pub(super) fn copy(name: &str, value: &DynValue) -> std::result::Result<Output, String> {
    let sizes = |shape: &[i64]| shape.iter().map(|size| usize::try_from(*size).unwrap_or(0)).collect();
    if let Ok((shape, values)) = value.try_extract_tensor::<f32>() {
        // The last place where a NaN can be seen: past it, it is a score like any other.
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            return Err(format!("output {name} is not finite at index {index}"));
        }
        return Ok(Output { shape: sizes(shape), floats: values.to_vec(), integers: Vec::new() });
    }
    let (shape, values) = value.try_extract_tensor::<i64>().map_err(|error| format!("output {name}: {error}"))?;
    Ok(Output { shape: sizes(shape), floats: Vec::new(), integers: values.to_vec() })
}

/// An [`Error::ModelFailed`].
pub(super) fn failed(reason: impl Into<String>) -> Error {
    Error::ModelFailed { reason: reason.into() }
}

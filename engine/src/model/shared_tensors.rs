//! The big tensors of a model file, decoded once for all sessions.

use std::sync::Arc;

use ort::value::{DynValue, Tensor};

use crate::model::contract::LORA_PREFIX;
use crate::model::files::Files;
use crate::model::scan::{Initializer, Scanned};

/// Tensors from this size on are kept once for all sessions, in bytes.
const SHARED_BYTES: usize = 1 << 20;
/// `TensorProto.DataType` of 32-bit floats and of bytes.
const F32: u64 = 1;
const I8: u64 = 3;

/// The file's big tensors, decoded once. A session that is given one under the same name does not make its own copy,
/// so that eight sessions do not hold the token table eight times.
pub(super) fn shared_tensors(files: &Files, scanned: &Scanned) -> Vec<(String, Arc<DynValue>)> {
    let big = scanned.initializers.iter().filter(|tensor| {
        // Inputs stay out: a shared tensor is a constant, and those have to remain replaceable.
        tensor.raw.len() >= SHARED_BYTES
            && !files.manifest.has_input(&tensor.name)
            && !tensor.name.starts_with(LORA_PREFIX)
    });
    big.filter_map(|tensor| Some((tensor.name.clone(), Arc::new(decode(files, tensor)?)))).collect()
}

/// `None` for a tensor whose data does not fit its shape: ONNX Runtime reports what is wrong with it.
fn decode(files: &Files, tensor: &Initializer) -> Option<DynValue> {
    let raw = files.onnx.get(tensor.raw.clone())?;
    let shape: Vec<i64> = tensor.dims.iter().map(|size| i64::try_from(*size).ok()).collect::<Option<_>>()?;
    let elements = tensor.dims.iter().try_fold(1u64, |all, size| all.checked_mul(*size))?;
    match tensor.dtype {
        I8 if elements == raw.len() as u64 => {
            let values: Vec<i8> = raw.iter().map(|byte| *byte as i8).collect();
            Some(Tensor::from_array((shape, values)).ok()?.into_dyn())
        }
        F32 if elements.checked_mul(4) == Some(raw.len() as u64) => {
            let (words, _) = raw.as_chunks::<4>();
            let values: Vec<f32> = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
            Some(Tensor::from_array((shape, values)).ok()?.into_dyn())
        }
        _ => None,
    }
}

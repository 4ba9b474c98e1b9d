//! Vectors in the form that is stored: L2-normalised, half precision, little-endian.

use std::sync::Arc;

use half::f16;
use half::slice::HalfFloatSliceExt;

use crate::base::error::{Error, Result};

/// Divides a vector by its L2 norm.
///
/// The norm is summed in f64, so that no finite f32 input overflows or vanishes on the way.
///
/// # Errors
/// [`Error::NonFinite`] with the position, [`Error::ZeroNorm`]; both name `what`.
pub(crate) fn normalised(what: &str, vector: &[f32]) -> Result<Vec<f32>> {
    if let Some(index) = vector.iter().position(|x| !x.is_finite()) {
        return Err(Error::NonFinite { what: what.to_owned(), index });
    }
    let norm = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
    if norm == 0.0 {
        return Err(Error::ZeroNorm { what: what.to_owned() });
    }
    Ok(vector.iter().map(|&x| (f64::from(x) / norm) as f32).collect())
}

/// L2-normalises and rounds to f16 (relative error of a component at most 2^-11).
///
/// Input is checked where it enters the engine. Should a vector without a direction (all zeros, or not finite) come
/// here all the same, the answer is all zeros: it scores 0 against everything and cannot damage the graph.
pub(crate) fn to_half(vector: &[f32]) -> Arc<[f16]> {
    match normalised("vector", vector) {
        Ok(unit) => round(&unit).into(),
        Err(_) => vec![f16::ZERO; vector.len()].into(),
    }
}

/// Rounds to f16 without normalising.
pub(super) fn round(vector: &[f32]) -> Vec<f16> {
    let mut halves = vec![f16::ZERO; vector.len()];
    halves.convert_from_f32_slice(vector);
    halves
}

/// Widens to f32; exact.
pub(crate) fn widen(vector: &[f16]) -> Vec<f32> {
    let mut wide = vec![0.0; vector.len()];
    vector.convert_to_f32_slice(&mut wide);
    wide
}

/// The bytes of a vector as the catalog stores them: two per dimension, little-endian.
pub(crate) fn to_bytes(vector: &[f16]) -> Vec<u8> {
    vector.iter().flat_map(|half| half.to_le_bytes()).collect()
}

/// Reads what [`to_bytes`] wrote.
///
/// # Errors
/// [`Error::Damaged`] when the length is not `2 * dimensions` or a component is not finite: one NaN inside a graph
/// hides a sixth of its vectors.
pub(crate) fn from_bytes(bytes: &[u8], dimensions: usize) -> Result<Arc<[f16]>> {
    if bytes.len() != dimensions.saturating_mul(2) {
        let found = format!("expected {dimensions} dimensions of 2 bytes, found {} bytes", bytes.len());
        return Err(Error::damaged("stored vector", found));
    }
    let halves: Arc<[f16]> = bytes.chunks_exact(2).map(|pair| f16::from_le_bytes([pair[0], pair[1]])).collect();
    match first_non_finite(&halves) {
        Some(index) => Err(Error::damaged("stored vector", format!("component {index} is not finite"))),
        None => Ok(halves),
    }
}

/// The position of the first NaN or infinity.
pub(super) fn first_non_finite(vector: &[f16]) -> Option<usize> {
    vector.iter().position(|half| !half.is_finite())
}

/// Checks a vector that is about to enter a space: its width, and that every component is finite.
///
/// # Errors
/// [`Error::DimMismatch`] or [`Error::NonFinite`], naming the space.
pub(super) fn check_stored(space: &str, dimensions: usize, vector: &[f16]) -> Result<()> {
    if vector.len() != dimensions {
        return Err(Error::DimMismatch { space: space.to_owned(), expected: dimensions, found: vector.len() });
    }
    match first_non_finite(vector) {
        Some(index) => Err(Error::NonFinite { what: format!("vector `{space}`"), index }),
        None => Ok(()),
    }
}

/// Widens stored components into `into`.
///
/// # Errors
/// [`Error::Damaged`] when the value has another length.
pub(crate) fn read_bytes(bytes: &[u8], into: &mut [f32]) -> Result<()> {
    if bytes.len() != into.len() * 2 {
        return Err(Error::damaged("vector", format!("{} bytes, expected {}", bytes.len(), into.len() * 2)));
    }
    // A slice at a time: what the CPU can do is asked once for each, and eight are widened by one instruction.
    let mut halves = [f16::ZERO; 64];
    for (values, bytes) in into.chunks_mut(halves.len()).zip(bytes.chunks(2 * halves.len())) {
        let halves = &mut halves[..values.len()];
        for (half, pair) in halves.iter_mut().zip(bytes.chunks_exact(2)) {
            *half = f16::from_le_bytes([pair[0], pair[1]]);
        }
        halves.convert_to_f32_slice(values);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extreme_vectors_normalise_without_overflow_or_loss() {
        for scale in [1e-38_f32, 1.0, 1e38] {
            let unit = normalised("v", &[3.0 * scale, 0.0, -2.0 * scale]).unwrap();
            let norm: f32 = unit.iter().map(|x| x * x).sum();
            assert!((norm - 1.0).abs() < 1e-5, "scale {scale}: norm {norm}");
        }
        assert!(matches!(normalised("v", &[0.0, f32::NAN]), Err(Error::NonFinite { index: 1, .. })));
        assert!(matches!(normalised("v", &[0.0, -0.0]), Err(Error::ZeroNorm { .. })));
        assert!(to_half(&[f32::INFINITY, 1.0]).iter().all(|half| *half == f16::ZERO));
    }

    #[test]
    fn bytes_come_back_and_damaged_bytes_do_not() {
        let half = to_half(&[1.0, -2.0, 3.0]);
        let bytes = to_bytes(&half);
        assert_eq!(bytes.len(), 6);
        assert_eq!(from_bytes(&bytes, 3).unwrap(), half);
        assert!(matches!(from_bytes(&bytes[..5], 3), Err(Error::Damaged { .. })));
        assert!(matches!(from_bytes(&bytes, usize::MAX), Err(Error::Damaged { .. })));
        assert!(matches!(from_bytes(&[0, 0, 0, 0x7e, 0, 0], 3), Err(Error::Damaged { .. })));
    }
}

//! The dot product of f16 vectors, summed in f32, and the exact top-k over any set of them.
//!
//! Vectors are L2-normalised, so that the dot product is the cosine. A query is widened to f32 once and meets each
//! stored vector in half precision: reading half the bytes is what a scan of a large overlay gains.

use half::f16;
use half::slice::HalfFloatSliceExt;

#[cfg(test)]
use crate::base::{id::ItemKey, score::top_k};

/// Entries that `exact_top_k` gathers beyond twice `k` before it drops all but the best `k`.
#[cfg(test)]
const SPARE: usize = 256;

/// The dot product of a widened query and a stored vector of the same width; of the shorter width when they differ.
pub(crate) fn dot(query: &[f32], stored: &[f16]) -> f32 {
    let width = query.len().min(stored.len());
    #[cfg(target_arch = "x86_64")]
    if wide_kernel_runs() {
        // SAFETY: the CPU has AVX2, FMA and F16C, and `stored` holds at least `width` halves of two bytes each.
        return unsafe { dot_f16c(&query[..width], stored.as_ptr().cast()) };
    }
    dot_portable(&query[..width], &stored[..width])
}

/// Like [`dot`], over a vector as the catalog stores it (little-endian f16, any alignment), without copying it.
pub(crate) fn dot_bytes(query: &[f32], stored: &[u8]) -> f32 {
    let width = query.len().min(stored.len() / 2);
    #[cfg(target_arch = "x86_64")]
    if wide_kernel_runs() {
        // SAFETY: the CPU has AVX2, FMA and F16C, and `stored` holds at least `2 * width` bytes.
        return unsafe { dot_f16c(&query[..width], stored.as_ptr()) };
    }
    let halves: Vec<f16> = stored.chunks_exact(2).map(|pair| f16::from_le_bytes([pair[0], pair[1]])).collect();
    dot_portable(&query[..width], &halves[..width])
}

/// The `k` best of `vectors` by dot product with `query` (widened to f32), best first; equal scores by ascending key.
///
/// Every vector is scored: this is the oracle that the tests hold the graph against.
#[cfg(test)]
pub(crate) fn exact_top_k<'v>(
    query: &[f32],
    vectors: impl IntoIterator<Item = (ItemKey, &'v [f16])>,
    k: usize,
) -> Vec<(ItemKey, f32)> {
    let limit = k.saturating_mul(2).saturating_add(SPARE);
    let mut best = Vec::new();
    for (key, vector) in vectors {
        best.push((key, dot(query, vector).clamp(-1.0, 1.0)));
        if best.len() >= limit {
            best = top_k(best, k);
        }
    }
    top_k(best, k)
}

/// Whether [`dot_f16c`] and the kernel of the graph may be called. The standard library caches the answer.
#[cfg(target_arch = "x86_64")]
pub(super) fn wide_kernel_runs() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")
}

/// Sixteen products at a time: halves are widened in registers and never written back.
///
/// # Safety
/// The CPU has AVX2, FMA and F16C. `stored` points to `2 * query.len()` readable bytes, in any alignment.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn dot_f16c(query: &[f32], stored: *const u8) -> f32 {
    use std::arch::x86_64::*;
    let width = query.len();
    let (mut even, mut odd) = (_mm256_setzero_ps(), _mm256_setzero_ps());
    let mut at = 0;
    while at + 16 <= width {
        // SAFETY: `at + 16 <= width`, so both loads of each side stay inside; all four allow any alignment.
        unsafe {
            let low = _mm256_cvtph_ps(_mm_loadu_si128(stored.add(2 * at).cast()));
            let high = _mm256_cvtph_ps(_mm_loadu_si128(stored.add(2 * at + 16).cast()));
            even = _mm256_fmadd_ps(_mm256_loadu_ps(query.as_ptr().add(at)), low, even);
            odd = _mm256_fmadd_ps(_mm256_loadu_ps(query.as_ptr().add(at + 8)), high, odd);
        }
        at += 16;
    }
    let mut lanes = [0.0_f32; 8];
    // SAFETY: `lanes` holds exactly the eight f32 that are stored.
    unsafe { _mm256_storeu_ps(lanes.as_mut_ptr(), _mm256_add_ps(even, odd)) };
    let mut sum: f32 = lanes.iter().sum();
    while at < width {
        // SAFETY: `at < width`, so the two bytes at `2 * at` are inside.
        let pair = unsafe { [*stored.add(2 * at), *stored.add(2 * at + 1)] };
        sum += query[at] * f16::from_le_bytes(pair).to_f32();
        at += 1;
    }
    sum
}

/// The same without special instructions: slice conversions of `half`, which pick what the CPU has, then eight sums
/// side by side that the compiler can keep in vector registers.
fn dot_portable(query: &[f32], stored: &[f16]) -> f32 {
    const CHUNK: usize = 64;
    let mut wide = [0.0_f32; CHUNK];
    let mut sums = [0.0_f32; 8];
    for (query, stored) in query.chunks(CHUNK).zip(stored.chunks(CHUNK)) {
        let wide = &mut wide[..stored.len()];
        stored.convert_to_f32_slice(wide);
        for (q, s) in query.chunks(8).zip(wide.chunks(8)) {
            for (sum, (q, s)) in sums.iter_mut().zip(q.iter().zip(s)) {
                *sum += q * s;
            }
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::{to_bytes, to_half, widen};

    #[test]
    fn kernels_agree_with_a_plain_sum_at_every_width() {
        for width in [1, 2, 7, 8, 15, 16, 17, 31, 33, 64, 65, 127, 128, 130, 384] {
            let a = to_half(&(0..width).map(|i| (i as f32 * 0.37).sin() + 0.1).collect::<Vec<_>>());
            let b = to_half(&(0..width).map(|i| (i as f32 * 0.91).cos() - 0.2).collect::<Vec<_>>());
            let query = widen(&a);
            let plain: f64 = a.iter().zip(b.iter()).map(|(a, b)| a.to_f64() * b.to_f64()).sum();
            // One byte in front puts the vector off its natural alignment.
            let bytes: Vec<u8> = std::iter::once(7).chain(to_bytes(&b)).collect();
            for found in [dot(&query, &b), dot_portable(&query, &b), dot_bytes(&query, &bytes[1..])] {
                assert!((f64::from(found) - plain).abs() < 1e-5, "width {width}: {found} for {plain}");
            }
        }
        assert_eq!(dot(&[1.0, 2.0], &[]), 0.0);
        assert_eq!(dot_bytes(&[1.0, 2.0], &[0]), 0.0);
    }

    #[test]
    fn exact_top_k_equals_a_full_sort() {
        let vectors: Vec<_> =
            (0..2000_u64).map(|i| to_half(&[(i as f32).sin(), (i as f32 * 1.7).cos(), 0.3])).collect();
        let query = widen(&to_half(&[0.2, 0.9, -0.4]));
        let entries = || vectors.iter().enumerate().map(|(i, v)| (ItemKey(i as u64), v.as_ref()));
        let mut all: Vec<_> = entries().map(|(key, v)| (key, dot(&query, v))).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        for k in [0, 1, 10, 1999, 5000, usize::MAX] {
            assert_eq!(exact_top_k(&query, entries(), k), all[..k.min(2000)], "k {k}");
        }
    }
}

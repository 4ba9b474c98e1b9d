//! The distance of the graph: one less the inner product of two f16 vectors.
//!
//! usearch can bring its kernels along from numkong, a C library of two thousand that takes a fifth of a clean build. A
//! graph calls one of them, so on x86-64 it is here, and numkong is left out (docs/decisions/0029). Other processors
//! keep what usearch brings.

use usearch::Index;

use crate::base::error::Result;

/// Lets a graph compute its distances with the kernel below, if this CPU can run it. Loading a graph undoes it.
#[cfg(target_arch = "x86_64")]
pub(super) fn install(index: &mut Index, dimensions: usize) -> Result<()> {
    if !super::dot::wide_kernel_runs() {
        return Ok(());
    }
    let narrow = move |a: *const usearch::f16, b: *const usearch::f16| {
        // SAFETY: the CPU has AVX2, FMA and F16C, and the graph passes two of its vectors or queries, all of
        // `dimensions` halves.
        1.0 - unsafe { inner_product(a.cast(), b.cast(), dimensions) }
    };
    let wide = move |a: *const usearch::f16, b: *const usearch::f16| {
        // SAFETY: the CPU has AVX-512F, and the vectors are as above.
        1.0 - unsafe { inner_product_wide(a.cast(), b.cast(), dimensions) }
    };
    // Through the trait: the method of the same name panics.
    let changed = match std::arch::is_x86_feature_detected!("avx512f") {
        true => <usearch::f16 as usearch::VectorType>::change_metric(index, Box::new(wide)),
        false => <usearch::f16 as usearch::VectorType>::change_metric(index, Box::new(narrow)),
    };
    changed.map_err(super::error::index_error)
}

/// Leaves a graph the kernels of usearch.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn install(_: &mut Index, _: usize) -> Result<()> {
    Ok(())
}

/// The inner product of `width` halves, summed in f32.
///
/// The order of the sum is part of the result: sixteen sums side by side, the last one of each vector filled up with
/// zeros, then halved to eight, four, two and one. numkong adds up in this order on CPUs with AVX-512, bit for bit.
///
/// # Safety
/// The CPU has AVX2, FMA and F16C. `a` and `b` point to `width` readable halves each, in any alignment.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn inner_product(a: *const u16, b: *const u16, width: usize) -> f32 {
    use std::arch::x86_64::*;
    let mut sums = (_mm256_setzero_ps(), _mm256_setzero_ps());
    let mut at = 0;
    while at + 16 <= width {
        // SAFETY: `at + 16 <= width`, so sixteen halves can be read on each side.
        sums = unsafe { add_sixteen(sums, a.add(at), b.add(at)) };
        at += 16;
    }
    if at < width {
        let mut rest = ([0_u16; 16], [0_u16; 16]);
        // SAFETY: `width - at` halves are left on each side, fewer than the sixteen of each array.
        sums = unsafe {
            a.add(at).copy_to_nonoverlapping(rest.0.as_mut_ptr(), width - at);
            b.add(at).copy_to_nonoverlapping(rest.1.as_mut_ptr(), width - at);
            add_sixteen(sums, rest.0.as_ptr(), rest.1.as_ptr())
        };
    }
    let eight = _mm256_add_ps(sums.0, sums.1);
    let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    let two = _mm_hadd_ps(four, four);
    _mm_cvtss_f32(_mm_hadd_ps(two, two))
}

/// [`inner_product`] with the sixteen sums in one register: the same numbers in the same order.
///
/// # Safety
/// The CPU has AVX-512F (and with it AVX2, FMA and F16C). `a` and `b` point to `width` readable halves each, in any
/// alignment.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma,f16c")]
unsafe fn inner_product_wide(a: *const u16, b: *const u16, width: usize) -> f32 {
    use std::arch::x86_64::*;
    let mut sums = _mm512_setzero_ps();
    let mut at = 0;
    while at + 16 <= width {
        // SAFETY: `at + 16 <= width`, so sixteen halves can be read on each side.
        let (a, b) = unsafe { (_mm256_loadu_si256(a.add(at).cast()), _mm256_loadu_si256(b.add(at).cast())) };
        sums = _mm512_fmadd_ps(_mm512_cvtph_ps(a), _mm512_cvtph_ps(b), sums);
        at += 16;
    }
    if at < width {
        let mut rest = ([0_u16; 16], [0_u16; 16]);
        // SAFETY: `width - at` halves are left on each side, fewer than the sixteen of each array.
        let (a, b) = unsafe {
            a.add(at).copy_to_nonoverlapping(rest.0.as_mut_ptr(), width - at);
            b.add(at).copy_to_nonoverlapping(rest.1.as_mut_ptr(), width - at);
            (_mm256_loadu_si256(rest.0.as_ptr().cast()), _mm256_loadu_si256(rest.1.as_ptr().cast()))
        };
        sums = _mm512_fmadd_ps(_mm512_cvtph_ps(a), _mm512_cvtph_ps(b), sums);
    }
    let high = _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(sums)));
    let eight = _mm256_add_ps(_mm512_castps512_ps256(sums), high);
    let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
    let two = _mm_hadd_ps(four, four);
    _mm_cvtss_f32(_mm_hadd_ps(two, two))
}

/// Adds sixteen products to sixteen sums.
///
/// # Safety
/// The CPU has AVX2, FMA and F16C. `a` and `b` point to sixteen readable halves each, in any alignment.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn add_sixteen(
    (low, high): (std::arch::x86_64::__m256, std::arch::x86_64::__m256),
    a: *const u16,
    b: *const u16,
) -> (std::arch::x86_64::__m256, std::arch::x86_64::__m256) {
    use std::arch::x86_64::*;
    // SAFETY: the four loads read eight halves each, sixteen from `a` and from `b`, in any alignment.
    unsafe {
        let (a, a_high) =
            (_mm256_cvtph_ps(_mm_loadu_si128(a.cast())), _mm256_cvtph_ps(_mm_loadu_si128(a.add(8).cast())));
        let (b, b_high) =
            (_mm256_cvtph_ps(_mm_loadu_si128(b.cast())), _mm256_cvtph_ps(_mm_loadu_si128(b.add(8).cast())));
        (_mm256_fmadd_ps(a, b, low), _mm256_fmadd_ps(a_high, b_high, high))
    }
}

#[cfg(test)]
mod tests {
    use super::super::graph::Graph;
    use super::super::{dot::wide_kernel_runs, to_half};
    use super::*;

    /// The sum in the order that [`inner_product`] documents, one number at a time.
    fn in_sixteen_sums(a: &[half::f16], b: &[half::f16]) -> f32 {
        let mut sums = [0.0_f32; 16];
        for (at, (a, b)) in a.iter().zip(b).enumerate() {
            sums[at % 16] = a.to_f32().mul_add(b.to_f32(), sums[at % 16]);
        }
        let eight: [f32; 8] = std::array::from_fn(|i| sums[i] + sums[i + 8]);
        let four: [f32; 4] = std::array::from_fn(|i| eight[i] + eight[i + 4]);
        (four[0] + four[1]) + (four[2] + four[3])
    }

    #[test]
    fn the_order_of_the_sum_is_kept_to_the_last_bit() {
        if !wide_kernel_runs() {
            return;
        }
        for width in (1..=70).chain([127, 128, 129, 256, 300, 384, 768]) {
            let a = to_half(&(0..width).map(|i| (i as f32 * 0.37).sin() + 0.1).collect::<Vec<_>>());
            let b = to_half(&(0..width).map(|i| (i as f32 * 0.91).cos() - 0.2).collect::<Vec<_>>());
            // SAFETY: the CPU has what the kernel needs, and both sides hold `width` halves.
            let found = unsafe { inner_product(a.as_ptr().cast(), b.as_ptr().cast(), width) };
            assert_eq!(found.to_bits(), in_sixteen_sums(&a, &b).to_bits(), "width {width}");
            if std::arch::is_x86_feature_detected!("avx512f") {
                // SAFETY: as above, and the CPU has AVX-512F.
                let wide = unsafe { inner_product_wide(a.as_ptr().cast(), b.as_ptr().cast(), width) };
                assert_eq!(wide.to_bits(), found.to_bits(), "width {width}, in one register");
            }
        }
    }

    #[test]
    fn a_loaded_graph_computes_what_the_saved_one_did() {
        let vectors: Vec<_> = (0..40)
            .map(|n| to_half(&(0..100).map(|i| ((n * 100 + i) as f32).sin() * 0.14).collect::<Vec<_>>()))
            .collect();
        let graph = Graph::new(100).unwrap();
        graph.reserve(vectors.len()).unwrap();
        for (n, vector) in vectors.iter().enumerate() {
            graph.insert_one((crate::base::id::ItemKey(n as u64), vector)).unwrap();
        }
        let loaded = Graph::from_bytes(&graph.to_bytes().unwrap(), 100, 40).unwrap();
        for query in &vectors {
            let found = graph.traverse(query, 40).unwrap();
            assert_eq!(loaded.traverse(query, 40).unwrap(), found);
            for (key, cosine) in found.into_iter().filter(|_| wide_kernel_runs()) {
                let sum = in_sixteen_sums(query, &vectors[key.0 as usize]);
                assert_eq!(cosine, (1.0 - (1.0 - sum)).clamp(-1.0, 1.0));
            }
        }
    }
}

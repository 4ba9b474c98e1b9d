//! Memory that will be read soon, requested early.

/// Bytes that are loaded from memory at a time.
#[cfg(target_arch = "x86_64")]
const CACHE_LINE: usize = 64;

/// Asks the processor to load values into its cache: a hint that does not wait. Many at once take hardly longer than
/// one. Does nothing except on x86-64.
pub(crate) fn prefetch<T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let (first, bytes) = (values.as_ptr().cast::<i8>(), size_of_val(values));
        for at in (0..bytes).step_by(CACHE_LINE).chain(bytes.checked_sub(1)) {
            // SAFETY: a prefetch has no effect that the program can observe, and cannot fault at any address.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(first.wrapping_add(at)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

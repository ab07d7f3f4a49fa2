//! Asking for memory before it is needed.
//!
//! Processors fetch ahead along a stream, but stop at the end of a page; where a large array is gone through once, or is
//! written in pieces that lie far apart, that is a wait a page.
#![allow(unsafe_code)]

/// A hint that `bytes` from `at` on will be read or written; nothing where there is no such instruction. Any address may be
/// given.
#[inline(always)]
pub(crate) fn prefetch<T>(at: *const T, bytes: usize) {
    /// Bytes of a cache line.
    const LINE: usize = 64;
    #[cfg(target_arch = "x86_64")]
    for offset in (0..bytes).step_by(LINE) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint reads nothing and does not fault, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast::<i8>().wrapping_add(offset)) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (at, bytes, LINE);
}

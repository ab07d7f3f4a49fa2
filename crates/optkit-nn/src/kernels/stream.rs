//! Writing past the cache.
//!
//! A store to memory that is not in cache reads the line first, and pushes another out: where much more is written than
//! stays in cache, memory moves three times as many bytes as it is given.
#![allow(unsafe_code)]

/// `to` ← `from`, of equal length, past the cache where there is an instruction for it. Such stores are ordered with others
/// by [`fence`] only, which is to follow before another thread may read.
#[inline(always)]
pub(super) fn copy_past_cache(from: &[f64], to: &mut [f64]) {
    assert_eq!(from.len(), to.len(), "stream: as many numbers as places");
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_mm_loadu_pd, _mm_stream_pd};
        /// Numbers of a cache line.
        const LINE: usize = 8;
        let head = to.as_ptr().align_offset(LINE * size_of::<f64>()).min(to.len());
        let (first, to) = to.split_at_mut(head);
        first.copy_from_slice(&from[..head]);
        let (lines, last) = to.as_chunks_mut::<LINE>();
        let (of_lines, of_last) = from[head..].as_chunks::<LINE>();
        for (to, from) in lines.iter_mut().zip(of_lines) {
            for i in (0..LINE).step_by(2) {
                // SAFETY: two numbers either way; `to` is aligned to a line, and x86-64 has the instructions.
                unsafe { _mm_stream_pd(to.as_mut_ptr().add(i), _mm_loadu_pd(from.as_ptr().add(i))) }
            }
        }
        last.copy_from_slice(of_last);
    }
    #[cfg(not(target_arch = "x86_64"))]
    to.copy_from_slice(from);
}

/// What was written past the cache comes before what is written next.
#[inline(always)]
pub(super) fn fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: x86-64 has the instruction.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

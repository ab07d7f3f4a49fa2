//! Eight numbers at a time, whatever the processor: each sum of a kernel is held in one of these, in registers.
//!
//! Loops over arrays of sums are left to the compiler at one's peril: with four sums of eight lanes it kept every lane
//! in memory, and a pass took seven times what its reading took.

/// Lanes of a vector.
pub(super) const WIDTH: usize = 8;

/// A vector of [`WIDTH`] numbers; all operations go entry by entry and round once, so every implementation gives the
/// same bits.
pub(super) trait Lanes: Copy {
    /// True where a vector is one register of thirty-two, so that eight sums stay in registers.
    const WIDE: bool = false;

    fn splat(x: f64) -> Self;
    fn load(x: &[f64; WIDTH]) -> Self;
    fn store(self, x: &mut [f64; WIDTH]);
    fn plus(self, x: Self) -> Self;
    fn minus(self, x: Self) -> Self;
    fn times(self, x: Self) -> Self;

    /// The sum over the lanes, in a fixed order.
    #[inline(always)]
    fn total(self) -> f64 {
        let mut x = [0.0; WIDTH];
        self.store(&mut x);
        ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]))
    }
}

/// For any processor.
#[derive(Clone, Copy)]
pub(super) struct Portable([f64; WIDTH]);

impl Portable {
    #[inline(always)]
    fn each(self, x: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        Self(std::array::from_fn(|lane| f(self.0[lane], x.0[lane])))
    }
}

impl Lanes for Portable {
    #[inline(always)]
    fn splat(x: f64) -> Self {
        Self([x; WIDTH])
    }
    #[inline(always)]
    fn load(x: &[f64; WIDTH]) -> Self {
        Self(*x)
    }
    #[inline(always)]
    fn store(self, x: &mut [f64; WIDTH]) {
        *x = self.0;
    }
    #[inline(always)]
    fn plus(self, x: Self) -> Self {
        self.each(x, |a, b| a + b)
    }
    #[inline(always)]
    fn minus(self, x: Self) -> Self {
        self.each(x, |a, b| a - b)
    }
    #[inline(always)]
    fn times(self, x: Self) -> Self {
        self.each(x, |a, b| a * b)
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod x86 {
    use std::arch::x86_64::{
        __m256d, __m512d, _mm256_add_pd, _mm256_loadu_pd, _mm256_mul_pd, _mm256_set1_pd, _mm256_storeu_pd,
        _mm256_sub_pd, _mm512_add_pd, _mm512_loadu_pd, _mm512_mul_pd, _mm512_set1_pd, _mm512_storeu_pd,
        _mm512_sub_pd,
    };

    use super::{Lanes, WIDTH};

    /// Two registers of AVX2. Used by nothing but the functions that `kernel!` defines, behind its question to the
    /// processor; on that stand all the blocks below.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx2(__m256d, __m256d);

    /// A register of AVX-512, likewise.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx512(__m512d);

    impl Lanes for Avx2 {
        #[inline(always)]
        fn splat(x: f64) -> Self {
            // SAFETY: the processor has AVX2, see `Avx2`.
            let half = unsafe { _mm256_set1_pd(x) };
            Self(half, half)
        }
        #[inline(always)]
        fn load(x: &[f64; WIDTH]) -> Self {
            // SAFETY: the processor has AVX2; `x` is twice four numbers to read, and no alignment is asked for.
            unsafe { Self(_mm256_loadu_pd(x.as_ptr()), _mm256_loadu_pd(x.as_ptr().add(4))) }
        }
        #[inline(always)]
        fn store(self, x: &mut [f64; WIDTH]) {
            // SAFETY: the processor has AVX2; `x` is twice four numbers to write, and no alignment is asked for.
            unsafe {
                _mm256_storeu_pd(x.as_mut_ptr(), self.0);
                _mm256_storeu_pd(x.as_mut_ptr().add(4), self.1);
            }
        }
        #[inline(always)]
        fn plus(self, x: Self) -> Self {
            // SAFETY: the processor has AVX2, see `Avx2`.
            unsafe { Self(_mm256_add_pd(self.0, x.0), _mm256_add_pd(self.1, x.1)) }
        }
        #[inline(always)]
        fn minus(self, x: Self) -> Self {
            // SAFETY: the processor has AVX2, see `Avx2`.
            unsafe { Self(_mm256_sub_pd(self.0, x.0), _mm256_sub_pd(self.1, x.1)) }
        }
        #[inline(always)]
        fn times(self, x: Self) -> Self {
            // SAFETY: the processor has AVX2, see `Avx2`.
            unsafe { Self(_mm256_mul_pd(self.0, x.0), _mm256_mul_pd(self.1, x.1)) }
        }
    }

    impl Lanes for Avx512 {
        const WIDE: bool = true;

        #[inline(always)]
        fn splat(x: f64) -> Self {
            // SAFETY: the processor has AVX-512, see `Avx512`.
            Self(unsafe { _mm512_set1_pd(x) })
        }
        #[inline(always)]
        fn load(x: &[f64; WIDTH]) -> Self {
            // SAFETY: the processor has AVX-512; `x` is eight numbers to read, and no alignment is asked for.
            Self(unsafe { _mm512_loadu_pd(x.as_ptr()) })
        }
        #[inline(always)]
        fn store(self, x: &mut [f64; WIDTH]) {
            // SAFETY: the processor has AVX-512; `x` is eight numbers to write, and no alignment is asked for.
            unsafe { _mm512_storeu_pd(x.as_mut_ptr(), self.0) }
        }
        #[inline(always)]
        fn plus(self, x: Self) -> Self {
            // SAFETY: the processor has AVX-512, see `Avx512`.
            Self(unsafe { _mm512_add_pd(self.0, x.0) })
        }
        #[inline(always)]
        fn minus(self, x: Self) -> Self {
            // SAFETY: the processor has AVX-512, see `Avx512`.
            Self(unsafe { _mm512_sub_pd(self.0, x.0) })
        }
        #[inline(always)]
        fn times(self, x: Self) -> Self {
            // SAFETY: the processor has AVX-512, see `Avx512`.
            Self(unsafe { _mm512_mul_pd(self.0, x.0) })
        }
    }
}

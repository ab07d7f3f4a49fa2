//! Sixteen lanes in AVX-512 and in pairs of AVX2 registers.
#![allow(unsafe_code)]

mod shuffles;

use std::arch::x86_64::*;

use super::vector::{EXP_COEFFICIENTS, EXP_LEAST, LN2_HIGH, LN2_LOW, LOG2_E, Vector};
use super::{
    BackLines, CrossEntropy, Interleave, Kernel, Kernels, Lines, PairProduct, Product, SoftmaxTangent,
    SparseForward, SparseGradient, Spread, Transpose, cross_entropy, elementwise, interleave, normalise,
    pairs, product, softmax_tangent, sparse, transpose, windows,
};

/// The kernels that this machine's instructions allow, fastest first.
pub(super) fn usable() -> impl Iterator<Item = &'static Kernels<f32>> {
    let wide = is_x86_feature_detected!("avx512f");
    let narrow = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    [(wide, &AVX512), (narrow, &AVX2)].into_iter().filter_map(|(usable, kernels)| usable.then_some(kernels))
}

/// One AVX-512 register.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Wide(__m512);

/// Two AVX registers.
#[derive(Clone, Copy)]
struct Pair(__m256, __m256);

// SAFETY: `Wide` is named only in this file, under functions that enable AVX-512 F and in `AVX512`, which `usable`
// gives out after detection.
unsafe impl Vector for Wide {
    type Scalar = f32;

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises 16 readable numbers.
        Self(unsafe { _mm512_loadu_ps(from) })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises 16 writable numbers.
        unsafe { _mm512_storeu_ps(to, self.0) }
    }
    #[inline(always)]
    unsafe fn load_rounded(from: *const f64) -> Self {
        // SAFETY: the caller promises 16 readable numbers.
        unsafe {
            let low = _mm512_cvtpd_ps(_mm512_loadu_pd(from));
            let high = _mm512_cvtpd_ps(_mm512_loadu_pd(from.add(8)));
            let low = _mm512_castps_pd(_mm512_castps256_ps512(low));
            Self(_mm512_castpd_ps(_mm512_insertf64x4::<1>(low, _mm256_castps_pd(high))))
        }
    }
    #[inline(always)]
    unsafe fn store_widened(self, to: *mut f64) {
        // SAFETY: the caller promises 16 writable numbers.
        unsafe {
            let high = _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(self.0)));
            _mm512_storeu_pd(to, _mm512_cvtps_pd(_mm512_castps512_ps256(self.0)));
            _mm512_storeu_pd(to.add(8), _mm512_cvtps_pd(high));
        }
    }
    #[inline(always)]
    fn transpose(vectors: [Self; 16]) -> [Self; 16] {
        // SAFETY: as below.
        unsafe { shuffles::transpose(vectors) }
    }
    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: AVX-512 F is there, see the implementation's promise; so in all that follows.
        Self(unsafe { _mm512_set1_ps(value) })
    }
    #[inline(always)]
    fn multiply_add(self, by: Self, plus: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_fmadd_ps(self.0, by.0, plus.0) })
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_sub_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn multiply(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_mul_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn or_greater(self, other: Self) -> Self {
        // SAFETY: as above. The instruction gives its second operand where either is NaN.
        Self(unsafe { _mm512_max_ps(other.0, self.0) })
    }
    #[inline(always)]
    fn largest(self) -> f32 {
        // SAFETY: as above.
        unsafe { _mm512_reduce_max_ps(self.0) }
    }
    #[inline(always)]
    fn sum(self) -> f32 {
        // SAFETY: as above.
        unsafe { _mm512_reduce_add_ps(self.0) }
    }
    #[inline(always)]
    fn largest_of_each(vectors: [Self; 16]) -> [f32; 16] {
        // SAFETY: as above.
        unsafe { shuffles::across::<false>(vectors) }
    }
    #[inline(always)]
    fn sum_of_each(vectors: [Self; 16]) -> [f32; 16] {
        // SAFETY: as above.
        unsafe { shuffles::across::<true>(vectors) }
    }
    #[inline(always)]
    fn exp(self) -> Self {
        let x = self.or_greater(Self::splat(EXP_LEAST));
        let scaled = x.multiply(Self::splat(LOG2_E));
        // SAFETY: as above. 0: round to nearest.
        let n = Self(unsafe { _mm512_roundscale_ps::<0>(scaled.0) });
        // SAFETY: as above. p·2ⁿ.
        Self(unsafe { _mm512_scalef_ps(exp_reduced(x, n).0, n.0) })
    }
}

// SAFETY: `Pair` is named only in this file, under functions that enable AVX2 and FMA and in `AVX2`, which `usable`
// gives out after detection.
unsafe impl Vector for Pair {
    type Scalar = f32;

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises 16 readable numbers.
        unsafe { Self(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises 16 writable numbers.
        unsafe {
            _mm256_storeu_ps(to, self.0);
            _mm256_storeu_ps(to.add(8), self.1);
        }
    }
    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: AVX2 and FMA are there, see the implementation's promise; so in all that follows.
        let v = unsafe { _mm256_set1_ps(value) };
        Self(v, v)
    }
    #[inline(always)]
    fn multiply_add(self, by: Self, plus: Self) -> Self {
        // SAFETY: as above.
        unsafe { Self(_mm256_fmadd_ps(self.0, by.0, plus.0), _mm256_fmadd_ps(self.1, by.1, plus.1)) }
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { Self(_mm256_add_ps(self.0, other.0), _mm256_add_ps(self.1, other.1)) }
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { Self(_mm256_sub_ps(self.0, other.0), _mm256_sub_ps(self.1, other.1)) }
    }
    #[inline(always)]
    fn multiply(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { Self(_mm256_mul_ps(self.0, other.0), _mm256_mul_ps(self.1, other.1)) }
    }
    #[inline(always)]
    fn or_greater(self, other: Self) -> Self {
        // SAFETY: as above. The instruction gives its second operand where either is NaN.
        unsafe { Self(_mm256_max_ps(other.0, self.0), _mm256_max_ps(other.1, self.1)) }
    }
    #[inline(always)]
    fn largest(self) -> f32 {
        // SAFETY: as above.
        let lanes = unsafe { _mm256_max_ps(self.0, self.1) };
        // SAFETY: eight floats either way.
        let lanes: [f32; 8] = unsafe { std::mem::transmute(lanes) };
        lanes.into_iter().fold(f32::NEG_INFINITY, f32::max)
    }
    #[inline(always)]
    fn sum(self) -> f32 {
        // SAFETY: as above.
        unsafe {
            let eight = _mm256_add_ps(self.0, self.1);
            let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
        }
    }
    #[inline(always)]
    fn exp(self) -> Self {
        let x = self.or_greater(Self::splat(EXP_LEAST));
        let scaled = x.multiply(Self::splat(LOG2_E));
        // SAFETY: as above. 8: round to nearest, no exception.
        let n = unsafe { Self(_mm256_round_ps::<8>(scaled.0), _mm256_round_ps::<8>(scaled.1)) };
        let p = exp_reduced(x, n);
        // SAFETY: as above.
        p.multiply(unsafe { Self(power(n.0), power(n.1)) })
    }
}

/// 2ⁿ from its bits: n ≥ −126, so the exponent stays in range.
///
/// # Safety
/// AVX2 is there.
#[inline(always)]
unsafe fn power(n: __m256) -> __m256 {
    // SAFETY: by the caller's promise.
    unsafe {
        let bias = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
        _mm256_castsi256_ps(_mm256_slli_epi32::<23>(bias))
    }
}

/// eʳ for r = x − n ln 2.
#[inline(always)]
fn exp_reduced<V: Vector<Scalar = f32>>(x: V, n: V) -> V {
    let r = n.multiply_add(V::splat(-LN2_HIGH), x);
    let r = n.multiply_add(V::splat(-LN2_LOW), r);
    let mut p = V::splat(EXP_COEFFICIENTS[0]);
    for &c in &EXP_COEFFICIENTS[1..] {
        p = p.multiply_add(r, V::splat(c));
    }
    p.multiply_add(r.multiply(r), r).add(V::splat(1.0))
}

/// Enters a loop through a function that enables `$features`, and gives that out as a safe one.
macro_rules! entered {
    ($features:literal, $body:path, ($($argument:ident: $type:ty),*) $(-> $result:ty)?) => {{
        #[target_feature(enable = $features)]
        fn enabled($($argument: $type),*) $(-> $result)? {
            #[allow(unused_unsafe)] // elementwise loops ask for nothing
            // SAFETY: the instructions of the vector are enabled here.
            unsafe { $body($($argument),*) }
        }
        fn entered($($argument: $type),*) $(-> $result)? {
            // SAFETY: the tables below are given out by `usable` only, where the instructions were detected.
            unsafe { enabled($($argument),*) }
        }
        entered
    }};
}

/// The loops over `$vector`, with register blocks of `$rows` rows (`$tall` where rows are unrolled) and `$columns`
/// vectors.
macro_rules! kernels {
    ($kernel:expr, $features:literal, $vector:ty, $columns:literal, $rows:literal, $tall:literal) => {
        Kernels {
            kernel: $kernel,
            product: entered!($features, product::run::<$vector, $columns, $rows>, (p: Product<'_, f32>)),
            sparse_forward: entered!($features, sparse::forward::<$vector, $columns>, (f: SparseForward<'_, f32>)),
            sparse_gradient: entered!($features, sparse::gradient::<$vector, $columns>, (g: SparseGradient<'_, f32>)),
            cross_entropy: entered!($features, cross_entropy::run::<$vector>, (c: CrossEntropy<'_, f32>) -> f64),
            softmax_tangent: entered!($features, softmax_tangent::run::<$vector>, (t: SoftmaxTangent<'_, f32>)),
            dot: entered!($features, elementwise::dot, (a: &[f32], b: &[f32]) -> f64),
            relu: entered!($features, elementwise::relu, (x: &[f32], y: &mut [f32])),
            relu_gradient: entered!($features, elementwise::relu_gradient, (y: &[f32], g: &mut [f32])),
            sigmoid: entered!($features, elementwise::sigmoid, (x: &[f32], y: &mut [f32])),
            tanh: entered!($features, elementwise::tanh, (x: &[f32], y: &mut [f32])),
            sum_rows: entered!($features, elementwise::sum_rows::<$vector>, (rows: &[f32], sums: &mut [f32])),
            shift: entered!($features, elementwise::shift, (z: &[f32], shift: &[f32], y: &mut [f32])),
            shift_by: entered!(
                $features,
                elementwise::shift_by,
                (z: &[f32], step: &[f32], shift: &[f32], y: &mut [f32])
            ),
            along_line: entered!($features, elementwise::along_line, (z: &mut [f32], base: &[f32], ratio: f32)),
            pairs: {
                #[target_feature(enable = $features)]
                #[inline(never)]
                unsafe fn block<const COLUMNS: usize, const HEIGHT: usize, const ADJACENT: bool>(
                    terms: &pairs::Terms<'_, f32>,
                    row: usize,
                    column: usize,
                ) {
                    // SAFETY: the instructions of the vector are enabled here; the rest by the caller's promise.
                    unsafe { pairs::block::<$vector, COLUMNS, HEIGHT, ADJACENT>(terms, row, column) }
                }
                static BLOCKS: pairs::Blocks<f32> = pairs::blocks!(block, $columns, $tall);
                fn entered(p: PairProduct<'_, f32>) {
                    // SAFETY: the tables below are given out by `usable` only, where the instructions were detected.
                    unsafe { pairs::run(&BLOCKS, p) }
                }
                entered
            },
            moments: entered!($features, normalise::moments::<$vector>, (x: &[f32], shift: &[f32], sums: &mut [f64])),
            gradient_moments: entered!(
                $features,
                normalise::gradient_moments::<$vector>,
                (x: &[f32], shift: &[f32], d: &[f32], sums: &mut [f64])
            ),
            affine: entered!(
                $features,
                normalise::affine::<$vector>,
                (x: &[f32], lines: Lines<'_, f32>, residual: &[f32], relu: bool, y: &mut [f32])
            ),
            affine_gradient: entered!(
                $features,
                normalise::affine_gradient::<$vector>,
                (x: &[f32], lines: BackLines<'_, f32>, d: &mut [f32])
            ),
            affine_gradient_to: entered!(
                $features,
                normalise::affine_gradient_to::<$vector>,
                (x: &[f32], lines: BackLines<'_, f32>, d: &[f32], to: &mut [f32])
            ),
            largest: entered!($features, windows::largest, (x: &[f32], tap: u16, y: &mut [f32], at: &mut [u16])),
            from_largest: entered!(
                $features,
                windows::from_largest,
                (d: &[f32], at: &[u16], tap: u16, to: &mut [f32])
            ),
            add_scaled: entered!($features, windows::add_scaled, (x: &[f32], factor: f32, to: &mut [f32])),
            round: entered!($features, elementwise::round, (from: &[f64], to: &mut [f32])),
            interleave: entered!($features, interleave::run::<$vector>, (i: Interleave<'_, f32>)),
            spread: entered!($features, interleave::spread::<$vector>, (s: Spread<'_, f32>)),
            transpose: entered!($features, transpose::run::<$vector>, (t: Transpose<'_, f32>)),
        }
    };
}

static AVX512: Kernels<f32> = kernels!(Kernel::Avx512, "avx512f", Wide, 2, 8, 13);
static AVX2: Kernels<f32> = kernels!(Kernel::Avx2, "avx2,fma", Pair, 1, 4, 6);

//! Sixteen lanes as an array: what the compiler makes of it on any machine.
#![allow(unsafe_code)]

use super::vector::Vector;
use super::{
    BackLines, CrossEntropy, Interleave, Kernel, Kernels, Lines, PairProduct, Product, SoftmaxTangent,
    SparseForward, SparseGradient, Spread, Transpose, cross_entropy, elementwise, interleave, normalise,
    pairs, product, softmax_tangent, sparse, transpose, windows,
};
use crate::Scalar;

/// Sixteen numbers in an array.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Lanes<S>([S; 16]);

impl<S: Scalar> Lanes<S> {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(S, S) -> S) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }

    /// Combine the lanes two by two, as the instruction sets do.
    #[inline(always)]
    fn fold(self, f: impl Fn(S, S) -> S) -> S {
        let mut lanes = self.0;
        let mut half = 8;
        while half > 0 {
            for i in 0..half {
                lanes[i] = f(lanes[i], lanes[i + half]);
            }
            half /= 2;
        }
        lanes[0]
    }
}

// SAFETY: no instruction is asked beyond the target's baseline.
unsafe impl<S: Scalar> Vector for Lanes<S> {
    type Scalar = S;

    #[inline(always)]
    unsafe fn load(from: *const S) -> Self {
        // SAFETY: the caller promises 16 readable numbers.
        Self(unsafe { from.cast::<[S; 16]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut S) {
        // SAFETY: the caller promises 16 writable numbers.
        unsafe { to.cast::<[S; 16]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    fn splat(value: S) -> Self {
        Self([value; 16])
    }
    #[inline(always)]
    fn multiply_add(self, by: Self, plus: Self) -> Self {
        // Two roundings: without the instruction, a fused product is a library call.
        self.multiply(by).add(plus)
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
    #[inline(always)]
    fn multiply(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }
    #[inline(always)]
    fn or_greater(self, other: Self) -> Self {
        self.zip(other, |a, b| if b > a { b } else { a })
    }
    #[inline(always)]
    fn largest(self) -> S {
        self.fold(|a, b| if b > a { b } else { a })
    }
    #[inline(always)]
    fn sum(self) -> S {
        self.fold(|a, b| a + b)
    }
    #[inline(always)]
    fn exp(self) -> Self {
        let x = self.or_greater(Self::splat(S::EXP_LEAST));
        Self(std::array::from_fn(|i| x.0[i].exp()))
    }
}

fn product<S: Scalar>(p: Product<'_, S>) {
    // SAFETY: `Lanes` asks for no instruction beyond the baseline.
    unsafe { product::run::<Lanes<S>, 1, 4>(p) }
}

fn sparse_forward<S: Scalar>(f: SparseForward<'_, S>) {
    // SAFETY: as above.
    unsafe { sparse::forward::<Lanes<S>, 1>(f) }
}

fn sparse_gradient<S: Scalar>(g: SparseGradient<'_, S>) {
    // SAFETY: as above.
    unsafe { sparse::gradient::<Lanes<S>, 1>(g) }
}

fn cross_entropy<S: Scalar>(c: CrossEntropy<'_, S>) -> f64 {
    // SAFETY: as above.
    unsafe { cross_entropy::run::<Lanes<S>>(c) }
}

fn softmax_tangent<S: Scalar>(t: SoftmaxTangent<'_, S>) {
    // SAFETY: as above.
    unsafe { softmax_tangent::run::<Lanes<S>>(t) }
}

fn sum_rows<S: Scalar>(rows: &[S], sums: &mut [S]) {
    // SAFETY: as above.
    unsafe { elementwise::sum_rows::<Lanes<S>>(rows, sums) }
}

unsafe fn pair_block<S: Scalar, const COLUMNS: usize, const HEIGHT: usize, const ADJACENT: bool>(
    terms: &pairs::Terms<'_, S>,
    row: usize,
    column: usize,
) {
    // SAFETY: as above; the rest by the caller's promise.
    unsafe { pairs::block::<Lanes<S>, COLUMNS, HEIGHT, ADJACENT>(terms, row, column) }
}

fn pair_product<S: Scalar>(p: PairProduct<'_, S>) {
    // Blocks of one or two rows and one vector: more would not stay in the registers of a baseline machine.
    let heights = |one: pairs::Block<S>, two: pairs::Block<S>| {
        let mut blocks = [two; pairs::MOST];
        blocks[0] = one;
        [blocks; 2]
    };
    let blocks = pairs::Blocks {
        rows: 2,
        columns: 1,
        terms: heights(pair_block::<S, 1, 1, false>, pair_block::<S, 1, 2, false>),
        adjacent: heights(pair_block::<S, 1, 1, true>, pair_block::<S, 1, 2, true>),
    };
    // SAFETY: as above.
    unsafe { pairs::run(&blocks, p) }
}

fn moments<S: Scalar>(x: &[S], shift: &[S], sums: &mut [f64]) {
    // SAFETY: as above.
    unsafe { normalise::moments::<Lanes<S>>(x, shift, sums) }
}

fn gradient_moments<S: Scalar>(x: &[S], shift: &[S], d: &[S], sums: &mut [f64]) {
    // SAFETY: as above.
    unsafe { normalise::gradient_moments::<Lanes<S>>(x, shift, d, sums) }
}

fn affine<S: Scalar>(x: &[S], lines: Lines<'_, S>, residual: &[S], relu: bool, y: &mut [S]) {
    // SAFETY: as above.
    unsafe { normalise::affine::<Lanes<S>>(x, lines, residual, relu, y) }
}

fn affine_gradient<S: Scalar>(x: &[S], lines: BackLines<'_, S>, d: &mut [S]) {
    // SAFETY: as above.
    unsafe { normalise::affine_gradient::<Lanes<S>>(x, lines, d) }
}

fn affine_gradient_to<S: Scalar>(x: &[S], lines: BackLines<'_, S>, d: &[S], to: &mut [S]) {
    // SAFETY: as above.
    unsafe { normalise::affine_gradient_to::<Lanes<S>>(x, lines, d, to) }
}

fn interleave<S: Scalar>(i: Interleave<'_, S>) {
    // SAFETY: as above.
    unsafe { interleave::run::<Lanes<S>>(i) }
}

fn spread<S: Scalar>(s: Spread<'_, S>) {
    // SAFETY: as above.
    unsafe { interleave::spread::<Lanes<S>>(s) }
}

fn transpose<S: Scalar>(t: Transpose<'_, S>) {
    // SAFETY: as above.
    unsafe { transpose::run::<Lanes<S>>(t) }
}

const fn kernels<S: Scalar>() -> Kernels<S> {
    Kernels {
        kernel: Kernel::Portable,
        product,
        sparse_forward,
        sparse_gradient,
        cross_entropy,
        softmax_tangent,
        dot: elementwise::dot,
        relu: elementwise::relu,
        relu_gradient: elementwise::relu_gradient,
        sigmoid: elementwise::sigmoid,
        tanh: elementwise::tanh,
        sum_rows,
        shift: elementwise::shift,
        shift_by: elementwise::shift_by,
        along_line: elementwise::along_line,
        pairs: pair_product,
        moments,
        gradient_moments,
        affine,
        affine_gradient,
        affine_gradient_to,
        largest: windows::largest,
        from_largest: windows::from_largest,
        add_scaled: windows::add_scaled,
        round: elementwise::round,
        interleave,
        spread,
        transpose,
    }
}

pub(super) static SINGLE: Kernels<f32> = kernels();
pub(super) const DOUBLE: Kernels<f64> = kernels();

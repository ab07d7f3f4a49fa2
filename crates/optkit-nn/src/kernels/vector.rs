//! Sixteen numbers at once: what the loops are written over.

use crate::Scalar;

/// Sixteen lanes of a scalar. Implementations are thin names for instructions.
///
/// # Safety
/// The methods of an implementation may be called only where its instructions exist: the loops over it are entered
/// through a function that enables them, and that function is reached only after detection.
#[allow(unsafe_code)]
pub(crate) unsafe trait Vector: Copy {
    type Scalar: Scalar;

    /// # Safety
    /// `from` is valid for reading 16 numbers; no alignment is asked.
    unsafe fn load(from: *const Self::Scalar) -> Self;
    /// # Safety
    /// `to` is valid for writing 16 numbers; no alignment is asked.
    unsafe fn store(self, to: *mut Self::Scalar);
    /// Sixteen numbers, rounded.
    ///
    /// # Safety
    /// `from` is valid for reading 16 numbers; no alignment is asked.
    #[inline(always)]
    unsafe fn load_rounded(from: *const f64) -> Self {
        let mut lanes = [Self::Scalar::ZERO; 16];
        for (i, lane) in lanes.iter_mut().enumerate() {
            // SAFETY: the caller promises 16 readable numbers.
            *lane = Self::Scalar::from_f64(unsafe { *from.add(i) });
        }
        // SAFETY: 16 numbers.
        unsafe { Self::load(lanes.as_ptr()) }
    }
    /// Sixteen numbers, in double precision.
    ///
    /// # Safety
    /// `to` is valid for writing 16 numbers; no alignment is asked.
    #[inline(always)]
    unsafe fn store_widened(self, to: *mut f64) {
        let mut lanes = [Self::Scalar::ZERO; 16];
        // SAFETY: 16 numbers.
        unsafe { self.store(lanes.as_mut_ptr()) };
        for (i, lane) in lanes.into_iter().enumerate() {
            // SAFETY: the caller promises 16 writable numbers.
            unsafe { *to.add(i) = lane.to_f64() };
        }
    }
    /// Lane i of vector j becomes lane j of vector i.
    #[inline(always)]
    fn transpose(vectors: [Self; 16]) -> [Self; 16] {
        let mut lanes = [[Self::Scalar::ZERO; 16]; 16];
        for (lanes, vector) in lanes.iter_mut().zip(vectors) {
            // SAFETY: 16 numbers.
            unsafe { vector.store(lanes.as_mut_ptr()) };
        }
        let mut across = vectors;
        for (i, across) in across.iter_mut().enumerate() {
            let mut column = [Self::Scalar::ZERO; 16];
            for (to, lanes) in column.iter_mut().zip(&lanes) {
                *to = lanes[i];
            }
            // SAFETY: 16 numbers.
            *across = unsafe { Self::load(column.as_ptr()) };
        }
        across
    }
    fn splat(value: Self::Scalar) -> Self;
    /// self·by + plus, rounded once where the machine can.
    fn multiply_add(self, by: Self, plus: Self) -> Self;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn multiply(self, other: Self) -> Self;
    /// The greater of both; `self` where either is NaN, so that a NaN in it survives.
    fn or_greater(self, other: Self) -> Self;
    /// Largest lane (unspecified where one is NaN).
    fn largest(self) -> Self::Scalar;
    /// Sum of the lanes, in a fixed order.
    fn sum(self) -> Self::Scalar;
    /// Largest lane of each vector.
    #[inline(always)]
    fn largest_of_each(vectors: [Self; 16]) -> [Self::Scalar; 16] {
        // Loops, not `map`: only what is inlined here is compiled for the instruction set.
        let mut each = [Self::Scalar::ZERO; 16];
        for (each, vector) in each.iter_mut().zip(vectors) {
            *each = vector.largest();
        }
        each
    }
    /// Sum of the lanes of each vector, in a fixed order.
    #[inline(always)]
    fn sum_of_each(vectors: [Self; 16]) -> [Self::Scalar; 16] {
        let mut each = [Self::Scalar::ZERO; 16];
        for (each, vector) in each.iter_mut().zip(vectors) {
            *each = vector.sum();
        }
        each
    }
    /// eˣ for x ≤ 0 to within two units in the last place; eᵐ where x < m = [`Scalar::EXP_LEAST`]. NaN stays NaN.
    fn exp(self) -> Self;
}

/// Polynomial of degree 6 for eʳ, |r| ≤ ½ ln 2, in Horner's order (Cody & Waite reduction; Cephes' coefficients).
pub(super) const EXP_COEFFICIENTS: [f32; 6] =
    [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 5e-1];
/// log₂ e.
pub(super) const LOG2_E: f32 = std::f32::consts::LOG2_E;
/// ln 2 = `LN2_HIGH` + `LN2_LOW`, the first with trailing zeros so that n·`LN2_HIGH` is exact.
pub(super) const LN2_HIGH: f32 = 0.693_359_4;
pub(super) const LN2_LOW: f32 = -2.121_944_4e-4;
/// Below this, eˣ is taken for what it is here.
pub(super) const EXP_LEAST: f32 = <f32 as Scalar>::EXP_LEAST;

//! Which ball: the scaling D of the variables in which a trust region is round, ‖Ds‖ ≤ Δ.
//!
//! The paper compares orders by one radius Δ, but the 2-norm ball of radius Δ is a far smaller set than the ∞-norm
//! ball: a step in it has a root mean square of Δ/√n at the most. The balls here whose steps have a root mean square of
//! Δ are of comparable size:
//!
//! ```text
//! two          ‖s‖₂ ≤ Δ                       the paper's, for order 2
//! two_scaled   ‖s‖₂ ≤ √n Δ                    root mean square over all variables
//! per_tensor   Σ_t ‖s_t‖₂²/n_t ≤ Δ²           the same for every parameter tensor t, of n_t variables
//! ```

use std::ops::Range;

use optkit_core::Subset;
use optkit_core::vector::distance2;

/// The scaling D, positive.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Scale {
    /// D = I.
    #[default]
    Unit,
    /// D = I/√n: `two_scaled`.
    Uniform,
    /// Any diagonal, one entry a variable: `per_tensor`.
    Diagonal(Vec<f64>),
}

impl Scale {
    /// 1/√n_t for every variable of a tensor t of n_t variables, tensors in order.
    #[must_use]
    pub fn per_tensor(sizes: &[usize]) -> Self {
        let whole = 0..sizes.iter().sum();
        Self::of_ranges(sizes, std::slice::from_ref(&whole))
    }

    /// The same for the variables of a part of these tensors.
    ///
    /// ```
    /// use optkit_core::Subset;
    /// use optkit_trust_region::Scale;
    /// let part = Subset::from_indices(5, &[1, 3, 4])?;
    /// assert_eq!(Scale::per_tensor_of(&[4, 1], &part), Scale::Diagonal(vec![0.5, 0.5, 1.0]));
    /// # Ok::<(), optkit_core::SubsetError>(())
    /// ```
    #[must_use]
    pub fn per_tensor_of(sizes: &[usize], part: &Subset) -> Self {
        Self::of_ranges(sizes, part.ranges())
    }

    fn of_ranges(sizes: &[usize], ranges: &[Range<usize>]) -> Self {
        let mut entries = Vec::with_capacity(ranges.iter().map(Range::len).sum());
        for range in ranges {
            let mut end = 0;
            for &size in sizes {
                let within = end.max(range.start)..(end + size).min(range.end);
                #[allow(clippy::cast_precision_loss)] // a tensor has fewer than 2⁵³ variables
                entries.extend(std::iter::repeat_n(1.0 / (size as f64).sqrt(), within.len()));
                end += size;
            }
        }
        Self::Diagonal(entries)
    }

    /// Number of variables that it is made for; any, where it is the same for all.
    pub(crate) fn dim(&self) -> Option<usize> {
        match self {
            Self::Diagonal(d) => Some(d.len()),
            _ => None,
        }
    }

    pub(crate) fn is_diagonal(&self) -> bool {
        matches!(self, Self::Diagonal(_))
    }

    /// v ← D⁻¹v, for a diagonal; nothing elsewhere.
    pub(crate) fn divide(&self, v: &mut [f64]) {
        if let Self::Diagonal(d) = self {
            for (v, d) in v.iter_mut().zip(d) {
                *v /= d;
            }
        }
    }

    /// v ← Dv, for a diagonal; nothing elsewhere.
    pub(crate) fn multiply(&self, v: &mut [f64]) {
        if let Self::Diagonal(d) = self {
            for (v, d) in v.iter_mut().zip(d) {
                *v *= d;
            }
        }
    }

    /// The radius of the ball in the variables that [`divide`](Self::divide) makes round.
    pub(crate) fn stretched(&self, radius: f64, n: usize) -> f64 {
        #[allow(clippy::cast_precision_loss)] // n < 2⁵³
        match self {
            Self::Uniform => radius * (n as f64).sqrt(),
            _ => radius,
        }
    }

    /// ‖D(a − b)‖₂.
    pub(crate) fn distance(&self, a: &[f64], b: &[f64]) -> f64 {
        #[allow(clippy::cast_precision_loss)] // n < 2⁵³
        match self {
            Self::Unit => distance2(a, b),
            Self::Uniform => distance2(a, b) / (a.len() as f64).sqrt(),
            Self::Diagonal(d) => {
                let squares: f64 =
                    a.iter().zip(b).zip(d).map(|((a, b), d)| (d * (a - b)) * (d * (a - b))).sum();
                squares.sqrt()
            }
        }
    }
}

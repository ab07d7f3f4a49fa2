//! Numbers that carry derivatives along: a formula is written once and differentiated by being evaluated.

use std::array;
use std::ops::{Add, Mul, Sub};

/// What a formula may do with its variables.
pub(crate) trait Number:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Add<f64, Output = Self>
    + Sub<f64, Output = Self>
    + Mul<f64, Output = Self>
{
    /// A number with zero derivatives.
    fn constant(value: f64) -> Self;
}

impl Number for f64 {
    fn constant(value: f64) -> Self {
        value
    }
}

/// v + Σ pᵢεᵢ with εᵢεⱼ = 0: a value with its W partial derivatives. Over `Dual<f64, 1>` it carries second
/// derivatives along one direction as well.
#[derive(Clone, Copy)]
pub(crate) struct Dual<T, const W: usize> {
    pub(crate) value: T,
    pub(crate) partials: [T; W],
}

impl<T: Number, const W: usize> Dual<T, W> {
    /// The W variables with the values `x`, each its own unit partial.
    #[inline]
    pub(crate) fn variables(x: [T; W]) -> [Self; W] {
        array::from_fn(|i| Self {
            value: x[i],
            partials: array::from_fn(|j| T::constant(if i == j { 1.0 } else { 0.0 })),
        })
    }
}

impl<T: Number, const W: usize> Number for Dual<T, W> {
    #[inline]
    fn constant(value: f64) -> Self {
        Self { value: T::constant(value), partials: [T::constant(0.0); W] }
    }
}

impl<T: Number, const W: usize> Add for Dual<T, W> {
    type Output = Self;
    #[inline]
    fn add(self, other: Self) -> Self {
        let partials = array::from_fn(|i| self.partials[i] + other.partials[i]);
        Self { value: self.value + other.value, partials }
    }
}

impl<T: Number, const W: usize> Sub for Dual<T, W> {
    type Output = Self;
    #[inline]
    fn sub(self, other: Self) -> Self {
        let partials = array::from_fn(|i| self.partials[i] - other.partials[i]);
        Self { value: self.value - other.value, partials }
    }
}

impl<T: Number, const W: usize> Mul for Dual<T, W> {
    type Output = Self;
    #[inline]
    #[allow(clippy::suspicious_arithmetic_impl)] // the product rule adds
    fn mul(self, other: Self) -> Self {
        let partials = array::from_fn(|i| self.partials[i] * other.value + self.value * other.partials[i]);
        Self { value: self.value * other.value, partials }
    }
}

impl<T: Number, const W: usize> Add<f64> for Dual<T, W> {
    type Output = Self;
    #[inline]
    fn add(self, constant: f64) -> Self {
        Self { value: self.value + constant, partials: self.partials }
    }
}

impl<T: Number, const W: usize> Sub<f64> for Dual<T, W> {
    type Output = Self;
    #[inline]
    fn sub(self, constant: f64) -> Self {
        Self { value: self.value - constant, partials: self.partials }
    }
}

impl<T: Number, const W: usize> Mul<f64> for Dual<T, W> {
    type Output = Self;
    #[inline]
    fn mul(self, factor: f64) -> Self {
        Self { value: self.value * factor, partials: self.partials.map(|p| p * factor) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// x³y − 2y² at (2, 5): value 40 − 50, ∇ = (3x²y, x³ − 4y), ∇² = [[6xy, 3x²], [3x², −4]].
    fn cubic<T: Number>([x, y]: [T; 2]) -> T {
        x * x * x * y - y * y * 2.0
    }

    #[test]
    fn first_and_second_derivatives_of_a_polynomial_are_exact() {
        let first = cubic(Dual::variables([2.0, 5.0]));
        assert_eq!((first.value, first.partials), (-10.0, [60.0, -12.0]));

        let along = |value, slope| Dual { value, partials: [slope] };
        let second = cubic(Dual::variables([along(2.0, 1.0), along(5.0, -3.0)]));
        assert_eq!(second.partials.map(|p| p.partials[0]), [60.0 - 36.0, 12.0 + 12.0]);
        assert_eq!(second.value.partials[0], 60.0 + 36.0);
    }
}

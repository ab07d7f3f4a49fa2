//! Numbers that carry derivatives along: a formula is written once and differentiated by being evaluated.

use std::array;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// What a formula may do with its variables.
pub(crate) trait Number:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + Add<f64, Output = Self>
    + Sub<f64, Output = Self>
    + Mul<f64, Output = Self>
    + Div<f64, Output = Self>
{
    /// A number with zero derivatives.
    fn constant(value: f64) -> Self;
    /// The value alone, to decide between branches by; NaN where there is none.
    fn real(self) -> f64;
    fn exp(self) -> Self;
    /// eˣ − 1.
    fn exp_m1(self) -> Self;
    fn ln(self) -> Self;
    fn sin(self) -> Self;
    fn cos(self) -> Self;
    fn sqrt(self) -> Self;
    fn atan(self) -> Self;
    fn squared(self) -> Self {
        self * self
    }
}

impl Number for f64 {
    fn constant(value: f64) -> Self {
        value
    }
    fn real(self) -> f64 {
        self
    }
    fn exp(self) -> Self {
        self.exp()
    }
    fn exp_m1(self) -> Self {
        self.exp_m1()
    }
    fn ln(self) -> Self {
        self.ln()
    }
    fn sin(self) -> Self {
        self.sin()
    }
    fn cos(self) -> Self {
        self.cos()
    }
    fn sqrt(self) -> Self {
        self.sqrt()
    }
    fn atan(self) -> Self {
        self.atan()
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

    /// The chain rule: `value` = φ(self.value), `slope` = φ′(self.value).
    #[inline]
    fn chain(self, value: T, slope: T) -> Self {
        Self { value, partials: self.partials.map(|p| p * slope) }
    }
}

impl Dual<f64, 1> {
    /// x moved along a direction.
    #[inline]
    pub(crate) fn along(x: f64, slope: f64) -> Self {
        Self { value: x, partials: [slope] }
    }
}

impl<T: Number, const W: usize> Number for Dual<T, W> {
    #[inline]
    fn constant(value: f64) -> Self {
        Self { value: T::constant(value), partials: [T::constant(0.0); W] }
    }
    #[inline]
    fn real(self) -> f64 {
        self.value.real()
    }
    #[inline]
    fn exp(self) -> Self {
        let value = self.value.exp();
        self.chain(value, value)
    }
    #[inline]
    fn exp_m1(self) -> Self {
        self.chain(self.value.exp_m1(), self.value.exp())
    }
    #[inline]
    fn ln(self) -> Self {
        self.chain(self.value.ln(), T::constant(1.0) / self.value)
    }
    #[inline]
    fn sin(self) -> Self {
        self.chain(self.value.sin(), self.value.cos())
    }
    #[inline]
    fn cos(self) -> Self {
        self.chain(self.value.cos(), -self.value.sin())
    }
    #[inline]
    fn sqrt(self) -> Self {
        let value = self.value.sqrt();
        self.chain(value, T::constant(0.5) / value)
    }
    #[inline]
    fn atan(self) -> Self {
        self.chain(self.value.atan(), T::constant(1.0) / (self.value * self.value + 1.0))
    }
}

impl<T: Number, const W: usize> Div for Dual<T, W> {
    type Output = Self;
    #[inline]
    #[allow(clippy::suspicious_arithmetic_impl)] // the quotient rule multiplies and subtracts
    fn div(self, other: Self) -> Self {
        let value = self.value / other.value;
        let partials = array::from_fn(|i| (self.partials[i] - value * other.partials[i]) / other.value);
        Self { value, partials }
    }
}

impl<T: Number, const W: usize> Neg for Dual<T, W> {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        Self { value: -self.value, partials: self.partials.map(|p| -p) }
    }
}

impl<T: Number, const W: usize> Div<f64> for Dual<T, W> {
    type Output = Self;
    #[inline]
    fn div(self, divisor: f64) -> Self {
        Self { value: self.value / divisor, partials: self.partials.map(|p| p / divisor) }
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

        let second = cubic(Dual::variables([Dual::along(2.0, 1.0), Dual::along(5.0, -3.0)]));
        assert_eq!(second.partials.map(|p| p.partials[0]), [60.0 - 36.0, 12.0 + 12.0]);
        assert_eq!(second.value.partials[0], 60.0 + 36.0);
    }

    /// Every elementary function against its derivatives as tables have them, at ½ along 2.
    #[test]
    fn elementary_functions_have_their_textbook_derivatives() {
        type Second = Dual<Dual<f64, 1>, 1>;
        type Case = (fn(Second) -> Second, [f64; 3]);
        let x: f64 = 0.5;
        let atan = 1.0 / (1.0 + x * x);
        let root = x.sqrt();
        let cases: [Case; 9] = [
            (Number::exp, [x.exp(), x.exp(), x.exp()]),
            (Number::exp_m1, [x.exp_m1(), x.exp(), x.exp()]),
            (Number::ln, [x.ln(), 2.0, -4.0]),
            (Number::sin, [x.sin(), x.cos(), -x.sin()]),
            (Number::cos, [x.cos(), -x.sin(), -x.cos()]),
            (Number::sqrt, [root, 0.5 / root, -0.25 / (root * x)]),
            (Number::atan, [x.atan(), atan, -2.0 * x * atan * atan]),
            (|x| Second::constant(3.0) / x, [6.0, -12.0, 48.0]),
            (|x| -x / (x + 1.0) / 2.0, [-1.0 / 6.0, -0.5 / 2.25, 1.0 / 3.375]),
        ];
        for (k, (function, [value, first, second])) in cases.into_iter().enumerate() {
            let [variable] = Dual::variables([Dual::along(x, 2.0)]);
            let found = function(variable);
            let close = |found: f64, stated: f64| (found - stated).abs() <= 4e-16 * stated.abs();
            assert!(close(found.value.value, value), "{k}");
            assert!(close(found.partials[0].value, first), "{k}: {} not {first}", found.partials[0].value);
            assert!(close(found.partials[0].partials[0], 2.0 * second), "{k}: not {second}");
        }
    }
}

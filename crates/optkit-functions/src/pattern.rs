//! Which variables a formula reads, found by evaluating it over sets instead of numbers.

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::number::Number;

/// A set of up to 64 variables, bit i for variable i.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pattern(u64);

impl Pattern {
    pub(crate) fn variable(index: usize) -> Self {
        Self(1 << index)
    }

    pub(crate) fn holds(self, index: usize) -> bool {
        self.0 >> index & 1 == 1
    }
}

/// Whatever is done to two numbers reads the variables of both, and with a constant no more than before.
macro_rules! joined {
    ($($operator:ident $method:ident),*) => {$(
        impl $operator for Pattern {
            type Output = Self;
            #[allow(clippy::suspicious_arithmetic_impl)] // every operation is a union
            fn $method(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }
        impl $operator<f64> for Pattern {
            type Output = Self;
            fn $method(self, _constant: f64) -> Self {
                self
            }
        }
    )*};
}

joined!(Add add, Sub sub, Mul mul, Div div);

impl Neg for Pattern {
    type Output = Self;
    fn neg(self) -> Self {
        self
    }
}

impl Number for Pattern {
    fn constant(_value: f64) -> Self {
        Self(0)
    }
    fn real(self) -> f64 {
        f64::NAN
    }
    fn exp(self) -> Self {
        self
    }
    fn exp_m1(self) -> Self {
        self
    }
    fn ln(self) -> Self {
        self
    }
    fn sin(self) -> Self {
        self
    }
    fn cos(self) -> Self {
        self
    }
    fn sqrt(self) -> Self {
        self
    }
    fn atan(self) -> Self {
        self
    }
}

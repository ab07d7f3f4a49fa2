//! The numbers that a network computes with: `f32` for speed, `f64` to check gradients.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};
use std::sync::Arc;

use crate::executor::Executor;
use crate::kernels::Kernels;
use crate::{Loss, Network, Samples, Targets};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// `f32` or `f64`.
pub trait Scalar:
    sealed::Sealed
    + Copy
    + Debug
    + Default
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + 'static
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Relative error of a loss computed with these numbers and summed in `f64`.
    const NOISE: f64;
    /// Exponentials of softmax and sigmoid are those of this number where x is less: far below what rounding leaves
    /// of a loss, far above where products with them become subnormal, which takes the hardware ten times as long.
    const EXP_LEAST: Self;

    /// The nearest number.
    fn from_f64(value: f64) -> Self;
    /// The same number.
    fn to_f64(self) -> f64;
    /// eˣ.
    fn exp(self) -> Self;
    /// tanh x.
    fn tanh(self) -> Self;
    /// 1/(1 + e⁻ˣ).
    fn sigmoid(self) -> Self;

    /// The fastest kernels for these numbers on this machine.
    #[doc(hidden)]
    fn kernels() -> &'static Kernels<Self>;

    /// What computes `network` on `samples` with these numbers.
    #[doc(hidden)]
    fn executor(
        network: &Network,
        loss: Loss,
        samples: Arc<Samples>,
        targets: Arc<Targets>,
    ) -> Box<dyn Executor>;
}

impl Scalar for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const NOISE: f64 = 1e-7;
    const EXP_LEAST: Self = -60.0;

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as f32
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn exp(self) -> Self {
        self.exp()
    }
    #[inline(always)]
    fn tanh(self) -> Self {
        crate::kernels::tanh_single(self)
    }
    #[inline(always)]
    fn sigmoid(self) -> Self {
        crate::kernels::sigmoid_single(self)
    }
    fn kernels() -> &'static Kernels<Self> {
        crate::kernels::fastest()
    }
    fn executor(
        network: &Network,
        loss: Loss,
        samples: Arc<Samples>,
        targets: Arc<Targets>,
    ) -> Box<dyn Executor> {
        crate::executor::new::<Self>(network, loss, samples, targets)
    }
}

impl Scalar for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const NOISE: f64 = f64::EPSILON;
    const EXP_LEAST: Self = -600.0;

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn exp(self) -> Self {
        self.exp()
    }
    #[inline(always)]
    fn tanh(self) -> Self {
        self.tanh()
    }
    #[inline(always)]
    fn sigmoid(self) -> Self {
        // Where e⁻ˣ overflows, 1/∞ = 0 is right.
        1.0 / (1.0 + (-self).exp())
    }
    fn kernels() -> &'static Kernels<Self> {
        &crate::kernels::DOUBLE
    }
    fn executor(
        network: &Network,
        loss: Loss,
        samples: Arc<Samples>,
        targets: Arc<Targets>,
    ) -> Box<dyn Executor> {
        crate::executor::new::<Self>(network, loss, samples, targets)
    }
}

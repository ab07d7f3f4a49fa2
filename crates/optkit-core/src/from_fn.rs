//! An objective from closures.

use crate::{Counted, HessianProduct, Objective};

/// An objective made by [`from_fn`].
#[derive(Clone, Debug)]
pub struct FromFn<V, G> {
    dim: usize,
    value: V,
    gradient: G,
}

/// The objective with `value` f(x) and `gradient` x, g ↦ (g ← ∇f(x)), its evaluations counted.
///
/// ```
/// use optkit_core::{Objective, from_fn};
/// let mut f = from_fn(1, |x| x[0].powi(2), |x, g| g[0] = 2.0 * x[0]);
/// assert_eq!(f.value(&[3.0]), 9.0);
/// assert_eq!(f.work().gradient_equivalents, 0.5);
/// ```
pub fn from_fn<V, G>(dim: usize, value: V, gradient: G) -> Counted<FromFn<V, G>>
where
    V: FnMut(&[f64]) -> f64 + Send,
    G: FnMut(&[f64], &mut [f64]) + Send,
{
    Counted::new(FromFn { dim, value, gradient })
}

impl<V, G> Objective for FromFn<V, G>
where
    V: FnMut(&[f64]) -> f64 + Send,
    G: FnMut(&[f64], &mut [f64]) + Send,
{
    fn dim(&self) -> usize {
        self.dim
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        (self.value)(x)
    }
    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        (self.gradient)(x, gradient);
        (self.value)(x)
    }
}

impl<V, G> Counted<FromFn<V, G>>
where
    V: FnMut(&[f64]) -> f64 + Send,
    G: FnMut(&[f64], &mut [f64]) + Send,
{
    /// With `product` x, v, p ↦ (p ← ∇²f(x)·v), for methods that use curvature.
    ///
    /// ```
    /// use optkit_core::{Objective, from_fn};
    /// let mut f = from_fn(1, |x| x[0].powi(3), |x, g| g[0] = 3.0 * x[0] * x[0])
    ///     .with_hessian_product(|x, v, p| p[0] = 6.0 * x[0] * v[0]);
    /// let mut product = [0.0];
    /// f.hessian_product().expect("given").apply(&[2.0], &[1.0], &mut product);
    /// assert_eq!(product, [12.0]);
    /// ```
    pub fn with_hessian_product<H>(self, product: H) -> Counted<WithHessianProduct<FromFn<V, G>, H>>
    where
        H: FnMut(&[f64], &[f64], &mut [f64]) + Send,
    {
        Counted::new(WithHessianProduct { first_order: self.into_inner(), product })
    }
}

/// An objective with products of its Hessian, made by [`with_hessian_product`](Counted::with_hessian_product).
#[derive(Clone, Debug)]
pub struct WithHessianProduct<F, H> {
    first_order: F,
    product: H,
}

impl<F: Objective, H: FnMut(&[f64], &[f64], &mut [f64]) + Send> Objective for WithHessianProduct<F, H> {
    fn dim(&self) -> usize {
        self.first_order.dim()
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        self.first_order.value(x)
    }
    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.first_order.value_gradient(x, gradient)
    }
    fn hessian_product(&mut self) -> Option<&mut dyn HessianProduct> {
        Some(self)
    }
}

impl<F: Objective, H: FnMut(&[f64], &[f64], &mut [f64]) + Send> HessianProduct for WithHessianProduct<F, H> {
    fn apply(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        (self.product)(x, v, product);
    }
}

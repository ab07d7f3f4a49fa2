//! An objective from two closures.

use crate::{Counted, Objective};

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

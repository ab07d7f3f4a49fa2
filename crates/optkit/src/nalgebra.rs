//! Objectives over vectors of nalgebra. With the feature `nalgebra`.
//!
//! What comes back are objectives like any other: points go in as slices (`x.as_slice()`), and come out as vectors of
//! numbers that `DVector::from_vec` or `SVector::from_column_slice` take.

use ::nalgebra::{DVector, SVector};
use optkit_core::{Counted, FromFn, from_fn};

/// The objective of `n` variables with `value` f(x) and `gradient` x, g ↦ (g ← ∇f(x)), its evaluations counted.
/// Nothing is allocated per evaluation.
///
/// ```
/// use nalgebra::DVector;
/// use optkit::{Objective, nalgebra::dvector};
/// let mut f = dvector(
///     2,
///     |x: &DVector<f64>| x.norm_squared(),
///     |x: &DVector<f64>, g: &mut DVector<f64>| g.axpy(2.0, x, 0.0),
/// );
/// let mut gradient = [0.0; 2];
/// assert_eq!(f.value_gradient(&[3.0, 4.0], &mut gradient), 25.0);
/// assert_eq!(gradient, [6.0, 8.0]);
/// ```
#[allow(clippy::type_complexity)] // two closures, each with what it takes
pub fn dvector<V, G>(
    n: usize,
    mut value: V,
    mut gradient: G,
) -> Counted<FromFn<impl FnMut(&[f64]) -> f64 + Send, impl FnMut(&[f64], &mut [f64]) + Send>>
where
    V: FnMut(&DVector<f64>) -> f64 + Send,
    G: FnMut(&DVector<f64>, &mut DVector<f64>) + Send,
{
    let (mut at, mut point, mut slope) = (DVector::zeros(n), DVector::zeros(n), DVector::zeros(n));
    from_fn(
        n,
        move |x| {
            at.copy_from_slice(x);
            value(&at)
        },
        move |x, g| {
            point.copy_from_slice(x);
            gradient(&point, &mut slope);
            g.copy_from_slice(slope.as_slice());
        },
    )
}

/// The objective of `N` variables with `value` f(x) and `gradient` ∇f(x), its evaluations counted.
///
/// ```
/// use nalgebra::SVector;
/// use optkit::{Objective, nalgebra::svector};
/// let mut f = svector(
///     |x: &SVector<f64, 2>| x.norm_squared(),
///     |x: &SVector<f64, 2>| 2.0 * x,
/// );
/// let start = SVector::from([3.0, 4.0]);
/// assert_eq!((f.dim(), f.value(start.as_slice())), (2, 25.0));
/// ```
#[allow(clippy::type_complexity)] // as above
pub fn svector<const N: usize, V, G>(
    mut value: V,
    mut gradient: G,
) -> Counted<FromFn<impl FnMut(&[f64]) -> f64 + Send, impl FnMut(&[f64], &mut [f64]) + Send>>
where
    V: FnMut(&SVector<f64, N>) -> f64 + Send,
    G: FnMut(&SVector<f64, N>) -> SVector<f64, N> + Send,
{
    from_fn(
        N,
        move |x| value(&SVector::from_column_slice(x)),
        move |x, g| g.copy_from_slice(gradient(&SVector::from_column_slice(x)).as_slice()),
    )
}

//! Derivatives against differences of what they are derivatives of.
//!
//! [`check_gradient`] looks at given coordinates one by one. [`find_wrong_gradient`] looks at all of them, many at a
//! time, and [`find_wrong_product`] at products with the Hessian.

mod difference;
mod gradient;
mod noise;
mod product;
mod signs;

pub use gradient::find_wrong_gradient;
pub use product::find_wrong_product;
pub use signs::nearby;

use crate::Objective;

/// An entry of a gradient, or of a product with the Hessian, that differences contradict.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WrongDerivative {
    /// Which entry.
    pub coordinate: usize,
    /// As the objective gives it.
    pub given: f64,
    /// By differences.
    pub difference: f64,
    /// How far the difference can be off, estimated from several steps.
    pub uncertainty: f64,
}

/// What a search for wrong derivatives found.
#[derive(Clone, Debug, PartialEq)]
pub struct DerivativeReport {
    /// Entries that are wrong, at most [`MOST_WRONG`]; the search ends when it has found as many.
    pub wrong: Vec<WrongDerivative>,
    /// Entries that no step resolves to [`resolution`](Self::resolution): kinks, or rounding alone.
    pub unresolved: usize,
    /// Errors larger than this, times the largest entry, are seen. About η^⅓ for values with relative error η: 5·10⁻³
    /// in `f32`, 6·10⁻⁶ in `f64`.
    pub resolution: f64,
    /// Values, or for products gradients, that it took.
    pub evaluations: u64,
}

/// The wrong entries that a search names before it ends.
pub const MOST_WRONG: usize = 8;

/// The error of an entry that is to be seen, of the largest entry: what differences of values with relative error η
/// can show.
fn relative_error(f: &dyn Objective) -> f64 {
    f.noise().clamp(f64::EPSILON, 1e-2).cbrt()
}

/// Nothing can be checked where the function is not defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UncheckedError {
    /// The value or an entry of the gradient or product.
    #[error("f, or a derivative of it, is not finite at this point; check at a point where f is defined")]
    NotFinite,
    /// The objective has no Hessian products.
    #[error("this objective offers no products with its Hessian")]
    NoProducts,
}

/// The largest disagreement that [`check_gradient`] found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DerivativeCheck {
    /// Coordinate of the largest error.
    pub coordinate: usize,
    /// ∂f/∂xᵢ as the objective gives it.
    pub given: f64,
    /// ∂f/∂xᵢ by central differences.
    pub difference: f64,
    /// |given − difference| / max(1, ‖∇f‖∞).
    pub error: f64,
}

/// Compares the gradient at `x` with central differences of step `h`·max(1, |xᵢ|) in each of `coordinates`.
///
/// The error of the difference itself is about h² (truncation) plus `noise`/h (rounding): h = 6e-6 suits f64.
/// Returns the worst coordinate, or `None` where `coordinates` is empty.
pub fn check_gradient(
    f: &mut dyn Objective,
    x: &[f64],
    coordinates: &[usize],
    h: f64,
) -> Option<DerivativeCheck> {
    let mut gradient = vec![0.0; f.dim()];
    f.value_gradient(x, &mut gradient);
    let scale = crate::vector::norm_inf(&gradient).max(1.0);
    let mut point = x.to_vec();
    let mut worst: Option<DerivativeCheck> = None;
    for &i in coordinates {
        let step = h * x[i].abs().max(1.0);
        point[i] = x[i] + step;
        let above = f.value(&point);
        let upper = point[i];
        point[i] = x[i] - step;
        let below = f.value(&point);
        let difference = (above - below) / (upper - point[i]);
        point[i] = x[i];
        let error = (gradient[i] - difference).abs() / scale;
        // A NaN error is the worst of all.
        if worst.is_none_or(|w| error.is_nan() || error > w.error) {
            worst = Some(DerivativeCheck { coordinate: i, given: gradient[i], difference, error });
        }
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::from_fn;

    #[test]
    fn a_wrong_coordinate_is_found() {
        let mut f = from_fn(
            3,
            |x| x.iter().map(|v| v.sin()).sum(),
            |x, g| {
                for (g, x) in g.iter_mut().zip(x) {
                    *g = x.cos();
                }
                g[1] += 1e-5;
            },
        );
        let worst = check_gradient(&mut f, &[0.3, 0.7, -2.0], &[0, 1, 2], 6e-6).unwrap();
        assert_eq!(worst.coordinate, 1);
        assert!(worst.error > 0.9e-5 && worst.error < 1.1e-5, "{worst:?}");
    }
}

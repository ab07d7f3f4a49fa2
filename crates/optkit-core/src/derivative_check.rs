//! Gradients against central differences.

use crate::Objective;

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

//! Products with the Hessian against differences of gradients.
//!
//! One product along a random direction of ±dᵢ tests every row of the Hessian at once, and every entry of a row with
//! the same weight. Where activations have kinks, the Hessian is that of the pieces; a difference shows it only where no
//! kink lies within the step, which asks for small steps and therefore for gradients in `f64`.

use super::difference::{extrapolate, steps};
use super::signs::sign;
use super::{DerivativeReport, MOST_WRONG, UncheckedError, WrongDerivative, relative_error};
use crate::Objective;
use crate::vector::norm_inf;

/// Directions tried.
const PASSES: u64 = 2;
/// An estimate contradicts what differs from it by this many times its uncertainty.
const SURE: f64 = 3.0;
/// Rounding of an entry of a product, in errors of an entry of the gradient. The direction is as long as the variables, so
/// that terms of both are of one size; where those of a product cancel, or vanish exactly in the reference, this is left.
const ROUNDINGS: f64 = 4.0;

/// Compares products with the Hessian at `x` with differences of gradients, all entries of two products. `seed` chooses
/// the directions.
///
/// `reference` gives the gradients where the objective itself computes too coarsely for small steps (a network in `f32`:
/// the same in `f64`); errors of η^⅓, η the [`noise`](Objective::noise) of `f`, of the largest entry are found.
///
/// ```
/// use optkit_core::{find_wrong_product, from_fn};
/// let mut f = from_fn(2, |x| x[0].powi(4) + x[1].exp(), |x, g| {
///     g.copy_from_slice(&[4.0 * x[0].powi(3), x[1].exp()]);
/// })
/// .with_hessian_product(|x, v, p| p.copy_from_slice(&[11.9 * x[0].powi(2) * v[0], x[1].exp() * v[1]]));
/// let report = find_wrong_product(&mut f, None, &[1.0, 0.5], 0)?;
/// assert_eq!((report.wrong.len(), report.wrong[0].coordinate), (1, 0));
/// # Ok::<(), optkit_core::UncheckedError>(())
/// ```
pub fn find_wrong_product(
    f: &mut dyn Objective,
    mut reference: Option<&mut dyn Objective>,
    x: &[f64],
    seed: u64,
) -> Result<DerivativeReport, UncheckedError> {
    let n = x.len();
    let relative = relative_error(f);
    let mut report =
        DerivativeReport { wrong: Vec::new(), unresolved: 0, resolution: relative, evaluations: 0 };
    for pass in 0..PASSES {
        let seed = seed.wrapping_mul(PASSES).wrapping_add(pass);
        let direction: Vec<f64> = (0..n).map(|i| x[i].abs().max(1.0) * sign(seed, i)).collect();
        let mut product = vec![0.0; n];
        f.hessian_product().ok_or(UncheckedError::NoProducts)?.apply(x, &direction, &mut product);
        if !product.iter().all(|p| p.is_finite()) {
            return Err(UncheckedError::NotFinite);
        }
        let gradients: &mut dyn Objective = match &mut reference {
            Some(reference) => &mut **reference,
            None => &mut *f,
        };
        let estimates = estimates(gradients, x, &direction, &mut report.evaluations);
        let rounding = ROUNDINGS * f.noise().max(f64::EPSILON) * estimates.gradient;
        let tolerance = relative * norm_inf(&product) + rounding;
        judge(&product, &estimates, tolerance, &mut report);
    }
    report.wrong.sort_by_key(|w| w.coordinate);
    Ok(report)
}

/// ∇²f·v by differences: all entries, by the steps that make the largest uncertainty smallest.
struct Estimates {
    derivatives: Vec<f64>,
    /// Of the most uncertain entry.
    uncertainty: f64,
    /// ‖∇f‖∞ at the point.
    gradient: f64,
}

/// Adds the entries of `product` that the estimates contradict.
fn judge(product: &[f64], estimates: &Estimates, tolerance: f64, report: &mut DerivativeReport) {
    let uncertainty = estimates.uncertainty;
    if uncertainty.is_nan() || uncertainty > tolerance {
        report.unresolved = product.len();
    }
    for (i, (&given, &difference)) in product.iter().zip(&estimates.derivatives).enumerate() {
        let off = (given - difference).abs();
        let known = report.wrong.iter().any(|w| w.coordinate == i);
        if off > tolerance + SURE * uncertainty && !known && report.wrong.len() < MOST_WRONG {
            report.wrong.push(WrongDerivative { coordinate: i, given, difference, uncertainty });
        }
    }
}

fn estimates(f: &mut dyn Objective, x: &[f64], v: &[f64], evaluations: &mut u64) -> Estimates {
    let n = x.len();
    let (mut gradient, mut point) = ([vec![0.0; n], vec![0.0; n]], vec![0.0; n]);
    f.value_gradient(x, &mut gradient[0]);
    let noise = f.noise().max(f64::EPSILON);
    // An entry of the gradient is a sum; its error is one of its terms, which the largest entry stands for.
    let size = norm_inf(&gradient[0]);
    let rounding = noise * size;
    // Down to steps at which noise is a large part of an entry: of a network with 60,000 samples, longer ones cross kinks.
    let (from, to) = (8.0 * noise.cbrt(), 4.0 * noise.powf(0.7));
    let mut best = Estimates { derivatives: vec![f64::NAN; n], uncertainty: f64::INFINITY, gradient: size };
    // Of the last three steps.
    let mut differences: [Vec<f64>; 3] = std::array::from_fn(|_| vec![f64::NAN; n]);
    for step in steps(from, to) {
        for (side, gradient) in [step, -step].into_iter().zip(&mut gradient) {
            point.iter_mut().zip(x.iter().zip(v)).for_each(|(p, (x, v))| *p = x + side * v);
            f.value_gradient(&point, gradient);
            *evaluations += 1;
        }
        differences.rotate_left(1);
        let both = gradient[0].iter().zip(&gradient[1]);
        differences[2].iter_mut().zip(both).for_each(|(d, (a, b))| *d = (a - b) / (2.0 * step));
        let at = |i: usize| {
            extrapolate([differences[0][i], differences[1][i], differences[2][i]], 4.0 * step, rounding)
        };
        let uncertainty = (0..n).map(|i| at(i).uncertainty).fold(0.0, f64::max);
        if uncertainty < best.uncertainty {
            best.uncertainty = uncertainty;
            best.derivatives.iter_mut().enumerate().for_each(|(i, d)| *d = at(i).derivative);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HessianProduct, from_fn};

    /// Computes in single precision: f = x₁ + x₂, whose Hessian is zero; a product is off by `off`.
    struct Single {
        off: f64,
    }

    impl Objective for Single {
        fn dim(&self) -> usize {
            2
        }
        fn value(&mut self, x: &[f64]) -> f64 {
            f64::from(x[0] as f32 + x[1] as f32)
        }
        fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
            gradient.fill(1.0);
            self.value(x)
        }
        fn noise(&self) -> f64 {
            1e-7
        }
        fn hessian_product(&mut self) -> Option<&mut dyn HessianProduct> {
            Some(self)
        }
    }

    impl HessianProduct for Single {
        fn apply(&mut self, _x: &[f64], _v: &[f64], product: &mut [f64]) {
            product.copy_from_slice(&[self.off, 0.0]);
        }
    }

    #[test]
    fn rounding_where_a_product_vanishes_is_no_mistake() {
        let mut exact = from_fn(2, |x| x[0] + x[1], |_, g| g.fill(1.0));
        for (off, wrong) in [(2e-8, 0), (2e-7, 0), (1e-5, 1)] {
            let report = find_wrong_product(&mut Single { off }, Some(&mut exact), &[0.3, -0.7], 1).unwrap();
            assert_eq!(report.wrong.len(), wrong, "{off:e}: {report:?}");
        }
    }
}

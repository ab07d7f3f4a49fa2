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
        let tolerance = relative * norm_inf(&product);
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
    let rounding = noise * norm_inf(&gradient[0]);
    // Down to steps at which noise is a large part of an entry: of a network with 60,000 samples, longer ones cross kinks.
    let (from, to) = (8.0 * noise.cbrt(), 4.0 * noise.powf(0.7));
    let mut best = Estimates { derivatives: vec![f64::NAN; n], uncertainty: f64::INFINITY };
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

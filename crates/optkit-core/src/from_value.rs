//! An objective from its values alone: the gradient by central differences.
//!
//! ```text
//! ∂f/∂xᵢ ≈ (f(x + hᵢeᵢ) − f(x − hᵢeᵢ)) / 2hᵢ,   hᵢ = η^⅓ max(1, |xᵢ|)
//! ```
//!
//! η is the relative error of a value. The truncation error, of the order of h², and what the rounding of values adds,
//! of the order of η/h, balance at η^⅓; the gradient is exact to about η^⅔, and not better (Gill, Murray & Wright
//! 1981, §8.6; Nocedal & Wright 2006, §8.1).

use crate::{Archive, LoadError, Objective, Work};

/// An objective made by [`from_value`].
#[derive(Clone, Debug)]
pub struct FromValue<V> {
    dim: usize,
    value: V,
    /// η.
    error: f64,
    work: Work,
    /// The point whose value is known, and that value.
    last: (Vec<f64>, f64),
    shifted: Vec<f64>,
}

/// The objective with the given values, its gradient by central differences.
///
/// A convenience with a price: a gradient costs 2n values ([`Work`] counts them), and is exact to about 10⁻¹⁰ of the
/// function's size at best, so that no run gets below a gradient norm of that size. Where a gradient can be written
/// down, [`from_fn`](crate::from_fn) is faster and more exact.
///
/// [`noise`](Objective::noise) is η^⅔ and not η, so that methods ask of these gradients what they can bear.
///
/// ```
/// use optkit_core::{Objective, from_value};
/// let mut f = from_value(2, |x| x[0].exp() + x[1].powi(2));
/// let mut gradient = [0.0; 2];
/// f.value_gradient(&[1.0, 3.0], &mut gradient);
/// assert!((gradient[0] - 1_f64.exp()).abs() < 1e-9 && (gradient[1] - 6.0).abs() < 1e-9);
/// assert_eq!(f.work().values, 5);
/// ```
pub fn from_value<V: FnMut(&[f64]) -> f64 + Send>(dim: usize, value: V) -> FromValue<V> {
    FromValue {
        dim,
        value,
        error: f64::EPSILON,
        work: Work::default(),
        last: (Vec::new(), f64::NAN),
        shifted: Vec::new(),
    }
}

impl<V: FnMut(&[f64]) -> f64 + Send> FromValue<V> {
    /// For values with this relative error η, such as the result of a simulation with a tolerance: the differences
    /// step over it. What is no positive number below 1 is taken as the machine's ε.
    ///
    /// ```
    /// use optkit_core::{Objective, from_value};
    /// // A value computed in single precision.
    /// let mut f = from_value(1, |x| f64::from((x[0] as f32).sin())).with_error(6e-8);
    /// let mut gradient = [0.0];
    /// f.value_gradient(&[0.5], &mut gradient);
    /// assert!((gradient[0] - 0.5_f64.cos()).abs() < 1e-4);
    /// ```
    #[must_use]
    pub fn with_error(mut self, error: f64) -> Self {
        self.error = if error > 0.0 && error < 1.0 { error } else { f64::EPSILON };
        self
    }

    fn counted(&mut self, shifted: bool) -> f64 {
        self.work.values += 1;
        self.work.gradient_equivalents += 0.5;
        (self.value)(if shifted { &self.shifted } else { &self.last.0 })
    }

    /// ∂f/∂xᵢ. Where f is not defined on one side, the difference to the other.
    fn slope(&mut self, i: usize, value: f64) -> f64 {
        let x = self.shifted[i];
        let h = self.error.cbrt() * x.abs().max(1.0);
        // The points as floating-point numbers have them, so that the width is exact.
        let (right, left) = (x + h, x - h);
        self.shifted[i] = right;
        let above = self.counted(true);
        self.shifted[i] = left;
        let below = self.counted(true);
        self.shifted[i] = x;
        match (above.is_finite(), below.is_finite()) {
            (true, true) => (above - below) / (right - left),
            (true, false) => (above - value) / (right - x),
            (false, true) => (value - below) / (x - left),
            (false, false) => f64::NAN,
        }
    }
}

impl<V: FnMut(&[f64]) -> f64 + Send> Objective for FromValue<V> {
    fn dim(&self) -> usize {
        self.dim
    }

    fn value(&mut self, x: &[f64]) -> f64 {
        self.last.0.clear();
        self.last.0.extend_from_slice(x);
        self.last.1 = self.counted(false);
        self.last.1
    }

    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let value = if self.last.0 == x { self.last.1 } else { self.value(x) };
        self.shifted.clear();
        self.shifted.extend_from_slice(x);
        for (i, g) in gradient.iter_mut().enumerate() {
            *g = self.slope(i, value);
        }
        self.work.gradients += 1;
        value
    }

    fn noise(&self) -> f64 {
        self.error.powf(2.0 / 3.0)
    }

    fn select(&mut self, _pass: crate::Pass) {
        self.last.0.clear();
    }

    fn work(&self) -> Work {
        self.work
    }

    fn save(&self, archive: &mut Archive) {
        archive.put_work("work", self.work);
        archive.put("last.x", self.last.0.clone());
        archive.put("last.value", vec![self.last.1]);
    }

    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        self.work = archive.work("work")?;
        self.last = (archive.array("last.x")?.to_vec(), archive.number("last.value")?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_as_exact_as_values_allow() {
        // Truncation h²|f'''|/6 and rounding ε|f|/h, with room for the rounding of x itself.
        let bound = |size: f64| 10.0 * f64::EPSILON.powf(2.0 / 3.0) * size;
        for x in [-3.0, 1e-8, 0.5, 20.0] {
            let mut f = from_value(1, |x| x[0].sin() + x[0]);
            let mut gradient = [0.0];
            f.value_gradient(&[x], &mut gradient);
            let wrong = (gradient[0] - 1.0 - x.cos()).abs();
            assert!(wrong <= bound(1.0 + x * x), "{x}: {wrong:e}");
        }
    }

    #[test]
    fn at_the_edge_of_a_domain_one_side_is_enough() {
        let mut f = from_value(1, |x| if x[0] < 0.0 { f64::NAN } else { x[0] * x[0] + 2.0 * x[0] });
        let mut gradient = [0.0];
        f.value_gradient(&[0.0], &mut gradient);
        assert!((gradient[0] - 2.0).abs() < 1e-4, "{gradient:?}");
        let mut nowhere = from_value(1, |_| f64::NAN);
        nowhere.value_gradient(&[0.0], &mut gradient);
        assert!(gradient[0].is_nan());
    }

    #[test]
    fn a_value_that_is_known_is_not_computed_again() {
        let mut f = from_value(3, |x| x.iter().sum());
        let mut gradient = [0.0; 3];
        f.value(&[1.0, 2.0, 3.0]);
        f.value_gradient(&[1.0, 2.0, 3.0], &mut gradient);
        assert_eq!((f.work().values, f.work().gradients), (7, 1));
        assert_eq!(f.work().gradient_equivalents, 3.5);
        f.select(crate::Pass::default());
        f.value_gradient(&[1.0, 2.0, 3.0], &mut gradient);
        assert_eq!(f.work().values, 14);
    }
}

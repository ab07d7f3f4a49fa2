//! Gradients and Hessian products of a problem against differences, at its start and at a point beside it.
//!
//! ```
//! use optkit::{derivatives, from_fn};
//!
//! let mut f = from_fn(2, |x| x[0].exp() + x[1].sin(), |x, g| {
//!     g.copy_from_slice(&[x[0].exp(), -x[1].cos()]); // a sign is wrong
//! });
//! let checked = derivatives::check(&mut f, None, &[0.5, 0.2], 0);
//! assert!(!checked.iter().all(derivatives::Checked::is_right));
//! assert_eq!(
//!     checked[0].messages(&[]),
//!     ["variable 2: -9.800666e-1 given, 9.800666e-1 by differences"],
//! );
//! ```

use optkit_core::{
    DerivativeReport, Objective, UncheckedError, WrongDerivative, find_wrong_gradient, find_wrong_product,
    nearby,
};
use optkit_nn::Tensor;

/// How far the second point lies from the first, of the variables' size.
const BESIDE: f64 = 0.1;

/// Where derivatives were checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The problem's start.
    Start,
    /// A point beside it.
    Beside,
}

/// What was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Derivative {
    /// ∇f, against differences of values.
    Gradient,
    /// Products with ∇²f, against differences of gradients.
    HessianProduct,
}

/// One check.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// Where.
    pub at: At,
    /// Of what.
    pub derivative: Derivative,
    /// What was found.
    pub found: Result<DerivativeReport, UncheckedError>,
}

impl Checked {
    /// True where something was checked and nothing is wrong.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.found.as_ref().is_ok_and(|report| report.wrong.is_empty())
    }

    /// A line for every wrong entry, named by its tensor where there are `tensors`.
    #[must_use]
    pub fn messages(&self, tensors: &[Tensor]) -> Vec<String> {
        let wrong: &[WrongDerivative] = self.found.as_ref().map_or(&[], |report| &report.wrong);
        let line = |w: &WrongDerivative| {
            let place = place(tensors, w.coordinate);
            format!("{place}: {:.6e} given, {:.6e} by differences", w.given, w.difference)
        };
        wrong.iter().map(line).collect()
    }
}

/// Checks the gradient of `f` and, where it offers them, products with its Hessian, at `x` and at a point beside it.
///
/// `reference` is `f` computed more exactly, where `f` computes in `f32`: differences are taken of its values and
/// gradients. Of a network, gradients are found wrong where a single entry is off by 1 % of the largest in `f32`, by
/// 10⁻⁵ of it in `f64`.
pub fn check(
    f: &mut dyn Objective,
    mut reference: Option<&mut dyn Objective>,
    x: &[f64],
    seed: u64,
) -> Vec<Checked> {
    let mut all = Vec::new();
    for (at, point) in [(At::Start, x.to_vec()), (At::Beside, nearby(x, BESIDE, seed))] {
        let exact = reference.as_mut().map(|r| &mut **r as &mut dyn Objective);
        let found = find_wrong_gradient(f, exact, &point, seed);
        all.push(Checked { at, derivative: Derivative::Gradient, found });
        if f.hessian_product().is_some() {
            let exact = reference.as_mut().map(|r| &mut **r as &mut dyn Objective);
            let found = find_wrong_product(f, exact, &point, seed);
            all.push(Checked { at, derivative: Derivative::HessianProduct, found });
        }
    }
    all
}

/// A variable as a reader counts it, from 1; in a network, the entry of its tensor, whose indices are counted from 0 as
/// `torch` counts them.
#[must_use]
pub fn place(tensors: &[Tensor], coordinate: usize) -> String {
    let Some(tensor) = tensors.iter().find(|t| t.range.contains(&coordinate)) else {
        return format!("variable {}", coordinate + 1);
    };
    let mut rest = coordinate - tensor.range.start;
    let mut indices = Vec::new();
    for extent in tensor.shape.iter().rev() {
        indices.push((rest % extent).to_string());
        rest /= extent;
    }
    indices.reverse();
    format!("{}[{}]", tensor.name, indices.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_named_by_tensor_and_index() {
        let layers = vec![optkit_nn::Layer::Dense { outputs: 3 }, optkit_nn::Layer::Dense { outputs: 2 }];
        let tensors = optkit_nn::Network::new(vec![4], layers).unwrap().tensors();
        assert_eq!(place(&tensors, 0), "0.weight[0, 0]");
        assert_eq!(place(&tensors, 7), "0.weight[1, 3]");
        assert_eq!(place(&tensors, 14), "0.bias[2]");
        assert_eq!(place(&tensors, 15 + 4), "1.weight[1, 1]");
        assert_eq!(place(&[], 4), "variable 5");
    }

    #[test]
    fn where_nothing_can_be_checked_nothing_is_right() {
        let mut f = optkit_core::from_fn(1, |x| x[0].ln(), |x, g| g[0] = 1.0 / x[0]);
        let checked = check(&mut f, None, &[-1.0], 0);
        assert_eq!(checked.len(), 2);
        assert!(checked.iter().all(|c| !c.is_right() && c.messages(&[]).is_empty()));
    }
}

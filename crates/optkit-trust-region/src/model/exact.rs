//! The second-order Taylor model, B = ∇²f(x), by the objective's own products.

use optkit_core::{HessianProduct, Objective, Operator, StartError};

use super::{Form, Model};
use crate::Scale;

/// B = ∇²f(x).
#[derive(Clone, Debug, Default)]
pub struct Exact {
    /// D⁻¹v, where variables are scaled one by one.
    scaled: Vec<f64>,
}

struct At<'a> {
    products: &'a mut dyn HessianProduct,
    x: &'a [f64],
    scale: &'a Scale,
    scaled: &'a mut [f64],
}

impl Operator for At<'_> {
    fn apply(&mut self, v: &[f64], bv: &mut [f64]) {
        if self.scaled.is_empty() {
            self.products.apply(self.x, v, bv);
        } else {
            self.scaled.copy_from_slice(v);
            self.scale.divide(self.scaled);
            self.products.apply(self.x, self.scaled, bv);
            self.scale.divide(bv);
        }
    }
}

impl Model for Exact {
    fn form(&self) -> Form {
        Form::Product
    }

    fn start(&mut self, f: &mut dyn Objective) -> Result<(), StartError> {
        if f.hessian_product().is_some() {
            Ok(())
        } else {
            Err(StartError::Needs { method: "the model `exact`", what: "products with its Hessian" })
        }
    }

    fn at(
        &mut self,
        f: &mut dyn Objective,
        x: &[f64],
        scale: &Scale,
        solve: &mut dyn FnMut(&mut dyn Operator),
    ) {
        self.scaled.resize(if scale.is_diagonal() { x.len() } else { 0 }, 0.0);
        let products = f.hessian_product().expect("`start` saw that there are products");
        solve(&mut At { products, x, scale, scaled: &mut self.scaled });
    }
}

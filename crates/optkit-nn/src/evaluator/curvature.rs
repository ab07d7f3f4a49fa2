//! Products with the Hessian, on the outputs that the last forward pass left.

use rayon::prelude::*;

use super::{At, Evaluator};
use crate::Scalar;
use crate::model::Kept;
use crate::walk::tangent::{TangentWalk, Tangents};
use crate::walk::{Forward, Keep, Walk};
use crate::weights::Weights;

/// What only products with the Hessian need; made at the first one.
pub(crate) struct Curvature<S: Scalar> {
    /// v, scaled.
    scaled: Vec<f64>,
    direction: Weights<S>,
    tangents: Vec<Tangents<S>>,
    /// By dense layer: whether the gradient of its inputs is used below.
    below: Vec<bool>,
    /// Gradient equivalents of a product.
    cost: f64,
}

impl<S: Scalar> Evaluator<S> {
    /// ∇²f·`direction` at `own`; `direction` and `product` are of all parameters. The first is zero outside the
    /// scope's variables, the second is written at the tensors of the scope only.
    pub(crate) fn hessian_product(
        &mut self,
        own: &[f64],
        theta: &[f64],
        direction: &[f64],
        product: &mut [f64],
    ) {
        if self.find(own).is_none() {
            self.value(own, theta);
        }
        let (at, _) = self.find(own).expect("just evaluated there");
        self.touch(at);
        self.pack(theta);
        let mut curvature = self.curvature.take().unwrap_or_else(|| Box::new(self.new_curvature()));
        self.work.hessian_products += 1;
        self.work.gradient_equivalents += curvature.cost;
        let scale = power_of_two(optkit_core::vector::norm_inf(direction));
        curvature.scaled.iter_mut().zip(direction).for_each(|(to, v)| *to = v / scale);
        curvature.direction.pack(&self.model.plan, &self.scope, &curvature.scaled, None);
        self.walk_tangents(at, &mut curvature);
        self.curvature = Some(curvature);
        self.reduce(product);
        for (d, uses) in self.model.plan.dense.iter().zip(&self.scope.uses) {
            for (range, used) in [(&d.weight, uses.weight), (&d.bias, uses.bias)] {
                if used {
                    product[range.clone()].iter_mut().for_each(|p| *p *= scale);
                }
            }
        }
    }

    fn new_curvature(&self) -> Curvature<S> {
        let plan = &self.model.plan;
        let below = self.scope.gradient_below(plan);
        Curvature {
            scaled: vec![0.0; plan.dim],
            direction: Weights::new(plan, &self.scope),
            tangents: self.workers.iter().map(|_| Tangents::new(&self.model, &self.scope)).collect(),
            cost: self.scope.hessian_product_cost(plan, &below),
            below,
        }
    }

    fn walk_tangents(&mut self, at: At, curvature: &mut Curvature<S>) {
        let (slot, snapshot) = match at {
            At::Slot(i) => (self.slots[i].activations.as_ref(), None),
            At::Snapshot => (None, self.snapshot.as_ref()),
        };
        let known: &[Kept<S>] = &slot.or(snapshot).expect("`find` gives places that exist").chunks;
        let walk = TangentWalk {
            walk: Walk {
                model: &self.model,
                scope: &self.scope,
                weights: &self.weights,
                forward: Forward::Known,
                frozen: self.snapshot.as_ref().map(|s| &s.chunks[..]),
                backward: true,
            },
            direction: &curvature.direction,
            below: &curvature.below,
        };
        let workers = self.workers.par_iter_mut().zip(&mut curvature.tangents);
        let chunks = workers.zip(known).enumerate().with_max_len(1);
        chunks.for_each(|(c, ((worker, tangents), kept))| {
            walk.chunk(c, worker, tangents, Keep::Read(kept));
        });
    }
}

/// The power of two at or below `size`, by which a direction is divided without rounding: directions of any length
/// fit into `f32`. 1 where there is none.
fn power_of_two(size: f64) -> f64 {
    let power = f64::from_bits(size.to_bits() & f64::INFINITY.to_bits());
    if power.is_normal() { power } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::power_of_two;

    #[test]
    fn directions_are_scaled_by_powers_of_two() {
        assert_eq!([1.0, 1.9, 2.0, 1e-3, 3e200].map(power_of_two).map(f64::log2).map(f64::fract), [0.0; 5]);
        assert_eq!([1.9, 0.3].map(power_of_two), [1.0, 0.25]);
        assert_eq!([0.0, 1e-310, f64::INFINITY, f64::NAN].map(power_of_two), [1.0; 4]);
    }
}

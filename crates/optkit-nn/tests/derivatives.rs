//! Wrong gradients of networks are found and right ones pass, in both precisions; so are products with the Hessian.

mod common;

use common::{Storage, case, cases};
use optkit_core::{
    HessianProduct, Objective, find_wrong_gradient, find_wrong_product, nearby, vector::norm_inf,
};
use optkit_nn::{Layer, Loss, NetworkObjective, Scalar};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// A network whose gradient and products are wrong in one entry, by `error` of the largest.
struct Wrong<S: Scalar> {
    inner: NetworkObjective<S>,
    coordinate: usize,
    error: f64,
}

impl<S: Scalar> Objective for Wrong<S> {
    fn dim(&self) -> usize {
        self.inner.dim()
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        self.inner.value(x)
    }
    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let value = self.inner.value_gradient(x, gradient);
        gradient[self.coordinate] += self.error * norm_inf(gradient);
        value
    }
    fn noise(&self) -> f64 {
        self.inner.noise()
    }
    fn hessian_product(&mut self) -> Option<&mut dyn HessianProduct> {
        Some(self)
    }
}

impl<S: Scalar> HessianProduct for Wrong<S> {
    fn apply(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        self.inner.hessian_product().expect("networks offer products").apply(x, v, product);
        product[self.coordinate] += self.error * norm_inf(product);
    }
}

fn found(report: &optkit_core::DerivativeReport) -> Vec<usize> {
    report.wrong.iter().map(|w| w.coordinate).collect()
}

/// Right where it is right, and found out where it is not; in `f32` with and without values in `f64`.
fn examine<S: Scalar>(case: &common::Case, at: usize, error: f64) {
    let mut reference = case.objective::<f64>();
    for (x, seed) in [(case.theta.clone(), 1), (nearby(&case.theta, 0.1, 2), 2)] {
        let mut right = case.objective::<S>();
        let mut wrong = Wrong { inner: case.objective::<S>(), coordinate: at, error };
        // Of 400 samples' kinks, some lie closer than the steps that values in f32 allow.
        let kinks = case.network.layers().contains(&Layer::Relu);
        for own in if kinks { &[false][..] } else { &[true, false] } {
            let mut values = case.objective::<f64>();
            let mut check = |f: &mut dyn Objective| {
                let values = (!*own).then_some(&mut values as &mut dyn Objective);
                find_wrong_gradient(f, values, &x, seed).unwrap()
            };
            let report = check(&mut right);
            assert!(report.wrong.is_empty(), "own values {own}: {report:?}");
            let report = check(&mut wrong);
            assert_eq!(found(&report), [at], "own values {own}: {report:?}");
        }
        let report = find_wrong_product(&mut right, Some(&mut reference), &x, seed).unwrap();
        assert!(report.wrong.is_empty(), "{report:?}");
        let report = find_wrong_product(&mut wrong, Some(&mut reference), &x, seed).unwrap();
        assert_eq!(found(&report), [at], "{report:?}");
    }
}

fn layers(activation: &Layer) -> Vec<Layer> {
    let dense = |outputs| Layer::Dense { outputs };
    vec![dense(20), activation.clone(), dense(20), activation.clone(), dense(10)]
}

#[test]
fn wrong_entries_of_networks_are_found() {
    for (seed, activation) in [Layer::Tanh, Layer::Sigmoid, Layer::Relu].iter().enumerate() {
        let case = case(layers(activation), Loss::CrossEntropy, Storage::SparseBytes, 400, 50, seed as u64);
        let at = [20 * 51 + 33, case.network.dim() - 1, 17 * 50 + 3][seed];
        examine::<f32>(&case, at, 1e-2);
        examine::<f64>(&case, at, 1e-5);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, rng_seed: RngSeed::Fixed(9), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn right_networks_are_not_blamed(case in cases()) {
        let (mut single, mut double) = (case.objective::<f32>(), case.objective::<f64>());
        for (x, seed) in [(case.theta.clone(), 1), (nearby(&case.theta, 0.1, 2), 2)] {
            let report = find_wrong_gradient(&mut single, Some(&mut double), &x, seed).unwrap();
            prop_assert!(report.wrong.is_empty(), "{report:?}");
            let report = find_wrong_gradient(&mut double, None, &x, seed).unwrap();
            prop_assert!(report.wrong.is_empty(), "{report:?}");
            let report = find_wrong_product(&mut single, Some(&mut double), &x, seed).unwrap();
            prop_assert!(report.wrong.is_empty(), "{report:?}");
        }
    }
}

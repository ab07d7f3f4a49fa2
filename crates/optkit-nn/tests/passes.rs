//! A selected pass begins anew: what earlier evaluations left behind is not taken over.

mod common;

use common::Storage;
use optkit_core::{Objective, Pass};
use optkit_nn::{Layer, Loss};

#[test]
fn after_select_an_evaluation_stands_on_its_own() {
    let layers = vec![Layer::Dense { outputs: 5 }, Layer::Relu, Layer::Dense { outputs: 3 }];
    let case = common::case(layers, Loss::CrossEntropy, Storage::SparseBytes, 300, 40, 8);
    let mut f = case.objective::<f32>();
    let theta = case.theta.clone();
    let value = f.value(&theta);
    let spent = |f: &dyn Objective| f.work().gradient_equivalents;
    assert_eq!(spent(&f), 0.5);
    assert_eq!(f.value(&theta), value);
    assert_eq!(spent(&f), 0.5, "the value at a known point is known");
    f.select(Pass::default());
    assert_eq!(f.value(&theta), value);
    assert_eq!(spent(&f), 1.0, "the forward pass was made again");
}

//! One result for any number of threads, to the bit.

mod common;

use common::{Storage, case};
use optkit_core::{Objective, Pass, Subset};
use optkit_nn::{Layer, Loss};

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    for storage in [Storage::SparseBytes, Storage::DenseBytes] {
        let layers = vec![
            Layer::Dense { outputs: 33 },
            Layer::Relu,
            Layer::Dense { outputs: 20 },
            Layer::Tanh,
            Layer::Dense { outputs: 7 },
        ];
        let case = case(layers, Loss::CrossEntropy, storage, 5000, 60, 6);
        let everything = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut f = case.objective::<f32>();
                let mut gradient = vec![0.0; f.dim()];
                let value = f.value_gradient(&case.theta, &mut gradient);
                let halves = [0..f.dim() / 2, f.dim() / 2..f.dim()];
                let subsets = halves.map(|r| Subset::from_ranges(f.dim(), [r]).unwrap());
                let mut split = f.decompose(&subsets).unwrap();
                split.freeze(&case.theta, Pass::default());
                let mut all = vec![value];
                all.extend(&gradient);
                let products = f.hessian_product().expect("networks offer products");
                let direction: Vec<f64> = case.theta.iter().rev().copied().collect();
                products.apply(&case.theta, &direction, &mut gradient);
                all.extend(&gradient);
                for (part, subset) in split.parts().iter_mut().zip(&subsets) {
                    let mut own = vec![0.0; subset.len()];
                    subset.gather(&case.theta, &mut own);
                    own.iter_mut().for_each(|v| *v *= 0.9);
                    let mut gradient = own.clone();
                    all.push(part.value_gradient(&own, &mut gradient));
                    all.extend(&gradient);
                    let direction = gradient.clone();
                    let products = part.hessian_product().expect("parts offer products");
                    products.apply(&own, &direction, &mut gradient);
                    all.extend(&gradient);
                }
                all
            })
        };
        let one = everything(1);
        for threads in [2, 4] {
            let bits = |all: &[f64]| all.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&one), bits(&everything(threads)), "{threads} threads, {storage:?}");
        }
    }
}

//! After the first evaluations nothing is allocated, inside a pool.

mod common;

use common::{Storage, case};
use optkit_allocation_counter::{allocations, pool};
use optkit_core::{Objective, Pass, Samples as Seen, Subset};
use optkit_nn::{Accuracy, Layer, Loss};

#[test]
fn evaluations_allocate_nothing() {
    let layers = vec![
        Layer::Dense { outputs: 32 },
        Layer::Relu,
        Layer::Dense { outputs: 32 },
        Layer::Relu,
        Layer::Dense { outputs: 10 },
    ];
    let case = case(layers, Loss::CrossEntropy, Storage::SparseBytes, 3000, 100, 12);
    pool(2).install(|| {
        let mut f = case.objective::<f32>();
        let subsets: Vec<_> = case.network.tensors().into_iter().map(|t| t.range).collect();
        let subsets: Vec<_> =
            subsets.into_iter().map(|r| Subset::from_ranges(f.dim(), [r]).unwrap()).collect();
        let mut split = f.decompose(&subsets).unwrap();
        let mut batched = case.objective::<f32>().in_batches(700, 1);
        let mut accuracy = Accuracy::new(&case.network, case.samples.clone(), case.targets.clone()).unwrap();
        let (mut x, mut gradient) = (case.theta.clone(), vec![0.0; f.dim()]);
        let (mut trial, mut own, mut direction) = (x.clone(), x.clone(), x.clone());
        let mut product = x.clone();
        let mut counts = vec![];
        for epoch in 0..6 {
            let before = allocations();
            f.value_gradient(&x, &mut gradient);
            f.hessian_product().expect("networks offer products").apply(&x, &gradient, &mut product);
            split.freeze(&x, Pass::default());
            for (part, subset) in split.parts().iter_mut().zip(&subsets) {
                let (own, of_part) = (&mut own[..subset.len()], &mut direction[..subset.len()]);
                subset.gather(&x, own);
                for _ in 0..3 {
                    part.value_gradient(own, of_part);
                    part.hessian_product().expect("parts offer products").apply(
                        own,
                        of_part,
                        &mut product[..own.len()],
                    );
                    own.iter_mut().zip(&*of_part).for_each(|(x, g)| *x -= 0.01 * g);
                }
            }
            direction.iter_mut().zip(&gradient).for_each(|(d, g)| *d = -g);
            for t in [0.1, 0.05, 0.025] {
                trial.iter_mut().zip(&x).zip(&direction).for_each(|((y, x), d)| *y = x + t * d);
                f.span(&x, &[&direction]).expect("the base was just evaluated").value(&[t], &trial);
            }
            f.value_gradient(&trial, &mut gradient);
            for batch in 0..batched.batches() {
                batched.select(Pass { epoch, samples: Seen::Batch(batch) });
                batched.value_gradient(&trial, &mut gradient);
                let of_next = Pass { epoch: epoch + 1, samples: Seen::Batch(0) };
                batched
                    .select_shared(Pass { epoch, samples: Seen::Batch(batch) }, of_next)
                    .expect("some of 700");
                batched.value_gradient(&trial, &mut gradient);
            }
            batched.select(Pass::default());
            batched.value_gradient(&trial, &mut gradient);
            accuracy.evaluate(&trial);
            x.copy_from_slice(&trial);
            x[0] += 0.125;
            counts.push(allocations() - before);
        }
        assert!(counts[0] > 0, "the first round makes the buffers");
        assert_eq!(&counts[3..], [0; 3], "{counts:?}");
    });
}

//! Evaluations allocate nothing after the first, counted by the allocator itself.

mod support;

use optkit_allocation_counter::{during, pool};

use support::everyone;

#[test]
fn evaluations_allocate_nothing_after_the_first() {
    pool(1).install(|| {
        for (name, mut f) in everyone() {
            let x = f.start();
            let other: Vec<f64> = x.iter().map(|x| 1.01 * x + 0.01).collect();
            let mut out = vec![0.0; x.len()];
            let mut residuals = vec![0.0; f.residuals().map_or(0, |of| of.count())];
            let mut evaluate = |x: &[f64]| {
                f.value(x);
                f.value_gradient(x, &mut out);
                if let Some(hessian) = f.hessian_product() {
                    hessian.apply(x, &other, &mut out);
                }
                if let Some(of) = f.residuals() {
                    of.residuals(x, &mut residuals);
                }
            };
            evaluate(&x);
            assert_eq!(during(|| evaluate(&other)), 0, "{name}");
        }
    });
}

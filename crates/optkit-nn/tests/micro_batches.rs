//! Micro-batches: an evaluation of some samples at a time is that of all of them, but for the order of sums.

#[path = "images/case.rs"]
mod case;
mod common;

use case::{Case, goes_on_as_the_saved_one};
use common::batch;
use optkit_allocation_counter::{allocations, pool};
use optkit_core::vector::{distance_inf, norm_inf};
use optkit_core::{Objective, Pass, Subset};
use optkit_nn::{BatchNorm, Conv, Layer, NetworkObjective, SamplesError, Scalar, Shortcut};

const COUNT: usize = 150;
const GHOST: usize = 8;

fn case(ghost: Option<usize>) -> Case {
    let conv = |outputs| Layer::Conv(Conv { pad: [1, 1], bias: false, ..Conv::new(outputs, [3, 3]) });
    let norm = || Layer::BatchNorm(BatchNorm { ghost, ..BatchNorm::default() });
    let body = vec![conv(5), norm(), Layer::Relu, conv(5), norm()];
    let layers = vec![
        conv(5),
        norm(),
        Layer::Relu,
        Layer::Skip { body, shortcut: Shortcut::Identity },
        Layer::Relu,
        Layer::Dropout { rate: 0.25 },
        Layer::PoolAvgGlobal,
        Layer::Dense { outputs: 4 },
    ];
    Case::new(vec![2, 5, 5], layers, COUNT, 3)
}

/// One a tensor, and one of every third parameter.
fn parts(case: &Case) -> Vec<Subset> {
    let (n, mut parts) = (case.theta.len(), case.tensors());
    parts.push(Subset::from_indices(n, &(0..n).step_by(3).collect::<Vec<_>>()).unwrap());
    parts
}

/// Value, gradient and running averages on two batches and on all samples; values and gradients of parts, at the frozen
/// point and elsewhere.
fn everything<S: Scalar>(mut f: NetworkObjective<S>, case: &Case) -> Vec<Vec<f64>> {
    let (x, mut gradient) = (&case.theta, case.theta.clone());
    let mut all = Vec::new();
    let subsets = parts(case);
    let mut split = f.decompose(&subsets).unwrap();
    for pass in [batch(0, 0), batch(0, 1)] {
        f.select(pass);
        let value = f.value(x);
        assert_eq!(value, f.value_gradient(x, &mut gradient), "a value with its gradient is the value");
        all.push([&[value][..], &gradient].concat());
        f.accept(x);
        all.push(f.running().values());
        split.freeze(x, pass);
        for (part, subset) in split.parts().iter_mut().zip(&subsets) {
            let mut own = vec![0.0; subset.len()];
            subset.gather(x, &mut own);
            for _ in 0..2 {
                let mut of_part = own.clone();
                let value = part.value_gradient(&own, &mut of_part);
                all.push([&[value][..], &of_part].concat());
                own.iter_mut().for_each(|v| *v = 0.9 * *v + 0.01);
            }
        }
        split.release();
    }
    f.select(Pass::default());
    let value = f.value_gradient(x, &mut gradient);
    all.push([&[value][..], &gradient].concat());
    all
}

/// Groups of normalisations and masks of dropouts are the same whatever is evaluated at a time. Rounding alone differs:
/// in double precision a few units in the last place of sums over 150 samples.
#[test]
fn micro_batches_change_nothing_but_the_order_of_sums() {
    let case = case(Some(GHOST));
    let whole = everything(case.objective::<f64>().in_batches(70, 2), &case);
    for most in [GHOST, 3 * GHOST + 1, 69] {
        let made = case.objective::<f64>().in_micro_batches(most).unwrap().in_batches(70, 2);
        for (i, (a, b)) in whole.iter().zip(everything(made, &case)).enumerate() {
            let distance = distance_inf(a, &b);
            assert!(distance <= 1e-12 * norm_inf(a).max(1.0), "{most} at a time, entry {i}: {distance}");
        }
    }
    // As many as a batch has: to the bit, for nothing is cut.
    let made = case.objective::<f64>().in_micro_batches(72).unwrap().in_batches(70, 2);
    assert!(whole == everything(made, &case));
}

#[test]
fn micro_batches_in_single_precision_do_not_depend_on_the_number_of_threads() {
    let case = case(Some(GHOST));
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let made = case.objective::<f32>().in_micro_batches(24).unwrap().in_batches(70, 2);
        pool.install(|| everything(made, &case))
    };
    let one = with(1);
    assert!(one == with(2) && one == with(5));
    let whole = everything(case.objective::<f32>().in_batches(70, 2), &case);
    for (a, b) in whole.iter().zip(&one) {
        assert!(distance_inf(a, b) <= 1e-4 * norm_inf(a).max(1.0), "{}", distance_inf(a, b));
    }
}

/// A value that is known is not computed again; a gradient computes its forward pass; a part its whole forward pass.
#[test]
fn micro_batches_count_what_they_compute() {
    let case = case(Some(GHOST));
    let mut f = case.objective::<f32>().in_micro_batches(24).unwrap();
    let (x, mut gradient) = (case.theta.clone(), case.theta.clone());
    f.value(&x);
    f.value(&x);
    assert_eq!(f.work().gradient_equivalents, 0.5);
    f.value_gradient(&x, &mut gradient);
    assert_eq!((f.work().values, f.work().gradients, f.work().gradient_equivalents), (2, 1, 1.5));
    let subsets = parts(&case);
    let mut split = f.decompose(&subsets).unwrap();
    split.freeze(&x, Pass::default());
    assert_eq!(split.shared_work().values, 0, "the parts stand on what the whole left");
    let last = subsets.len() - 2;
    let own = vec![0.1; subsets[last].len()];
    split.parts()[last].value(&own);
    assert_eq!(split.parts()[last].work().gradient_equivalents, 0.5);
    assert_eq!(split.cost(last).forward, 1.0);
}

#[test]
fn a_loaded_objective_in_micro_batches_goes_on_as_the_saved_one() {
    let case = case(Some(GHOST));
    let make = || case.objective::<f32>().in_micro_batches(24).unwrap().in_batches(70, 2);
    goes_on_as_the_saved_one(make, &case.theta);
}

#[test]
fn what_would_cut_a_group_is_refused() {
    let refused = |ghost, most| case(ghost).objective::<f32>().in_micro_batches(most).err();
    assert_eq!(refused(None, 50), Some(SamplesError::NormalisedTogether));
    assert_eq!(refused(Some(8), 7), Some(SamplesError::MicroBatch { group: 8, most: 7 }));
    assert_eq!(refused(Some(8), 8), None);
}

#[test]
fn evaluations_in_micro_batches_allocate_nothing() {
    let case = case(Some(GHOST));
    pool(2).install(|| {
        let mut f = case.objective::<f32>().in_micro_batches(24).unwrap().in_batches(75, 1);
        let subsets = parts(&case);
        let mut split = f.decompose(&subsets).unwrap();
        let (mut x, mut gradient) = (case.theta.clone(), case.theta.clone());
        let (mut own, mut of_part) = (x.clone(), x.clone());
        let mut counts = vec![];
        for epoch in 0..4 {
            let before = allocations();
            for number in 0..f.batches() {
                f.select(batch(epoch, number));
                f.value_gradient(&x, &mut gradient);
                split.freeze(&x, batch(epoch, number));
                for (part, subset) in split.parts().iter_mut().zip(&subsets) {
                    let (own, of_part) = (&mut own[..subset.len()], &mut of_part[..subset.len()]);
                    subset.gather(&x, own);
                    own.iter_mut().for_each(|v| *v *= 0.99);
                    part.value(own);
                    part.value_gradient(own, of_part);
                }
                split.release();
                x.iter_mut().zip(&gradient).for_each(|(x, g)| *x -= 0.01 * g);
                f.value(&x);
                f.accept(&x);
            }
            f.select(Pass::default());
            f.value_gradient(&x, &mut gradient);
            counts.push(allocations() - before);
        }
        assert_eq!(counts[1..], [0, 0, 0], "allocations of later epochs");
    });
}

//! What may not change a result, and what is kept between evaluations.

use std::sync::Arc;

use optkit_allocation_counter::{allocations, pool};
use optkit_core::vector::distance_inf;
use optkit_core::{Objective, Pass, Subset};
use optkit_nn::{Accuracy, Layer, Loss, NetworkObjective, Samples, Targets, Window};

use crate::case::{Case, goes_on_as_the_saved_one};
use crate::common::{self, batch};
use crate::gradient_is_right;
use crate::networks::{conv, residual};

fn small() -> Case {
    let mut layers = residual(&Layer::Relu);
    layers.insert(3, Layer::PoolMax(Window { stride: [2, 2], pad: [1, 1], ..Window::new([3, 3]) }));
    layers.insert(7, Layer::Dropout { rate: 0.25 });
    Case::new(vec![3, 9, 9], layers, 150, 4)
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let case = small();
    let everything = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut f = case.objective::<f32>().in_batches(80, 3);
            let mut gradient = vec![0.0; f.dim()];
            f.select(batch(1, 0));
            let mut all = vec![f.value_gradient(&case.theta, &mut gradient)];
            all.extend(&gradient);
            f.accept(&case.theta);
            all.extend(f.running().values());
            let subsets = case.tensors();
            let mut split = f.decompose(&subsets).unwrap();
            split.freeze(&case.theta, batch(1, 0));
            for (part, subset) in split.parts().iter_mut().zip(&subsets) {
                let mut own = vec![0.0; subset.len()];
                subset.gather(&case.theta, &mut own);
                own.iter_mut().for_each(|v| *v *= 0.9);
                let mut gradient = own.clone();
                all.push(part.value_gradient(&own, &mut gradient));
                all.extend(&gradient);
            }
            all.into_iter().map(f64::to_bits).collect::<Vec<_>>()
        })
    };
    let one = everything(1);
    for threads in [2, 5] {
        assert!(one == everything(threads), "{threads} threads");
    }
}

/// A batch is an objective over its samples, and an epoch of batches costs what one pass over all samples does.
#[test]
fn a_batch_is_an_objective_over_its_samples() {
    let case = Case::new(vec![3, 6, 6], residual(&Layer::Relu), 50, 8);
    let mut f = case.objective::<f32>().in_batches(50 - 1, 5);
    let mut gradient = vec![0.0; f.dim()];
    for number in 0..f.batches() {
        f.select(batch(2, number));
        f.value_gradient(&case.theta, &mut gradient);
    }
    assert_eq!(f.work().gradient_equivalents, 1.0);
    // One batch of all but one sample: the gradient of a sum of losses is not that of the others, for they share moments;
    // so compare with the objective over the same 49.
    f.select(batch(2, 0));
    let value = f.value_gradient(&case.theta, &mut gradient);
    let features = case.network.inputs();
    let floats = common::floats(50, features, 8);
    let labels = common::labels(50, 5, 8);
    let found = (0..50).find(|&left_out| {
        let kept = |i: &usize| *i != left_out;
        let samples: Vec<f32> =
            (0..50).filter(kept).flat_map(|i| floats[i * features..][..features].to_vec()).collect();
        let labels: Vec<u8> = (0..50).filter(kept).map(|i| labels[i]).collect();
        let samples = Arc::new(Samples::from_floats(samples, features).unwrap());
        let targets = Arc::new(Targets::labels(&labels, 5).unwrap());
        let only = NetworkObjective::<f32>::new(&case.network, Loss::CrossEntropy, samples, targets);
        let mut other = vec![0.0; gradient.len()];
        let expected = only.unwrap().value_gradient(&case.theta, &mut other);
        (value - expected).abs() < 1e-5 && distance_inf(&gradient, &other) < 1e-4
    });
    assert!(found.is_some(), "the batch is no 49 of the samples");
}

/// Without a selected batch, all samples are seen in pieces of a batch's size, each normalised by its own moments: so do
/// parts, and so is the gradient.
#[test]
fn all_samples_are_seen_in_pieces_of_a_batch() {
    let features = 3 * 6 * 6;
    let (floats, labels) = (common::floats(50, features, 8), common::labels(50, 5, 8));
    let case = Case::new(vec![3, 6, 6], residual(&Layer::Tanh), 50, 8);
    let mut f = case.objective::<f64>().in_batches(20, 5);
    f.select(Pass::default());
    gradient_is_right(&case, &mut f);
    let mut gradient = vec![0.0; f.dim()];
    let value = f.value_gradient(&case.theta, &mut gradient);
    // As equal as can be: 16, 17 and 17 of them.
    let (mut mean, mut sum) = (0.0, vec![0.0; f.dim()]);
    for piece in [0..16, 16..33, 33..50] {
        let (some, share) =
            (floats[piece.start * features..piece.end * features].to_vec(), piece.len() as f64 / 50.0);
        let samples = Arc::new(Samples::from_floats(some, features).unwrap());
        let targets = Arc::new(Targets::labels(&labels[piece], 5).unwrap());
        let mut only =
            NetworkObjective::<f64>::new(&case.network, Loss::CrossEntropy, samples, targets).unwrap();
        let mut of_piece = vec![0.0; f.dim()];
        mean += share * only.value_gradient(&case.theta, &mut of_piece);
        sum.iter_mut().zip(&of_piece).for_each(|(sum, g)| *sum += share * g);
    }
    assert!((value - mean).abs() < 1e-12 && distance_inf(&gradient, &sum) < 1e-12, "{value} {mean}");

    let subsets = case.tensors();
    let mut split = f.decompose(&subsets).unwrap();
    split.freeze(&case.theta, Pass::default());
    for (part, subset) in split.parts().iter_mut().zip(&subsets) {
        let (mut own, mut at) = (vec![0.0; subset.len()], case.theta.clone());
        subset.gather(&case.theta, &mut own);
        own.iter_mut().for_each(|v| *v *= 0.9);
        subset.scatter(&own, &mut at);
        let (mut of_part, mut expected) = (own.clone(), own.clone());
        let value = part.value_gradient(&own, &mut of_part);
        assert!((value - f.value_gradient(&at, &mut gradient)).abs() < 1e-12);
        subset.gather(&gradient, &mut expected);
        assert!(distance_inf(&of_part, &expected) < 1e-12);
    }
}

/// A part that holds every parameter costs what the batch costs: its share of the samples.
#[test]
fn parts_count_their_share_of_the_samples() {
    let case = Case::new(vec![3, 6, 6], residual(&Layer::Relu), 50, 8);
    let everything = Subset::from_ranges(case.network.dim(), std::iter::once(0..case.network.dim())).unwrap();
    let mut f = case.objective::<f32>().in_batches(20, 0);
    let mut split = f.decompose(&[everything]).unwrap();
    let (mut x, mut gradient) = (case.theta.clone(), case.theta.clone());
    for (number, share, of_passes) in [(0, 0.4, 0.0), (2, 0.2, 0.1)] {
        let before = (split.parts()[0].work(), split.shared_work());
        f.select(batch(0, number));
        if number == 0 {
            f.value(&x);
        }
        split.freeze(&x, Pass::default());
        x.iter_mut().for_each(|x| *x *= 1.0 + 1e-3);
        split.parts()[0].value_gradient(&x, &mut gradient);
        let counted = split.parts()[0].work().gradient_equivalents - before.0.gradient_equivalents;
        assert!((counted - share).abs() < 1e-12, "{counted} {share}");
        let shared = split.shared_work().gradient_equivalents - before.1.gradient_equivalents;
        assert!((shared - of_passes).abs() < 1e-12, "{shared} {of_passes}");
    }
}

/// Masks are one function for all evaluations of a batch, other ones in another epoch, and none where measured.
#[test]
fn masks_stay_for_a_batch_and_change_with_the_epoch() {
    let layers = vec![
        Layer::Conv(conv(4, 3, 1, 1)),
        Layer::Dropout { rate: 0.5 },
        Layer::Flatten,
        Layer::Dense { outputs: 3 },
    ];
    let case = Case::new(vec![1, 5, 5], layers, 60, 1);
    let mut f = case.objective::<f32>().in_batches(30, 2);
    f.select(batch(0, 1));
    let first = f.value(&case.theta);
    f.select(batch(0, 0));
    assert_ne!(f.value(&case.theta), first);
    f.select(batch(0, 1));
    assert_eq!(f.value(&case.theta), first);
    let mut g = case.objective::<f32>();
    g.select(Pass { epoch: 0, ..Pass::default() });
    let of_epoch = g.value(&case.theta);
    g.select(Pass { epoch: 1, ..Pass::default() });
    assert_ne!(g.value(&case.theta), of_epoch);
    let mut accuracy = Accuracy::new(&case.network, case.samples.clone(), case.targets.clone()).unwrap();
    assert_eq!(accuracy.evaluate(&case.theta), accuracy.evaluate(&case.theta));
}

/// After many acceptances on one batch, running averages are its moments, and what is measured with them is what trains.
#[test]
fn running_averages_come_to_the_moments_and_measures_use_them() {
    let case = Case::new(vec![3, 6, 6], residual(&Layer::Relu), 400, 6);
    let mut f = case.objective::<f32>();
    let averages = f.running();
    let begun = averages.values();
    f.value(&case.theta);
    assert_eq!(averages.values(), begun, "only `accept` moves them");
    for _ in 0..400 {
        f.accept(&case.theta);
    }
    let moved = averages.values();
    assert!(distance_inf(&moved, &begun) > 0.01);
    f.accept(&case.theta);
    assert!(distance_inf(&averages.values(), &moved) < 1e-9);
    // Of many values, biased and unbiased variances are nearly equal: labels hit in training mode are hit in this.
    let mut plain = Accuracy::new(&case.network, case.samples.clone(), case.targets.clone()).unwrap();
    let without = plain.evaluate(&case.theta);
    let mut with = plain.with_running(&averages);
    let hit = with.evaluate(&case.theta);
    assert!((0.0..=1.0).contains(&hit) && hit != without, "{hit} {without}");
}

#[test]
fn a_loaded_objective_goes_on_as_the_saved_one() {
    let case = small();
    let archive = goes_on_as_the_saved_one(|| case.objective::<f32>().in_batches(64, 9), &case.theta);
    let mut wrong = case.objective::<f32>().in_batches(32, 9);
    assert!(wrong.load(&archive).is_err());
}

/// What is computed again rather than kept is what it was, in the whole and in parts.
#[test]
fn sparing_memory_changes_no_result() {
    let case = small();
    let everything = |bytes: usize| {
        let mut f = case.objective::<f32>().in_batches(100, 2).sparing_beyond(bytes);
        let (mut all, mut gradient) = (Vec::new(), vec![0.0; f.dim()]);
        let subsets = case.tensors();
        let mut split = f.decompose(&subsets).unwrap();
        for number in 0..2 {
            f.select(batch(0, number));
            all.push(f.value_gradient(&case.theta, &mut gradient));
            all.extend(&gradient);
            split.freeze(&case.theta, batch(0, number));
            for (part, subset) in split.parts().iter_mut().zip(&subsets) {
                let mut own = vec![0.0; subset.len()];
                subset.gather(&case.theta, &mut own);
                let mut of_part = own.clone();
                for _ in 0..2 {
                    all.push(part.value_gradient(&own, &mut of_part));
                    all.extend(&of_part);
                    own.iter_mut().for_each(|v| *v *= 0.9);
                }
            }
        }
        all.into_iter().map(f64::to_bits).collect::<Vec<_>>()
    };
    assert!(everything(usize::MAX) == everything(0));
}

#[test]
fn evaluations_allocate_nothing() {
    let case = small();
    pool(2).install(|| {
        let mut f = case.objective::<f32>().in_batches(75, 1);
        let subsets = case.tensors();
        let mut split = f.decompose(&subsets).unwrap();
        let mut accuracy = Accuracy::new(&case.network, case.samples.clone(), case.targets.clone())
            .unwrap()
            .with_running(&f.running());
        let (mut x, mut gradient) = (case.theta.clone(), vec![0.0; f.dim()]);
        let (mut own, mut of_part) = (x.clone(), x.clone());
        let mut counts = vec![];
        for epoch in 0..6 {
            let before = allocations();
            for number in 0..f.batches() {
                f.select_shared(batch(epoch, number), batch(epoch + 1, 0)).expect("some of 75");
                f.value_gradient(&x, &mut gradient);
                f.select(batch(epoch, number));
                f.value_gradient(&x, &mut gradient);
                split.freeze(&x, batch(epoch, number));
                for (part, subset) in split.parts().iter_mut().zip(&subsets) {
                    let (own, of_part) = (&mut own[..subset.len()], &mut of_part[..subset.len()]);
                    subset.gather(&x, own);
                    for _ in 0..2 {
                        part.value_gradient(own, of_part);
                        own.iter_mut().zip(&*of_part).for_each(|(x, g)| *x -= 0.01 * g);
                    }
                }
                split.release();
                x.iter_mut().zip(&gradient).for_each(|(x, g)| *x -= 0.01 * g);
                f.value(&x);
                f.accept(&x);
            }
            f.select(Pass::default());
            f.value_gradient(&x, &mut gradient);
            accuracy.evaluate(&x);
            counts.push(allocations() - before);
        }
        assert!(counts[0] > 0, "the first round makes the buffers");
        assert_eq!(&counts[3..], [0; 3], "{counts:?}");
    });
}

//! Mini-batches against objectives over exactly their samples.

mod common;

use std::sync::Arc;

use common::{Case, Storage, batch, case, storages};
use optkit_core::{Archive, Objective, Pass};
use optkit_nn::{Layer, Loss, NetworkObjective, Samples, Targets};
use proptest::prelude::*;

fn layers() -> Vec<Layer> {
    vec![Layer::Dense { outputs: 9 }, Layer::Tanh, Layer::Dense { outputs: 5 }]
}

/// The samples that each batch of an epoch holds: where sample i is the i-th unit vector, those are the columns of the
/// first layer whose gradient is not zero.
fn members(seed: u64, epoch: u64, count: usize, size: usize) -> Vec<Vec<usize>> {
    let mut bytes = vec![0_u8; count * count];
    (0..count).for_each(|i| bytes[i * count + i] = 1);
    let network = optkit_nn::Network::new(vec![count], vec![Layer::Dense { outputs: 2 }]).unwrap();
    let samples = Arc::new(Samples::from_bytes(&bytes, count, 1.0).unwrap());
    let targets = Arc::new(Targets::labels(&vec![0; count], 2).unwrap());
    let f: NetworkObjective = NetworkObjective::new(&network, Loss::CrossEntropy, samples, targets).unwrap();
    let mut f = f.in_batches(size, seed);
    let x = vec![0.0; f.dim()];
    let mut gradient = x.clone();
    (0..f.batches())
        .map(|i| {
            f.select(batch(epoch, i));
            f.value_gradient(&x, &mut gradient);
            (0..count).filter(|&sample| gradient[sample] != 0.0).collect()
        })
        .collect()
}

/// `case` with the samples `chosen` and no others.
fn only(whole: &Case, storage: Storage, seed: u64, chosen: &[usize]) -> NetworkObjective<f32> {
    let features = whole.network.inputs();
    let count = whole.samples.count();
    // The same generator as `common::samples`, before it was packed.
    let samples = match storage {
        Storage::Floats => {
            Samples::from_floats(pick(&common::floats(count, features, seed), features, chosen), features)
        }
        _ => Samples::from_bytes(
            &pick(&common::bytes(storage, count, features, seed), features, chosen),
            features,
            1.0 / 128.0,
        ),
    };
    let labels = common::labels(count, whole.network.outputs(), seed);
    let targets = Targets::labels(&pick(&labels, 1, chosen), whole.network.outputs()).unwrap();
    NetworkObjective::new(&whole.network, whole.loss, Arc::new(samples.unwrap()), Arc::new(targets)).unwrap()
}

fn pick<T: Copy>(from: &[T], width: usize, chosen: &[usize]) -> Vec<T> {
    chosen.iter().flat_map(|&i| &from[i * width..(i + 1) * width]).copied().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// An epoch's batches cover every sample once.
    #[test]
    fn an_epoch_covers_every_sample_once(count in 2_usize..300, size in 1_usize..300, seed in 0_u64..99, epoch in 0_u64..9) {
        let batches = members(seed, epoch, count, size);
        prop_assert_eq!(batches.len(), count.div_ceil(size));
        for (i, batch) in batches.iter().enumerate() {
            prop_assert_eq!(batch.len(), size.min(count - i * size));
        }
        let mut all = batches.concat();
        all.sort_unstable();
        prop_assert!(all.into_iter().eq(0..count));
    }

    /// Value, gradient, product and line of a batch are those of an objective over its samples: their sums run in
    /// another order, for the batch's samples are shuffled.
    #[test]
    fn a_batch_is_the_objective_over_its_samples(
        storage in storages(), count in 30_usize..700, part in 1_usize..100, seed in 0_u64..99,
    ) {
        let size = (count * part / 100).max(1);
        let whole = case(layers(), Loss::CrossEntropy, storage, count, 37, seed);
        let mut f = whole.objective::<f32>().in_batches(size, seed);
        let direction: Vec<f64> = whole.theta.iter().rev().map(|v| v - 0.1).collect();
        let last = f.batches() - 1;
        for (i, chosen) in members(seed, 2, count, size).iter().enumerate().filter(|(i, _)| [0, last].contains(i)) {
            let mut expected = only(&whole, storage, seed, chosen);
            f.select(batch(2, i));
            let (mut g, mut h) = (direction.clone(), direction.clone());
            let near = |a: f64, b: f64| (a - b).abs() <= 2e-6 * (1.0 + a.abs());
            prop_assert!(near(f.value_gradient(&whole.theta, &mut g), expected.value_gradient(&whole.theta, &mut h)));
            prop_assert!(g.iter().zip(&h).all(|(a, b)| near(*a, *b)));
            f.hessian_product().unwrap().apply(&whole.theta, &direction, &mut g);
            expected.hessian_product().unwrap().apply(&whole.theta, &direction, &mut h);
            prop_assert!(g.iter().zip(&h).all(|(a, b)| near(*a, *b)));
            let y: Vec<f64> = whole.theta.iter().zip(&direction).map(|(x, d)| x + 0.25 * d).collect();
            let along = f.span(&whole.theta, &[&direction]).unwrap().value(&[0.25], &y);
            prop_assert!(near(along, expected.value(&y)));
        }
    }

    /// A state saved on a batch or between batches is taken up to the bit, with the order of later epochs.
    #[test]
    fn a_saved_objective_goes_on_with_the_same_batches(
        storage in storages(), size in 1_usize..80, stop in 0_usize..9, seed in 0_u64..99,
    ) {
        let whole = case(layers(), Loss::CrossEntropy, storage, 90, 12, seed);
        let walk = |f: &mut NetworkObjective<f32>, steps: std::ops::Range<usize>| {
            let mut g = whole.theta.clone();
            let mut seen = Vec::new();
            for step in steps {
                if step % 4 == 3 {
                    f.select(Pass::default());
                } else if f.batches() > 1 {
                    f.select(batch((step / f.batches()) as u64, step % f.batches()));
                }
                seen.push(f.value_gradient(&whole.theta, &mut g).to_bits());
                seen.extend(g.iter().map(|v| v.to_bits()));
                seen.push(f.work().gradient_equivalents.to_bits());
            }
            seen
        };
        let mut f = whole.objective::<f32>().in_batches(size, seed);
        walk(&mut f, 0..stop);
        let mut archive = Archive::default();
        f.save(&mut archive);
        let mut resumed = whole.objective::<f32>().in_batches(size, seed + 1);
        resumed.load(&archive).unwrap();
        prop_assert_eq!(walk(&mut f, stop..stop + 6), walk(&mut resumed, stop..stop + 6));
    }
}

#[test]
fn an_epoch_costs_one_gradient_equivalent_to_the_bit_and_a_value_after_it_half_of_one() {
    let whole = case(layers(), Loss::CrossEntropy, Storage::SparseBytes, 1000, 20, 3);
    for size in [7, 33, 128, 999] {
        let mut f = whole.objective::<f32>().in_batches(size, 0);
        let mut g = whole.theta.clone();
        for epoch in 0..20 {
            for i in 0..f.batches() {
                f.select(batch(epoch, i));
                f.value_gradient(&whole.theta, &mut g);
            }
            assert_eq!(f.work().gradient_equivalents, (epoch + 1) as f64, "batches of {size}");
        }
        f.select(Pass::default());
        f.value(&whole.theta);
        assert_eq!(f.work().gradient_equivalents, 20.5);
    }
}

#[test]
fn orders_differ_from_epoch_to_epoch_and_seed_to_seed() {
    let first = members(1, 0, 100, 10);
    assert_eq!(first, members(1, 0, 100, 10));
    assert_ne!(first, members(1, 1, 100, 10));
    assert_ne!(first, members(2, 0, 100, 10));
}

#[test]
fn a_batch_of_all_samples_is_no_batch() {
    let whole = case(layers(), Loss::CrossEntropy, Storage::DenseBytes, 50, 20, 3);
    for size in [50, 51, usize::MAX] {
        let mut f = whole.objective::<f32>().in_batches(size, 0);
        assert_eq!(f.batches(), 1);
        let value = f.value(&whole.theta);
        f.select(batch(3, 0));
        assert_eq!(f.value(&whole.theta), value);
    }
}

#[test]
fn the_state_of_other_batches_is_refused() {
    let whole = case(layers(), Loss::CrossEntropy, Storage::DenseBytes, 50, 20, 3);
    let mut archive = Archive::default();
    whole.objective::<f32>().in_batches(20, 0).save(&mut archive);
    for size in [10, 50] {
        let error = whole.objective::<f32>().in_batches(size, 0).load(&archive).unwrap_err();
        assert!(error.to_string().contains("`batch` has 20"), "{error}");
    }
}

#[test]
fn batches_do_not_depend_on_the_number_of_threads() {
    let whole = case(layers(), Loss::CrossEntropy, Storage::SparseBytes, 9000, 20, 3);
    let bits = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut f = whole.objective::<f32>().in_batches(5000, 7);
            let mut g = whole.theta.clone();
            let mut seen = Vec::new();
            for i in 0..2 {
                f.select(batch(0, i));
                seen.push(f.value_gradient(&whole.theta, &mut g).to_bits());
                seen.extend(g.iter().map(|v| v.to_bits()));
            }
            seen
        })
    };
    assert_eq!(bits(1), bits(3));
}

//! Parts of an objective in mini-batches: they stand on the batch that is selected when they are frozen.

mod common;

use common::{Case, Storage, batch, case, storages};
use optkit_core::{Archive, Objective, Pass, Subset};
use optkit_nn::{Dealing, Layer, Loss, NetworkObjective};
use proptest::prelude::*;

fn problem(storage: Storage, count: usize, seed: u64) -> Case {
    let layers = vec![Layer::Dense { outputs: 9 }, Layer::Tanh, Layer::Dense { outputs: 5 }];
    case(layers, Loss::CrossEntropy, storage, count, 37, seed)
}

fn dealings() -> impl Strategy<Value = Dealing> {
    let of = (20_usize..80).prop_map(Dealing::Of);
    let overlapping = (2_usize..7, 0_usize..20)
        .prop_map(|(parts, o)| Dealing::Overlapping { parts, overlap: o as f64 / 100.0 });
    prop_oneof![of, overlapping]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Value and gradient of a part at the frozen point are the batch's, and away from it those of the batch with the part
    /// moved; no pass is repeated; no sample of another batch is seen, whatever was frozen before.
    #[test]
    fn a_part_is_the_batch_at_its_coordinates(
        storage in storages(), dealing in dealings(), count in 200_usize..400, seed in 0_u64..99,
    ) {
        let whole = problem(storage, count, seed);
        let subsets = common::tensors(&whole.network);
        let mut f = whole.objective::<f64>().dealt(dealing, seed);
        let mut alone = whole.objective::<f64>().dealt(dealing, seed);
        let mut split = f.decompose(&subsets).unwrap();
        let mut gradient = whole.theta.clone();
        for (turn, i) in [0, f.batches() - 1, 1, 1].into_iter().enumerate() {
            f.select(batch(turn as u64, i));
            alone.select(batch(turn as u64, i));
            let value = f.value_gradient(&whole.theta, &mut gradient);
            prop_assert_eq!(value.to_bits(), alone.value(&whole.theta).to_bits());
            if turn == 2 {
                continue; // selected, but never frozen
            }
            split.freeze(&whole.theta, Pass::default());
            prop_assert_eq!(split.shared_work().values, 0);
            for (part, subset) in split.parts().iter_mut().zip(&subsets) {
                let (mut own, mut of_part) = (vec![0.0; subset.len()], vec![0.0; subset.len()]);
                subset.gather(&whole.theta, &mut own);
                prop_assert_eq!(part.value(&own), value);
                own.iter_mut().for_each(|x| *x += 0.01);
                let moved = part.value_gradient(&own, &mut of_part);
                let mut x = whole.theta.clone();
                subset.scatter(&own, &mut x);
                let mut expected = x.clone();
                prop_assert!((moved - alone.value_gradient(&x, &mut expected)).abs() <= 1e-12 * moved.abs().max(1.0));
                let mut rows = of_part.clone();
                subset.gather(&expected, &mut rows);
                prop_assert!(of_part.iter().zip(&rows).all(|(a, b)| (a - b).abs() <= 1e-12));
            }
        }
    }
}

/// A part that holds every parameter costs what the batch costs: its share of the samples.
#[test]
fn parts_count_their_share_of_the_samples() {
    let whole = problem(Storage::DenseBytes, 250, 3);
    let n = whole.network.dim();
    let everything = Subset::from_ranges(n, std::iter::once(0..n)).unwrap();
    let mut f: NetworkObjective = whole.objective().dealt(Dealing::Of(100), 0);
    let mut split = f.decompose(&[everything]).unwrap();
    let (mut x, mut gradient) = (whole.theta.clone(), whole.theta.clone());
    let mut expected = 0.0;
    for (i, rows) in [(0, 100.0), (2, 50.0), (1, 100.0)] {
        f.select(batch(0, i));
        f.value(&x);
        split.freeze(&x, Pass::default());
        x.iter_mut().for_each(|x| *x += 1e-3);
        split.parts()[0].value_gradient(&x, &mut gradient);
        expected += rows / 250.0;
    }
    let counted = split.parts()[0].work().gradient_equivalents;
    assert!((counted - expected).abs() < 1e-12, "{counted}, {expected}");
    // Saved and taken up it counts on from there.
    let mut archive = Archive::default();
    split.save(&mut archive);
    let mut other = f.decompose(&[Subset::from_ranges(n, std::iter::once(0..n)).unwrap()]).unwrap();
    other.load(&archive).unwrap();
    assert_eq!(other.parts()[0].work().gradient_equivalents, counted);
    f.select(batch(1, 0));
    f.value(&x);
    other.freeze(&x, Pass::default());
    x[0] += 1e-3;
    other.parts()[0].value(&x);
    assert!((other.parts()[0].work().gradient_equivalents - (counted + 0.2)).abs() < 1e-12);
}

/// Without a selected batch, parts are those of all samples; the pass that none has left is counted for all.
#[test]
fn parts_are_of_all_samples_where_no_batch_is_selected() {
    let whole = problem(Storage::SparseBytes, 300, 5);
    let subsets = common::tensors(&whole.network);
    let mut f: NetworkObjective = whole.objective().dealt(Dealing::Of(100), 0);
    let mut all: NetworkObjective = whole.objective();
    let mut split = f.decompose(&subsets).unwrap();
    let (mut own, value) = (vec![0.0; subsets[0].len()], all.value(&whole.theta));
    subsets[0].gather(&whole.theta, &mut own);
    for round in 0..2 {
        f.select(batch(round, 0));
        split.freeze(&whole.theta, Pass::default());
        assert_ne!(split.parts()[0].value(&own), value);
        f.select(Pass::default());
        split.freeze(&whole.theta, Pass::default());
        assert_eq!(split.parts()[0].value(&own), value);
    }
    // Two forward passes over a third of the samples, and two over all, for nothing was left behind: the second of the
    // latter finds what the first has left.
    let shared = split.shared_work();
    assert!((shared.gradient_equivalents - (2.0 * 0.5 / 3.0 + 0.5)).abs() < 1e-12, "{shared:?}");
}

//! Products with the Hessian: against differences of gradients, symmetric, linear, of a part as of the whole.

mod common;

use common::{Case, Storage, case, cases_of_every_loss};
use optkit_core::vector::{distance_inf, dot, norm_inf};
use optkit_core::{Objective, Pass, Subset};
use optkit_nn::{Layer, Loss, NetworkObjective, Scalar};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn product(f: &mut dyn Objective, x: &[f64], v: &[f64]) -> Vec<f64> {
    let mut product = vec![f64::NAN; x.len()];
    f.hessian_product().expect("networks offer products").apply(x, v, &mut product);
    product
}

fn direction(n: usize, seed: u64) -> Vec<f64> {
    let mut random = common::noise(seed);
    (0..n).map(|_| random()).collect()
}

/// (∇f(x + hv) − ∇f(x − hv)) / 2h, Richardson's with half the step.
fn difference(f: &mut dyn Objective, x: &[f64], v: &[f64], h: f64) -> Vec<f64> {
    let mut central = |h: f64| {
        let (mut above, mut below) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        let at = |t: f64| x.iter().zip(v).map(|(x, v)| x + t * v).collect::<Vec<_>>();
        f.value_gradient(&at(h), &mut above);
        f.value_gradient(&at(-h), &mut below);
        above.iter().zip(&below).map(|(a, b)| (a - b) / (2.0 * h)).collect::<Vec<f64>>()
    };
    let (coarse, fine) = (central(h), central(0.5 * h));
    coarse.iter().zip(&fine).map(|(c, f)| (4.0 * f - c) / 3.0).collect()
}

fn has_relu(case: &Case) -> bool {
    case.network.layers().contains(&Layer::Relu)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, rng_seed: RngSeed::Fixed(3), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn products_are_those_of_differences(case in cases_of_every_loss(), seed in 1_u64..1000) {
        let mut f = case.objective::<f64>();
        let v = direction(f.dim(), seed);
        let exact = product(&mut f, &case.theta, &v);
        let scale = norm_inf(&exact).max(1.0);
        let off = |h: f64, f: &mut NetworkObjective<f64>| {
            distance_inf(&exact, &difference(f, &case.theta, &v, h)) / scale
        };
        // A kink of a relu within the step spoils a difference; within all of three steps it is unlikely.
        let errors = [1e-4, 1e-6, 1e-8].map(|h| off(h, &mut f));
        if has_relu(&case) {
            prop_assert!(errors[0] < 1e-8 || errors[1] < 1e-7 || errors[2] < 1e-5, "{errors:?}");
        } else {
            prop_assert!(errors[0] < 1e-8, "{errors:?}");
        }
    }

    #[test]
    fn the_hessian_is_symmetric_and_linear(case in cases_of_every_loss(), seed in 1_u64..1000) {
        let mut f = case.objective::<f64>();
        let n = f.dim();
        let (u, v) = (direction(n, seed), direction(n, seed + 1));
        let (hu, hv) = (product(&mut f, &case.theta, &u), product(&mut f, &case.theta, &v));
        let size = (norm_inf(&hu) + norm_inf(&hv)).max(1e-3) * n as f64;
        prop_assert!((dot(&u, &hv) - dot(&v, &hu)).abs() <= 1e-13 * size);
        let sum: Vec<f64> = u.iter().zip(&v).map(|(u, v)| 3.0 * u - 0.7 * v).collect();
        let expected: Vec<f64> = hu.iter().zip(&hv).map(|(u, v)| 3.0 * u - 0.7 * v).collect();
        prop_assert!(distance_inf(&product(&mut f, &case.theta, &sum), &expected) <= 1e-12 * size);
        // Powers of two change no digit, however small or large.
        for power in [2_f64.powi(-200), 2_f64.powi(300)] {
            let scaled: Vec<f64> = v.iter().map(|v| v * power).collect();
            let scaled = product(&mut f, &case.theta, &scaled);
            prop_assert!(scaled.iter().zip(&hv).all(|(s, h)| *s == h * power));
        }
        prop_assert_eq!(product(&mut f, &case.theta, &vec![0.0; n]), vec![0.0; n]);
    }

    #[test]
    fn single_precision_agrees_with_double(case in cases_of_every_loss(), seed in 1_u64..1000) {
        let (mut single, mut double) = (case.objective::<f32>(), case.objective::<f64>());
        let v = direction(single.dim(), seed);
        let (h, expected) = (product(&mut single, &case.theta, &v), product(&mut double, &case.theta, &v));
        let off = distance_inf(&h, &expected);
        // A relu that is on in one precision and off in the other changes entries by a sample's share.
        let tolerance = if has_relu(&case) { 1e-3 } else { 2e-5 };
        prop_assert!(off <= tolerance * norm_inf(&expected).max(1.0), "{off}");
    }

    #[test]
    fn a_part_has_the_whole_s_block(case in cases_of_every_loss(), parts in 1_usize..7, seed in 1_u64..1000) {
        blocks_agree::<f64>(&case, parts, seed, 1e-12);
        blocks_agree::<f32>(&case, parts, seed, if has_relu(&case) { 1e-3 } else { 2e-5 });
    }
}

/// Every part's product, at the frozen point and away from it, against the whole with a direction that is zero outside.
fn blocks_agree<S: Scalar>(case: &Case, parts: usize, seed: u64, tolerance: f64) {
    let n = case.network.dim();
    let parts = parts.min(n);
    let tensors = case.network.tensors();
    let whole_tensors = |i: usize| {
        let ranges = tensors.iter().skip(i).step_by(parts).map(|t| t.range.clone());
        Subset::from_ranges(n, ranges).ok()
    };
    let interleaved = |i: usize| Subset::from_indices(n, &(i..n).step_by(parts).collect::<Vec<_>>()).ok();
    let subsets: Vec<Subset> =
        (0..parts).filter_map(whole_tensors).chain((0..parts).filter_map(interleaved)).collect();
    let (mut whole, mut other) = (case.objective::<S>(), case.objective::<S>());
    whole.value(&case.theta);
    let mut split = whole.decompose(&subsets).unwrap();
    split.freeze(&case.theta, Pass::default());
    let v = direction(n, seed);
    let mut random = common::noise(seed);
    for (part, subset) in split.parts().iter_mut().zip(&subsets) {
        let (mut own, mut of_part) = (vec![0.0; subset.len()], vec![0.0; subset.len()]);
        subset.gather(&v, &mut of_part);
        let mut outside = vec![0.0; n];
        subset.scatter(&of_part, &mut outside);
        subset.gather(&case.theta, &mut own);
        for trial in 0..2 {
            let mut at = case.theta.clone();
            subset.scatter(&own, &mut at);
            let all = product(&mut other, &at, &outside);
            let mut expected = vec![0.0; subset.len()];
            subset.gather(&all, &mut expected);
            let off = distance_inf(&product(part.as_mut(), &own, &of_part), &expected);
            assert!(off <= tolerance * norm_inf(&all).max(1.0), "trial {trial}: {off}");
            own.iter_mut().for_each(|x| *x += 0.05 * random());
        }
    }
}

fn paper(count: usize, activation: &Layer) -> Case {
    let dense = |outputs| Layer::Dense { outputs };
    let layers = vec![dense(32), activation.clone(), dense(32), activation.clone(), dense(10)];
    case(layers, Loss::CrossEntropy, Storage::SparseBytes, count, 784, 8)
}

#[test]
fn the_forward_pass_is_not_repeated_and_products_count_what_they_multiply() {
    let (f1, f2, f3) = (784.0 * 32.0, 32.0 * 32.0, 32.0 * 10.0);
    let (forward, backward) = (f1 + f2 + f3, f1 + 2.0 * (f2 + f3));
    // Up: x·V everywhere, R{x}·W above. Back: one product for the first weights, two for the others, two for the
    // tangents below, and the gradient below layer 3; with tanh, below layer 2 as well.
    let up = f1 + 2.0 * (f2 + f3);
    for (activation, extra) in [(Layer::Relu, 0.0), (Layer::Tanh, f2)] {
        let case = paper(300, &activation);
        let mut f = case.objective::<f32>();
        let (v, mut gradient) = (direction(f.dim(), 3), vec![0.0; f.dim()]);
        f.value_gradient(&case.theta, &mut gradient);
        let before = f.work();
        let known = product(&mut f, &case.theta, &v);
        let spent = f.work() - before;
        assert_eq!((spent.values, spent.gradients, spent.hessian_products), (0, 0, 1));
        let back = f1 + 4.0 * (f2 + f3) + f3 + extra;
        let expected = 0.5 * up / forward + 0.5 * back / backward;
        assert!((spent.gradient_equivalents - expected).abs() < 1e-14, "{spent:?} {expected}");
        // At a new point the forward pass comes first, and the result is the same.
        let mut fresh = case.objective::<f32>();
        assert_eq!(product(&mut fresh, &case.theta, &v), known);
        assert_eq!(fresh.work().values, 1);
        assert!((fresh.work().gradient_equivalents - expected - 0.5).abs() < 1e-14);
        // Products disturb neither the value nor the gradient there.
        let mut again = vec![0.0; f.dim()];
        f.value_gradient(&case.theta, &mut again);
        assert_eq!((again, (f.work() - before).values), (gradient, 0));
    }
}

#[test]
fn the_hessian_of_a_sum_over_few_samples_is_that_of_its_formula() {
    // One dense layer and cross-entropy: ∇²f = mean of (diag p − ppᵀ) ⊗ (x̃x̃ᵀ), x̃ = (x, 1).
    let case = case(vec![Layer::Dense { outputs: 4 }], Loss::CrossEntropy, Storage::Floats, 7, 3, 2);
    let mut f = case.objective::<f64>();
    let v = direction(16, 5);
    let theta = &case.theta;
    // The samples as `common::samples` draws them.
    let mut random = common::noise(2);
    let samples: Vec<f64> = (0..21).map(|_| f64::from(random() as f32)).collect();
    let mut expected = vec![0.0; 16];
    for x in samples.chunks_exact(3) {
        let affine =
            |t: &[f64]| -> Vec<f64> { (0..4).map(|c| dot(&t[3 * c..3 * c + 3], x) + t[12 + c]).collect() };
        let (z, rz) = (affine(theta), affine(&v));
        let total: f64 = z.iter().map(|z| z.exp()).sum();
        let p: Vec<f64> = z.iter().map(|z| z.exp() / total).collect();
        let mean = dot(&p, &rz);
        for c in 0..4 {
            let r = p[c] * (rz[c] - mean) / 7.0;
            (0..3).for_each(|i| expected[3 * c + i] += r * x[i]);
            expected[12 + c] += r;
        }
    }
    assert!(distance_inf(&product(&mut f, theta, &v), &expected) < 1e-15);
}

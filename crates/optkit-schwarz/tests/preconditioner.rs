//! The sweep as a preconditioner: what its radius does, and that it can be taken up.

use optkit_core::{Archive, Evaluated, Objective, Preconditioner, StartError, from_fn};
use optkit_schwarz::{Partition, PreconditionerOptions, SchwarzPreconditioner};
use optkit_trust_region::RadiusRule;
use proptest::prelude::*;

/// Σ aᵢxᵢ² + c(Σ xᵢ)²: parts do not interact where c is zero.
fn quadratic(a: &[f64], c: f64) -> impl Objective + use<> {
    let (n, a, b) = (a.len(), a.to_vec(), a.to_vec());
    from_fn(
        n,
        move |x| {
            let sum: f64 = x.iter().sum();
            x.iter().zip(&a).map(|(x, a)| a * x * x).sum::<f64>() + c * sum * sum
        },
        move |x, g| {
            let sum: f64 = x.iter().sum();
            for ((g, x), b) in g.iter_mut().zip(x).zip(&b) {
                *g = 2.0 * b * x + 2.0 * c * sum;
            }
        },
    )
}

fn sweep(n: usize, parts: usize, radius: f64) -> SchwarzPreconditioner {
    let options = PreconditionerOptions { radius, ..PreconditionerOptions::default() };
    SchwarzPreconditioner::new(Partition::contiguous(n, parts).unwrap(), options)
}

/// The point proposed for `x`, with f there and at `x`.
fn proposed(method: &mut SchwarzPreconditioner, f: &mut dyn Objective, x: &[f64]) -> (Vec<f64>, f64, f64) {
    let mut gradient = vec![0.0; x.len()];
    let value = f.value_gradient(x, &mut gradient);
    let mut better = vec![f64::NAN; x.len()];
    method.propose(f, x, Evaluated { value, gradient: &gradient }, &mut better);
    let reached = f.value(&better);
    (better, reached, value)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(5),
        ..ProptestConfig::default()
    })]

    /// Where parts do not interact, f falls by what they expect, and the radius never shrinks.
    #[test]
    fn independent_parts_keep_their_promise(
        a in prop::collection::vec(0.1_f64..10.0, 4..9),
        parts in 2_usize..4,
        radius in 0.01_f64..10.0,
    ) {
        let mut f = quadratic(&a, 0.0);
        let mut method = sweep(a.len(), parts, radius);
        method.start(&mut f).unwrap();
        let mut x = vec![3.0; a.len()];
        for _ in 0..6 {
            let before = method.radius();
            let (better, reached, value) = proposed(&mut method, &mut f, &x);
            prop_assert!(reached < value);
            prop_assert!(better.iter().zip(&x).all(|(b, x)| (b - x).abs() <= before * (1.0 + 1e-9)));
            method.judged(1.0, value - reached);
            prop_assert!(method.radius() >= before);
            if reached < 1e-6 {
                break; // from here rounding has its say
            }
            x = better;
        }
    }

    /// Parts that all go for the same sum overshoot: the radius shrinks until the sweep descends.
    #[test]
    fn a_sweep_that_rises_shrinks_its_radius(n in 4_usize..9, c in 50.0_f64..500.0) {
        let mut f = quadratic(&vec![0.1; n], c);
        let mut method = sweep(n, n, 10.0);
        method.start(&mut f).unwrap();
        let x = vec![1.0; n];
        let mut radius = method.radius();
        for _ in 0..60 {
            let (_, reached, value) = proposed(&mut method, &mut f, &x);
            if reached < value {
                prop_assert!(radius < 10.0, "the first sweep overshoots");
                return Ok(());
            }
            method.judged(0.0, 0.0);
            prop_assert!(method.radius() == 0.5 * radius);
            radius = method.radius();
        }
        prop_assert!(false, "no sweep descends down to a radius of {radius:e}");
    }

    /// Saved after some sweeps and loaded into a fresh one, it proposes the same points, to the bit.
    #[test]
    fn a_saved_sweep_goes_on_bitwise(a in prop::collection::vec(0.1_f64..10.0, 4..9), c in 0.0_f64..2.0) {
        let n = a.len();
        let mut f = quadratic(&a, c);
        let (mut whole, mut resumed) = (sweep(n, 2, 0.5), sweep(n, 2, 0.5));
        whole.start(&mut f).unwrap();
        let mut x = vec![2.0; n];
        for k in 0..8 {
            if k == 3 {
                let mut archive = Archive::default();
                whole.save(&mut archive);
                resumed.start(&mut f).unwrap();
                resumed.load(&archive).unwrap();
                prop_assert!(resumed.load(&Archive::default()).is_err());
            }
            let (better, reached, value) = proposed(&mut whole, &mut f, &x);
            whole.judged(1.0, value - reached);
            if k >= 3 {
                let (again, reached, value) = proposed(&mut resumed, &mut f, &x);
                resumed.judged(1.0, value - reached);
                prop_assert_eq!(&again, &better);
                prop_assert_eq!(resumed.radius().to_bits(), whole.radius().to_bits());
                prop_assert_eq!(resumed.work(), whole.work());
            }
            x = better;
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut f = quadratic(&[1.0; 4], 0.0);
    let wrong = sweep(5, 2, 1.0).start(&mut f).unwrap_err();
    assert_eq!(wrong, StartError::PartitionLength { partition: 5, dim: 4 });
    let wrong = sweep(4, 2, -1.0).start(&mut f).unwrap_err();
    assert!(matches!(wrong, StartError::Setting { name: "radius", .. }), "{wrong}");
    let rule = RadiusRule { max_radius: 0.5, ..RadiusRule::default() };
    let options = PreconditionerOptions { rule, ..PreconditionerOptions::default() };
    let mut outside = SchwarzPreconditioner::new(Partition::contiguous(4, 2).unwrap(), options);
    let wrong = outside.start(&mut f).unwrap_err();
    assert!(matches!(wrong, StartError::Setting { name: "radius", .. }), "{wrong}");
}

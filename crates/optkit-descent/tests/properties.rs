//! What descent methods promise, on random smooth functions.

use optkit_core::vector::{dot, norm_inf, norm2};
use optkit_core::{Archive, Counted, Flow, Objective, Optimizer, Pass, StartError, Status, from_fn};
use optkit_descent::{
    Adam, AdamOptions, Lbfgs, LbfgsOptions, Sgd, SgdOptions, TorchLbfgs, TorchLbfgsOptions,
};
use proptest::prelude::*;

fn config(cases: u32, seed: u64) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(seed),
        ..ProptestConfig::default()
    }
}

/// ½ Σ aᵢ(xᵢ − cᵢ)² + Σ bᵢ sin(xᵢ + xᵢ₊₁): convex where b is zero, coupled and not convex elsewhere.
fn waves(a: Vec<f64>, b: Vec<f64>, c: Vec<f64>) -> impl Objective {
    let n = a.len();
    let (a2, b2, c2) = (a.clone(), b.clone(), c.clone());
    let value = move |x: &[f64]| {
        (0..n).map(|i| 0.5 * a[i] * (x[i] - c[i]).powi(2) + b[i] * (x[i] + x[(i + 1) % n]).sin()).sum::<f64>()
    };
    Counted::new(from_fn(n, value, move |x, g| {
        for i in 0..n {
            g[i] = a2[i] * (x[i] - c2[i]);
        }
        for i in 0..n {
            let slope = b2[i] * (x[i] + x[(i + 1) % n]).cos();
            g[i] += slope;
            g[(i + 1) % n] += slope;
        }
    }))
}

/// (a, b, c) of [`waves`], of up to 9 variables.
fn coefficients(most_b: f64) -> impl Strategy<Value = (Vec<f64>, Vec<f64>, Vec<f64>)> {
    (2_usize..10).prop_flat_map(move |n| {
        (
            prop::collection::vec(0.5_f64..20.0, n),
            prop::collection::vec(-most_b..=most_b, n),
            prop::collection::vec(-3.0_f64..3.0, n),
        )
    })
}

fn all_methods() -> Vec<Box<dyn Optimizer>> {
    let lr = 0.02;
    vec![
        Box::new(Sgd::new(SgdOptions::new(lr))),
        Box::new(Sgd::new(SgdOptions {
            momentum: 0.8,
            nesterov: true,
            weight_decay: 0.01,
            ..SgdOptions::new(lr)
        })),
        Box::new(Adam::new(AdamOptions { lr: 0.1, amsgrad: true, ..AdamOptions::default() })),
        Box::new(Adam::decoupled(AdamOptions { lr: 0.1, ..AdamOptions::adamw() })),
        Box::new(Lbfgs::new(LbfgsOptions { memory: 3, ..LbfgsOptions::default() })),
        Box::new(TorchLbfgs::new(TorchLbfgsOptions {
            memory: 3,
            iterations: 3,
            ..TorchLbfgsOptions::default()
        })),
    ]
}

proptest! {
    #![proptest_config(config(48, 11))]

    /// A step of 1/L along the gradient lowers a convex quadratic by at least ‖∇f‖²/(2L).
    #[test]
    fn gradient_descent_on_convex_quadratics_lowers_f_by_what_theory_says((a, _, c) in coefficients(0.0)) {
        let lipschitz = norm_inf(&a);
        let n = a.len();
        let mut f = waves(a, vec![0.0; n], c);
        let mut sgd = Sgd::new(SgdOptions::new(1.0 / lipschitz));
        sgd.start(&mut f, &vec![5.0; n], None).unwrap();
        sgd.prepare(&mut f).unwrap();
        for _ in 0..30 {
            let (value, size) = (sgd.current().value, norm2(sgd.current().gradient.unwrap()));
            sgd.step(&mut f);
            sgd.prepare(&mut f).unwrap();
            let bound = value - size * size / (2.0 * lipschitz);
            prop_assert!(sgd.current().value <= bound + 1e-12 * value.abs());
        }
    }

    /// One gradient equivalent an iteration, no more, no less.
    #[test]
    fn first_order_methods_evaluate_once_an_iteration((a, b, c) in coefficients(2.0)) {
        let n = a.len();
        for mut method in all_methods().into_iter().take(4) {
            let mut f = waves(a.clone(), b.clone(), c.clone());
            method.start(&mut f, &vec![1.0; n], None).unwrap();
            for k in 0..10 {
                method.prepare(&mut f).unwrap();
                prop_assert_eq!(f.work().gradient_equivalents, f64::from(k + 1));
                method.step(&mut f);
            }
        }
    }

    /// With as many pairs as variables, a convex quadratic is solved in a few more searches than it has variables.
    #[test]
    fn lbfgs_ends_on_quadratics((a, _, c) in coefficients(0.0)) {
        let n = a.len();
        let mut f = waves(a, vec![0.0; n], c);
        let mut lbfgs = Lbfgs::new(LbfgsOptions { memory: n, ..LbfgsOptions::default() });
        lbfgs.start(&mut f, &vec![5.0; n], None).unwrap();
        for _ in 0..4 * n + 10 {
            lbfgs.prepare(&mut f).unwrap();
            if norm_inf(lbfgs.current().gradient.unwrap()) < 1e-8 {
                return Ok(());
            }
            lbfgs.step(&mut f);
        }
        prop_assert!(false, "‖g‖∞ = {:e}", norm_inf(lbfgs.current().gradient.unwrap_or(&[f64::NAN])));
    }

    /// Every accepted step is a strong Wolfe step, unless values differ by rounding alone or the evaluations were used
    /// up, and then it decreases f.
    #[test]
    fn accepted_steps_are_strong_wolfe_steps(
        (a, b, c) in coefficients(5.0),
        far in 1.0_f64..50.0,
        limit in 2_u32..25,
    ) {
        let n = a.len();
        let mut f = waves(a, b, c);
        let mut lbfgs = Lbfgs::new(LbfgsOptions { memory: 4, max_evaluations: limit });
        lbfgs.start(&mut f, &vec![far; n], None).unwrap();
        for _ in 0..40 {
            lbfgs.prepare(&mut f).unwrap();
            let (x, value) = (lbfgs.current().x.to_vec(), lbfgs.current().value);
            let gradient = lbfgs.current().gradient.unwrap().to_vec();
            let before = f.work().gradients;
            let Flow::Continue(step) = lbfgs.step(&mut f) else { break };
            let evaluations = f.work().gradients - before;
            prop_assert!(evaluations <= u64::from(limit), "{evaluations} of {limit}");
            prop_assert_eq!(u64::from(step.trials_accepted + step.trials_rejected), evaluations);
            if !step.accepted {
                continue;
            }
            let now = lbfgs.current();
            let s: Vec<f64> = now.x.iter().zip(&x).map(|(new, old)| new - old).collect();
            let (first, last) = (dot(&gradient, &s), dot(now.gradient.unwrap(), &s));
            let noise = 20.0 * f64::EPSILON * value.abs().max(1.0);
            if value - now.value <= noise {
                prop_assert!(now.value <= value + noise, "{} from {value}", now.value);
                continue; // values tell no more, and s is mostly rounding
            }
            prop_assert!(first < 0.0 && now.value <= value + 1e-4 * first + noise, "{} from {value}", now.value);
            if evaluations < u64::from(limit) {
                // Rounding of x makes s a little longer or shorter than the step searched for.
                prop_assert!(last.abs() <= 0.9 * first.abs() * (1.0 + 1e-6), "{last} against {first}");
            }
        }
    }

    /// A budget is never exceeded, though every iteration makes many evaluations.
    #[test]
    fn evaluations_stay_within_what_is_allowed((a, b, c) in coefficients(5.0), budget in 2_u32..40) {
        let n = a.len();
        for mut method in all_methods().into_iter().skip(4) {
            let mut f = waves(a.clone(), b.clone(), c.clone());
            method.start(&mut f, &vec![20.0; n], None).unwrap();
            loop {
                method.prepare(&mut f).unwrap();
                let left = f64::from(budget) - f.work().gradient_equivalents;
                if left <= 0.0 {
                    break;
                }
                method.allow(left);
                if let Flow::Done(_) = method.step(&mut f) {
                    break;
                }
            }
            prop_assert!(f.work().gradient_equivalents <= f64::from(budget));
        }
    }

    /// Saved after any iteration and loaded into a fresh method, a run goes on bit for bit.
    #[test]
    fn a_saved_run_goes_on_bitwise((a, b, c) in coefficients(3.0), at in 0_usize..6, prepared in any::<bool>()) {
        let n = a.len();
        let start = vec![4.0; n];
        for (mut whole, mut resumed) in all_methods().into_iter().zip(all_methods()) {
            let mut f = waves(a.clone(), b.clone(), c.clone());
            whole.start(&mut f, &start, None).unwrap();
            for _ in 0..at {
                whole.step(&mut f);
            }
            if prepared {
                whole.prepare(&mut f).unwrap();
            }
            let mut archive = Archive::default();
            whole.save(&mut archive);
            resumed.start(&mut f, &start, None).unwrap();
            resumed.load(&archive).unwrap();
            for _ in 0..6 {
                prop_assert_eq!(format!("{:?}", whole.step(&mut f)), format!("{:?}", resumed.step(&mut f)));
                prop_assert_eq!(whole.current().x, resumed.current().x);
                prop_assert_eq!(whole.prepare(&mut f), resumed.prepare(&mut f));
                prop_assert_eq!(whole.best().x, resumed.best().x);
                let (mut one, mut other) = (Archive::default(), Archive::default());
                whole.save(&mut one);
                resumed.save(&mut other);
                prop_assert_eq!(one, other);
            }
            // Another problem's state is refused.
            let mut other = waves(vec![1.0; n + 1], vec![0.0; n + 1], vec![0.0; n + 1]);
            resumed.start(&mut other, &vec![0.0; n + 1], None).unwrap();
            prop_assert!(resumed.load(&archive).is_err());
            prop_assert!(resumed.load(&Archive::default()).is_err());
        }
    }

    /// Whatever the learning rate, the best point is the lowest finite one that was seen.
    #[test]
    fn the_best_point_is_the_lowest_finite_one((a, b, c) in coefficients(3.0), lr in 1e-3_f64..3.0) {
        let n = a.len();
        for momentum in [0.0, 0.9] {
            let mut f = waves(a.clone(), b.clone(), c.clone());
            let mut sgd = Sgd::new(SgdOptions { momentum, ..SgdOptions::new(lr) });
            sgd.start(&mut f, &vec![2.0; n], None).unwrap();
            let mut lowest = f64::INFINITY;
            for k in 0_u64..2000 {
                match sgd.prepare(&mut f) {
                    Ok(()) => lowest = lowest.min(sgd.current().value),
                    Err(Status::Diverged { iteration, value }) => {
                        prop_assert!(iteration == k && (!value.is_finite() || value > 1e200));
                        break;
                    }
                    Err(other) => panic!("{other}"),
                }
                sgd.step(&mut f);
            }
            prop_assert_eq!(sgd.best().value, lowest);
            prop_assert_eq!(f.value(sgd.best().x), lowest);
        }
    }
}

/// log of x, NaN for negative x; the minimiser of x − log x is 1.
fn barrier() -> impl Objective {
    from_fn(1, |x| x[0] - x[0].ln(), |x, g| g[0] = if x[0] > 0.0 { 1.0 - 1.0 / x[0] } else { f64::NAN })
}

#[test]
fn searches_shorten_where_f_is_not_finite() {
    for start in [1e-6, 0.9, 1e6] {
        let mut f = barrier();
        let mut lbfgs = Lbfgs::default();
        lbfgs.start(&mut f, &[start], None).unwrap();
        let mut iterations = 0;
        loop {
            lbfgs.prepare(&mut f).unwrap();
            assert!(lbfgs.current().x[0] > 0.0);
            if norm_inf(lbfgs.current().gradient.unwrap()) < 1e-9 || iterations == 200 {
                break;
            }
            if let Flow::Done(status) = lbfgs.step(&mut f) {
                assert!(matches!(status, Status::WithinRounding { .. }), "{status}");
                break;
            }
            iterations += 1;
        }
        assert!((lbfgs.current().x[0] - 1.0).abs() < 1e-7, "from {start}: {:?}", lbfgs.current());
    }
}

#[test]
fn a_gradient_that_lies_ends_in_a_failed_line_search() {
    // The gradient points downhill where f rises.
    let mut f = from_fn(1, |x| x[0], |_, g| g[0] = -1.0);
    for mut method in all_methods().into_iter().skip(4) {
        method.start(&mut f, &[3.0], None).unwrap();
        let mut steps = 0;
        let status = loop {
            match method.step(&mut f) {
                Flow::Done(status) => break status,
                Flow::Continue(_) => steps += 1,
            }
        };
        let Status::LineSearch { longest, gradient_norm } = status else { panic!("{status}") };
        assert!(longest > 0.0 && gradient_norm == 1.0 && steps < 4, "{longest} after {steps}");
        assert_eq!(method.best().x, [3.0]);
    }
}

#[test]
fn batches_return_the_last_finite_point_and_know_nothing_after_a_change() {
    let mut f = from_fn(1, |x| x[0] * x[0], |x, g| g[0] = 2.0 * x[0]);
    for mut method in all_methods().into_iter().take(4) {
        assert!(method.takes_batches());
        method.start(&mut f, &[3.0], None).unwrap();
        for _ in 0..3 {
            method.samples_changed(Pass::default());
            assert!(method.current().gradient.is_none() && method.current().value.is_nan());
            method.prepare(&mut f).unwrap();
            method.step(&mut f);
        }
        let last = method.current().x[0];
        assert_eq!(method.best().x, [last]);
        // A batch on which f is not finite: the point before is the last good one.
        method.samples_changed(Pass::default());
        method.prepare(&mut f).unwrap();
        method.step(&mut f);
        method.samples_changed(Pass::default());
        let mut broken = from_fn(1, |_| f64::NAN, |_, g| g[0] = 1.0);
        assert!(matches!(method.prepare(&mut broken), Err(Status::Diverged { iteration: 4, .. })));
        assert_eq!(method.best().x, [last]);
    }
    assert!(!Lbfgs::default().takes_batches());
}

#[test]
fn bad_input_is_refused_with_its_name() {
    let mut f = from_fn(2, |x| dot(x, x), |x, g| g.iter_mut().zip(x).for_each(|(g, x)| *g = 2.0 * x));
    for mut method in all_methods() {
        let error = method.start(&mut f, &[1.0], None).unwrap_err();
        assert_eq!(error, StartError::WrongLength { got: 1, dim: 2 });
    }
    let plain = SgdOptions::new(0.1);
    let adam = AdamOptions::default();
    let torch = TorchLbfgsOptions::default();
    let wrong = [
        (SgdOptions { lr: f64::NAN, ..plain }.validate(), "lr"),
        (SgdOptions { momentum: 1.0, ..plain }.validate(), "momentum"),
        (SgdOptions { dampening: -0.1, ..plain }.validate(), "dampening"),
        (SgdOptions { nesterov: true, ..plain }.validate(), "momentum"),
        (SgdOptions { nesterov: true, momentum: 0.5, dampening: 0.1, ..plain }.validate(), "dampening"),
        (SgdOptions { weight_decay: -1.0, ..plain }.validate(), "weight_decay"),
        (AdamOptions { lr: 0.0, ..adam }.validate(), "lr"),
        (AdamOptions { beta1: 1.0, ..adam }.validate(), "beta1"),
        (AdamOptions { beta2: f64::NAN, ..adam }.validate(), "beta2"),
        (AdamOptions { epsilon: -1e-8, ..adam }.validate(), "epsilon"),
        (LbfgsOptions { memory: 0, ..LbfgsOptions::default() }.validate(), "memory"),
        (LbfgsOptions { max_evaluations: 1, ..LbfgsOptions::default() }.validate(), "max_evaluations"),
        (TorchLbfgsOptions { iterations: 0, ..torch }.validate(), "iterations"),
        (TorchLbfgsOptions { max_evaluations: Some(0), ..torch }.validate(), "max_evaluations"),
        (TorchLbfgsOptions { lr: f64::INFINITY, ..torch }.validate(), "lr"),
        (TorchLbfgsOptions { tolerance_change: -1.0, ..torch }.validate(), "tolerance_change"),
    ];
    for (result, expected) in wrong {
        let Err(StartError::Setting { name, .. }) = result else { panic!("{expected}: {result:?}") };
        assert_eq!(name, expected);
    }
}

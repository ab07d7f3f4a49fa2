//! What the paper claims of APTS and what our design promises, on random functions.

use optkit::vector::{distance_inf, norm_inf, norm2};
use optkit::{
    AdditiveSweep, Apts, AptsOptions, Archive, Begin, Counted, Evaluated, Flow, Frozen, Objective, Optimizer,
    Outcome, Partition, Pass, RadiusDriven, Ratio, Run, Status, StopWhen, Subset, TrustRegion,
    TrustRegionOptions, Unobserved, run,
};
use optkit_tests::{Cliff, Wavy};
use proptest::prelude::*;

fn first_order(options: TrustRegionOptions) -> TrustRegion {
    TrustRegion::new(options).with_model(optkit::Gradient)
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 24,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(20_231_222),
        ..ProptestConfig::default()
    }
}

fn prepared(optimizer: &mut dyn Optimizer, f: &mut dyn Objective) -> (f64, Vec<f64>, Vec<f64>) {
    optimizer.prepare(f).expect("finite on these functions");
    let point = optimizer.current();
    (point.value, point.x.to_vec(), point.gradient.expect("prepared").to_vec())
}

fn frozen<'a>(x: &'a [f64], value: f64, gradient: &'a [f64]) -> Frozen<'a> {
    Frozen { x, known: Evaluated { value, gradient }, pass: Pass::default(), model: None }
}

proptest! {
    #![proptest_config(config())]

    /// Algorithm 1 with fdl on: ℓ(θᵏ⁺¹) ≤ ℓ(θᵏ), beyond a few roundings of f.
    #[test]
    fn with_fdl_the_loss_never_rises(seed in any::<u64>(), n in 50_usize..120, parts in 1_usize..9) {
        let mut f = Wavy::new(n, seed);
        let start = f.start();
        let mut apts = Apts::new(Partition::random(n, parts, seed).unwrap(), AptsOptions::default());
        apts.start(&mut f, &start, None).unwrap();
        let (mut before, ..) = prepared(&mut apts, &mut f);
        for _ in 0..60 {
            if let Flow::Done(_) = apts.step(&mut f) { break }
            let (after, ..) = prepared(&mut apts, &mut f);
            prop_assert!(after <= before + 8.0 * f64::EPSILON * before.abs().max(1.0), "{before} to {after}");
            before = after;
        }
    }

    /// ‖∇f‖ falls by 1e4 on smooth non-convex functions bounded below, with fdl on and minimum radius 0.
    #[test]
    fn the_gradient_goes_to_zero(seed in any::<u64>(), n in 50_usize..120, parts in 1_usize..9) {
        let mut f = Wavy::new(n, seed);
        let start = f.start();
        let mut gradient = vec![0.0; n];
        f.value_gradient(&start, &mut gradient);
        let target = 1e-4 * norm2(&gradient);
        let mut apts = Apts::new(Partition::contiguous(n, parts).unwrap(), AptsOptions::default());
        let stop = StopWhen::new()
            .or("norm(grad)", optkit::Test::GradientNorm(Box::new(move |_| target)))
            .iterations(20_000);
        let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
        let report = run(&mut apts, &mut f, &start, setup).unwrap();
        prop_assert!(matches!(report.status, Status::Converged { .. }), "{} after {}", report.status, report.iterations);
        prop_assert!(report.gradient_norm <= target);
    }

    /// Step 3: ‖θ̃ − θᵏ‖∞ ≤ Δ_G to rounding, and every part moves in its own coordinates only.
    #[test]
    fn a_sweep_stays_in_the_ball_and_in_its_parts(
        seed in any::<u64>(), n in 8_usize..60, parts in 1_usize..8, radius in 1e-3_f64..10.0
    ) {
        let mut f = Wavy::new(n, seed);
        let x = f.start();
        let mut gradient = vec![0.0; n];
        let value = f.value_gradient(&x, &mut gradient);
        let partition = Partition::random(n, parts, seed).unwrap();
        let make = |_: &Subset| Box::new(first_order(TrustRegionOptions::default())) as Box<dyn RadiusDriven>;
        let mut combined = vec![0.0; n];
        let mut sweep = AdditiveSweep::new(&mut f, partition.clone(), 5, &make).unwrap();
        let report = sweep.sweep(&mut f, frozen(&x, value, &gradient), radius, &mut combined);
        prop_assert!(report.local_iterations as usize <= 5 * parts);
        let length = distance_inf(&combined, &x);
        prop_assert!(length <= radius + 4.0 * f64::EPSILON * (norm_inf(&x) + radius), "{length} > {radius}");
        // With the gradient of all parts but one set to zero, only that part moves, and as it did before.
        for part in partition.parts() {
            let mut alone = vec![0.0; n];
            let mut rows = vec![0.0; part.len()];
            part.gather(&gradient, &mut rows);
            let mut only = vec![0.0; n];
            part.scatter(&rows, &mut only);
            let mut sweep = AdditiveSweep::new(&mut f, partition.clone(), 5, &make).unwrap();
            sweep.sweep(&mut f, frozen(&x, value, &only), radius, &mut alone);
            let mut expected = x.clone();
            part.gather(&combined, &mut rows);
            part.scatter(&rows, &mut expected);
            prop_assert_eq!(&alone, &expected);
        }
    }

    /// With one part, the local phase is at most ν trust-region iterations, capped by what is left of Δ_G.
    #[test]
    fn one_part_is_a_capped_trust_region(seed in any::<u64>(), n in 8_usize..60, radius in 1e-2_f64..5.0) {
        let mut f = Wavy::new(n, seed);
        let x = f.start();
        let mut gradient = vec![0.0; n];
        let value = f.value_gradient(&x, &mut gradient);
        let known = Evaluated { value, gradient: &gradient };
        let make = |_: &Subset| Box::new(first_order(TrustRegionOptions::default())) as Box<dyn RadiusDriven>;
        let mut sweep = AdditiveSweep::new(&mut f, Partition::contiguous(n, 1).unwrap(), 5, &make).unwrap();
        let mut combined = vec![0.0; n];
        sweep.sweep(&mut f, frozen(&x, value, &gradient), radius, &mut combined);

        let mut solver = first_order(TrustRegionOptions::default());
        solver.begin(&mut f, Begin { x: &x, known: Some(known), radius, cap: radius, model: None }).unwrap();
        for _ in 0..5 {
            let left = radius - distance_inf(solver.current().x, &x);
            if left <= 1e-3 * radius { break }
            solver.set_cap(left);
            solver.step(&mut f);
        }
        prop_assert_eq!(&combined[..], solver.current().x);
    }

    /// A region where f is not defined is survived, and the status says what holds.
    #[test]
    fn a_region_of_nan_is_survived(n in 2_usize..20, parts in 1_usize..3, fdl in any::<bool>(), radius in 0.1_f64..1e6) {
        let mut f = Cliff { n };
        let options = AptsOptions { fdl, radius, ..AptsOptions::default() };
        let mut apts = Apts::new(Partition::contiguous(n, parts).unwrap(), options);
        let stop = StopWhen::new().gradient_norm_inf(1e-6).iterations(5_000);
        let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
        let report = run(&mut apts, &mut f, &vec![-3.0; n], setup).unwrap();
        prop_assert!(report.value.is_finite());
        prop_assert_eq!(report.status.outcome(true), Outcome::AsAsked, "{}", report.status);
        prop_assert!(report.gradient_norm_inf <= 1e-6);
    }

    /// A run taken up from its saved state goes on bit for bit.
    #[test]
    fn resume_equals_uninterrupted_bitwise(
        seed in any::<u64>(), n in 8_usize..40, fdl in any::<bool>(), paper_code in any::<bool>(), at in 1_usize..20
    ) {
        let ratio = if paper_code { Ratio::PaperCode } else { Ratio::Model };
        let options = AptsOptions { fdl, ratio, ..AptsOptions::default() };
        let new = || Apts::new(Partition::random(n, 3, seed).unwrap(), options);
        let mut f = Wavy::new(n, seed);
        let start = f.start();
        let mut whole = new();
        whole.start(&mut f, &start, None).unwrap();
        let mut archive = Archive::default();
        let mut steps = Vec::new();
        for i in 0..30 {
            if i == at { whole.save(&mut archive) }
            let flow = whole.step(&mut f);
            if i >= at { steps.push(format!("{flow:?}")) }
        }
        let mut f = Wavy::new(n, seed);
        let mut resumed = new();
        resumed.start(&mut f, &start, None).unwrap();
        resumed.load(&archive).unwrap();
        for step in steps {
            prop_assert_eq!(step, format!("{:?}", resumed.step(&mut f)));
        }
        prop_assert_eq!(resumed.current().x, whole.current().x);
        prop_assert_eq!(resumed.best().x, whole.best().x);
    }
}

#[test]
fn a_first_value_that_is_not_finite_is_said() {
    let mut f = Cliff { n: 3 };
    let stop = StopWhen::new().iterations(5);
    let mut apts = Apts::new(Partition::contiguous(3, 2).unwrap(), AptsOptions::default());
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
    let report = run(&mut apts, &mut f, &[2.0, 0.0, 0.0], setup).unwrap();
    assert!(matches!(report.status, Status::NotFiniteAtStart { .. }), "{}", report.status);
    assert_eq!(report.status.outcome(false), Outcome::Failed);
    assert_eq!(report.point, [2.0, 0.0, 0.0]);
}

#[test]
fn a_function_unbounded_below_is_said() {
    let mut f = optkit::from_fn(2, |x| -x[0] * x[0] - x[1], |x, g| g.copy_from_slice(&[-2.0 * x[0], -1.0]));
    let stop = StopWhen::new().gradient_norm_inf(1e-6).iterations(10_000);
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
    let report = run(&mut first_order(TrustRegionOptions::default()), &mut f, &[1.0, 1.0], setup).unwrap();
    assert!(matches!(report.status, Status::UnboundedBelow { .. }), "{}", report.status);
}

/// f(x) = x⁴ in one variable from a point where no finite precision can go below rounding.
#[test]
fn the_end_of_precision_is_no_convergence() {
    let mut f = optkit::from_fn(
        2,
        |x| 1e8 + x[0] * x[0] + x[1] * x[1],
        |x, g| {
            // A gradient that is wrong by a constant: no step along it descends near the minimiser.
            g.copy_from_slice(&[2.0 * x[0] + 1e-3, 2.0 * x[1]]);
        },
    );
    let stop = StopWhen::new().gradient_norm_inf(1e-12).iterations(100_000);
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
    let report = run(&mut first_order(TrustRegionOptions::default()), &mut f, &[1.0, 1.0], setup).unwrap();
    assert_ne!(report.status.outcome(true), Outcome::Failed, "{}", report.status);
    if matches!(report.status, Status::Converged { .. }) {
        assert!(report.gradient_norm_inf <= 1e-12);
    }
}

/// The gradient at θᵏ is evaluated once: an APTS iteration with one part and one accepted trial everywhere costs
/// a value for the part, a value for θ̃, a gradient there, and a value for the global trial.
#[test]
fn no_evaluation_is_wasted() {
    let mut f = Counted::new(Wavy::new(10, 3));
    let start = Wavy::new(10, 3).start();
    let options = AptsOptions { radius: 1e-3, ..AptsOptions::default() };
    let mut apts = Apts::new(Partition::contiguous(10, 1).unwrap(), options);
    apts.start(&mut f, &start, None).unwrap();
    apts.prepare(&mut f).unwrap();
    let before = f.work();
    let Flow::Continue(step) = apts.step(&mut f) else { panic!("the first step from a far point succeeds") };
    assert_eq!((step.trials_accepted, step.trials_rejected, step.local_iterations), (2, 0, 1));
    let spent = f.work() - before;
    // Without a decomposition the parts are evaluated on f itself.
    assert_eq!((spent.values, spent.gradients), (3, 1));
}

#[test]
fn a_setting_outside_its_range_is_refused_before_the_first_step() {
    let mut f = Wavy::new(4, 1);
    let options = TrustRegionOptions { radius: -1.0, ..TrustRegionOptions::default() };
    let mut method = first_order(options);
    let error = method.start(&mut f, &[0.0; 4], None).unwrap_err();
    assert_eq!(error.to_string(), "`radius` is -1, but must be positive and finite");
    let error = first_order(TrustRegionOptions::default()).start(&mut f, &[0.0; 3], None).unwrap_err();
    assert_eq!(error.to_string(), "the starting point has 3 entries, but the objective has 4 variables");
}

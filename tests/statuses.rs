//! How runs end: every status is reached through the public loop, and what it says holds at the returned point.

#[path = "statuses/unbounded.rs"]
mod unbounded;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use optkit::{
    Apts, AptsOptions, Gradient, Iteration, Lbfgs, Measure, Objective, Optimizer, Outcome, Partition,
    RadiusRule, Returned, Run, RunReport, Sgd, SgdOptions, Status, StopWhen, Test, TorchLbfgs,
    TorchLbfgsOptions, TrustRegion, TrustRegionOptions, Unobserved, from_fn, run,
};
use optkit_tests::Wavy;
use proptest::prelude::*;

fn trust_region(options: TrustRegionOptions) -> TrustRegion {
    TrustRegion::new(options).with_model(Gradient)
}

/// All methods that search for a descent, for what must hold for each.
fn methods(n: usize) -> Vec<Box<dyn Optimizer>> {
    let apts = Apts::new(Partition::contiguous(n, n.min(2)).unwrap(), AptsOptions::default());
    vec![
        Box::new(trust_region(TrustRegionOptions::default())),
        Box::new(TrustRegion::default()),
        Box::new(apts),
        Box::new(Lbfgs::default()),
        Box::new(TorchLbfgs::new(TorchLbfgsOptions {
            tolerance_gradient: 0.0,
            tolerance_change: 0.0,
            ..TorchLbfgsOptions::default()
        })),
    ]
}

fn ended(optimizer: &mut dyn Optimizer, f: &mut dyn Objective, start: &[f64], stop: &StopWhen) -> RunReport {
    let setup = Run { stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
    run(optimizer, f, start, setup).unwrap()
}

fn bowl(n: usize, offset: f64) -> impl Objective {
    from_fn(
        n,
        move |x| offset + x.iter().map(|v| (v - 0.3).powi(2)).sum::<f64>(),
        |x, g| g.iter_mut().zip(x).for_each(|(g, v)| *g = 2.0 * (v - 0.3)),
    )
}

fn converged() -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    for mut method in methods(3) {
        let stop = StopWhen::new().gradient_norm_inf(1e-7).iterations(1000);
        let report = ended(method.as_mut(), &mut bowl(3, 0.0), &[2.0, -1.0, 5.0], &stop);
        let Status::Converged { measured, bound, .. } = report.status else { panic!("{}", report.status) };
        assert_eq!((measured, bound), (report.gradient_norm_inf, 1e-7));
        assert!(measured <= bound && report.returned == Returned::Last);
        names.insert(report.status.name());
    }
    names
}

fn target() -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    for mut method in methods(3) {
        let stop = StopWhen::new().or("f <= 0.5", Test::Value { at_least: false, bound: 0.5 });
        let report = ended(method.as_mut(), &mut bowl(3, 0.0), &[2.0, -1.0, 5.0], &stop);
        let Status::Target { measured, .. } = report.status else { panic!("{}", report.status) };
        assert_eq!(measured, report.value);
        assert!(report.value <= 0.5);
        // A measure, too; here the first variable's distance from its best value.
        let distance: Box<dyn Measure> = Box::new(|x: &[f64]| (x[0] - 0.3).abs());
        let reached = Test::Measure { name: "distance".to_owned(), at_least: false, bound: 0.1 };
        let stop = StopWhen::new().or("distance <= 0.1", reached);
        let mut measures = [("distance".to_owned(), distance)];
        let setup = Run { stop: &stop, measures: &mut measures, observer: &mut Unobserved, interrupt: None };
        let report = run(method.as_mut(), &mut bowl(3, 0.0), &[2.0, -1.0, 5.0], setup).unwrap();
        let Status::Target { measured, .. } = report.status else { panic!("{}", report.status) };
        assert_eq!(measured, (report.point[0] - 0.3).abs());
        names.insert(report.status.name());
    }
    names
}

/// Each of the four budgets ends a run by its own name, with at least as much used as granted.
fn budget() -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    let budgets = [
        ("epochs >= 3", Test::Epochs(3)),
        ("iterations >= 2", Test::Iterations(2)),
        ("gradients >= 4", Test::Gradients(4.0)),
        ("time >= 0 s", Test::Time(Duration::ZERO)),
    ];
    for (text, test) in budgets {
        let stop = StopWhen::new().gradient_norm_inf(1e-30).or(text, test);
        let report =
            ended(&mut trust_region(TrustRegionOptions::default()), &mut bowl(2, 0.0), &[9.0, 4.0], &stop);
        let Status::Budget { term, used, limit } = &report.status else { panic!("{}", report.status) };
        assert_eq!(term, text);
        assert!(used >= limit, "{term}: {used} of {limit}");
        assert_eq!(report.status.outcome(report.goal_asked), Outcome::NotReached);
        names.insert(report.status.name());
    }
    names
}

fn stationary() -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    for mut method in methods(2) {
        // At a saddle the gradient is zero, and nothing more is claimed.
        let mut saddle = from_fn(
            2,
            |x| x[0] * x[0] - x[1] * x[1],
            |x, g| {
                g.copy_from_slice(&[2.0 * x[0], -2.0 * x[1]]);
            },
        );
        let report = ended(method.as_mut(), &mut saddle, &[0.0, 0.0], &StopWhen::new().iterations(5_000));
        assert_eq!(report.status, Status::Stationary);
        assert_eq!((report.gradient_norm_inf, report.iterations), (0.0, 0));
        names.insert(report.status.name());
    }
    names
}

fn within_rounding() -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    for mut method in methods(2) {
        let mut f = from_fn(
            2,
            |x| 1e6 + x[0].cosh() + (x[1] - x[0]).powi(4) + (x[1] - 0.1).powi(2),
            |x, g| {
                let cubed = 4.0 * (x[1] - x[0]).powi(3);
                g.copy_from_slice(&[x[0].sinh() - cubed, cubed + 2.0 * (x[1] - 0.1)]);
            },
        );
        let report = ended(method.as_mut(), &mut f, &[2.0, -1.0], &StopWhen::new().iterations(5_000));
        // Nothing that values can show is left: f grows by its noise over √(noise/f″).
        assert!(report.gradient_norm_inf < 1e-4, "{:e}", report.gradient_norm_inf);
        let Status::WithinRounding { predicted, noise } = report.status else {
            // The parts of APTS go on by their gradients until steps are lost in x.
            assert!(matches!(report.status, Status::RadiusUnderflow { .. }), "{}", report.status);
            continue;
        };
        assert!(noise >= 1e6 * f64::EPSILON && predicted <= 10.0 * noise, "{predicted:e} and {noise:e}");
        names.insert(report.status.name());
    }
    names
}

fn radius_underflow() -> BTreeSet<&'static str> {
    // −x, whose gradient is missing beyond 1: no step as long as the smallest radius goes well.
    let mut cliff = from_fn(1, |x| -x[0], |x, g| g[0] = if x[0] > 1.0 { f64::NAN } else { -1.0 });
    let rule = RadiusRule { min_radius: 0.25, ..RadiusRule::default() };
    let mut method = trust_region(TrustRegionOptions { rule, ..TrustRegionOptions::default() });
    let report = ended(&mut method, &mut cliff, &[0.3], &StopWhen::new().iterations(5_000));
    let Status::RadiusUnderflow { radius, minimum } = report.status else { panic!("{}", report.status) };
    assert!(radius <= minimum * (1.0 + 1e-6) && minimum == 0.25);
    assert!(report.point[0] <= 1.0 && report.gradient_norm_inf == 1.0);
    BTreeSet::from([report.status.name()])
}

fn unbounded_below() -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    // PyTorch's search begins with the same length every time, and takes long.
    let fast = methods(2).into_iter().take(4);
    for mut method in fast {
        let mut f = from_fn(2, |x| -x[0] - x[1], |_, g| g.fill(-1.0));
        let report = ended(
            method.as_mut(),
            &mut f,
            &[0.0, 0.0],
            &StopWhen::new().gradient_norm_inf(1e-3).iterations(5_000),
        );
        assert!(matches!(report.status, Status::UnboundedBelow { .. }), "{}", report.status);
        assert!(report.value < -1e99);
        assert_eq!(report.status.outcome(report.goal_asked), Outcome::Failed);
        names.insert(report.status.name());
    }
    names
}

fn not_finite_at_start() -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    for (value, slope) in [(f64::NAN, 1.0), (f64::INFINITY, 1.0), (1.0, f64::NAN), (1.0, f64::INFINITY)] {
        for mut method in methods(2) {
            let mut f = from_fn(2, |_| value, |_, g| g.fill(slope));
            let report = ended(
                method.as_mut(),
                &mut f,
                &[0.0, 0.0],
                &StopWhen::new().gradient_norm_inf(1e-3).iterations(5_000),
            );
            assert!(matches!(report.status, Status::NotFiniteAtStart { .. }), "{}", report.status);
            assert_eq!((report.point.as_slice(), report.iterations), (&[0.0, 0.0][..], 0));
            names.insert(report.status.name());
        }
    }
    names
}

fn diverged() -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    for momentum in [0.0, 0.9] {
        // Each step is four times as long as the way to the minimiser.
        let mut sgd = Sgd::new(SgdOptions { momentum, ..SgdOptions::new(2.0) });
        let report = ended(&mut sgd, &mut bowl(2, 0.0), &[1.3, 0.3], &StopWhen::new().iterations(5_000));
        let Status::Diverged { iteration, value } = report.status else { panic!("{}", report.status) };
        assert!(iteration == report.iterations && !value.is_finite());
        // The best point was the first.
        assert_eq!((report.point.as_slice(), report.returned), (&[1.3, 0.3][..], Returned::Best));
        assert_eq!(report.status.outcome(false), Outcome::Failed);
        names.insert(report.status.name());
    }
    names
}

fn line_search() -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    for mut method in methods(1).into_iter().skip(3) {
        // The gradient has the wrong sign.
        let mut f = from_fn(1, |x| x[0], |_, g| g[0] = -1.0);
        let report = ended(method.as_mut(), &mut f, &[3.0], &StopWhen::new().iterations(100));
        let Status::LineSearch { longest, gradient_norm } = report.status else {
            panic!("{}", report.status)
        };
        assert!(longest > 0.0 && gradient_norm == 1.0 && report.point == [3.0]);
        names.insert(report.status.name());
    }
    names
}

fn stopped() -> BTreeSet<&'static str> {
    let stop = StopWhen::new().gradient_norm_inf(1e-300);
    let mut third = |it: &Iteration<'_>| {
        if it.step.iteration < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut third, interrupt: None };
    let mut method = trust_region(TrustRegionOptions::default());
    let by_observer = run(&mut method, &mut bowl(2, 0.0), &[900.0, 1.0], setup).unwrap();
    assert_eq!((&by_observer.status, by_observer.iterations), (&Status::Stopped, 3));

    let flag = AtomicBool::new(false);
    let mut told = Vec::new();
    let mut second = |it: &Iteration<'_>| {
        flag.store(it.step.iteration == 2, Ordering::Relaxed);
        told.push(it.ends);
        ControlFlow::Continue(())
    };
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut second, interrupt: Some(&flag) };
    let by_flag = run(&mut method, &mut bowl(2, 0.0), &[900.0, 1.0], setup).unwrap();
    // The flag is read before observers are told, so that they know: one that an observer sets ends the next iteration.
    assert_eq!((&by_flag.status, by_flag.iterations), (&Status::Stopped, 3));
    assert_eq!(told, [false, false, true]);
    BTreeSet::from([by_flag.status.name()])
}

/// What it says during a run is not what it says when its evaluations begin anew.
struct Deceiver {
    anew: bool,
    during: (f64, f64),
    after: (f64, f64),
}

impl Objective for Deceiver {
    fn dim(&self) -> usize {
        1
    }
    fn value(&mut self, _x: &[f64]) -> f64 {
        if self.anew { self.after.0 } else { self.during.0 }
    }
    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        gradient[0] = if self.anew { self.after.1 } else { self.during.1 };
        self.value(x)
    }
    fn select(&mut self, _pass: optkit::Pass) {
        self.anew = true;
    }
}

fn inconsistent() -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    let cases = [((1.0, 0.0), (1.0, 1.0)), ((-1e200, 1.0), (1.0, 1.0)), ((f64::NAN, 1.0), (1.0, 1.0))];
    for (during, after) in cases {
        for mut method in methods(1) {
            let mut f = Deceiver { anew: false, during, after };
            let report = ended(method.as_mut(), &mut f, &[0.5], &StopWhen::new().iterations(5_000));
            assert!(matches!(report.status, Status::Inconsistent { .. }), "{}", report.status);
            assert_eq!(report.status.outcome(true), Outcome::Failed);
            assert_eq!((report.value, report.gradient_norm_inf), after);
            names.insert(report.status.name());
        }
    }
    // A difference that is lost in the noise of a value is no inconsistency.
    let mut f = Deceiver { anew: false, during: (1.0, 0.0), after: (1.0, 1e-12) };
    let report = ended(&mut TrustRegion::default(), &mut f, &[0.5], &StopWhen::new().iterations(5_000));
    assert!(matches!(report.status, Status::WithinRounding { .. }), "{}", report.status);
    names
}

#[test]
fn every_status_is_reached_with_true_evidence() {
    let reached: BTreeSet<&str> = [
        converged(),
        target(),
        budget(),
        stationary(),
        within_rounding(),
        radius_underflow(),
        unbounded_below(),
        not_finite_at_start(),
        diverged(),
        line_search(),
        stopped(),
        inconsistent(),
    ]
    .into_iter()
    .flatten()
    .collect();
    // And these are all of them: the documented list.
    let page = include_str!("../docs/src/json.md");
    let line = page.lines().find(|line| line.starts_with("`status` is one of")).expect("the list");
    let list = line.split_once('.').expect("it is a sentence").0;
    let documented: BTreeSet<&str> = list.split('`').skip(3).step_by(2).collect();
    assert_eq!(reached, documented);
}

#[test]
fn convergence_that_does_not_hold_anew_is_not_said() {
    // The gradient looks small during the run and is large in truth: the test is asked of the truth.
    let mut f = Deceiver { anew: false, during: (1.0, 1e-9), after: (1.0, 3.0) };
    let stop = StopWhen::new().gradient_norm_inf(1e-6).iterations(4);
    let report = ended(&mut TrustRegion::default(), &mut f, &[0.5], &stop);
    assert!(!matches!(report.status, Status::Converged { .. }), "{}", report.status);
    assert_eq!(report.gradient_norm_inf, 3.0);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(97),
        ..ProptestConfig::default()
    })]

    /// Without forced decrease the loss may rise; the best point is kept, shown to observers, and returned.
    #[test]
    fn the_best_point_is_kept_seen_and_returned(seed in any::<u64>(), n in 6_usize..30, radius in 0.5_f64..20.0) {
        let mut f = Wavy::new(n, seed);
        let start = f.start();
        let options = AptsOptions { fdl: false, radius, ..AptsOptions::default() };
        let mut apts = Apts::new(Partition::random(n, 3, seed).unwrap(), options);
        let (mut lowest, mut best, mut agree) = (f.value(&start), f64::INFINITY, true);
        let mut observer = |it: &Iteration<'_>| {
            lowest = lowest.min(it.point.value);
            agree &= it.best.value == lowest && it.best.value <= best;
            best = it.best.value;
            ControlFlow::Continue(())
        };
        let stop = StopWhen::new().iterations(12);
        let setup = Run { stop: &stop, measures: &mut [], observer: &mut observer, interrupt: None };
        let report = run(&mut apts, &mut f, &start, setup).unwrap();
        prop_assert!(agree);
        prop_assert_eq!(report.value, lowest);
    }
}

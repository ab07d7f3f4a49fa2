//! The two-level method on sums of squares: convergence, NIST's regressions, a large coupled problem.

use optkit_core::vector::{norm_inf, norm2};
use optkit_core::{Flow, Objective, Optimizer, Residuals, Status};
use optkit_functions::{certified, nist};
use optkit_schwarz::{Combine, Control, Partition, TwoLevel, TwoLevelOptions};
use optkit_trust_region::{Options, TrustRegion};
use proptest::prelude::*;

/// Σ rᵢ² with residuals and Jacobian given by formula: (variables of a residual, value, slopes).
struct Squares<F> {
    dim: usize,
    count: usize,
    /// Residual i at x: its value, and its slopes handed to the closure by variable.
    residual: F,
    evaluations: u64,
}

impl<F: Fn(usize, &[f64], &mut dyn FnMut(usize, f64)) -> f64 + Send> Objective for Squares<F> {
    fn dim(&self) -> usize {
        self.dim
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        self.evaluations += 1;
        (0..self.count).map(|i| (self.residual)(i, x, &mut |_, _| {}).powi(2)).sum()
    }
    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.evaluations += 1;
        gradient.fill(0.0);
        let mut slopes = Vec::new();
        let mut sum = 0.0;
        for i in 0..self.count {
            slopes.clear();
            let r = (self.residual)(i, x, &mut |j, slope| slopes.push((j, slope)));
            slopes.iter().for_each(|&(j, slope)| gradient[j] += 2.0 * r * slope);
            sum += r * r;
        }
        sum
    }
    fn residuals(&mut self) -> Option<&mut dyn Residuals> {
        Some(self)
    }
    fn hessian_product(&mut self) -> Option<&mut dyn optkit_core::HessianProduct> {
        None
    }
}

impl<F: Fn(usize, &[f64], &mut dyn FnMut(usize, f64)) -> f64 + Send> Residuals for Squares<F> {
    fn count(&self) -> usize {
        self.count
    }
    fn residuals(&mut self, x: &[f64], residuals: &mut [f64]) {
        self.evaluations += 1;
        residuals.iter_mut().enumerate().for_each(|(i, r)| *r = (self.residual)(i, x, &mut |_, _| {}));
    }
    fn jacobian(&mut self, x: &[f64], entry: &mut dyn FnMut(usize, usize, f64)) {
        for i in 0..self.count {
            (self.residual)(i, x, &mut |j, slope| entry(i, j, slope));
        }
    }
}

fn controls() -> [TwoLevelOptions; 2] {
    [Control::Damping, Control::Radius]
        .map(|control| TwoLevelOptions { control, ..TwoLevelOptions::least_squares() })
}

/// Runs until the gradient's norm is below `tolerance` or nothing is left to gain; iterations made.
fn minimise(method: &mut TwoLevel, f: &mut dyn Objective, x0: &[f64], tolerance: f64, most: u64) -> u64 {
    method.start(f, x0, None).unwrap();
    let mut value = method.current().value;
    for iteration in 0..most {
        if method.prepare(f).is_err() || norm2(method.current().gradient.unwrap()) <= tolerance {
            return iteration;
        }
        match method.step(f) {
            Flow::Continue(step) => {
                assert!(step.value <= value, "f rose from {value:e} to {:e}", step.value);
                value = step.value;
            }
            Flow::Done(_) => return iteration,
        }
    }
    most
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Random smooth problems, residuals aᵀx + sin(bᵀx) − c with more residuals than variables or fewer, any
    /// partition: with a radius, and with damping, the gradient goes to zero and f never rises.
    #[test]
    fn the_gradient_goes_to_zero(
        n in 1_usize..9, parts in 1_usize..5, count in 1_usize..20, seed in 0_u64..1_000_000,
        previous in any::<bool>(), sweeps in 0_u32..2, sum in any::<bool>(),
    ) {
        let number = |k: u64| {
            let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(k.wrapping_mul(0xbf58_476d_1ce4_e5b9));
            z = (z ^ (z >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 29)) >> 11) as f64 / (1_u64 << 53) as f64 * 4.0 - 2.0
        };
        let residual = move |i: usize, x: &[f64], slopes: &mut dyn FnMut(usize, f64)| {
            let at = |j: usize, which: u64| number((i * 100 + j) as u64 * 3 + which);
            let (linear, inner) = x.iter().enumerate().fold((0.0, 0.0), |(l, b), (j, x)| {
                (l + at(j, 0) * x, b + at(j, 1) * x)
            });
            (0..x.len()).for_each(|j| slopes(j, at(j, 0) + inner.cos() * at(j, 1)));
            linear + inner.sin() - at(n, 2)
        };
        let x0: Vec<f64> = (0..n).map(|j| number(7_000_000 + j as u64)).collect();
        let partition = Partition::random(n, parts.min(n), seed).unwrap();
        for options in controls() {
            let combine = if sum && options.control == Control::Damping {
                Combine::Additive
            } else {
                Combine::Coarse { previous }
            };
            let options = TwoLevelOptions { combine, sweeps, sweep_below: 1.0, ..options };
            let mut f = Squares { dim: n, count, residual, evaluations: 0 };
            let mut method = TwoLevel::new(partition.clone(), options);
            method.start(&mut f, &x0, None).unwrap();
            method.prepare(&mut f).unwrap();
            let first = norm2(method.current().gradient.unwrap());
            minimise(&mut method, &mut f, &x0, 1e-6 * first.max(1.0), 20_000);
            let mut gradient = vec![0.0; n];
            f.value_gradient(method.current().x, &mut gradient);
            prop_assert!(norm2(&gradient) <= 2e-6 * first.max(1.0), "{:?}: {:e}", options.control, norm2(&gradient));
        }
    }
}

/// Problems of NIST's whose model is a sum of terms, a part a term: the certified sum of squares from NIST's second
/// start, to the digits that rounding leaves (nine; NIST certifies eleven).
#[test]
fn regressions_that_split_reach_what_nist_certifies() {
    let cases: [(&str, &[&[usize]]); 4] = [
        ("Gauss1", &[&[0, 1], &[2, 3, 4], &[5, 6, 7]]),
        ("Gauss2", &[&[0, 1], &[2, 3, 4], &[5, 6, 7]]),
        ("Gauss3", &[&[0, 1], &[2, 3, 4], &[5, 6, 7]]),
        ("Misra1a", &[&[0], &[1]]),
    ];
    for (name, parts) in cases {
        let stated = certified(name).unwrap();
        for options in controls() {
            let parts: Vec<Vec<usize>> = parts.iter().map(|part| part.to_vec()).collect();
            let mut f = nist(name, 2).unwrap();
            let partition = Partition::explicit(f.dim(), &parts).unwrap();
            let mut method = TwoLevel::new(partition, options);
            let x0 = f.start();
            let iterations = minimise(&mut method, &mut *f, &x0, 0.0, 5000);
            let value = method.current().value;
            let off = (value - stated.residual_sum_of_squares) / stated.residual_sum_of_squares;
            println!("{name} {:?}: {iterations} iterations, off by {off:.1e}", options.control);
            assert!(off.abs() <= 1e-9, "{name} {:?}: {value:e} after {iterations}", options.control);
        }
    }
}

/// n = 10⁵ in 100 blocks: within a block neighbours form a chain of Rosenbrock residuals, blocks are coupled weakly at
/// their ends. The plain trust region with exact products takes several times the gradient equivalents.
#[test]
fn a_large_separable_problem_with_coupling_takes_few_iterations() {
    let (n, blocks) = (100_000, 100);
    let len = n / blocks;
    let residual = move |i: usize, x: &[f64], slopes: &mut dyn FnMut(usize, f64)| {
        if i < n {
            slopes(i, 1.0);
            return x[i] - 1.0;
        }
        let j = i - n;
        let weight = if (j + 1).is_multiple_of(len) { 0.3 } else { 2.0 };
        slopes(j, -2.0 * weight * x[j]);
        slopes(j + 1, weight);
        weight * (x[j + 1] - x[j] * x[j])
    };
    let x0: Vec<f64> = (0..n).map(|i| if i % 2 == 0 { -1.2 } else { 1.0 }).collect();
    let mut f = Squares { dim: n, count: 2 * n - 1, residual, evaluations: 0 };
    let mut method =
        TwoLevel::new(Partition::contiguous(n, blocks).unwrap(), TwoLevelOptions::least_squares());
    let iterations = minimise(&mut method, &mut f, &x0, 1e-6, 200);
    let mut gradient = vec![0.0; n];
    f.value_gradient(method.current().x, &mut gradient);
    assert!(norm2(&gradient) <= 1.1e-6);
    let mut plain = Squares { dim: n, count: 2 * n - 1, residual, evaluations: 0 };
    let mut region = TrustRegion::new(Options::default());
    region.start(&mut plain, &x0, None).unwrap();
    let mut steps = 0_u64;
    while region.prepare(&mut plain).is_ok()
        && norm2(region.current().gradient.unwrap()) > 1e-6
        && steps < 2000
    {
        if let Flow::Done(_) = region.step(&mut plain) {
            break;
        }
        steps += 1;
    }
    println!(
        "two-level {iterations} iterations, {} evaluations; trust region {steps}, {}",
        f.evaluations, plain.evaluations
    );
    assert!(4 * iterations < steps, "{iterations} against {steps}");
}

/// A part whose matrix breaks down, a start where f is not finite, a stationary start: a status each, no panic.
#[test]
fn what_ends_a_run_is_said() {
    let residual = |_: usize, x: &[f64], slopes: &mut dyn FnMut(usize, f64)| {
        slopes(0, 2.0 * x[0]);
        x[0] * x[0] + 1.0
    };
    for options in controls() {
        let mut f = Squares { dim: 2, count: 1, residual, evaluations: 0 };
        let mut method = TwoLevel::new(Partition::contiguous(2, 2).unwrap(), options);
        method.start(&mut f, &[0.0, 3.0], None).unwrap();
        assert_eq!(method.step(&mut f), Flow::Done(Status::Stationary));
        method.start(&mut f, &[f64::INFINITY, 0.0], None).unwrap();
        assert!(matches!(method.step(&mut f), Flow::Done(Status::NotFiniteAtStart { .. })));
        method.start(&mut f, &[2.0, 3.0], None).unwrap();
        for _ in 0..200 {
            if let Flow::Done(status) = method.step(&mut f) {
                assert!(matches!(status, Status::WithinRounding { .. } | Status::Stationary), "{status:?}");
                break;
            }
        }
        assert!(norm_inf(&[method.current().x[0]]) < 1e-3);
        assert_eq!(method.current().x[1], 3.0, "a variable that nothing sees stays");
    }
}

/// Units of the variables do not matter: the metric is theirs (Moré 1978).
#[test]
fn scaling_the_variables_changes_no_iteration() {
    let run = |unit: f64| {
        let residual = move |i: usize, x: &[f64], slopes: &mut dyn FnMut(usize, f64)| {
            let x = [x[0], x[1] * unit];
            if i == 0 {
                slopes(0, -20.0 * x[0]);
                slopes(1, 10.0 * unit);
                10.0 * (x[1] - x[0] * x[0])
            } else {
                slopes(0, -1.0);
                1.0 - x[0]
            }
        };
        let mut f = Squares { dim: 2, count: 2, residual, evaluations: 0 };
        let mut method =
            TwoLevel::new(Partition::contiguous(2, 2).unwrap(), TwoLevelOptions::least_squares());
        method.start(&mut f, &[-1.2, 1.0 / unit], None).unwrap();
        (0..20)
            .map(|_| {
                method.step(&mut f);
                method.current().value
            })
            .collect::<Vec<f64>>()
    };
    // A power of two changes no digit.
    assert_eq!(run(1.0), run(1024.0));
}

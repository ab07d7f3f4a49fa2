//! Every function of the catalog, from its start, by a trust region without a setting: a minimiser or a first-order
//! point, and no status that claims more than an independent evaluation bears out.

use optkit::functions::{CATALOG, TestFunction, build};
use optkit::vector::{norm_inf, norm2};
use optkit::{Objective, Run, RunReport, Status, StopWhen, TrustRegion, Unobserved, run};

/// Functions whose gradient does not exist at their minimiser: judged by value.
const NOT_SMOOTH: &[&str] = &["ackley"];

fn solve(f: &mut dyn TestFunction, start: &[f64], tolerance: f64) -> RunReport {
    let stop = StopWhen::new().gradient_norm_inf(tolerance).iterations(20_000);
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
    let mut objective = Forward(f);
    run(&mut TrustRegion::default(), &mut objective, start, setup).expect("a start of the function's own")
}

/// A test function as a plain objective.
struct Forward<'a>(&'a mut dyn TestFunction);

impl Objective for Forward<'_> {
    fn dim(&self) -> usize {
        self.0.dim()
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        self.0.value(x)
    }
    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.0.value_gradient(x, gradient)
    }
    fn hessian_product(&mut self) -> Option<&mut dyn optkit::HessianProduct> {
        self.0.hessian_product()
    }
}

/// A first-order point of f: its gradient is zero to what rounding of the gradient allows at x.
fn is_first_order(report: &RunReport, gradient_at_start: f64) -> bool {
    report.gradient_norm_inf <= 1e-6 || report.gradient_norm_inf <= 1e-12 * gradient_at_start
}

/// Runs from every start of every function; `judge` says what is wrong with one.
fn from_every_start(
    tolerance: f64,
    judge: impl Fn(&str, &dyn TestFunction, &RunReport, f64) -> Option<String>,
) {
    let mut wrong = Vec::new();
    for row in CATALOG {
        let name = row.entry.name;
        let mut f = build(name, &[]).expect("defaults are valid");
        let starts = f.starts();
        for k in 0..starts.len() {
            let start = starts.get(k).expect("counted");
            let mut gradient = vec![0.0; f.dim()];
            f.value_gradient(&start, &mut gradient);
            let report = solve(f.as_mut(), &start, tolerance);
            let line = format!(
                "{name}, start {}: {} after {} iterations, f = {:e}, ‖g‖∞ = {:e}",
                k + 1,
                report.status,
                report.iterations,
                report.value,
                report.gradient_norm_inf
            );
            if let Some(reason) = judge(name, f.as_ref(), &report, norm_inf(&gradient)) {
                wrong.push(format!("{line}: {reason}"));
            }
            println!("{line}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_function_is_solved_from_its_starts_without_a_setting() {
    from_every_start(1e-6, |name, f, report, gradient_at_start| {
        let listed =
            f.minima().iter().any(|m| (report.value - m.value).abs() <= 1e-6 * m.value.abs().max(1.0));
        let good = is_first_order(report, gradient_at_start) || (NOT_SMOOTH.contains(&name) && listed);
        let lies = matches!(report.status, Status::Converged { .. }) && report.gradient_norm_inf > 1e-6;
        let finite = report.point.iter().all(|v| v.is_finite());
        match (good, lies, finite) {
            (_, true, _) => Some("a false success".to_owned()),
            (_, _, false) => Some("a point that is not finite".to_owned()),
            (false, _, _) => Some("neither a listed minimiser nor a first-order point".to_owned()),
            _ => None,
        }
    });
}

/// What a report says of its point is what an evaluation by another instance of the function says.
#[test]
fn reports_bear_an_independent_evaluation() {
    for row in CATALOG {
        let mut f = build(row.entry.name, &[]).expect("defaults are valid");
        let start = f.start();
        let report = solve(f.as_mut(), &start, 1e-4);
        let mut fresh = build(row.entry.name, &[]).expect("defaults are valid");
        let mut gradient = vec![0.0; fresh.dim()];
        let value = fresh.value_gradient(&report.point, &mut gradient);
        assert_eq!(value.to_bits(), report.value.to_bits(), "{}", row.entry.name);
        assert_eq!(norm_inf(&gradient).to_bits(), report.gradient_norm_inf.to_bits(), "{}", row.entry.name);
        assert_eq!(norm2(&gradient).to_bits(), report.gradient_norm.to_bits(), "{}", row.entry.name);
    }
}

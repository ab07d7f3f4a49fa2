//! Minimise a closure: from its values alone, and with its gradient.
//!
//! `cargo run -p optkit --example minimize_closure`

use optkit::{Run, StartError, StopWhen, TrustRegion, Unobserved, from_fn, from_value, run};

fn rosenbrock(x: &[f64]) -> f64 {
    100.0 * (x[1] - x[0] * x[0]).powi(2) + (1.0 - x[0]).powi(2)
}

fn main() -> Result<(), StartError> {
    let start = [-1.2, 1.0];

    // Values are enough. Differences stand in for the gradient, so ask for no more than they can tell.
    let mut f = from_value(2, rosenbrock);
    let stop = StopWhen::new().gradient_norm_inf(1e-6).iterations(10_000);
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
    let report = run(&mut TrustRegion::default(), &mut f, &start, setup)?;
    println!("by values:   {} at {:.6?}, {} values", report.status, report.point, report.work.values);
    assert!((report.point[0] - 1.0).abs() < 1e-4);

    // A gradient costs fewer evaluations and reaches further.
    let mut f = from_fn(2, rosenbrock, |x, g| {
        g[0] = -400.0 * x[0] * (x[1] - x[0] * x[0]) - 2.0 * (1.0 - x[0]);
        g[1] = 200.0 * (x[1] - x[0] * x[0]);
    });
    let stop = StopWhen::new().gradient_norm_inf(1e-10).iterations(10_000);
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
    let report = run(&mut TrustRegion::default(), &mut f, &start, setup)?;
    println!("by gradient: {} at {:.6?}, {} values", report.status, report.point, report.work.values);
    assert!((report.point[0] - 1.0).abs() < 1e-9);
    Ok(())
}

//! Watch a run and end it: by a closure that sees every iteration, or by a flag set from elsewhere.
//!
//! `cargo run -p optkit --example observe_and_stop`

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use optkit::{
    Gradient, Iteration, Run, StartError, Status, StopWhen, TrustRegion, TrustRegionOptions, Unobserved,
    functions, run,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut f = functions::build("rosenbrock", &[("n", 10.0)])?;
    let start = f.start();
    let steepest = || TrustRegion::new(TrustRegionOptions::default()).with_model(Gradient);
    let stop = StopWhen::new().gradient_norm_inf(1e-8).iterations(1_000_000);

    // Every hundredth iteration as a line; the end where that will do.
    let mut observer = |it: &Iteration<'_>| {
        if !it.step.iteration.is_multiple_of(100) {
            return ControlFlow::Continue(());
        }
        println!(
            "{:>5}  f = {:.6e}  best = {:.6e}  ‖g‖∞ = {:.1e}  Δ = {:.1e}",
            it.step.iteration, it.point.value, it.best.value, it.gradient_norm_inf, it.step.radius
        );
        if it.best.value < 1.0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut observer, interrupt: None };
    let report = run(&mut steepest(), f.as_mut(), &start, setup)?;
    println!("{}: f = {:.6e} at the best point", report.status, report.value);
    assert_eq!(report.status, Status::Stopped);

    // A flag, as Ctrl-C would set it, ends a run after the iteration that is under way.
    let flag = AtomicBool::new(false);
    std::thread::scope(|scope| -> Result<(), StartError> {
        scope.spawn(|| flag.store(true, Ordering::Relaxed));
        let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: Some(&flag) };
        let report = run(&mut steepest(), f.as_mut(), &start, setup)?;
        println!("{} after {} iterations", report.status, report.iterations);
        assert_eq!(report.status, Status::Stopped);
        Ok(())
    })?;
    Ok(())
}

//! Bounds are not handled yet: an objective that has them is refused before the first step, never minimised as if it
//! had none.
//!
//! `cargo run -p optkit --example bounds_refused`

use optkit::{Bounds, Objective, Run, StartError, StopWhen, TrustRegion, Unobserved, run};

/// x², with x ≥ 1.
struct Bounded;

impl Objective for Bounded {
    fn dim(&self) -> usize {
        1
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        x[0] * x[0]
    }
    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        gradient[0] = 2.0 * x[0];
        x[0] * x[0]
    }
    fn bounds(&self) -> Option<Bounds<'_>> {
        Some(Bounds { lower: &[1.0], upper: &[f64::INFINITY] })
    }
}

fn main() {
    let stop = StopWhen::new().gradient_norm_inf(1e-8).iterations(100);
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
    let refused = run(&mut TrustRegion::default(), &mut Bounded, &[3.0], setup);
    assert!(matches!(refused, Err(StartError::Bounds)));
    if let Err(reason) = refused {
        println!("{reason}");
    }
}

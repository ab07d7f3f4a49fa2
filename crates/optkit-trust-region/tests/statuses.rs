//! How runs of the engine end where floating-point numbers do: every run ends by itself, with a status that holds.

use optkit_core::{Flow, Objective, Optimizer, Status, from_fn};
use optkit_trust_region::{Gradient, Options, RadiusRule, TrustRegion};

fn first_order(options: Options) -> TrustRegion {
    TrustRegion::new(options).with_model(Gradient)
}

/// Runs until the engine ends by itself.
fn finish(engine: &mut TrustRegion, f: &mut dyn Objective, start: &[f64]) -> Status {
    engine.start(f, start, None).unwrap();
    for _ in 0..20_000 {
        let before = engine.current().x.to_vec();
        match engine.step(f) {
            Flow::Continue(step) => {
                let moved = engine.current().x != before;
                assert_eq!(step.accepted, moved, "{step:?}");
            }
            Flow::Done(status) => return status,
        }
    }
    panic!("the engine goes on for ever");
}

/// −x, whose gradient is missing beyond 1 though its value is not.
fn cliff() -> impl Objective {
    from_fn(1, |x| -x[0], |x, g| g[0] = if x[0] > 1.0 { f64::NAN } else { -1.0 })
}

#[test]
fn a_missing_gradient_behind_a_good_value_is_walked_up_to() {
    let mut engine = first_order(Options::default());
    let status = finish(&mut engine, &mut cliff(), &[0.3]);
    assert!(matches!(status, Status::RadiusUnderflow { .. } | Status::WithinRounding { .. }), "{status:?}");
    let x = engine.current().x[0];
    assert!(x <= 1.0 && x > 1.0 - 1e-9, "{x}");
}

#[test]
fn a_missing_gradient_within_the_smallest_radius_ends_the_run() {
    let rule = RadiusRule { min_radius: 0.25, ..RadiusRule::default() };
    let options = Options { rule, ..Options::default() };
    let mut engine = first_order(options);
    let status = finish(&mut engine, &mut cliff(), &[0.3]);
    assert!(matches!(status, Status::RadiusUnderflow { minimum: 0.25, .. }), "{status:?}");
    assert!(engine.current().x[0] <= 1.0);
}

#[test]
fn a_step_lost_in_the_rounding_of_x_is_no_success() {
    // Near 1 a step below 1e-16 changes nothing, and the gradient of the kink never becomes small.
    let mut f = from_fn(1, |x| (x[0] - 1.0).abs(), |x, g| g[0] = if x[0] > 1.0 { 1.0 } else { -1.0 });
    let mut engine = first_order(Options::default());
    let status = finish(&mut engine, &mut f, &[0.3]);
    assert!(matches!(status, Status::RadiusUnderflow { .. } | Status::WithinRounding { .. }), "{status:?}");
    assert!((engine.current().x[0] - 1.0).abs() < 1e-12);
}

#[test]
fn gradients_whose_squares_overflow_or_underflow_are_followed() {
    for size in [1e180, 1e-180] {
        let mut f = from_fn(1, |x| size * x[0], |_, g| g[0] = size);
        let mut engine = first_order(Options::default());
        engine.start(&mut f, &[0.0], None).unwrap();
        for _ in 0..5 {
            let Flow::Continue(step) = engine.step(&mut f) else { break };
            assert!(step.accepted, "{size:e}: {step:?}");
        }
        assert!(engine.current().x[0] < 0.0, "{size:e}");
    }
}

#[test]
fn a_radius_too_small_to_move_is_not_called_the_end_of_precision() {
    let mut f = from_fn(1, |x| (x[0] - 1.0).powi(2), |x, g| g[0] = 2.0 * (x[0] - 1.0));
    let options = Options { radius: 1e-40, ..Options::default() };
    let mut engine = first_order(options);
    let status = finish(&mut engine, &mut f, &[3.0]);
    assert!(matches!(status, Status::RadiusUnderflow { .. }), "{status:?}");
    // With room to move, the same function is followed to the end of precision.
    let status = finish(&mut first_order(Options::default()), &mut f, &[3.1]);
    assert!(matches!(status, Status::WithinRounding { .. } | Status::Stationary), "{status:?}");
}

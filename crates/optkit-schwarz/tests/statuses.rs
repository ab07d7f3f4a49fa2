//! How runs of APTS end where floating-point numbers do: every run ends by itself, with a status that holds.

use optkit_core::vector::norm_inf;
use optkit_core::{Flow, Objective, Optimizer, Status, from_fn};
use optkit_schwarz::{Apts, Options, Partition};

/// Runs until APTS ends by itself; the most iterations are far more than convergence takes.
fn finish(apts: &mut Apts, f: &mut dyn Objective, start: &[f64], most: u32) -> Status {
    apts.start(f, start, None).unwrap();
    for _ in 0..most {
        if let Flow::Done(status) = apts.step(f) {
            return status;
        }
    }
    panic!("APTS goes on for ever: f = {:e}", apts.current().value);
}

/// Σ i(xᵢ − 1/3)², and neighbours coupled: no minimiser that f64 could hold.
fn coupled(n: usize, offset: f64) -> impl Objective {
    let value = move |x: &[f64]| {
        let own: f64 = x.iter().enumerate().map(|(i, v)| (1 + i) as f64 * (v - 1.0 / 3.0).powi(2)).sum();
        offset + own + x.windows(2).map(|w| (w[1] - w[0] * w[0]).powi(2)).sum::<f64>()
    };
    from_fn(n, value, |x, g| {
        for (i, (g, v)) in g.iter_mut().zip(x).enumerate() {
            *g = 2.0 * (1 + i) as f64 * (v - 1.0 / 3.0);
        }
        for i in 1..x.len() {
            let r = x[i] - x[i - 1] * x[i - 1];
            g[i] += 2.0 * r;
            g[i - 1] -= 4.0 * r * x[i - 1];
        }
    })
}

#[test]
fn a_run_without_a_test_ends_where_rounding_begins() {
    for fdl in [true, false] {
        for (n, parts, offset) in [(6, 2, 0.0), (7, 3, 0.0), (9, 9, 0.0), (5, 1, 0.0), (8, 2, 1e3)] {
            let options = Options { fdl, ..Options::default() };
            let mut apts = Apts::new(Partition::contiguous(n, parts).unwrap(), options);
            let mut f = coupled(n, offset);
            let status = finish(&mut apts, &mut f, &vec![2.0; n], 20_000);
            let mut gradient = vec![0.0; n];
            f.value_gradient(apts.current().x, &mut gradient);
            let norm = norm_inf(&gradient);
            assert!(norm < 1e-6, "{n} {parts} {fdl}: {status:?}, but ‖g‖∞ = {norm:e}");
        }
    }
}

#[test]
fn a_missing_gradient_behind_a_good_value_does_not_hold_up_a_run() {
    let mut f = from_fn(2, |x| -x[0] - x[1], |x, g| g.fill(if x[0] + x[1] > 1.0 { f64::NAN } else { -1.0 }));
    let mut apts = Apts::new(Partition::contiguous(2, 2).unwrap(), Options::default());
    finish(&mut apts, &mut f, &[0.3, 0.2], 20_000);
    let value = apts.current().value;
    assert!((-1.0..-1.0 + 1e-9).contains(&value), "{value}");
}

#[test]
fn a_function_without_a_lower_bound_is_said_to_have_none() {
    let mut f = from_fn(2, |x| -x[0] - x[1], |_, g| g.fill(-1.0));
    let mut apts = Apts::new(Partition::contiguous(2, 2).unwrap(), Options::default());
    let status = finish(&mut apts, &mut f, &[0.0, 0.0], 2_000);
    assert!(matches!(status, Status::UnboundedBelow { .. }), "{status:?}");
}

#[test]
fn parts_that_do_not_move_cost_no_evaluation_of_their_sum() {
    // Every local and global trial is refused, so each iteration costs its trials and nothing else.
    let mut f = from_fn(2, |x| if x == [0.5, 0.5] { 1.0 } else { f64::NAN }, |_, g| g.fill(1.0));
    let options = Options { local_iterations: 1, ..Options::default() };
    let mut apts = Apts::new(Partition::contiguous(2, 2).unwrap(), options);
    apts.start(&mut f, &[0.5, 0.5], None).unwrap();
    apts.prepare(&mut f).unwrap();
    let before = f.work().values;
    let Flow::Continue(step) = apts.step(&mut f) else { panic!("there is room to go on") };
    assert_eq!(f.work().values - before, u64::from(step.trials_rejected));
}

//! Means over trials, against an oracle that looks every value up anew.

use optkit_report::{Axis, Band, Curve, Log};
use proptest::prelude::*;
use serde_json::json;

/// A run whose seconds are `at` and whose losses are `loss`, with a result or cut off before it.
fn run_until(at: &[f64], loss: &[f64], ended: bool) -> Log {
    let mut text = json!({ "problem": {} }).to_string();
    for (k, (at, loss)) in at.iter().zip(loss).enumerate() {
        let loss = if loss.is_finite() { json!(loss) } else { json!(null) };
        text.push_str(&format!("\n{}", json!({ "epoch": k + 1, "seconds": at, "loss": loss })));
    }
    if ended {
        text.push_str("\n{\"status\": \"budget\"}");
    }
    Log::read("run", text.as_bytes()).unwrap()
}

fn run(at: &[f64], loss: &[f64]) -> Log {
    run_until(at, loss, false)
}

/// The piecewise linear function through the points, by searching from the start; `None` outside.
fn interpolated(at: &[f64], y: &[f64], x: f64) -> Option<f64> {
    (0..at.len()).find(|&k| at[k] == x).map(|k| y[k]).or_else(|| {
        let k = (1..at.len()).find(|&k| at[k - 1] < x && x < at[k])?;
        Some(y[k - 1] * (at[k] - x) / (at[k] - at[k - 1]) + y[k] * (x - at[k - 1]) / (at[k] - at[k - 1]))
    })
}

/// Seconds, and losses.
type Trial = (Vec<f64>, Vec<f64>);

/// Sums of powers of two: what is written is what is read.
fn trials() -> impl Strategy<Value = Vec<(Trial, bool)>> {
    let trial = proptest::collection::vec((1..64_u32, -80..80_i32), 1..40).prop_map(|pairs| {
        let mut clock = 0.0;
        pairs
            .into_iter()
            .map(|(step, loss)| {
                clock += f64::from(step) / 64.0;
                (clock, f64::from(loss) / 16.0)
            })
            .unzip()
    });
    proptest::collection::vec((trial, any::<bool>()), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn over_time_the_mean_is_that_of_the_interpolated_trials(trials in trials()) {
        let runs: Vec<Log> = trials.iter().map(|((at, loss), ended)| run_until(at, loss, *ended)).collect();
        let curve = Curve::of(&runs, "loss", Axis::Time, Band::MinMax);
        prop_assert!(!curve.is_empty());
        prop_assert!(curve.x.windows(2).all(|pair| pair[0] < pair[1]));
        let end = trials.iter().map(|((at, _), _)| at[at.len() - 1]).fold(0.0, f64::max);
        prop_assert_eq!(*curve.x.last().unwrap(), end);
        for (k, &x) in curve.x.iter().enumerate() {
            let own: Vec<f64> = trials.iter().filter_map(|((at, loss), _)| interpolated(at, loss, x)).collect();
            prop_assert_eq!(curve.runs[k] as usize, own.len());
            let kept = trials.iter().filter(|((at, _), ended)| *ended && at[at.len() - 1] < x);
            let kept = kept.map(|((_, loss), _)| loss[loss.len() - 1]);
            let values: Vec<f64> = own.iter().copied().chain(kept).collect();
            if values.is_empty() {
                prop_assert!(curve.mean[k].is_nan());
                continue;
            }
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            prop_assert!((curve.mean[k] - mean).abs() < 1e-9);
            if trials.len() > 1 {
                let low = values.iter().copied().fold(f64::INFINITY, f64::min);
                prop_assert!((curve.lower[k] - low).abs() < 1e-9);
                prop_assert!(curve.lower[k] <= curve.mean[k] && curve.mean[k] <= curve.upper[k]);
            }
        }
    }

    #[test]
    fn over_epochs_no_value_is_changed(trials in trials()) {
        let runs: Vec<Log> = trials.iter().map(|((at, loss), ended)| run_until(at, loss, *ended)).collect();
        let curve = Curve::of(&runs, "loss", Axis::Epochs, Band::Std);
        let longest = trials.iter().map(|((at, _), _)| at.len()).max().unwrap();
        prop_assert_eq!(curve.x.len(), longest);
        for k in 0..longest {
            let value = |((_, loss), ended): &(Trial, bool)| loss.get(k).or(loss.last().filter(|_| *ended)).copied();
            let values: Vec<f64> = trials.iter().filter_map(value).collect();
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            prop_assert!((curve.mean[k] - mean).abs() < 1e-12);
            if trials.len() > 1 && n > 1.0 {
                let std = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
                prop_assert!((curve.upper[k] - curve.lower[k] - 2.0 * std).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn the_order_of_trials_does_not_matter(trials in trials()) {
        let runs: Vec<Log> = trials.iter().map(|((at, loss), ended)| run_until(at, loss, *ended)).collect();
        let turned: Vec<Log> = runs.iter().rev().cloned().collect();
        let (one, other) = [runs, turned].map(|runs| Curve::of(&runs, "loss", Axis::Time, Band::MinMax)).into();
        prop_assert_eq!(&one.x, &other.x);
        for (a, b) in one.mean.iter().zip(&other.mean).chain(one.lower.iter().zip(&other.lower)) {
            prop_assert!((a - b).abs() < 1e-12 || a.is_nan() && b.is_nan());
        }
    }
}

#[test]
fn a_single_run_is_drawn_as_it_is() {
    let curve = Curve::of(&[run(&[0.3, 0.5, 1.7], &[3.0, 2.0, 1.0])], "loss", Axis::Time, Band::MinMax);
    assert_eq!((curve.x, curve.mean, curve.lower), (vec![0.3, 0.5, 1.7], vec![3.0, 2.0, 1.0], vec![]));
}

#[test]
fn what_is_not_finite_is_missing_and_leaves_a_gap() {
    let gap = run(&[1.0, 2.0, 3.0, 4.0], &[f64::NAN, 2.0, f64::INFINITY, 1.0]);
    let curve = Curve::of(std::slice::from_ref(&gap), "loss", Axis::Epochs, Band::MinMax);
    assert_eq!((&curve.x[..], &curve.runs[..]), (&[2.0, 3.0, 4.0][..], &[1, 0, 1][..]));
    assert!(curve.mean[1].is_nan());
    let whole = run(&[1.0, 2.0, 3.0, 4.0], &[4.0, 4.0, 3.0, 3.0]);
    let curve = Curve::of(&[gap, whole], "loss", Axis::Epochs, Band::MinMax);
    assert_eq!((curve.mean, curve.runs), (vec![4.0, 3.0, 3.0, 2.0], vec![1, 2, 1, 2]));
}

#[test]
fn a_trial_that_has_ended_keeps_its_last_value_and_a_killed_one_does_not() {
    let long = run_until(&[1.0, 2.0, 3.0], &[4.0, 2.0, 0.0], true);
    let trials = |ended| [long.clone(), run_until(&[1.0], &[8.0], ended)];
    let mean = |ended| Curve::of(&trials(ended), "loss", Axis::Epochs, Band::MinMax).mean;
    assert_eq!((mean(true), mean(false)), (vec![6.0, 5.0, 4.0], vec![6.0, 2.0, 0.0]));
    let diverged = [long.clone(), run_until(&[1.0, 2.0], &[8.0, f64::NAN], true)];
    assert_eq!(Curve::of(&diverged, "loss", Axis::Epochs, Band::MinMax).mean, [6.0, 2.0, 0.0]);
}

#[test]
fn a_clock_that_stands_still_keeps_the_later_value() {
    let curve = Curve::of(&[run(&[1.0, 1.0, 2.0], &[3.0, 2.0, 1.0])], "loss", Axis::Time, Band::None);
    assert_eq!((curve.x, curve.mean), (vec![1.0, 2.0], vec![2.0, 1.0]));
}

#[test]
fn what_no_run_has_is_empty() {
    let runs = [run(&[1.0], &[1.0])];
    assert!(Curve::of(&runs, "accuracy", Axis::Epochs, Band::MinMax).is_empty());
    assert!(Curve::of(&runs, "loss", Axis::Gradients, Band::MinMax).is_empty());
    assert!(Curve::of(&[], "loss", Axis::Time, Band::MinMax).is_empty());
}

//! Runs that are interrupted, and go on from a checkpoint.

use std::ops::ControlFlow;

use optkit::assemble::Assembly;
use optkit::{Checkpoint, Iteration, Run, StopWhen, resume, run};

/// The states of a run of `end` iterations after iteration `at`, and at its end.
fn states(made: Assembly, at: u64, end: u64, from: Option<&Checkpoint>) -> [Option<Checkpoint>; 2] {
    let Assembly { mut objective, mut optimizer, start, mut measures, .. } = made;
    let mut kept = [None, None];
    let mut keep = |iteration: &Iteration<'_>| {
        for (kept, at) in kept.iter_mut().zip([at, end]) {
            if iteration.step.iteration == at {
                *kept = Some(iteration.checkpoint());
            }
        }
        ControlFlow::Continue(())
    };
    let stop = StopWhen::new().iterations(end);
    let setup = Run { stop: &stop, measures: &mut measures, observer: &mut keep, interrupt: None };
    match from {
        None => run(optimizer.as_mut(), objective.as_mut(), &start, setup).map(drop).unwrap(),
        Some(from) => resume(optimizer.as_mut(), objective.as_mut(), from, setup).map(drop).unwrap(),
    }
    kept
}

/// Every number of a state, by its bits.
fn bits(state: &Checkpoint) -> Vec<(&str, Vec<u64>)> {
    let of = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect();
    state.archive().arrays().map(|(name, values)| (name, of(values))).collect()
}

/// A run of `end` iterations that goes on from its bytes after iteration `at` ends bit for bit as one that was not
/// interrupted.
///
/// # Panics
/// Where it does not, or where the averages of batch normalisations are not in its state.
pub fn assert_goes_on_bit_for_bit(assemble: impl Fn() -> Assembly, at: u64, end: u64, what: &str) {
    let [kept, ended] = states(assemble(), at, end, None).map(Option::unwrap);
    let kept = Checkpoint::from_bytes(&kept.to_bytes()).unwrap();
    let [_, again] = states(assemble(), at, end, Some(&kept));
    let again = again.unwrap();
    let (ended, again) = (bits(&ended), bits(&again));
    assert!(ended.iter().any(|(name, _)| *name == "objective.running"), "averages are kept: {what}");
    assert_eq!(ended.len(), again.len(), "{what} after {at}");
    for (one, other) in ended.iter().zip(&again) {
        assert_eq!(one, other, "{what} after {at}");
    }
}

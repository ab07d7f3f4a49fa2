//! What evaluations cost: by count of multiply-adds, and by the clock.

use std::time::Instant;

use optkit_core::{Objective, Pass};
use optkit_schwarz::Partition;

/// Repetitions of which the median is taken.
const REPETITIONS: usize = 9;

/// Medians of wall time, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// Of a value at a new point.
    pub loss_ms: f64,
    /// Of a value with gradient at a new point.
    pub loss_gradient_ms: f64,
}

/// A part's share of a whole evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct PartCost {
    /// Share of a value with gradient; 1 where the part is evaluated on the whole.
    pub share: f64,
    /// Measured, where asked for and where the objective decomposes.
    pub timing: Option<Timing>,
}

/// The parts' shares at `x`; measured too where `time`.
pub fn parts(f: &dyn Objective, partition: &Partition, x: &[f64], time: bool) -> Vec<PartCost> {
    let Ok(mut decomposition) = f.decompose(partition.parts()) else {
        return partition.parts().iter().map(|_| PartCost { share: 1.0, timing: None }).collect();
    };
    let shares: Vec<f64> =
        (0..partition.parts().len()).map(|i| decomposition.cost(i).value_gradient()).collect();
    if time {
        decomposition.freeze(x, Pass::default());
    }
    shares
        .into_iter()
        .enumerate()
        .map(|(i, share)| {
            let timing = time.then(|| {
                let subset = &partition.parts()[i];
                let mut at = vec![0.0; subset.len()];
                subset.gather(x, &mut at);
                measure(decomposition.parts()[i].as_mut(), &at)
            });
            PartCost { share, timing }
        })
        .collect()
}

/// Medians of a value and of a value with gradient near `x`, every time at a point not seen before.
pub fn measure(f: &mut dyn Objective, x: &[f64]) -> Timing {
    let mut point = x.to_vec();
    let mut gradient = vec![0.0; x.len()];
    let mut count = 0_u32;
    let mut fresh = || {
        count += 1;
        let shift = 1e-4 * f64::from(count);
        for (p, x) in point.iter_mut().zip(x) {
            *p = x + shift * x.abs().max(1e-3);
        }
        point.clone()
    };
    // The first evaluation allocates what the others reuse.
    f.value_gradient(&fresh(), &mut gradient);
    let loss_ms = median(|| {
        let at = fresh();
        let begun = Instant::now();
        f.value(&at);
        begun.elapsed().as_secs_f64()
    });
    let loss_gradient_ms = median(|| {
        let at = fresh();
        let begun = Instant::now();
        f.value_gradient(&at, &mut gradient);
        begun.elapsed().as_secs_f64()
    });
    Timing { loss_ms, loss_gradient_ms }
}

fn median(mut seconds: impl FnMut() -> f64) -> f64 {
    let mut all: Vec<f64> = (0..REPETITIONS).map(|_| seconds()).collect();
    all.sort_by(f64::total_cmp);
    1e3 * all[REPETITIONS / 2]
}

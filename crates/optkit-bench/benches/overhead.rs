//! What the trust-region engine costs beside its evaluations, with an L-SR1 memory of 10 on a quadratic of n = 10⁶,
//! against the vector passes that an iteration needs, timed in the same run.
//!
//! `cargo bench -p optkit-bench --bench overhead [-- n]`. The bar is 1.3. An iteration with one trial streams, with m
//! pairs (r: vectors read, w: written):
//!
//! | pass | streams |
//! |---|---|
//! | s = x − x₋, y = g − g₋ | 4r 2w |
//! | SᵀS, SᵀY, YᵀY: the new pair's rows | (2m + 2)r |
//! | r = y − Bs, whether to take the pair | (2m + 2)r 1w |
//! | the pair into the ring | 2r 2w |
//! | Ψᵀg | (2m + 1)r |
//! | the part of g outside the range of Ψ, and its length | (2m + 1)r |
//! | the step | (2m + 1)r 1w |
//! | x + s | 2r 1w |
//! | ‖g‖∞ | 1r |
//!
//! Where the pairs are nearly parallel, OBS stores an orthonormal basis, which the bench finds out by solving the same
//! problem again beside the clock. Forming it is (2m)r mw; each further pass that makes it orthonormal, where one is
//! taken, is mr mw in place; and the three passes over Ψ become passes over its m columns. Where y and γs cancel, so
//! that the ring's sums do not give the Gram matrix of Ψ, a pass of (2m)r does.

use std::time::{Duration, Instant};

use optkit::functions::{TestFunction, build};
use optkit::{
    Flow, Lsr1, Lsr1Settings, Objective, Obs, Optimizer, RadiusDriven, Subproblem, TrustRegion,
    TrustRegionOptions,
};
use optkit_core::{Compact, Operator};
use rayon::prelude::*;

const MEMORY: usize = 10;
const ITERATIONS: usize = 60;

/// Streams of an iteration, as the table has them; a vector written where it was not read counts twice, for it is read
/// into the cache first.
fn streams(basis_passes: usize, gram_known: bool) -> u32 {
    let m = MEMORY as u32;
    let learn = 4 + 2 * 2 + 2 * (2 * m + 2) + 2 + 2 + 2 * 2;
    let gram = if gram_known { 0 } else { 2 * m };
    let solve = match basis_passes as u32 {
        0 => 3 * (2 * m + 1) + 2,
        passes => (2 * m + 2 * m) + (passes - 1) * (m + m) + 3 * (m + 1) + 2,
    };
    learn + gram + solve + 2 + 2 + 1
}

/// A matrix that is only looked at.
struct Seen<'a>(&'a dyn Compact);

impl Operator for Seen<'_> {
    fn apply(&mut self, _v: &[f64], _bv: &mut [f64]) {
        unreachable!("OBS takes the compact form");
    }
    fn compact(&self) -> Option<&dyn Compact> {
        Some(self.0)
    }
}

/// The quadratic, with a clock on its evaluations.
struct Timed {
    inner: Box<dyn TestFunction>,
    spent: Duration,
}

impl Objective for Timed {
    fn dim(&self) -> usize {
        self.inner.dim()
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        let begun = Instant::now();
        let value = self.inner.value(x);
        self.spent += begun.elapsed();
        value
    }
    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let begun = Instant::now();
        let value = self.inner.value_gradient(x, gradient);
        self.spent += begun.elapsed();
        value
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Reading one vector, of as many as the ring holds, by all threads: four at a time, as the passes read them, which is
/// faster than one after another.
fn stream(columns: &[Vec<f64>]) -> Duration {
    const CHUNK: usize = 16_384;
    let sum = |[a, b, c, d]: [&[f64]; 4]| {
        let mut lanes = [[0.0; 8]; 4];
        let rows = a.chunks_exact(8).zip(b.chunks_exact(8)).zip(c.chunks_exact(8).zip(d.chunks_exact(8)));
        for ((a, b), (c, d)) in rows {
            for (lanes, x) in lanes.iter_mut().zip([a, b, c, d]) {
                lanes.iter_mut().zip(x).for_each(|(lane, x)| *lane += x);
            }
        }
        lanes.as_flattened().iter().sum::<f64>()
    };
    let begun = Instant::now();
    let total: f64 = columns
        .chunks_exact(4)
        .map(|four| {
            let parts = (0..four[0].len().div_ceil(CHUNK)).into_par_iter();
            let rows = |part: usize| part * CHUNK..four[0].len().min((part + 1) * CHUNK);
            parts.map(|part| sum(std::array::from_fn(|k| &four[k][rows(part)]))).sum::<f64>()
        })
        .sum();
    std::hint::black_box(total);
    begun.elapsed() / u32::try_from(columns.len()).expect("few columns")
}

fn main() {
    let n = std::env::args().filter_map(|a| a.parse().ok()).next().unwrap_or(1_000_000_usize);
    #[allow(clippy::cast_precision_loss)]
    let inner = build("quadratic", &[("n", n as f64), ("condition", 1e4)]).expect("operands in range");
    let start = inner.start();
    let mut f = Timed { inner, spent: Duration::ZERO };
    let lsr1 = Lsr1::new(Lsr1Settings { memory: MEMORY, ..Lsr1Settings::default() }).expect("in range");
    let mut method = TrustRegion::new(TrustRegionOptions::default()).with_model(lsr1);
    method.start(&mut f, &start, None).expect("lengths agree");
    assert!((2 * MEMORY).is_multiple_of(4), "streams are read four at a time");
    let columns: Vec<Vec<f64>> = (0..2 * MEMORY).map(|k| vec![k as f64; n]).collect();
    let (mut beside, mut needed, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let (mut counts, mut bases, mut again, mut grams) = (Vec::new(), 0, 0, 0);
    let (mut obs, mut step_again) = (Obs::default(), vec![0.0; n]);
    // Inside the pool: from outside, rayon allocates at every call.
    rayon::scope(|_| {
        for iteration in 0..ITERATIONS {
            let gradient = method.current().gradient.map(<[f64]>::to_vec);
            let (begun, spent) = (Instant::now(), f.spent);
            let Flow::Continue(step) = method.step(&mut f) else { break };
            let rest = begun.elapsed() - (f.spent - spent);
            if iteration <= MEMORY + 2 || step.trials_rejected > 0 {
                continue;
            }
            let model = method.model().expect("pairs were learnt");
            obs.solve(gradient.as_deref().unwrap_or(&start), &mut Seen(model), step.radius, &mut step_again);
            let (passes, gram_known) = (obs.basis_passes(), model.gram().is_some());
            counts.push(streams(passes, gram_known));
            let streams = stream(&columns) * streams(passes, gram_known);
            beside.push(rest);
            needed.push(streams);
            ratios.push(rest.as_secs_f64() / streams.as_secs_f64());
            bases += usize::from(passes > 0);
            again += passes.saturating_sub(1);
            grams += usize::from(!gram_known);
        }
    });
    ratios.sort_by(f64::total_cmp);
    let count = ratios.len();
    println!(
        "n = {n}, memory {MEMORY}, {} threads, medians of {count} iterations",
        rayon::current_num_threads()
    );
    counts.sort_unstable();
    println!(
        "with a stored basis                   {bases}, and passes over it to make it orthonormal {again}"
    );
    println!("with a pass for the Gram matrix       {grams}");
    println!("streams of an iteration               {}", counts[count / 2]);
    println!("an iteration beside its evaluations   {:?}", median(beside));
    println!("the vector streams that it needs      {:?}", median(needed));
    println!("ratio                                 {:.2}", ratios[count / 2]);
}

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

use std::time::{Duration, Instant};

use optkit::functions::{TestFunction, build};
use optkit::{Flow, Lsr1, Lsr1Settings, Objective, Optimizer, TrustRegion, TrustRegionOptions};
use rayon::prelude::*;

const MEMORY: usize = 10;
const ITERATIONS: usize = 60;

/// Streams of an iteration, as the table has them; a written vector counts twice, for it is read into the cache first.
const STREAMS: usize =
    4 + 2 * 2 + (2 * MEMORY + 2) * 2 + 2 + 2 + 2 * 2 + (2 * MEMORY + 1) * 3 + 2 + 2 + 2 + 1;

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

/// Reading one vector, of as many as the ring holds, by all threads.
fn stream(columns: &[Vec<f64>]) -> Duration {
    let begun = Instant::now();
    let total: f64 = columns
        .iter()
        .map(|column| {
            let sum = |x: &[f64]| {
                let mut lanes = [0.0; 8];
                x.chunks_exact(8).for_each(|x| lanes.iter_mut().zip(x).for_each(|(l, x)| *l += x));
                lanes.iter().sum::<f64>()
            };
            column.par_chunks(16_384).map(sum).sum::<f64>()
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
    let columns: Vec<Vec<f64>> = (0..2 * MEMORY).map(|k| vec![k as f64; n]).collect();
    let (mut beside, mut reads) = (Vec::new(), Vec::new());
    // Inside the pool: from outside, rayon allocates at every call.
    rayon::scope(|_| {
        for iteration in 0..ITERATIONS {
            let (begun, spent) = (Instant::now(), f.spent);
            let Flow::Continue(step) = method.step(&mut f) else { break };
            let rest = begun.elapsed() - (f.spent - spent);
            if iteration > MEMORY + 2 && step.trials_rejected == 0 {
                beside.push(rest);
                reads.push(stream(&columns));
            }
        }
    });
    let (count, beside, read) = (beside.len(), median(beside), median(reads));
    let needed = read * u32::try_from(STREAMS).expect("a small count");
    println!(
        "n = {n}, memory {MEMORY}, {} threads, medians of {count} iterations",
        rayon::current_num_threads()
    );
    println!("an iteration beside its evaluations   {beside:?}");
    println!("{STREAMS} vector streams               {needed:?} ({read:?} each)");
    println!("ratio                                 {:.2}", beside.as_secs_f64() / needed.as_secs_f64());
}

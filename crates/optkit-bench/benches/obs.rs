//! A subproblem of limited-memory form at n = 10⁷, m = 5, against the time of reading S and Y twice in the same run.
//!
//! `cargo bench --bench obs [-- n]`. The bar is 3; a solve that had to store an orthonormal basis is shown beside it.
//! The backward error, ‖(B + σI)p + g‖ over (‖p‖ max(|γ|, ‖Bp‖/‖p‖) + ‖g‖)ε, has a bar of 1,000.

use std::hint::black_box;
use std::time::{Duration, Instant};

use optkit_core::vector::{dot, norm2};
use optkit_core::{Compact, Operator};
use optkit_quasi_newton::{Learned, Lsr1, Settings};
use optkit_trust_region::{Obs, Subproblem};
use rayon::prelude::*;

const MEMORY: usize = 5;
const RUNS: usize = 15;

/// Pairs whose columns are far from parallel, or nearly parallel (which the filter would leave out).
fn matrix(n: usize, spread: f64) -> Lsr1 {
    let settings = Settings { memory: MEMORY, conditioning: 1e-8, ..Settings::default() };
    let mut b = Lsr1::new(settings).expect("settings in range");
    b.clear(n);
    let (mut s, mut y) = (vec![0.0; n], vec![0.0; n]);
    for k in 0..MEMORY {
        for i in 0..n {
            s[i] = (0.1 * i as f64).sin() + spread * noise(i * MEMORY + k);
            y[i] = (0.5 + (i % 10) as f64) * s[i];
        }
        assert_eq!(b.learn(&s, &y, 1e-15), Learned::Stored);
    }
    assert_eq!(b.rank(), MEMORY);
    b
}

/// Uniform in (−1, 1), of the index alone.
fn noise(i: usize) -> f64 {
    let mut z = (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Adds up both arrays of all pairs, twice.
fn read_twice(b: &Lsr1) -> f64 {
    let sum = |x: &[f64]| -> f64 {
        let parts = x.par_chunks(16_384);
        parts
            .map(|part| {
                let mut lanes = [0.0; 8];
                part.chunks_exact(8).for_each(|x| lanes.iter_mut().zip(x).for_each(|(l, x)| *l += x));
                lanes.iter().sum::<f64>()
            })
            .sum()
    };
    (0..2).map(|_| (0..MEMORY).map(|i| sum(b.pairs().s(i)) + sum(b.pairs().y(i))).sum::<f64>()).sum()
}

/// The backward error of a step to the boundary, in units of ε.
fn backward_error(b: &mut Lsr1, gradient: &[f64], step: &[f64]) -> f64 {
    let mut r = vec![0.0; step.len()];
    b.apply(step, &mut r);
    let (product, length) = (norm2(&r), norm2(step));
    r.iter_mut().zip(gradient).for_each(|(r, g)| *r += g);
    let sigma = (-dot(&r, step) / (length * length)).max(0.0);
    r.iter_mut().zip(step).for_each(|(r, p)| *r += sigma * p);
    norm2(&r) / (f64::EPSILON * (product.max(b.gamma() * length) + sigma * length + norm2(gradient)))
}

fn main() {
    let n = std::env::args().find_map(|a| a.parse().ok()).unwrap_or(10_000_000);
    println!("n = {n}, m = {MEMORY}, {} threads", rayon::current_num_threads());
    let gradient: Vec<f64> = (0..n).map(|i| 1.0 + 0.5 * noise(i)).collect();
    let mut step = vec![0.0; n];
    for (name, spread) in [("fast path", 1.0), ("stored basis", 1e-3)] {
        let mut b = matrix(n, spread);
        let mut solver = Obs::default();
        solver.solve(&gradient, &mut b, 1.0, &mut step); // makes its buffers
        // In turns, so that what else the machine does hits all three alike; of each the shortest.
        let [mut stream, mut solve, mut again] = [Duration::MAX; 3];
        for _ in 0..RUNS {
            stream = stream.min(time(|| {
                black_box(read_twice(black_box(&b)));
            }));
            solve = solve.min(time(|| {
                black_box(solver.solve(&gradient, &mut b, 1.0, &mut step));
            }));
            again = again.min(time(|| {
                black_box(solver.solve_again(&gradient, &mut b, 0.5, &mut step));
            }));
        }
        let solved = solver.solve(&gradient, &mut b, 1.0, &mut step);
        let (error, boundary) = (backward_error(&mut b, &gradient, &step), (norm2(&step) - 1.0).abs());
        assert!(solved.on_boundary && error < 1e3 && boundary < 1e-10, "{name}: {error:e}, {boundary:e}");
        println!("{name}: backward error {error:.2} ε, boundary missed by {boundary:.1e}");
        assert_eq!(solver.stored_a_basis(), name != "fast path", "{name}");
        let ratio = |time: Duration| time.as_secs_f64() / stream.as_secs_f64();
        println!(
            "{name}: reading S and Y twice {stream:.1?}, a solve {solve:.1?} = {:.2}, another radius {again:.1?} = {:.2}",
            ratio(solve),
            ratio(again)
        );
    }
}

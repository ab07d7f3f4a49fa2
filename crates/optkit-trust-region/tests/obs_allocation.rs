//! OBS allocates in its first solve of a size only, inside a pool.

use optkit_allocation_counter::{allocations, pool};
use optkit_quasi_newton::{Lsr1, Settings};
use optkit_trust_region::{Obs, Subproblem};

/// Steps that lie `spread` apart, and y = Ds.
fn pair(k: usize, spread: f64, s: &mut [f64], y: &mut [f64]) {
    for i in 0..s.len() {
        s[i] = (0.1 * i as f64).sin() + spread * ((i * (k + 2)) as f64 * 0.37).sin();
        y[i] = (0.5 + (i % 10) as f64) * s[i];
    }
}

#[test]
fn a_solve_allocates_nothing_after_the_first_on_either_path() {
    pool(2).install(|| {
        for n in [60, 150_000] {
            let mut b = Lsr1::new(Settings { memory: 3, conditioning: 1e-8, ..Settings::default() }).unwrap();
            b.clear(n);
            let (mut s, mut y, mut step) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
            let gradient: Vec<f64> = (0..n).map(|i| 1.0 + (i as f64).cos()).collect();
            let mut solver = Obs::default();
            let (mut counts, mut stored) = (vec![], vec![]);
            for k in 0..12 {
                pair(k, if k < 8 { 1.0 } else { 1e-3 }, &mut s, &mut y);
                b.learn(&s, &y, 1e-15);
                let before = allocations();
                for radius in [1.0, 1e6] {
                    solver.solve(&gradient, &mut b, radius, &mut step);
                    solver.solve_again(&gradient, &mut b, 0.5 * radius, &mut step);
                }
                counts.push(allocations() - before);
                stored.push(solver.stored_a_basis());
            }
            assert!(!stored[5] && stored.contains(&true), "both paths: {stored:?}");
            assert_eq!(counts[4..], [0; 8], "n = {n}: {counts:?}");
        }
    });
}

//! With a full memory nothing is allocated, inside a pool.

use optkit_allocation_counter::{allocations, pool};
use optkit_core::{Operator, Restriction, Subset};
use optkit_quasi_newton::{GammaRule, History, Lsr1, Settings};

/// s of one frequency and y = Ds, in place.
fn pair(step: usize, s: &mut [f64], y: &mut [f64]) {
    for i in 0..s.len() {
        s[i] = ((i * (step + 1)) as f64 * 0.37).sin();
        y[i] = (1.0 + (i % 7) as f64 - 2.0 * f64::from(u8::from(i % 5 == 0))) * s[i];
    }
}

#[test]
fn learning_applying_and_restricting_allocate_nothing() {
    pool(2).install(|| {
        for n in [50, 150_000] {
            let part = Subset::from_ranges(n, [5..n / 4, n / 4 + 1..n / 2]).unwrap();
            for (gamma, history) in
                [(GammaRule::Newest, History::Exact), (GammaRule::BelowEigenvalue, History::Rows)]
            {
                let settings = Settings { memory: 3, gamma, history, ..Settings::default() };
                let (mut b, mut local) = (Lsr1::new(settings).unwrap(), Lsr1::new(settings).unwrap());
                b.clear(n);
                let (mut s, mut y, mut bv) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
                let mut counts = vec![];
                for step in 0..8 {
                    let before = allocations();
                    pair(step, &mut s, &mut y);
                    b.learn(&s, &y, 1e-16);
                    b.apply(&s, &mut bv);
                    local.begin_from(Restriction { whole: &b, part: &part });
                    for own in 0..2 {
                        let k = part.len();
                        pair(step + own, &mut s[..k], &mut y[..k]);
                        local.learn(&s[..k], &y[..k], 1e-16);
                        local.apply(&s[..k], &mut bv[..k]);
                    }
                    counts.push(allocations() - before);
                }
                assert_eq!(counts[4..], [0; 4], "n = {n}, {history:?}: {counts:?}");
            }
        }
    });
}

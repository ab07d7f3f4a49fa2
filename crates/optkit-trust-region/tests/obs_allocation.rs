//! OBS allocates in its first solve of a size only, inside a pool.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use optkit_quasi_newton::{Lsr1, Settings};
use optkit_trust_region::{Obs, Subproblem};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Whether this thread computes: the test harness's own threads may allocate when they please.
    static COMPUTES: Cell<bool> = const { Cell::new(false) };
}

fn count() {
    if COMPUTES.try_with(Cell::get).unwrap_or(false) {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Steps that lie `spread` apart, and y = Ds.
fn pair(k: usize, spread: f64, s: &mut [f64], y: &mut [f64]) {
    for i in 0..s.len() {
        s[i] = (0.1 * i as f64).sin() + spread * ((i * (k + 2)) as f64 * 0.37).sin();
        y[i] = (0.5 + (i % 10) as f64) * s[i];
    }
}

#[test]
fn a_solve_allocates_nothing_after_the_first_on_either_path() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    pool.broadcast(|_| COMPUTES.set(true));
    pool.install(|| {
        let counted = ALLOCATIONS.load(Ordering::Relaxed);
        drop(std::hint::black_box(vec![0u8; 100]));
        assert!(ALLOCATIONS.load(Ordering::Relaxed) > counted, "the counter sees the pool's threads");
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
                let before = ALLOCATIONS.load(Ordering::Relaxed);
                for radius in [1.0, 1e6] {
                    solver.solve(&gradient, &mut b, radius, &mut step);
                    solver.solve_again(&gradient, &mut b, 0.5 * radius, &mut step);
                }
                counts.push(ALLOCATIONS.load(Ordering::Relaxed) - before);
                stored.push(solver.stored_a_basis());
            }
            assert!(!stored[5] && stored.contains(&true), "both paths: {stored:?}");
            assert_eq!(counts[4..], [0; 8], "n = {n}: {counts:?}");
        }
    });
}

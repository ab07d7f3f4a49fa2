//! Evaluations allocate nothing after the first, counted by the allocator itself.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use support::everyone;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // A thread that is ending has no such cell any more, and evaluates nothing.
    let _ = ALLOCATIONS.try_with(|allocations| allocations.set(allocations.get() + 1));
}

// SAFETY: every call is handed to the system's allocator unchanged; counting has no effect on memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(mut work: impl FnMut()) -> u64 {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![0u8; 100]))), 1);
}

#[test]
fn evaluations_allocate_nothing_after_the_first() {
    for (name, mut f) in everyone() {
        let x = f.start();
        let other: Vec<f64> = x.iter().map(|x| 1.01 * x + 0.01).collect();
        let mut out = vec![0.0; x.len()];
        let mut residuals = vec![0.0; f.residuals().map_or(0, |of| of.count())];
        let mut evaluate = |x: &[f64]| {
            f.value(x);
            f.value_gradient(x, &mut out);
            if let Some(hessian) = f.hessian_product() {
                hessian.apply(x, &other, &mut out);
            }
            if let Some(of) = f.residuals() {
                of.residuals(x, &mut residuals);
            }
        };
        evaluate(&x);
        assert_eq!(allocations(|| evaluate(&other)), 0, "{name}");
    }
}

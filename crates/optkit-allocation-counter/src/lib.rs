//! Counts the allocations of a test's computing threads: a promise that iterations allocate nothing is kept by the
//! allocator itself.
//!
//! A test that names this crate has its allocator. The test harness's own threads allocate when they please, so only
//! the threads of a [`pool`] are counted; a process should hold one test that counts, for the count is one.
//!
//! ```
//! optkit_allocation_counter::pool(2).install(|| {
//!     let allocated = optkit_allocation_counter::during(|| drop(std::hint::black_box(vec![1.0; 100])));
//!     assert_eq!(allocated, 1);
//! });
//! ```

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

/// The system's allocator, with a count.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static COMPUTES: Cell<bool> = const { Cell::new(false) };
}

fn count() {
    // A thread that is ending has no such cell any more, and computes nothing.
    if COMPUTES.try_with(Cell::get).unwrap_or(false) {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: every call is handed to the system's allocator unchanged; counting has no effect on memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc_zeroed(layout) }
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

/// A pool whose threads are counted. Panics where they are not, which would make every count zero.
#[must_use]
pub fn pool(threads: usize) -> rayon::ThreadPool {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of a few threads");
    pool.broadcast(|_| COMPUTES.set(true));
    let counted = pool.install(|| during(|| drop(std::hint::black_box(vec![1_u8; 100]))));
    assert!(counted >= 1, "the counter sees the pool's threads");
    pool
}

/// The allocations of all counted threads so far.
#[must_use]
pub fn allocations() -> u64 {
    ALLOCATIONS.load(Ordering::Relaxed)
}

/// The allocations of all counted threads while `work` runs.
pub fn during(work: impl FnOnce()) -> u64 {
    let before = allocations();
    work();
    allocations() - before
}

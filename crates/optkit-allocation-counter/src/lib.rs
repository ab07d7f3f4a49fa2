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
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The system's allocator, with a count.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

/// Bytes that all threads hold, and the most that they have held.
static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

fn hold(bytes: usize) {
    let held = HELD.fetch_add(bytes, Ordering::Relaxed) + bytes;
    MOST.fetch_max(held, Ordering::Relaxed);
}

fn let_go(bytes: usize) {
    HELD.fetch_sub(bytes, Ordering::Relaxed);
}

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
        hold(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        hold(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        let_go(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        hold(size);
        let_go(layout.size());
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

/// The most bytes that were held at a time while `work` ran, by all threads, beyond those held when it began.
///
/// ```
/// let most = optkit_allocation_counter::most_held_during(|| drop(std::hint::black_box(vec![1_u8; 100_000])));
/// assert!(most >= 100_000);
/// ```
pub fn most_held_during(work: impl FnOnce()) -> usize {
    let before = HELD.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    work();
    MOST.load(Ordering::Relaxed).saturating_sub(before)
}

//! After its first iterations a method allocates nothing, counted by the allocator itself.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use optkit::assemble::Assembly;
use optkit::data::{Fetch, Locations};
use optkit::functions::build;
use optkit::lang::{Override, Source};
use optkit::{
    Adam, AdamOptions, Apts, AptsOptions, Exact, Flow, Gradient, Lbfgs, LbfgsOptions, Lsr1, Lsr1Settings,
    MoreSorensen, Objective, Obs, Optimizer, Partition, PreconditionerOptions, SchwarzPreconditioner, Sgd,
    SgdOptions, Steihaug, TorchLbfgs, TorchLbfgsOptions, TrustRegion, TrustRegionOptions, problem,
};
use optkit_tests::Wavy;

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Whether this thread computes: the test harness's own threads may allocate when they please.
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

/// Allocations in `iterations` iterations, after some that may allocate: the fewest of three such windows. What a
/// method allocates shows in each; what the thread pool does once in its life (a worker's first steal) does not.
fn allocations(optimizer: &mut dyn Optimizer, f: &mut dyn Objective, start: &[f64], iterations: u32) -> u64 {
    optimizer.start(f, start, None).unwrap();
    let mut step = || {
        optimizer.prepare(f).unwrap();
        assert!(matches!(optimizer.step(f), Flow::Continue(_)));
    };
    (0..8).for_each(|_| step());
    let mut window = || {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        (0..iterations).for_each(|_| step());
        ALLOCATIONS.load(Ordering::Relaxed) - before
    };
    (0..3).map(|_| window()).min().unwrap()
}

fn engine() -> TrustRegion {
    TrustRegion::new(TrustRegionOptions::default())
}

/// Every second-order model with every solver that takes it.
fn second_order() -> Vec<(&'static str, TrustRegion)> {
    let lsr1 =
        || engine().with_model(Lsr1::new(Lsr1Settings { memory: 5, ..Lsr1Settings::default() }).unwrap());
    let exact = || engine().with_model(Exact::default());
    vec![
        ("lsr1, obs", lsr1().with_subproblem(Box::new(Obs::default()))),
        ("lsr1, steihaug", lsr1().with_subproblem(Box::new(Steihaug::default()))),
        ("exact, steihaug", exact().with_subproblem(Box::new(Steihaug::default()))),
        ("exact, more_sorensen", exact().with_subproblem(Box::new(MoreSorensen::default()))),
    ]
}

/// Methods that need no radius; a step of PyTorch's L-BFGS is one line search here.
fn descent() -> Vec<(&'static str, Box<dyn Optimizer>)> {
    let momentum = SgdOptions { momentum: 0.5, ..SgdOptions::new(1e-5) };
    let torch =
        TorchLbfgsOptions { iterations: 1, max_evaluations: Some(25), ..TorchLbfgsOptions::default() };
    let partition = Partition::contiguous(32, 4).unwrap();
    let sweep = SchwarzPreconditioner::new(partition, PreconditionerOptions::default());
    let lbfgs = || Lbfgs::new(LbfgsOptions { memory: 4, ..LbfgsOptions::default() });
    vec![
        ("sgd", Box::new(Sgd::new(momentum))),
        ("adam", Box::new(Adam::new(AdamOptions { amsgrad: true, ..AdamOptions::default() }))),
        ("lbfgs", Box::new(lbfgs())),
        ("lbfgs with torch's search", Box::new(TorchLbfgs::new(torch))),
        ("lbfgs with a sweep", Box::new(lbfgs().with_preconditioner(Box::new(sweep)))),
    ]
}

/// One test only: the counter sees all computing threads of the process.
#[test]
fn iterations_allocate_nothing() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    pool.broadcast(|_| COMPUTES.set(true));
    let counted = pool.install(|| {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        drop(std::hint::black_box(vec![0u8; 100]));
        ALLOCATIONS.load(Ordering::Relaxed) - before
    });
    assert!(counted >= 1, "the counter sees the pool's threads");
    pool.install(|| {
        let mut f = Wavy::new(80, 5);
        let start = f.start();
        assert_eq!(allocations(&mut engine().with_model(Gradient), &mut f, &start, 8), 0, "trust region");
        let mut hills = build("rosenbrock", &[("n", 32.0)]).unwrap();
        let start_of_hills = hills.start();
        for (name, mut method) in second_order() {
            let counted = allocations(&mut method, hills.as_mut(), &start_of_hills, 8);
            assert_eq!(counted, 0, "trust region with {name}");
        }
        for (name, mut method) in descent() {
            let steps = if name == "lbfgs with a sweep" { 2 } else { 6 };
            let counted = allocations(method.as_mut(), hills.as_mut(), &start_of_hills, steps);
            assert_eq!(counted, 0, "{name}");
        }
        let mut apts = Apts::new(Partition::contiguous(80, 4).unwrap(), AptsOptions::default());
        assert_eq!(allocations(&mut apts, &mut f, &start, 8), 0, "APTS on the whole objective");
    });

    let text = include_str!("../problems/digits_fcnn.apts");
    for overrides in [&[][..], &["solver.order=2"], &["solver.order=2", "solver.ball=two"]] {
        let source = Source::new("digits_fcnn.apts", text);
        let set: Vec<_> = overrides.iter().filter_map(|text| Override::parse(text)).collect();
        let planned = problem::from_text(source, &mut |_| Err("no files".to_owned()), &set).unwrap();
        let assembly = planned.plan.load(&Locations::default(), Fetch::Never).unwrap();
        let Assembly { mut objective, mut optimizer, start, .. } = assembly;
        let counted = pool.install(|| allocations(optimizer.as_mut(), objective.as_mut(), &start, 20));
        assert_eq!(counted, 0, "APTS on a network with {overrides:?}");
    }
}

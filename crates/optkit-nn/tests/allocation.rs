//! After the first evaluations nothing is allocated, inside a pool.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Storage, case};
use optkit_core::{Objective, Pass, Samples as Seen, Subset};
use optkit_nn::{Accuracy, Layer, Loss};

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

#[test]
fn evaluations_allocate_nothing() {
    let layers = vec![
        Layer::Dense { outputs: 32 },
        Layer::Relu,
        Layer::Dense { outputs: 32 },
        Layer::Relu,
        Layer::Dense { outputs: 10 },
    ];
    let case = case(layers, Loss::CrossEntropy, Storage::SparseBytes, 3000, 100, 12);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    pool.broadcast(|_| COMPUTES.set(true));
    pool.install(|| {
        let counted = ALLOCATIONS.load(Ordering::Relaxed);
        drop(std::hint::black_box(vec![0u8; 100]));
        assert!(ALLOCATIONS.load(Ordering::Relaxed) > counted, "the counter sees the pool's threads");
        let mut f = case.objective::<f32>();
        let subsets: Vec<_> = case.network.tensors().into_iter().map(|t| t.range).collect();
        let subsets: Vec<_> =
            subsets.into_iter().map(|r| Subset::from_ranges(f.dim(), [r]).unwrap()).collect();
        let mut split = f.decompose(&subsets).unwrap();
        let mut batched = case.objective::<f32>().in_batches(700, 1);
        let mut accuracy = Accuracy::new(&case.network, case.samples.clone(), case.targets.clone()).unwrap();
        let (mut x, mut gradient) = (case.theta.clone(), vec![0.0; f.dim()]);
        let (mut trial, mut own, mut direction) = (x.clone(), x.clone(), x.clone());
        let mut product = x.clone();
        let mut counts = vec![];
        for epoch in 0..6 {
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            f.value_gradient(&x, &mut gradient);
            f.hessian_product().expect("networks offer products").apply(&x, &gradient, &mut product);
            split.freeze(&x, Pass::default());
            for (part, subset) in split.parts().iter_mut().zip(&subsets) {
                let (own, of_part) = (&mut own[..subset.len()], &mut direction[..subset.len()]);
                subset.gather(&x, own);
                for _ in 0..3 {
                    part.value_gradient(own, of_part);
                    part.hessian_product().expect("parts offer products").apply(
                        own,
                        of_part,
                        &mut product[..own.len()],
                    );
                    own.iter_mut().zip(&*of_part).for_each(|(x, g)| *x -= 0.01 * g);
                }
            }
            direction.iter_mut().zip(&gradient).for_each(|(d, g)| *d = -g);
            for t in [0.1, 0.05, 0.025] {
                trial.iter_mut().zip(&x).zip(&direction).for_each(|((y, x), d)| *y = x + t * d);
                f.span(&x, &[&direction]).expect("the base was just evaluated").value(&[t], &trial);
            }
            f.value_gradient(&trial, &mut gradient);
            for batch in 0..batched.batches() {
                batched.select(Pass { epoch, samples: Seen::Batch(batch) });
                batched.value_gradient(&trial, &mut gradient);
            }
            batched.select(Pass::default());
            batched.value_gradient(&trial, &mut gradient);
            accuracy.evaluate(&trial);
            x.copy_from_slice(&trial);
            x[0] += 0.125;
            counts.push(ALLOCATIONS.load(Ordering::Relaxed) - before);
        }
        assert!(counts[0] > 0, "the first round makes the buffers");
        assert_eq!(&counts[3..], [0; 3], "{counts:?}");
    });
}

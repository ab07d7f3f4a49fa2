//! Weight decay as a part of what is minimised (Krogh & Hertz 1991).
//!
//! ```text
//! minimise  f(θ) + c/2 ‖θ‖²
//! ```
//!
//! Its gradient is what PyTorch's `weight_decay = c` adds in `SGD` and `Adam`, over all parameters. Here every method
//! sees it in values too, and a part of a decomposition sees the term of its own variables beside a constant.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use optkit_core::vector::dot;
use optkit_core::{
    Archive, Cost, Decomposition, HessianProduct, LoadError, Objective, Pass, Subset, Unsupported, Work,
};

/// An objective with weight decay. Lines and Gauss–Newton models of the objective inside are not offered: they know
/// nothing of the term.
///
/// ```
/// use optkit_core::{Objective, from_fn};
/// use optkit_nn::WeightDecay;
///
/// let f = from_fn(2, |x| x[0], |_, g| g.copy_from_slice(&[1.0, 0.0]));
/// let mut decayed = WeightDecay::new(Box::new(f), 0.5);
/// let mut gradient = [0.0; 2];
/// assert_eq!(decayed.value_gradient(&[2.0, 4.0], &mut gradient), 2.0 + 0.25 * 20.0);
/// assert_eq!(gradient, [1.0 + 1.0, 2.0]);
/// ```
pub struct WeightDecay {
    inner: Box<dyn Objective>,
    decay: f64,
}

impl WeightDecay {
    /// `inner` with c/2 ‖θ‖² added, c = `decay`.
    ///
    /// # Panics
    ///
    /// Where `decay` is negative or not finite.
    #[must_use]
    pub fn new(inner: Box<dyn Objective>, decay: f64) -> Self {
        assert!(decay.is_finite() && decay >= 0.0, "weight decay is not negative, but is {decay}");
        Self { inner, decay }
    }

    fn penalty(&self, x: &[f64]) -> f64 {
        0.5 * self.decay * dot(x, x)
    }
}

impl Objective for WeightDecay {
    fn dim(&self) -> usize {
        self.inner.dim()
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        self.inner.value(x) + self.penalty(x)
    }
    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let value = self.inner.value_gradient(x, gradient);
        gradient.iter_mut().zip(x).for_each(|(g, x)| *g += self.decay * x);
        value + self.penalty(x)
    }
    fn noise(&self) -> f64 {
        self.inner.noise()
    }
    fn select(&mut self, pass: Pass) {
        self.inner.select(pass);
    }
    fn select_shared(&mut self, pass: Pass, other: Pass) -> Option<usize> {
        self.inner.select_shared(pass, other)
    }
    fn batches(&self) -> usize {
        self.inner.batches()
    }
    fn hessian_product(&mut self) -> Option<&mut dyn HessianProduct> {
        self.inner.hessian_product().is_some().then_some(self)
    }
    fn accept(&mut self, x: &[f64]) {
        self.inner.accept(x);
    }
    fn decompose(&self, parts: &[Subset]) -> Result<Box<dyn Decomposition>, Unsupported> {
        let mut inner = self.inner.decompose(parts)?;
        let frozen: Vec<Frozen> = parts.iter().map(|_| Frozen::default()).collect();
        for (slot, frozen) in inner.parts().iter_mut().zip(&frozen) {
            let part = std::mem::replace(slot, Box::new(Nothing));
            *slot = Box::new(Part {
                decayed: WeightDecay { inner: part, decay: self.decay },
                frozen: frozen.clone(),
            });
        }
        Ok(Box::new(Parts { inner, subsets: parts.to_vec(), frozen, decay: self.decay }))
    }
    fn work(&self) -> Work {
        self.inner.work()
    }
    fn save(&self, archive: &mut Archive) {
        self.inner.save(archive);
    }
    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        self.inner.load(archive)
    }
}

impl HessianProduct for WeightDecay {
    fn apply(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        let inner = self.inner.hessian_product().expect("handed out where the objective offers products");
        inner.apply(x, v, product);
        product.iter_mut().zip(v).for_each(|(p, v)| *p += self.decay * v);
    }
}

/// c/2 times the sum of squares of what a part does not own, by its bits: parts move between threads.
#[derive(Clone, Debug, Default)]
struct Frozen(Arc<AtomicU64>);

impl Frozen {
    fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }
    fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

struct Parts {
    inner: Box<dyn Decomposition>,
    subsets: Vec<Subset>,
    frozen: Vec<Frozen>,
    decay: f64,
}

impl Parts {
    fn freeze_at(&self, part: usize, x: &[f64]) {
        // Summed over the others alone: a difference of two sums would lose digits.
        let (mut sum, mut end) = (0.0, 0);
        for range in self.subsets[part].ranges() {
            sum += dot(&x[end..range.start], &x[end..range.start]);
            end = range.end;
        }
        sum += dot(&x[end..], &x[end..]);
        self.frozen[part].set(0.5 * self.decay * sum);
    }
}

impl Decomposition for Parts {
    fn freeze(&mut self, x: &[f64], pass: Pass) {
        self.inner.freeze(x, pass);
        (0..self.subsets.len()).for_each(|part| self.freeze_at(part, x));
    }
    fn update(&mut self, part: usize, x: &[f64]) {
        self.inner.update(part, x);
        self.freeze_at(part, x);
    }
    fn parts(&mut self) -> &mut [Box<dyn Objective>] {
        self.inner.parts()
    }
    fn release(&mut self) {
        self.inner.release();
    }
    fn concurrent(&self) -> bool {
        self.inner.concurrent()
    }
    fn cost(&self, part: usize) -> Cost {
        self.inner.cost(part)
    }
    fn shared_work(&self) -> Work {
        self.inner.shared_work()
    }
    fn save(&self, archive: &mut Archive) {
        self.inner.save(archive);
    }
    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        self.inner.load(archive)
    }
}

/// A part: its own variables decay, the others' term stands still.
struct Part {
    decayed: WeightDecay,
    frozen: Frozen,
}

impl Objective for Part {
    fn dim(&self) -> usize {
        self.decayed.dim()
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        self.decayed.value(x) + self.frozen.get()
    }
    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.decayed.value_gradient(x, gradient) + self.frozen.get()
    }
    fn noise(&self) -> f64 {
        self.decayed.noise()
    }
    fn hessian_product(&mut self) -> Option<&mut dyn HessianProduct> {
        self.decayed.hessian_product()
    }
    fn work(&self) -> Work {
        self.decayed.work()
    }
    fn save(&self, archive: &mut Archive) {
        self.decayed.save(archive);
    }
    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        self.decayed.load(archive)
    }
}

/// What stands in a part's place while it is taken out.
struct Nothing;

impl Objective for Nothing {
    fn dim(&self) -> usize {
        0
    }
    fn value(&mut self, _x: &[f64]) -> f64 {
        f64::NAN
    }
    fn value_gradient(&mut self, _x: &[f64], _gradient: &mut [f64]) -> f64 {
        f64::NAN
    }
}

//! The two-level method on functions that offer products with their Hessian and no residuals.

use optkit_core::vector::norm2;
use optkit_core::{Flow, HessianProduct, Objective, Optimizer};
use optkit_functions::build;
use optkit_schwarz::{Combine, Control, Partition, TwoLevel, TwoLevelOptions};

/// Wells and chains in blocks, and waves between the blocks:
///
/// ```text
/// Σᵢ ¼(xᵢ² − 1)² + ⅒ sin(i) xᵢ  +  Σ neighbours of a block 2(xᵢ₊₁ − xᵢ)²  +  κ Σ neighbours of two blocks 1 − cos(xᵢ₊₁ − xᵢ)
/// ```
struct Coupled {
    blocks: usize,
    size: usize,
    coupling: f64,
    products: u64,
}

impl Coupled {
    fn new(blocks: usize, size: usize, coupling: f64) -> Self {
        Self { blocks, size, coupling, products: 0 }
    }

    /// Slope and curvature of what two neighbours have, by their difference, and its value.
    fn between(&self, i: usize, difference: f64) -> [f64; 3] {
        if (i + 1).is_multiple_of(self.size) {
            let (sine, cosine) = difference.sin_cos();
            [1.0 - cosine, sine, cosine].map(|v| self.coupling * v)
        } else {
            [2.0 * difference * difference, 4.0 * difference, 4.0]
        }
    }
}

impl Objective for Coupled {
    fn dim(&self) -> usize {
        self.blocks * self.size
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        let own = |(i, x): (usize, &f64)| 0.25 * (x * x - 1.0).powi(2) + 0.1 * (i as f64).sin() * x;
        let own: f64 = x.iter().enumerate().map(own).sum();
        own + x.windows(2).enumerate().map(|(i, pair)| self.between(i, pair[1] - pair[0])[0]).sum::<f64>()
    }
    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        for (i, (g, x)) in gradient.iter_mut().zip(x).enumerate() {
            *g = (x * x - 1.0) * x + 0.1 * (i as f64).sin();
        }
        for i in 0..x.len() - 1 {
            let slope = self.between(i, x[i + 1] - x[i])[1];
            gradient[i + 1] += slope;
            gradient[i] -= slope;
        }
        self.value(x)
    }
    fn hessian_product(&mut self) -> Option<&mut dyn HessianProduct> {
        Some(self)
    }
}

impl HessianProduct for Coupled {
    fn apply(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        self.products += 1;
        for ((to, x), v) in product.iter_mut().zip(x).zip(v) {
            *to = (3.0 * x * x - 1.0) * v;
        }
        for i in 0..x.len() - 1 {
            let force = self.between(i, x[i + 1] - x[i])[2] * (v[i + 1] - v[i]);
            product[i + 1] += force;
            product[i] -= force;
        }
    }
}

fn settings() -> Vec<TwoLevelOptions> {
    let base = TwoLevelOptions::least_squares();
    vec![
        base,
        TwoLevelOptions { control: Control::Radius, ..base },
        TwoLevelOptions { sweeps: 1, sweep_below: 1.0, ..base },
        TwoLevelOptions { combine: Combine::Additive, ..base },
    ]
}

/// Iterations until the gradient is 10⁻⁸ of what it was, or as small as rounding lets it become; f never rises.
fn minimise(options: TwoLevelOptions, f: &mut dyn Objective, x0: &[f64], parts: usize) -> (u64, f64) {
    let mut method = TwoLevel::new(Partition::contiguous(x0.len(), parts).unwrap(), options);
    method.start(f, x0, None).unwrap();
    method.prepare(f).unwrap();
    let first = norm2(method.current().gradient.unwrap());
    let mut value = method.current().value;
    for iteration in 0..2_000 {
        method.prepare(f).unwrap();
        let size = norm2(method.current().gradient.unwrap());
        if size <= 1e-8 * first {
            return (iteration, size / first);
        }
        match method.step(f) {
            Flow::Continue(step) => {
                assert!(step.value <= value, "{options:?}: f rose from {value:e} to {:e}", step.value);
                value = step.value;
            }
            Flow::Done(_) => return (iteration, size / first),
        }
    }
    (2_000, norm2(method.current().gradient.unwrap()) / first)
}

/// From a point where many wells are undecided and H has negative eigenvalues: the gradient goes to zero, whatever keeps
/// the steps short and whatever is made of them, and the coarse model saves iterations.
#[test]
fn a_coupled_function_is_minimised_by_products_alone() {
    let (blocks, size) = (8, 50);
    let start: Vec<f64> = (0..blocks * size).map(|i| 0.3 * (i as f64 * 0.7).sin()).collect();
    let mut iterations = Vec::new();
    for options in settings() {
        let mut f = Coupled::new(blocks, size, 0.5);
        let (taken, left) = minimise(options, &mut f, &start, blocks);
        println!("{options:?}: {taken} iterations, {} products, {left:e} of the gradient left", f.products);
        assert!(left <= 1e-6, "{options:?}: {left:e} of the gradient left after {taken} iterations");
        iterations.push(taken);
    }
    assert!(iterations[0] < iterations[3], "coarse {} and sum {}", iterations[0], iterations[3]);
}

/// Catalogue functions that are no sums of squares, whose parts offer products of their own.
#[test]
fn catalogue_functions_without_residuals_are_minimised() {
    let mut looked_at = 0;
    for (name, n) in [("styblinski_tang", 20.0), ("rastrigin", 12.0), ("trid", 12.0), ("quadratic", 40.0)] {
        let mut f = build(name, &[("n", n)]).unwrap();
        if f.residuals().is_some() {
            continue;
        }
        assert!(f.decompose(Partition::contiguous(f.dim(), 4).unwrap().parts()).is_ok());
        looked_at += 1;
        let start: Vec<f64> = f.start().iter().enumerate().map(|(i, x)| x + 0.1 * (i as f64).cos()).collect();
        for options in settings() {
            let (taken, left) = minimise(options, f.as_mut(), &start, 4);
            println!("{name} {:?} {:?}: {taken} iterations, {left:e}", options.control, options.combine);
            assert!(left <= 1e-5, "{name}, {options:?}: {left:e} of the gradient left after {taken}");
        }
    }
    assert!(looked_at >= 2, "only {looked_at} functions without residuals");
}

//! Your own gradient and products with your own Hessian: let a trust region use the curvature.
//!
//! `cargo run -p optkit --example gradient_and_hessian`

use optkit::{Exact, Run, StartError, StopWhen, TrustRegion, Unobserved, from_fn, run};

fn main() -> Result<(), StartError> {
    // f(x) = Σ (xᵢ⁴/4 + x²ᵢ/2 − xᵢ) + ½ Σ (xᵢ₊₁ − xᵢ)²: a chain of springs.
    let n = 50;
    let value = |x: &[f64]| {
        let own: f64 = x.iter().map(|v| v.powi(4) / 4.0 + v * v / 2.0 - v).sum();
        own + x.windows(2).map(|w| (w[1] - w[0]).powi(2) / 2.0).sum::<f64>()
    };
    let gradient = |x: &[f64], g: &mut [f64]| {
        for (g, v) in g.iter_mut().zip(x) {
            *g = v.powi(3) + v - 1.0;
        }
        for i in 1..x.len() {
            g[i] += x[i] - x[i - 1];
            g[i - 1] -= x[i] - x[i - 1];
        }
    };
    // ∇²f(x)·v, without ever forming the matrix.
    let product = |x: &[f64], v: &[f64], p: &mut [f64]| {
        for ((p, x), v) in p.iter_mut().zip(x).zip(v) {
            *p = (3.0 * x * x + 1.0) * v;
        }
        for i in 1..v.len() {
            p[i] += v[i] - v[i - 1];
            p[i - 1] -= v[i] - v[i - 1];
        }
    };
    let mut f = from_fn(n, value, gradient).with_hessian_product(product);

    let start: Vec<f64> = (0..n).map(|i| (i as f64).sin() * 3.0).collect();

    let mut newton = TrustRegion::default().with_model(Exact::default());
    let stop = StopWhen::new().gradient_norm_inf(1e-12).iterations(100);
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
    let report = run(&mut newton, &mut f, &start, setup)?;
    println!("{} after {} iterations", report.status, report.iterations);
    println!("{} gradients, {} Hessian products", report.work.gradients, report.work.hessian_products);
    assert!(report.gradient_norm_inf <= 1e-12 && report.iterations < 30);
    Ok(())
}

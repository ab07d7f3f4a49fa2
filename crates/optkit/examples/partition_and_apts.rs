//! Split your own objective and run APTS: local solves on the parts, then a global iteration.
//!
//! `cargo run -p optkit --example partition_and_apts`

use optkit::{Apts, AptsOptions, Partition, Run, StopWhen, Unobserved, from_fn, run};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Two groups of variables of very different scales, loosely coupled.
    let n = 20;
    let scale = move |i: usize| if i < n / 2 { 1.0 } else { 100.0 };
    let value = move |x: &[f64]| {
        let own: f64 = x.iter().enumerate().map(|(i, v)| scale(i) * (v - 1.0).powi(2)).sum();
        own + 0.1 * (x[0] * x[n - 1]).powi(2)
    };
    let gradient = move |x: &[f64], g: &mut [f64]| {
        for (i, (g, v)) in g.iter_mut().zip(x).enumerate() {
            *g = 2.0 * scale(i) * (v - 1.0);
        }
        g[0] += 0.2 * x[0] * x[n - 1] * x[n - 1];
        g[n - 1] += 0.2 * x[0] * x[0] * x[n - 1];
    };
    let mut f = from_fn(n, value, gradient);

    // Contiguous halves here; `Partition::explicit` takes any lists of variables, `Partition::random` deals them.
    let partition = Partition::contiguous(n, 2)?;
    let mut apts = Apts::new(partition, AptsOptions::default());
    let stop = StopWhen::new().gradient_norm_inf(1e-8).iterations(1000);
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
    let report = run(&mut apts, &mut f, &vec![4.0; n], setup)?;
    println!("{} after {} iterations", report.status, report.iterations);
    assert!(report.gradient_norm_inf <= 1e-8);

    // A partition that leaves variables out is refused, with the variable's index.
    let refused = Partition::explicit(4, &[vec![0, 1], vec![3]]);
    println!("{}", refused.as_ref().err().ok_or("index 2 is in no part")?);
    Ok(())
}

//! Objectives over vectors of nalgebra, of a size known when the program runs or when it is compiled.
//!
//! `cargo run -p optkit --features nalgebra --example nalgebra_vectors`

use nalgebra::{DMatrix, DVector, SVector};
use optkit::nalgebra::{dvector, svector};
use optkit::{Run, StartError, StopWhen, TrustRegion, Unobserved, run};

fn main() -> Result<(), StartError> {
    let stop = StopWhen::new().gradient_norm_inf(1e-10).iterations(1000);

    // ½‖Ax − b‖², a least-squares problem of any size.
    let (rows, columns) = (30, 6);
    let a = DMatrix::from_fn(rows, columns, |i, j| ((i * columns + j) as f64).sin());
    let b = DVector::from_fn(rows, |i, _| (i as f64).cos());
    let mut f = dvector(
        columns,
        |x: &DVector<f64>| (&a * x - &b).norm_squared() / 2.0,
        |x: &DVector<f64>, g: &mut DVector<f64>| g.gemv_tr(1.0, &a, &(&a * x - &b), 0.0),
    );
    let start = DVector::zeros(columns);
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
    let report = run(&mut TrustRegion::default(), &mut f, start.as_slice(), setup)?;
    let x = DVector::from_vec(report.point);
    println!("{}: x = {:.4}", report.status, x.transpose());
    let normal = a.transpose() * (&a * &x - &b);
    assert!(normal.amax() <= 1e-9, "{normal}");

    // A function of three variables, with its gradient as a value.
    let target = SVector::from([1.0, -2.0, 0.5]);
    let mut f = svector(
        move |x: &SVector<f64, 3>| (x - target).norm_squared() + (x.norm_squared() - 4.0).powi(2) / 8.0,
        move |x: &SVector<f64, 3>| 2.0 * (x - target) + x * ((x.norm_squared() - 4.0) / 2.0),
    );
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
    let report = run(&mut TrustRegion::default(), &mut f, &[1.0, 1.0, 1.0], setup)?;
    println!("{}: x = {:.4?}", report.status, report.point);
    assert!(report.gradient_norm_inf <= 1e-10);
    Ok(())
}

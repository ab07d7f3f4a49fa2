//! The derivatives of everything that comes with optkit are right, and errors in them are found.

use optkit::data::{Fetch, Locations};
use optkit::derivatives::{self, Checked};
use optkit::functions::{CATALOG, build};
use optkit::{
    Objective, find_wrong_gradient, nearby, problem,
    vector::{distance_inf, norm_inf},
};

/// An objective with one entry of its gradient off, by `error` of the largest.
struct Wrong {
    inner: Box<dyn Objective>,
    coordinate: usize,
    error: f64,
}

impl Objective for Wrong {
    fn dim(&self) -> usize {
        self.inner.dim()
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        self.inner.value(x)
    }
    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let value = self.inner.value_gradient(x, gradient);
        gradient[self.coordinate] += self.error * norm_inf(gradient);
        value
    }
    fn noise(&self) -> f64 {
        self.inner.noise()
    }
}

#[test]
fn no_function_of_the_catalog_is_blamed() {
    for row in CATALOG {
        let mut f = build(row.entry.name, &[]).unwrap();
        let start = f.start();
        // The start, a point beside it, and one farther away.
        for (x, seed) in [(start.clone(), 0), (nearby(&start, 0.5, 7), 1)] {
            for checked in derivatives::check(f.as_mut(), None, &x, seed) {
                let found = checked.found.as_ref();
                assert!(found.is_err() || checked.is_right(), "{}: {checked:?}", row.entry.name);
            }
        }
        let at_start = derivatives::check(f.as_mut(), None, &start, 0);
        assert!(at_start[0].is_right(), "{}: {at_start:?}", row.entry.name);
    }
}

#[test]
fn a_wrong_entry_of_any_function_is_found_or_said_to_be_unresolved() {
    let (mut found, mut open) = (0, 0);
    for row in CATALOG {
        let f = build(row.entry.name, &[]).unwrap();
        let x = nearby(&f.start(), 0.1, 3);
        let n = f.dim();
        for coordinate in [0, n / 2, n - 1] {
            let inner = build(row.entry.name, &[]).unwrap();
            let mut wrong = Wrong { inner, coordinate, error: 1e-5 };
            let Ok(report) = find_wrong_gradient(&mut wrong, None, &x, 1) else { continue };
            let named: Vec<usize> = report.wrong.iter().map(|w| w.coordinate).collect();
            if named == [coordinate] {
                found += 1;
            } else {
                // Rounding in large values, kinks: then the report says so, and blames nothing else.
                let said = report.unresolved > 0 || report.resolution > 1e-5;
                assert!(named.is_empty() && said, "{} {coordinate}: {report:?}", row.entry.name);
                open += 1;
            }
        }
    }
    assert!(open * 6 <= found, "{found} found, {open} not");
}

/// An objective, its more exact twin where there is one, and a point.
type Subject = (Box<dyn Objective>, Option<Box<dyn Objective>>, Vec<f64>);

/// The digits network of the problem file, in `precision`.
fn digits(precision: &str) -> Option<Subject> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../problems/digits_fcnn.apts");
    let set = optkit::lang::Override::parse(&format!("run.precision = {precision}")).unwrap();
    let plan = path.exists().then(|| problem::read(&path, &[set]).unwrap().plan)?;
    let locations = Locations::from_environment(None);
    let assembly = plan.load(&locations, Fetch::Never).unwrap();
    let double = plan.load_double(&locations, Fetch::Never).unwrap();
    Some((assembly.objective, double, assembly.start))
}

#[test]
fn a_problem_s_network_is_right_in_both_precisions_and_found_wrong_where_it_is() {
    for (precision, error) in [("f32", 1e-2), ("f64", 1e-5)] {
        let Some((mut f, mut double, start)) = digits(precision) else { return };
        assert_eq!(double.is_some(), precision == "f32");
        let reference = double.as_mut().map(|f| f.as_mut() as &mut dyn Objective);
        let checked = derivatives::check(f.as_mut(), reference, &start, 4);
        assert_eq!(checked.len(), 4, "gradient and products, at two points");
        assert!(checked.iter().all(Checked::is_right), "{checked:?}");
        for coordinate in [3, 1500, start.len() - 1] {
            let (inner, _, _) = digits(precision).unwrap();
            let mut wrong = Wrong { inner, coordinate, error };
            let reference = double.as_mut().map(|f| f.as_mut() as &mut dyn Objective);
            let report = find_wrong_gradient(&mut wrong, reference, &start, 4).unwrap();
            assert_eq!(report.wrong.len(), 1, "{report:?}");
            assert_eq!(report.wrong[0].coordinate, coordinate);
        }
    }
}

#[test]
fn points_beside_are_near_and_the_same_every_time() {
    let x: Vec<f64> = (0..100).map(|i| f64::from(i) - 50.0).collect();
    let beside = nearby(&x, 0.1, 5);
    assert_eq!(beside, nearby(&x, 0.1, 5));
    assert_ne!(beside, nearby(&x, 0.1, 6));
    assert!(distance_inf(&beside, &x) <= 5.0 && beside.iter().zip(&x).all(|(b, x)| b != x));
}

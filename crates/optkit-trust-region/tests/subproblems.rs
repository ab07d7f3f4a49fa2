//! The contract of every subproblem solver in the table: a step inside the ball with at least the Cauchy decrease.

use optkit_core::vector::dot;
use optkit_core::{Column, Compact, Operator};
use optkit_trust_region::SUBPROBLEMS;
use proptest::prelude::*;

/// B = D + uuᵀ, indefinite where D is; in compact form 0·I + [I u] diag(d, 1) [I u]ᵀ.
struct DiagonalPlusRankOne {
    d: Vec<f64>,
    u: Vec<f64>,
    columns: Vec<Vec<f64>>,
    middle: Vec<f64>,
}

impl DiagonalPlusRankOne {
    fn new(d: Vec<f64>, u: Vec<f64>) -> Self {
        let n = d.len();
        let unit = |j| (0..n).map(|i| f64::from(u8::from(i == j))).collect();
        let mut columns: Vec<Vec<f64>> = (0..n).map(unit).collect();
        columns.push(u.clone());
        let entry = |at| if at % (n + 2) == 0 { *d.get(at / (n + 2)).unwrap_or(&1.0) } else { 0.0 };
        let middle = (0..(n + 1) * (n + 1)).map(entry).collect();
        Self { d, u, columns, middle }
    }
}

impl Operator for DiagonalPlusRankOne {
    fn apply(&mut self, v: &[f64], bv: &mut [f64]) {
        let uv = dot(&self.u, v);
        for i in 0..v.len() {
            bv[i] = self.d[i] * v[i] + uv * self.u[i];
        }
    }
    fn compact(&self) -> Option<&dyn Compact> {
        Some(self)
    }
}

impl Compact for DiagonalPlusRankOne {
    fn dim(&self) -> usize {
        self.d.len()
    }
    fn rank(&self) -> usize {
        self.columns.len()
    }
    fn gamma(&self) -> f64 {
        0.0
    }
    fn column(&self, j: usize) -> Column<'_> {
        Column::Vector(&self.columns[j])
    }
    fn middle(&self) -> &[f64] {
        &self.middle
    }
}

/// m(0) − m(s) by its definition.
fn reduction(gradient: &[f64], b: &mut dyn Operator, step: &[f64]) -> f64 {
    let mut product = vec![0.0; step.len()];
    b.apply(step, &mut product);
    -dot(gradient, step) - 0.5 * dot(step, &product)
}

/// The best reduction along −g inside the ball of `norm(g)·t ≤ radius`, by dense sampling: an oracle of another kind.
fn cauchy_decrease(gradient: &[f64], b: &mut dyn Operator, longest: f64) -> f64 {
    (0..=1000)
        .map(|i| {
            let t = longest * f64::from(i) / 1000.0;
            let step: Vec<f64> = gradient.iter().map(|g| -t * g).collect();
            reduction(gradient, b, &step)
        })
        .fold(0.0, f64::max)
}

fn fixed() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(2000),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(fixed())]

    #[test]
    fn every_solver_achieves_cauchy_decrease_inside_its_ball(
        (gradient, d, u) in (1_usize..30).prop_flat_map(|n| (
            prop::collection::vec(-10.0_f64..10.0, n),
            prop::collection::vec(-5.0_f64..5.0, n),
            prop::collection::vec(-2.0_f64..2.0, n),
        )),
        radius in 1e-6_f64..1e3,
    ) {
        prop_assume!(gradient.iter().any(|g| g.abs() > 1e-3));
        let mut b = DiagonalPlusRankOne::new(d, u);
        for row in SUBPROBLEMS {
            let Some(make) = row.make else { continue };
            let mut solver = make();
            let mut step = vec![0.0; gradient.len()];
            let solved = solver.solve(&gradient, &mut b, radius, &mut step);
            let length = solver.norm().of(&step);
            prop_assert!(length <= radius * (1.0 + 1e-14), "{}: {length} > {radius}", row.entry.name);
            if solved.on_boundary {
                prop_assert!(length >= radius * (1.0 - 1e-12), "{}: {length} < {radius}", row.entry.name);
            }
            let truth = reduction(&gradient, &mut b, &step);
            let scale = dot(&gradient, &gradient) * radius.max(1.0) + 1.0;
            prop_assert!((solved.predicted_reduction - truth).abs() <= 1e-10 * scale.max(truth.abs()));
            let longest = radius / solver.norm().of(&gradient);
            let wanted = cauchy_decrease(&gradient, &mut b, longest);
            prop_assert!(truth >= wanted - 1e-10 * wanted.abs(), "{}: {truth} < {wanted}", row.entry.name);
        }
    }
}

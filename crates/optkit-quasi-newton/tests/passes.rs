//! Passes over the columns of Ψ give what loops over matrices give, for every number of columns: kernels take four at a
//! time, and two by four, and what is left over must not be left out.

use optkit_core::Column;
use optkit_quasi_newton::compact::{
    Columns, Panels, Passes, combine, form, gram, project, transform_in_place,
};

/// Pairs and their γ; ψ = y − γs.
struct Dense {
    n: usize,
    s: Vec<Vec<f64>>,
    y: Vec<Vec<f64>>,
}

const GAMMA: f64 = 0.5;

impl Dense {
    fn new(n: usize, k: usize) -> Self {
        let vector = |seed: usize| (0..n).map(|i| (((i + 1) * (seed + 1)) as f64 * 0.61).sin()).collect();
        Self { n, s: (0..k).map(vector).collect(), y: (k..2 * k).map(vector).collect() }
    }

    fn psi(&self, j: usize) -> Vec<f64> {
        self.y[j].iter().zip(&self.s[j]).map(|(y, s)| y - GAMMA * s).collect()
    }
}

impl Columns for Dense {
    fn rows(&self) -> usize {
        self.n
    }
    fn count(&self) -> usize {
        self.s.len()
    }
    fn gamma(&self) -> f64 {
        GAMMA
    }
    fn block(&self, j: usize, rows: std::ops::Range<usize>) -> Column<'_> {
        Column::Pair { s: &self.s[j][rows.clone()], y: &self.y[j][rows] }
    }
}

fn products(columns: &[Vec<f64>]) -> Vec<f64> {
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    columns.iter().flat_map(|right| columns.iter().map(move |left| dot(left, right))).collect()
}

/// ΨW by columns.
fn times(columns: &[Vec<f64>], w: &[f64]) -> Vec<Vec<f64>> {
    let m = columns.len();
    let row = |w: &[f64], i: usize| (0..m).map(|j| w[j] * columns[j][i]).sum();
    w.chunks(m).map(|w| (0..columns[0].len()).map(|i| row(w, i)).collect()).collect()
}

fn near(what: &str, got: &[f64], expected: &[f64], n: usize) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (at, (got, expected)) in got.iter().zip(expected).enumerate() {
        // Sums of n terms of size up to about ten, in another order.
        assert!((got - expected).abs() <= 1e-14 * n as f64, "{what}, entry {at}: {got} {expected}");
    }
}

fn column(panels: &Panels, j: usize) -> Vec<f64> {
    let blocks = (0..panels.rows()).step_by(4096);
    blocks
        .flat_map(|start| match panels.block(j, start..panels.rows().min(start + 4096)) {
            Column::Vector(x) => x.to_vec(),
            Column::Pair { .. } => panic!("panels hold vectors"),
        })
        .collect()
}

#[test]
fn sums_and_combinations_hold_every_column() {
    let mut passes = Passes::default();
    for n in [1, 9, 1000, 20_001] {
        for k in 1..=13 {
            let psi = Dense::new(n, k);
            let columns: Vec<_> = (0..k).map(|j| psi.psi(j)).collect();
            let mut sums = vec![f64::NAN; k * k];
            gram(&psi, &mut passes, &mut sums);
            near("Gram matrix", &sums, &products(&columns), n);

            let v: Vec<f64> = (0..n).map(|i| (i as f64).cos()).collect();
            let mut projected = vec![f64::NAN; k];
            project(&psi, &v, &mut passes, &mut projected);
            let with_v: Vec<_> = columns.iter().cloned().chain([v.clone()]).collect();
            near("Ψᵀv", &projected, &products(&with_v)[k * (k + 1)..][..k], n);

            let mut out = vec![f64::NAN; n];
            combine(&psi, (2.0, &v, &projected), &[], &mut passes, &mut out);
            let expected = times(&columns, &projected);
            let expected: Vec<f64> = v.iter().zip(&expected[0]).map(|(v, p)| 2.0 * (v - p)).collect();
            near("2(v − ΨΨᵀv)", &out, &expected, 100 * n * n);
        }
    }
}

#[test]
fn a_basis_is_formed_from_every_column_and_changed_in_place() {
    let mut passes = Passes::default();
    for n in [1, 9, 1000, 20_001] {
        for k in 1..=13 {
            let psi = Dense::new(n, k);
            let columns: Vec<_> = (0..k).map(|j| psi.psi(j)).collect();
            let w: Vec<f64> = (0..k * k).map(|at| ((at * at) as f64).sin()).collect();
            let (mut panels, mut sums) = (Panels::default(), vec![f64::NAN; k * k]);
            form(&psi, &w, &mut passes, &mut panels, &mut sums);
            let first = times(&columns, &w);
            (0..k).for_each(|j| near("ΨW", &column(&panels, j), &first[j], 100));
            near("its Gram matrix", &sums, &products(&first), 100 * n);

            transform_in_place(&mut panels, &w, &mut passes, &mut sums);
            let second = times(&first, &w);
            (0..k).for_each(|j| near("QW", &column(&panels, j), &second[j], 1000));
            near("Gram matrix of QW", &sums, &products(&second), 10_000 * n);
        }
    }
}

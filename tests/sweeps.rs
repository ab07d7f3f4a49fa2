//! Multiplicative sweeps of the two-level method: block Gauss–Seidel, over chosen parts, on everything that has models.

use std::sync::Arc;

use optkit::data::{self, Fetch, Locations};
use optkit::functions::build;
use optkit::nn::{Layer, Loss, Network, NetworkObjective, Samples, Targets, Tensor};
use optkit::{
    Archive, Combine, Control, Flow, HessianProduct, Objective, Optimizer, Partition, Residuals, StartError,
    Status, Subset, TwoLevel, TwoLevelOptions,
};

/// A linear least-squares problem, Σᵢ (aᵢᵀx − bᵢ)², by its residuals or by products with its Hessian alone.
struct Linear {
    rows: Vec<Vec<f64>>,
    right: Vec<f64>,
    has_residuals: bool,
}

impl Linear {
    /// Twelve rows of five numbers between −1 and 1, coupled throughout.
    fn new(has_residuals: bool) -> Self {
        let number = |k: usize| (k as f64 * 1.7 + 0.3).sin();
        let row = |i: usize| (0..5).map(|j| number(5 * i + j) + f64::from(u8::from(i % 5 == j))).collect();
        Self {
            rows: (0..12).map(row).collect(),
            right: (0..12).map(|i| number(100 + i)).collect(),
            has_residuals,
        }
    }

    fn residual(&self, i: usize, x: &[f64]) -> f64 {
        self.rows[i].iter().zip(x).map(|(a, x)| a * x).sum::<f64>() - self.right[i]
    }
}

impl Objective for Linear {
    fn dim(&self) -> usize {
        5
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        (0..self.rows.len()).map(|i| self.residual(i, x).powi(2)).sum()
    }
    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        gradient.fill(0.0);
        for (i, row) in self.rows.iter().enumerate() {
            let r = self.residual(i, x);
            gradient.iter_mut().zip(row).for_each(|(g, a)| *g += 2.0 * r * a);
        }
        self.value(x)
    }
    fn residuals(&mut self) -> Option<&mut dyn Residuals> {
        if self.has_residuals { Some(self) } else { None }
    }
    fn hessian_product(&mut self) -> Option<&mut dyn HessianProduct> {
        Some(self)
    }
}

impl Residuals for Linear {
    fn count(&self) -> usize {
        self.rows.len()
    }
    fn residuals(&mut self, x: &[f64], residuals: &mut [f64]) {
        residuals.iter_mut().enumerate().for_each(|(i, r)| *r = self.residual(i, x));
    }
    fn jacobian(&mut self, _x: &[f64], entry: &mut dyn FnMut(usize, usize, f64)) {
        for (i, row) in self.rows.iter().enumerate() {
            row.iter().enumerate().for_each(|(j, &a)| entry(i, j, a));
        }
    }
}

impl HessianProduct for Linear {
    fn apply(&mut self, _x: &[f64], v: &[f64], product: &mut [f64]) {
        product.fill(0.0);
        for row in &self.rows {
            let along: f64 = row.iter().zip(v).map(|(a, v)| a * v).sum();
            product.iter_mut().zip(row).for_each(|(p, a)| *p += 2.0 * along * a);
        }
    }
}

/// x ← A⁻¹ b by elimination with pivots; A by rows.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for column in 0..n {
        let largest = |&i: &usize, &j: &usize| a[i][column].abs().total_cmp(&a[j][column].abs());
        let pivot = (column..n).max_by(largest).unwrap();
        a.swap(column, pivot);
        b.swap(column, pivot);
        for row in column + 1..n {
            let factor = a[row][column] / a[column][column];
            let above = a[column].clone();
            a[row].iter_mut().zip(&above).for_each(|(to, from)| *to -= factor * from);
            b[row] -= factor * b[column];
        }
    }
    for row in (0..n).rev() {
        let rest: f64 = (row + 1..n).map(|j| a[row][j] * b[j]).sum();
        b[row] = (b[row] - rest) / a[row][row];
    }
    b
}

/// Block Gauss–Seidel by hand: of a quadratic f, whose Hessian's columns are differences of gradients, each part in its
/// turn at the minimum that the others leave it.
fn gauss_seidel(f: &mut dyn Objective, parts: &[Subset], order: &[usize], x: &mut [f64]) {
    let n = x.len();
    let gradient = |f: &mut dyn Objective, x: &[f64]| {
        let mut gradient = vec![0.0; n];
        f.value_gradient(x, &mut gradient);
        gradient
    };
    let at_zero = gradient(f, &vec![0.0; n]);
    let columns: Vec<Vec<f64>> = (0..n)
        .map(|j| {
            let mut unit = vec![0.0; n];
            unit[j] = 1.0;
            gradient(f, &unit).iter().zip(&at_zero).map(|(a, b)| a - b).collect()
        })
        .collect();
    for &part in order {
        let own: Vec<usize> = parts[part].indices().collect();
        let g = gradient(f, x);
        let block = own.iter().map(|&i| own.iter().map(|&j| columns[j][i]).collect()).collect();
        let step = solve(block, own.iter().map(|&i| -g[i]).collect());
        own.iter().zip(step).for_each(|(&i, s)| x[i] += s);
    }
}

/// One iteration from `start`, with sweeps over `order` where it is given.
fn iterate(
    f: &mut dyn Objective,
    (partition, options): (&Partition, TwoLevelOptions),
    order: Option<&[usize]>,
    start: &[f64],
) -> Vec<f64> {
    let method = TwoLevel::new(partition.clone(), options);
    let mut method = match order {
        Some(order) => method.with_swept_parts(order.to_vec()),
        None => method,
    };
    method.start(f, start, None).unwrap();
    assert!(matches!(method.step(f), Flow::Continue(_)));
    method.current().x.to_vec()
}

/// Sweeps of `f`, a quadratic, from where an iteration without them ends, are block Gauss–Seidel sweeps to `digits`: in
/// the order given, over the parts given and no others, as often as they are repeated.
fn sweeps_are_gauss_seidel(what: &str, f: &mut dyn Objective, partition: &Partition, digits: f64) {
    let start: Vec<f64> = (0..f.dim()).map(|i| 0.5 * (i as f64 * 0.9 + 0.2).cos()).collect();
    // Damping that is lost in the digits that are compared.
    let damping = 1e-4 * digits;
    let base = TwoLevelOptions {
        damping,
        min_damping: damping,
        combine: Combine::Coarse { previous: true },
        sweeps: 0,
        ..TwoLevelOptions::least_squares()
    };
    let before = iterate(f, (partition, base), None, &start);
    for (order, repeat) in
        [(&[0, 1][..], 1), (&[1, 0], 1), (&[0, 1, 0], 1), (&[0, 1], 3), (&[1], 1), (&[0], 1)]
    {
        for combine in [base.combine, Combine::Additive] {
            // The step before the sweeps is the same: only its recombination depends on `combine`.
            let options = TwoLevelOptions { combine, ..base };
            let before = if combine == base.combine {
                before.clone()
            } else {
                iterate(f, (partition, options), None, &start)
            };
            let mut expected = before.clone();
            (0..repeat).for_each(|_| gauss_seidel(f, partition.parts(), order, &mut expected));
            let options = TwoLevelOptions { sweeps: repeat, ..options };
            let swept = iterate(f, (partition, options), Some(order), &start);
            let size = expected.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
            let apart =
                |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / size;
            let (off, moved) = (apart(&swept, &expected), apart(&swept, &before));
            println!("{what}, {order:?} × {repeat}, {combine:?}: off by {off:.1e}, moved by {moved:.1e}");
            assert!(off <= digits, "{what}, {order:?} × {repeat}, {combine:?}: off by {off:e}");
            assert!(moved > 10.0 * digits, "{what}, {order:?}: nothing moved");
            for part in (0..2).filter(|part| !order.contains(part)) {
                let own: Vec<usize> = partition.parts()[part].indices().collect();
                assert!(own.iter().all(|&i| swept[i] == before[i]), "{what}: part {part} moved");
            }
        }
    }
}

#[test]
fn on_a_quadratic_a_sweep_is_block_gauss_seidel() {
    let partition = Partition::explicit(5, &[vec![0, 3], vec![1, 2, 4]]).unwrap();
    sweeps_are_gauss_seidel("residuals", &mut Linear::new(true), &partition, 1e-9);
    sweeps_are_gauss_seidel("products of the whole", &mut Linear::new(false), &partition, 1e-7);
    let mut trid = build("trid", &[("n", 7.0)]).unwrap();
    let partition = Partition::contiguous(7, 2).unwrap();
    assert!(trid.residuals().is_none() && trid.decompose(partition.parts()).is_ok());
    sweeps_are_gauss_seidel("products of the parts", trid.as_mut(), &partition, 1e-7);
}

/// A single layer under the mean squared error is a quadratic of which the Kronecker models are exact. Its weights are
/// the head: the part that holds them is solved anew as any other is.
#[test]
fn a_sweep_over_weights_and_bias_of_a_layer_is_block_gauss_seidel() {
    let count = 200;
    let network = Network::new(vec![4], vec![Layer::Dense { outputs: 3 }]).unwrap();
    let values = (0..count * 4).map(|i| (i % 97 * i % 89) as f32 / 89.0 + 0.2 * (i % 4) as f32).collect();
    let labels: Vec<u8> = (0..count).map(|i| (i * i % 3) as u8).collect();
    let samples = Arc::new(Samples::from_floats(values, 4).unwrap());
    let targets = Arc::new(Targets::labels(&labels, 3).unwrap());
    let mut f = NetworkObjective::<f64>::new(&network, Loss::MeanSquared, samples, targets).unwrap();
    let part = |t: &Tensor| Subset::from_ranges(network.dim(), std::iter::once(t.range.clone())).unwrap();
    let parts = network.tensors().iter().map(part).collect();
    let partition = Partition::new(network.dim(), parts).unwrap();
    sweeps_are_gauss_seidel("a layer", &mut f, &partition, 1e-7);
}

/// The handwritten digits on 64-16-16-10, a part a layer.
struct Digits {
    network: Network,
    samples: Arc<Samples>,
    targets: Arc<Targets>,
}

impl Digits {
    fn new() -> Self {
        let all = data::load("digits", None, &Locations::from_environment(None), Fetch::Never).unwrap();
        let dense = |outputs| Layer::Dense { outputs };
        let layers = vec![dense(16), Layer::Tanh, dense(16), Layer::Tanh, dense(10)];
        Self {
            network: Network::new(vec![64], layers).unwrap(),
            samples: Arc::new(Samples::from_bytes(&all.train.features, 64, all.scale).unwrap()),
            targets: Arc::new(Targets::labels(&all.train.labels, 10).unwrap()),
        }
    }

    fn objective(&self) -> NetworkObjective {
        let (samples, targets) = (self.samples.clone(), self.targets.clone());
        NetworkObjective::new(&self.network, Loss::CrossEntropy, samples, targets).unwrap()
    }

    fn method(&self, options: TwoLevelOptions, order: &[usize]) -> TwoLevel {
        let dim = self.network.dim();
        let part = |t: &[Tensor]| Subset::from_ranges(dim, t.iter().map(|t| t.range.clone())).unwrap();
        let parts = self.network.tensors().chunks(2).map(part).collect();
        TwoLevel::new(Partition::new(dim, parts).unwrap(), options).with_swept_parts(order.to_vec())
    }

    fn started(&self, options: TwoLevelOptions, order: &[usize]) -> (NetworkObjective, TwoLevel) {
        let (mut f, mut method) = (self.objective(), self.method(options, order));
        method.start(&mut f, &self.network.initial(3), None).unwrap();
        (f, method)
    }
}

const ORDERS: [&[usize]; 4] = [&[0, 1, 2], &[2, 1, 0, 1, 2], &[1, 2], &[0]];

fn settings() -> [TwoLevelOptions; 3] {
    let base = TwoLevelOptions { sweeps: 2, ..TwoLevelOptions::default() };
    [
        base,
        TwoLevelOptions { control: Control::Radius, ..base },
        TwoLevelOptions { combine: Combine::Additive, ..base },
    ]
}

/// Over any parts, in any order, the loss never rises; it is what an evaluation that knows nothing of the run gives; and
/// an iteration with sweeps brings more than one without, and costs more.
#[test]
fn on_a_network_sweeps_over_any_parts_lower_the_loss() {
    let digits = Digits::new();
    for options in settings() {
        let run = |order: &[usize]| {
            let (mut f, mut method) = digits.started(options, order);
            let mut value = method.current().value;
            for _ in 0..8 {
                let step = match method.step(&mut f) {
                    Flow::Continue(step) => step,
                    // Fitted: nothing is left but rounding.
                    Flow::Done(Status::WithinRounding { .. }) if value < 1e-8 => break,
                    Flow::Done(status) => panic!("{order:?} {options:?} ended: {status}"),
                };
                assert!(step.value <= value, "{order:?} {options:?}: {value} then {}", step.value);
                value = step.value;
                let most = 3 + options.sweeps * order.len() as u32;
                assert!((3..=most).contains(&step.local_iterations), "{}", step.local_iterations);
            }
            let anew = digits.objective().value(method.current().x);
            assert!(
                (anew - value).abs() <= 1e-5 * value.max(1e-2),
                "{order:?} {options:?}: {value} is {anew}"
            );
            (value, method.work().gradient_equivalents)
        };
        let plain = run(&[]);
        for order in ORDERS {
            let swept = run(order);
            println!("{:?} {:?} {order:?}: {swept:?}, without {plain:?}", options.control, options.combine);
            assert!(swept.0 < plain.0, "{order:?} {options:?}: {} without sweeps, {} with", plain.0, swept.0);
            assert!(swept.1 > plain.1, "{order:?} {options:?}: sweeps that cost nothing");
        }
    }
}

/// All entries to the bit: a radius that is not controlled is NaN.
fn bits(method: &TwoLevel, f: &NetworkObjective) -> Vec<(String, Vec<u64>)> {
    let mut archive = Archive::default();
    archive.scope("method", |a| method.save(a));
    archive.scope("objective", |a| f.save(a));
    let of = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect();
    let arrays = archive.arrays().map(|(name, values)| (name.to_owned(), of(values)));
    arrays.chain(archive.integers().map(|(name, value)| (name.to_owned(), vec![value]))).collect()
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let digits = Digits::new();
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let (mut f, mut method) = digits.started(settings()[0], ORDERS[1]);
            (0..4).for_each(|_| assert!(matches!(method.step(&mut f), Flow::Continue(_))));
            bits(&method, &f)
        })
    };
    let one = run(1);
    assert!(one == run(2));
    assert!(one == run(5));
}

#[test]
fn resume_equals_uninterrupted_bitwise() {
    let digits = Digits::new();
    for (options, order) in settings().into_iter().zip(ORDERS) {
        let (mut f, mut method) = digits.started(options, order);
        let mut states = Vec::new();
        for _ in 0..6 {
            method.prepare(&mut f).unwrap();
            let mut archive = Archive::default();
            archive.scope("method", |a| method.save(a));
            archive.scope("objective", |a| f.save(a));
            states.push((archive, bits(&method, &f)));
            method.step(&mut f);
        }
        for from in [0, 1, 4] {
            let (mut f, mut method) = digits.started(options, order);
            method.load(&states[from].0.scoped("method")).unwrap();
            f.load(&states[from].0.scoped("objective")).unwrap();
            for (i, (_, expected)) in states.iter().enumerate().skip(from) {
                method.prepare(&mut f).unwrap();
                assert!(bits(&method, &f) == *expected, "{options:?} {order:?}: taken up at {from}, at {i}");
                method.step(&mut f);
            }
        }
    }
}

#[test]
fn parts_that_there_are_not_are_refused() {
    let mut f = Linear::new(true);
    let partition = Partition::contiguous(5, 2).unwrap();
    let options = TwoLevelOptions { sweeps: 1, ..TwoLevelOptions::least_squares() };
    let mut method = TwoLevel::new(partition, options).with_swept_parts(vec![1, 2]);
    let refused = method.start(&mut f, &[0.0; 5], None).unwrap_err();
    assert_eq!(refused, StartError::SweptPart { part: 3, parts: 2 });
    assert_eq!(refused.to_string(), "sweeps visit part 3, but the partition has 2; number them from 1 to 2");
}

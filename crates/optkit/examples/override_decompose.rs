//! Teach an objective to split, so that a part costs a part: override `decompose`.
//!
//! `cargo run -p optkit --example override_decompose`

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use optkit::{
    Apts, AptsOptions, Cost, Decomposition, Objective, Partition, Pass, Run, StopWhen, Subset, Unobserved,
    Unsupported, Work, run,
};

/// f(x) = Σ tᵢ(x),  tᵢ = (xᵢ − 1)⁴/4 + (xᵢ − xᵢ₋₁)²/2: every term touches two neighbours.
struct Chain {
    dim: usize,
    work: Work,
    splits: bool,
}

/// tᵢ, and its slopes by xᵢ₋₁ and xᵢ.
fn term(x: &[f64], i: usize) -> (f64, f64, f64) {
    let stretch = if i == 0 { 0.0 } else { x[i] - x[i - 1] };
    let own = x[i] - 1.0;
    (own.powi(4) / 4.0 + stretch * stretch / 2.0, -stretch, own.powi(3) + stretch)
}

fn count(work: &mut Work, share: f64, gradient: bool) {
    work.values += 1;
    work.gradients += u64::from(gradient);
    work.gradient_equivalents += if gradient { share } else { 0.5 * share };
}

impl Objective for Chain {
    fn dim(&self) -> usize {
        self.dim
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        count(&mut self.work, 1.0, false);
        (0..self.dim).map(|i| term(x, i).0).sum()
    }
    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        count(&mut self.work, 1.0, true);
        gradient.fill(0.0);
        let mut value = 0.0;
        for i in 0..self.dim {
            let (t, before, here) = term(x, i);
            value += t;
            gradient[i] += here;
            if i > 0 {
                gradient[i - 1] += before;
            }
        }
        value
    }
    fn work(&self) -> Work {
        self.work
    }
    fn decompose(&self, parts: &[Subset]) -> Result<Box<dyn Decomposition>, Unsupported> {
        if self.splits { Ok(Box::new(Split::new(self.dim, parts))) } else { Err(Unsupported) }
    }
}

/// What a part stands on: all variables, and the sum of the terms that it does not touch.
#[derive(Default)]
struct Frozen {
    x: Vec<f64>,
    elsewhere: f64,
}

type Cell = Arc<Mutex<Frozen>>;

fn open(cell: &Cell) -> MutexGuard<'_, Frozen> {
    cell.lock().unwrap_or_else(PoisonError::into_inner)
}

/// f as a function of some variables, at the cost of the terms that touch them.
struct Part {
    subset: Subset,
    terms: Vec<usize>,
    cell: Cell,
    share: f64,
    whole_gradient: Vec<f64>,
    work: Work,
}

impl Objective for Part {
    fn dim(&self) -> usize {
        self.subset.len()
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        count(&mut self.work, self.share, false);
        let mut frozen = open(&self.cell);
        self.subset.scatter(x, &mut frozen.x);
        frozen.elsewhere + self.terms.iter().map(|&i| term(&frozen.x, i).0).sum::<f64>()
    }
    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        count(&mut self.work, self.share, true);
        let mut frozen = open(&self.cell);
        self.subset.scatter(x, &mut frozen.x);
        for &i in &self.terms {
            self.whole_gradient[i.saturating_sub(1)] = 0.0;
            self.whole_gradient[i] = 0.0;
        }
        let mut value = frozen.elsewhere;
        for &i in &self.terms {
            let (t, before, here) = term(&frozen.x, i);
            value += t;
            self.whole_gradient[i] += here;
            if i > 0 {
                self.whole_gradient[i - 1] += before;
            }
        }
        self.subset.gather(&self.whole_gradient, gradient);
        value
    }
    fn work(&self) -> Work {
        self.work
    }
}

struct Split {
    dim: usize,
    terms: Vec<Vec<usize>>,
    cells: Vec<Cell>,
    parts: Vec<Box<dyn Objective>>,
}

impl Split {
    fn new(dim: usize, subsets: &[Subset]) -> Self {
        let cells: Vec<Cell> = subsets.iter().map(|_| Cell::default()).collect();
        let terms: Vec<Vec<usize>> = subsets.iter().map(|subset| touched(dim, subset)).collect();
        let parts = subsets.iter().zip(&terms).zip(&cells).map(|((subset, terms), cell)| {
            Box::new(Part {
                subset: subset.clone(),
                share: terms.len() as f64 / dim as f64,
                terms: terms.clone(),
                cell: Arc::clone(cell),
                whole_gradient: vec![0.0; dim],
                work: Work::default(),
            }) as Box<dyn Objective>
        });
        Self { dim, parts: parts.collect(), terms, cells }
    }
}

/// The terms in which a variable of `subset` stands.
fn touched(dim: usize, subset: &Subset) -> Vec<usize> {
    let mut terms: Vec<usize> = subset.indices().flat_map(|i| [i, i + 1]).filter(|&i| i < dim).collect();
    terms.sort_unstable();
    terms.dedup();
    terms
}

impl Decomposition for Split {
    fn freeze(&mut self, x: &[f64], _pass: Pass) {
        for part in 0..self.cells.len() {
            self.update(part, x);
        }
    }
    fn update(&mut self, part: usize, x: &[f64]) {
        let mut frozen = open(&self.cells[part]);
        frozen.x.clear();
        frozen.x.extend_from_slice(x);
        let elsewhere = (0..self.dim).filter(|i| self.terms[part].binary_search(i).is_err());
        frozen.elsewhere = elsewhere.map(|i| term(x, i).0).sum();
    }
    fn parts(&mut self) -> &mut [Box<dyn Objective>] {
        &mut self.parts
    }
    fn cost(&self, part: usize) -> Cost {
        let share = self.terms[part].len() as f64 / self.dim as f64;
        Cost { forward: share, backward: share }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (n, parts) = (400, 8);
    let mut spent = Vec::new();
    for splits in [false, true] {
        let mut f = Chain { dim: n, work: Work::default(), splits };
        let start: Vec<f64> = (0..n).map(|i| 3.0 * (i as f64).cos()).collect();
        let mut apts = Apts::new(Partition::contiguous(n, parts)?, AptsOptions::default());
        let stop = StopWhen::new().gradient_norm_inf(1e-4).iterations(2000);
        let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
        let report = run(&mut apts, &mut f, &start, setup)?;
        let work = report.work.gradient_equivalents;
        println!(
            "{:<8} {}, {work:.0} gradient equivalents",
            if splits { "split" } else { "whole" },
            report.status
        );
        assert!(report.gradient_norm_inf <= 1e-4);
        spent.push(work);
    }
    assert!(spent[1] < 0.5 * spent[0], "parts cost less than the whole: {spent:?}");
    Ok(())
}

//! Sums of squares of residuals that each see a few variables.
//!
//! ```text
//! f(x) = Σₖ Σᵣ rₖᵣ(x_{k1}, …, x_{kW})²
//! ```
//!
//! Most classics have this form (Moré, Garbow & Hillstrom 1981 write all of theirs so). A function states its
//! residuals once, over any [`Number`]; gradients, Hessian products and decompositions follow. A part of a
//! decomposition evaluates only the blocks that touch it.

use std::array;
use std::ops::Range;

use optkit_core::{Cost, Decomposition, Subset, Unsupported};

use crate::Minimum;
use crate::atoms::{Atoms, CompensatedSum, Holders};
use crate::number::{Dual, Number};
use crate::split::{Ground, Split};
use crate::tallied::{Evaluate, Formula, Tallied};

/// `blocks` blocks of R residuals in W variables each.
pub(crate) trait Residuals<const W: usize, const R: usize>: Clone + Send + 'static {
    fn dim(&self) -> usize;
    fn blocks(&self) -> usize;
    /// The variables of a block, all different.
    fn variables(&self, block: usize) -> [usize; W];
    fn residuals<T: Number>(&self, block: usize, x: [T; W]) -> [T; R];
    fn start(&self) -> Vec<f64>;
    fn minima(&self) -> Vec<Minimum>;
}

/// The whole sum.
#[derive(Clone, Debug)]
pub(crate) struct SumOfSquares<F, const W: usize, const R: usize>(pub(crate) F);

fn block_value<F: Residuals<W, R>, const W: usize, const R: usize>(f: &F, block: usize, x: [f64; W]) -> f64 {
    f.residuals(block, x).iter().map(|r| r * r).sum()
}

/// Value and ∇ = 2 Σ r∇r.
fn block_gradient<F: Residuals<W, R>, const W: usize, const R: usize>(
    f: &F,
    block: usize,
    x: [f64; W],
) -> (f64, [f64; W]) {
    let residuals = f.residuals(block, Dual::variables(x));
    let value = residuals.iter().map(|r| r.value * r.value).sum();
    let slope = |i: usize| residuals.iter().map(|r| 2.0 * r.value * r.partials[i]).sum();
    (value, array::from_fn(slope))
}

/// ∇²·v = 2 Σ (∇rᵀv)∇r + r∇²r·v.
fn block_product<F: Residuals<W, R>, const W: usize, const R: usize>(
    f: &F,
    block: usize,
    x: [f64; W],
    v: [f64; W],
) -> [f64; W] {
    let along: [Dual<f64, 1>; W] = array::from_fn(|i| Dual { value: x[i], partials: [v[i]] });
    let residuals = f.residuals(block, Dual::variables(along));
    array::from_fn(|i| {
        let term = |r: &Dual<Dual<f64, 1>, W>| {
            r.value.partials[0] * r.partials[i].value + r.value.value * r.partials[i].partials[0]
        };
        2.0 * residuals.iter().map(term).sum::<f64>()
    })
}

/// The sum over `range` in halves, so that its rounding error grows with log n and its order never changes.
fn pairwise(range: Range<usize>, term: &mut impl FnMut(usize) -> f64) -> f64 {
    const LEAF: usize = 128;
    if range.len() <= LEAF {
        return range.map(term).sum();
    }
    let middle = range.start + range.len() / 2;
    pairwise(range.start..middle, term) + pairwise(middle..range.end, term)
}

fn pick<const W: usize>(x: &[f64], places: [usize; W]) -> [f64; W] {
    places.map(|place| x[place])
}

fn add_at<const W: usize>(local: [f64; W], places: [usize; W], into: &mut [f64]) {
    for (place, local) in places.into_iter().zip(local) {
        into[place] += local;
    }
}

impl<F: Residuals<W, R>, const W: usize, const R: usize> Evaluate for SumOfSquares<F, W, R> {
    fn dim(&self) -> usize {
        self.0.dim()
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        let f = &self.0;
        pairwise(0..f.blocks(), &mut |block| block_value(f, block, pick(x, f.variables(block))))
    }
    fn gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let f = &self.0;
        gradient.fill(0.0);
        pairwise(0..f.blocks(), &mut |block| {
            let places = f.variables(block);
            let (value, local) = block_gradient(f, block, pick(x, places));
            add_at(local, places, gradient);
            value
        })
    }
    fn product(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        let f = &self.0;
        product.fill(0.0);
        for block in 0..f.blocks() {
            let places = f.variables(block);
            add_at(block_product(f, block, pick(x, places), pick(v, places)), places, product);
        }
    }
    fn decompose(&self, subsets: &[Subset]) -> Result<Box<dyn Decomposition>, Unsupported> {
        Ok(Box::new(split(&self.0, subsets)))
    }
}

impl<F: Residuals<W, R>, const W: usize, const R: usize> Formula for SumOfSquares<F, W, R> {
    fn start(&self) -> Vec<f64> {
        self.0.start()
    }
    fn minima(&self) -> Vec<Minimum> {
        self.0.minima()
    }
}

/// The blocks that touch one subset, over its variables followed by the frozen ones which those blocks see.
struct Part<F, const W: usize, const R: usize> {
    f: F,
    own: usize,
    blocks: Vec<(usize, [usize; W])>,
    frozen: Vec<usize>,
    point: Vec<f64>,
    direction: Vec<f64>,
    result: Vec<f64>,
    /// The sum of the blocks that do not touch the part.
    rest: f64,
}

impl<F: Residuals<W, R>, const W: usize, const R: usize> Part<F, W, R> {
    /// `place` is scratch of length n, `usize::MAX` everywhere, and is left so.
    fn new(f: &F, subset: &Subset, blocks: Vec<usize>, place: &mut [usize]) -> Self {
        let own = subset.len();
        for (at, variable) in subset.indices().enumerate() {
            place[variable] = at;
        }
        let mut frozen = Vec::new();
        let blocks: Vec<_> = blocks
            .into_iter()
            .map(|block| {
                let places = f.variables(block).map(|variable| {
                    if place[variable] == usize::MAX {
                        place[variable] = own + frozen.len();
                        frozen.push(variable);
                    }
                    place[variable]
                });
                (block, places)
            })
            .collect();
        for variable in subset.indices().chain(frozen.iter().copied()) {
            place[variable] = usize::MAX;
        }
        let seen = own + frozen.len();
        let (point, direction, result) = (vec![0.0; seen], vec![0.0; seen], vec![0.0; seen]);
        Self { f: f.clone(), own, blocks, frozen, point, direction, result, rest: 0.0 }
    }
}

impl<F: Residuals<W, R>, const W: usize, const R: usize> Evaluate for Part<F, W, R> {
    fn dim(&self) -> usize {
        self.own
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        self.point[..self.own].copy_from_slice(x);
        let Self { f, blocks, point, .. } = self;
        self.rest
            + pairwise(0..blocks.len(), &mut |k| {
                let (block, places) = blocks[k];
                block_value(f, block, pick(point, places))
            })
    }
    fn gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.point[..self.own].copy_from_slice(x);
        let Self { f, blocks, point, result, .. } = self;
        result.fill(0.0);
        let touched = pairwise(0..blocks.len(), &mut |k| {
            let (block, places) = blocks[k];
            let (value, local) = block_gradient(f, block, pick(point, places));
            add_at(local, places, result);
            value
        });
        gradient.copy_from_slice(&self.result[..self.own]);
        self.rest + touched
    }
    fn product(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        self.point[..self.own].copy_from_slice(x);
        self.direction[..self.own].copy_from_slice(v); // zero where frozen
        let Self { f, blocks, point, direction, result, .. } = self;
        result.fill(0.0);
        for &(block, places) in &*blocks {
            let local = block_product(f, block, pick(point, places), pick(direction, places));
            add_at(local, places, result);
        }
        product.copy_from_slice(&self.result[..self.own]);
    }
}

/// The values of all blocks, summed by the parts that they touch.
struct Blocks<F, const W: usize, const R: usize> {
    f: F,
    atoms: Atoms,
    sums: Vec<CompensatedSum>,
}

impl<F: Residuals<W, R>, const W: usize, const R: usize> Ground for Blocks<F, W, R> {
    type Part = Part<F, W, R>;
    fn survey(&mut self, x: &[f64]) {
        self.sums.fill(CompensatedSum::default());
        for (block, &atom) in self.atoms.of_items().iter().enumerate() {
            self.sums[atom].add(block_value(&self.f, block, pick(x, self.f.variables(block))));
        }
    }
    fn place(&self, index: usize, part: &mut Self::Part, x: &[f64]) {
        for (frozen, value) in part.frozen.iter().zip(&mut part.point[part.own..]) {
            *value = x[*frozen];
        }
        let mut rest = CompensatedSum::default();
        for atom in self.atoms.outside(index) {
            rest.add(self.sums[atom].total());
        }
        part.rest = rest.total();
    }
}

fn split<F: Residuals<W, R>, const W: usize, const R: usize>(
    f: &F,
    subsets: &[Subset],
) -> Split<Blocks<F, W, R>> {
    let holders = Holders::new(f.dim(), subsets);
    let atoms = Atoms::new(f.blocks(), |block, touched| {
        for variable in f.variables(block) {
            touched.extend_from_slice(holders.of(variable));
        }
    });
    let mut place = vec![usize::MAX; f.dim()];
    let by_part = atoms.items_by_part(subsets.len());
    let parts = subsets.iter().zip(by_part).map(|(subset, blocks)| {
        #[allow(clippy::cast_precision_loss)] // a share needs no more digits
        let share = blocks.len() as f64 / f.blocks() as f64;
        let part = Part::new(f, subset, blocks, &mut place);
        Tallied::share(part, Cost { forward: share, backward: share })
    });
    let parts = parts.collect();
    let sums = vec![CompensatedSum::default(); atoms.len()];
    Split::new(Blocks { f: f.clone(), atoms, sums }, parts)
}

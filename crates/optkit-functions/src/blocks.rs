//! Sums over blocks that each see a few variables, and their decomposition.
//!
//! ```text
//! f(x) = Σₖ φₖ(x_{k1}, …, x_{kW})
//! ```
//!
//! A part of a decomposition evaluates only the blocks that touch it.

use std::ops::Range;

use optkit_core::{Cost, Decomposition, Subset, Unsupported};

use crate::atoms::{Atoms, CompensatedSum, Holders};
use crate::split::{Ground, Split};
use crate::tallied::{Evaluate, Formula, Tallied};
use crate::{Minimum, Starts};

/// What is summed: `blocks` functions of W variables each.
pub(crate) trait Blocks<const W: usize>: Clone + Send + 'static {
    fn dim(&self) -> usize;
    fn blocks(&self) -> usize;
    /// The variables of a block, all different.
    fn variables(&self, block: usize) -> [usize; W];
    fn value(&self, block: usize, x: [f64; W]) -> f64;
    /// Value, to the bit what `value` gives, and ∇φ.
    fn gradient(&self, block: usize, x: [f64; W]) -> (f64, [f64; W]);
    /// ∇²φ·v.
    fn product(&self, block: usize, x: [f64; W], v: [f64; W]) -> [f64; W];
    fn noise(&self) -> f64;
    fn starts(&self) -> Starts;
    fn minima(&self) -> Vec<Minimum>;

    /// R where φ = Σ r² of R residuals.
    fn residuals_a_block(&self) -> Option<usize> {
        None
    }
    fn residuals(&self, _block: usize, _x: [f64; W], _residuals: &mut [f64]) {}
    /// The structural entries of a block's Jacobian: (residual, place among the block's variables, value).
    fn jacobian(&self, _block: usize, _x: [f64; W], _entry: &mut dyn FnMut(usize, usize, f64)) {}
}

/// The whole sum.
#[derive(Clone, Debug)]
pub(crate) struct Sum<B, const W: usize>(pub(crate) B);

/// The sum over `range` in halves, so that its rounding error grows with log n and its order never changes.
pub(crate) fn pairwise(range: Range<usize>, term: &mut impl FnMut(usize) -> f64) -> f64 {
    const LEAF: usize = 128;
    if range.len() <= LEAF {
        return range.map(term).sum();
    }
    let middle = range.start + range.len() / 2;
    pairwise(range.start..middle, term) + pairwise(middle..range.end, term)
}

#[inline]
fn pick<const W: usize>(x: &[f64], places: [usize; W]) -> [f64; W] {
    places.map(|place| x[place])
}

#[inline]
fn add_at<const W: usize>(local: [f64; W], places: [usize; W], into: &mut [f64]) {
    for (place, local) in places.into_iter().zip(local) {
        into[place] += local;
    }
}

impl<B: Blocks<W>, const W: usize> Evaluate for Sum<B, W> {
    fn dim(&self) -> usize {
        self.0.dim()
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        let f = &self.0;
        pairwise(0..f.blocks(), &mut |block| f.value(block, pick(x, f.variables(block))))
    }
    fn gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let f = &self.0;
        gradient.fill(0.0);
        pairwise(0..f.blocks(), &mut |block| {
            let places = f.variables(block);
            let (value, local) = f.gradient(block, pick(x, places));
            add_at(local, places, gradient);
            value
        })
    }
    fn product(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        let f = &self.0;
        product.fill(0.0);
        for block in 0..f.blocks() {
            let places = f.variables(block);
            add_at(f.product(block, pick(x, places), pick(v, places)), places, product);
        }
    }
    fn noise(&self) -> f64 {
        self.0.noise()
    }
    fn decompose(&self, subsets: &[Subset]) -> Result<Box<dyn Decomposition>, Unsupported> {
        Ok(Box::new(split(&self.0, subsets)))
    }
    fn residual_count(&self) -> Option<usize> {
        self.0.residuals_a_block().map(|each| each * self.0.blocks())
    }
    fn residuals(&mut self, x: &[f64], residuals: &mut [f64]) {
        let f = &self.0;
        let each = f.residuals_a_block().unwrap_or(1);
        for (block, residuals) in residuals.chunks_exact_mut(each).enumerate() {
            f.residuals(block, pick(x, f.variables(block)), residuals);
        }
    }
    fn jacobian(&mut self, x: &[f64], entry: &mut dyn FnMut(usize, usize, f64)) {
        let f = &self.0;
        let each = f.residuals_a_block().unwrap_or(1);
        for block in 0..f.blocks() {
            let places = f.variables(block);
            debug_assert!(places.is_sorted(), "columns are handed out in order");
            let of_block = &mut |row: usize, at: usize, value| entry(each * block + row, places[at], value);
            f.jacobian(block, pick(x, places), of_block);
        }
    }
}

impl<B: Blocks<W>, const W: usize> Formula for Sum<B, W> {
    fn starts(&self) -> Starts {
        self.0.starts()
    }
    fn minima(&self) -> Vec<Minimum> {
        self.0.minima()
    }
}

/// The blocks that touch one subset, over its variables followed by the frozen ones which those blocks see.
struct Part<B, const W: usize> {
    f: B,
    own: usize,
    blocks: Vec<(usize, [usize; W])>,
    frozen: Vec<usize>,
    point: Vec<f64>,
    direction: Vec<f64>,
    result: Vec<f64>,
    /// The sum of the blocks that do not touch the part.
    rest: f64,
}

impl<B: Blocks<W>, const W: usize> Part<B, W> {
    /// `place` is scratch of length n, `usize::MAX` everywhere, and is left so.
    fn new(f: &B, subset: &Subset, blocks: Vec<usize>, place: &mut [usize]) -> Self {
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

impl<B: Blocks<W>, const W: usize> Evaluate for Part<B, W> {
    fn dim(&self) -> usize {
        self.own
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        self.point[..self.own].copy_from_slice(x);
        let Self { f, blocks, point, .. } = self;
        self.rest
            + pairwise(0..blocks.len(), &mut |k| {
                let (block, places) = blocks[k];
                f.value(block, pick(point, places))
            })
    }
    fn gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.point[..self.own].copy_from_slice(x);
        let Self { f, blocks, point, result, .. } = self;
        result.fill(0.0);
        let touched = pairwise(0..blocks.len(), &mut |k| {
            let (block, places) = blocks[k];
            let (value, local) = f.gradient(block, pick(point, places));
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
            let local = f.product(block, pick(point, places), pick(direction, places));
            add_at(local, places, result);
        }
        product.copy_from_slice(&self.result[..self.own]);
    }
    fn noise(&self) -> f64 {
        self.f.noise()
    }
}

/// The values of all blocks, summed by the parts that they touch.
struct Surveyed<B, const W: usize> {
    f: B,
    atoms: Atoms,
    sums: Vec<CompensatedSum>,
}

impl<B: Blocks<W>, const W: usize> Ground for Surveyed<B, W> {
    type Part = Part<B, W>;
    fn survey(&mut self, x: &[f64]) {
        self.sums.fill(CompensatedSum::default());
        for (block, &atom) in self.atoms.of_items().iter().enumerate() {
            self.sums[atom].add(self.f.value(block, pick(x, self.f.variables(block))));
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

fn split<B: Blocks<W>, const W: usize>(f: &B, subsets: &[Subset]) -> Split<Surveyed<B, W>> {
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
    Split::new(Surveyed { f: f.clone(), atoms, sums }, parts)
}

//! The models of a function that offers products with its Hessian H and nothing more, over an index partition.
//!
//! A part's model is RᵢHRᵢᵀ on the [Krylov](super::krylov) space of its gradient, by products of the part alone where the
//! function decomposes. M_ab = dₐᵀHd_b costs a product of the whole for every direction: with p parts and the last step in
//! the span 2p products an iteration. The metric is constant on a part: the largest mean |eigenvalue| that its model has
//! had.

use std::ops::Range;

use optkit_core::vector::dot;
use optkit_core::{
    Archive, CoarseSpace, Decomposition, GaussNewton, LoadError, NoGaussNewton, Objective, Pass, Subset, Work,
};
use rayon::prelude::*;

use super::krylov::Krylov;
use crate::sweep::counted;

/// A part's metric is at least this share of the largest.
const LEAST_METRIC: f64 = 1e-12;

/// What is kept from one call to the next.
pub(crate) struct ProductLevels {
    noise: f64,
    parts: Vec<Subset>,
    /// The parts alone; none where products are taken of the whole.
    decomposition: Option<Box<dyn Decomposition>>,
    /// Work of the parts before the run was taken up, where their own counters do not know of it, and in all.
    before: Work,
    work: Work,
    krylovs: Vec<Krylov>,
    /// Parts of which a step is prepared.
    prepared: Range<usize>,
    /// δ by part, and by variable.
    scales: Vec<f64>,
    metric: Vec<f64>,
    x: Vec<f64>,
    trial: Vec<f64>,
    value: f64,
    trial_value: f64,
    gradient: Vec<f64>,
    gradient_is_known: bool,
    /// Where the local models are taken, where that is of the whole.
    base: Vec<f64>,
    direction: Vec<f64>,
    product: Vec<f64>,
    own: Vec<f64>,
}

/// The models with what evaluates them.
pub(crate) struct OnProducts<'a> {
    pub(crate) state: &'a mut ProductLevels,
    pub(crate) f: &'a mut dyn Objective,
}

impl ProductLevels {
    /// Refuses functions without products.
    pub(crate) fn new(f: &mut dyn Objective, parts: &[Subset]) -> Result<Self, NoGaussNewton> {
        if f.hessian_product().is_none() {
            return Err(NoGaussNewton::Unsupported);
        }
        let mut decomposition = f.decompose(parts).ok();
        let fits = |(part, subset): (&mut Box<dyn Objective>, &Subset)| {
            part.dim() == subset.len() && part.hessian_product().is_some()
        };
        let all = |made: &mut [Box<dyn Objective>]| {
            made.len() == parts.len() && made.iter_mut().zip(parts).all(fits)
        };
        if !decomposition.as_mut().is_some_and(|d| all(d.parts())) {
            decomposition = None;
        }
        let n = f.dim();
        let longest = parts.iter().map(Subset::len).max().unwrap_or(0);
        Ok(Self {
            noise: f.noise(),
            decomposition,
            before: Work::default(),
            work: Work::default(),
            krylovs: parts.iter().map(|part| Krylov::new(part.len())).collect(),
            prepared: 0..0,
            scales: vec![0.0; parts.len()],
            metric: vec![1.0; n],
            x: vec![0.0; n],
            trial: vec![0.0; n],
            value: f64::NAN,
            trial_value: f64::NAN,
            gradient: vec![0.0; n],
            gradient_is_known: false,
            base: vec![0.0; n],
            direction: vec![0.0; n],
            product: vec![0.0; n],
            own: vec![0.0; longest],
            parts: parts.to_vec(),
        })
    }

    pub(crate) fn work(&self) -> Work {
        self.work
    }

    pub(crate) fn write(&self, archive: &mut Archive) {
        archive.put("value", vec![self.value]);
        archive.put("scales", self.scales.clone());
        if self.gradient_is_known {
            archive.put("gradient", self.gradient.clone());
        }
        archive.put_work("work", self.work);
        if let Some(decomposition) = &self.decomposition {
            archive.scope("decomposition", |archive| decomposition.save(archive));
        }
    }

    pub(crate) fn read(&mut self, archive: &Archive, x: &[f64]) -> Result<(), LoadError> {
        self.x.copy_from_slice(x);
        self.value = archive.number("value")?;
        archive.array_into("scales", &mut self.scales)?;
        self.spread();
        self.gradient_is_known = archive.array("gradient").is_ok();
        if self.gradient_is_known {
            archive.array_into("gradient", &mut self.gradient)?;
        }
        self.work = archive.work("work")?;
        self.before = self.work;
        if let Some(decomposition) = &mut self.decomposition {
            decomposition.load(&archive.scoped("decomposition"))?;
            if counted(decomposition.as_mut()) == self.work {
                self.before = Work::default();
            }
        }
        Ok(())
    }

    /// The metric by variable; that of parts at rest so far is 1.
    fn spread(&mut self) {
        let largest = self.scales.iter().fold(0.0_f64, |a, &b| a.max(b));
        for (part, &scale) in self.parts.iter().zip(&self.scales) {
            let scale = if largest > 0.0 { scale.max(LEAST_METRIC * largest) } else { 1.0 };
            part.ranges().iter().for_each(|range| self.metric[range.clone()].fill(scale));
        }
    }

    /// μδ of a part.
    fn shift(&self, part: usize, damping: f64) -> f64 {
        damping * self.parts[part].ranges().first().map_or(1.0, |range| self.metric[range.start])
    }
}

impl OnProducts<'_> {
    /// Krylov bases of some parts from their gradients.
    fn build(&mut self, prepared: Range<usize>, gradient: &[f64]) {
        self.state.prepared = prepared.clone();
        let ProductLevels { decomposition, krylovs, parts, base, direction, product, before, work, .. } =
            &mut *self.state;
        let (krylovs, parts) = (&mut krylovs[prepared.clone()], &parts[prepared.clone()]);
        for (krylov, part) in krylovs.iter_mut().zip(parts) {
            part.gather(gradient, &mut krylov.gradient);
        }
        if let Some(decomposition) = decomposition {
            let both = krylovs.par_iter_mut().zip(decomposition.parts()[prepared].par_iter_mut());
            both.for_each(|(krylov, part)| {
                let products = part.hessian_product().expect("looked at when the models were made");
                krylov.build(&mut |x, v, to| products.apply(x, v, to));
            });
            *work = counted(decomposition.as_mut()) + *before;
            return;
        }
        let products = self.f.hessian_product().expect("looked at when the models were made");
        for (krylov, part) in krylovs.iter_mut().zip(parts) {
            krylov.build(&mut |_, v, to| {
                direction.fill(0.0);
                part.scatter(v, direction);
                products.apply(base, direction, product);
                part.gather(product, to);
            });
        }
    }
}

impl GaussNewton for OnProducts<'_> {
    fn go_to(&mut self, x: &[f64]) -> f64 {
        self.state.x.copy_from_slice(x);
        self.state.gradient_is_known = false;
        self.state.scales.fill(0.0);
        self.state.value = self.f.value(x);
        self.state.value
    }

    fn gradient(&mut self, gradient: &mut [f64]) {
        let state = &mut *self.state;
        if !state.gradient_is_known {
            self.f.value_gradient(&state.x, &mut state.gradient);
            state.gradient_is_known = true;
        }
        gradient.copy_from_slice(&state.gradient);
    }

    fn tail_gradient(&mut self, gradient: &mut [f64]) {
        self.gradient(gradient);
    }

    fn holds_head(&self, _part: usize) -> bool {
        false
    }

    fn factor(&mut self, _sample: u64) {
        let state = &mut *self.state;
        match &mut state.decomposition {
            Some(decomposition) => decomposition.freeze(&state.x, Pass::default()),
            None => state.base.copy_from_slice(&state.x),
        }
        for (krylov, part) in state.krylovs.iter_mut().zip(&state.parts) {
            part.gather(&state.x, &mut krylov.point);
        }
    }

    fn metric(&self) -> &[f64] {
        &self.state.metric
    }

    fn prepare_steps(&mut self, gradient: &[f64], tail: bool) {
        self.build(0..self.state.parts.len(), gradient);
        // A sweep is measured as the step before it.
        if !tail {
            let state = &mut *self.state;
            for (scale, krylov) in state.scales.iter_mut().zip(&state.krylovs) {
                *scale = scale.max(krylov.mean_curvature());
            }
            state.spread();
        }
    }

    /// Measured as the steps of the iteration are.
    fn prepare_part(&mut self, part: usize, gradient: &[f64]) {
        self.build(part..part + 1, gradient);
    }

    fn step_length(&mut self, damping: f64) -> f64 {
        let state = &*self.state;
        let squared = |part: usize| {
            let scale = state.shift(part, 1.0);
            scale * state.krylovs[part].squared_length(damping * scale)
        };
        state.prepared.clone().map(squared).sum::<f64>().sqrt()
    }

    fn steps(&mut self, damping: f64, step: &mut [f64]) {
        let state = &mut *self.state;
        step.fill(0.0);
        for part in state.prepared.clone() {
            let shift = state.shift(part, damping);
            let own = &mut state.own[..state.parts[part].len()];
            state.krylovs[part].step(shift, own);
            state.parts[part].scatter(own, step);
        }
    }

    /// A product costs the same wherever it is taken.
    fn keep(&mut self, _direction: &[f64]) {}

    fn coarse(&mut self, space: &CoarseSpace<'_>, matrix: &mut [f64], slopes: &mut [f64]) {
        let ProductLevels { parts, x, gradient, gradient_is_known, direction, product, .. } =
            &mut *self.state;
        if !*gradient_is_known {
            self.f.value_gradient(x, gradient);
            *gradient_is_known = true;
        }
        let products = self.f.hessian_product().expect("looked at when the models were made");
        let k = space.directions.len();
        let along = |part: usize, u: &[f64], v: &[f64]| -> f64 {
            parts[part].ranges().iter().map(|r| dot(&u[r.clone()], &v[r.clone()])).sum()
        };
        for (a, d) in space.directions.iter().enumerate() {
            let vector = space.vector(d.source);
            slopes[a] = along(d.part, gradient, vector);
            direction.fill(0.0);
            for range in parts[d.part].ranges() {
                direction[range.clone()].copy_from_slice(&vector[range.clone()]);
            }
            products.apply(x, direction, product);
            for (b, other) in space.directions.iter().enumerate().take(a + 1) {
                let entry = along(other.part, product, space.vector(other.source));
                matrix[a * k + b] = entry;
                matrix[b * k + a] = entry;
            }
        }
    }

    fn trial(&mut self, _space: &CoarseSpace<'_>, _coefficients: &[f64], point: &[f64]) -> f64 {
        self.state.trial.copy_from_slice(point);
        self.state.trial_value = self.f.value(point);
        self.state.trial_value
    }

    fn accept(&mut self) {
        let state = &mut *self.state;
        std::mem::swap(&mut state.x, &mut state.trial);
        state.value = state.trial_value;
        state.gradient_is_known = false;
    }

    fn end_iteration(&mut self) -> f64 {
        self.state.value
    }

    fn noise(&self) -> f64 {
        self.state.noise
    }

    fn work(&self) -> Work {
        self.state.work
    }

    fn save(&self, archive: &mut Archive) {
        self.state.write(archive);
    }

    fn load(&mut self, archive: &Archive, x: &[f64]) -> Result<(), LoadError> {
        self.state.read(archive, x)
    }
}

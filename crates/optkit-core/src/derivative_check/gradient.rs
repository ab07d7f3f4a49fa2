//! Wrong entries of a gradient, found by testing many coordinates at once.
//!
//! Along a direction p that is ±dᵢ in a group of coordinates and 0 elsewhere, the gradient g claims the derivative gᵀp;
//! differences of values show the true one. One wrong entry spoils the sum as much as it would spoil its own
//! difference, so a group costs no more than a coordinate. A group is as large as rounding and truncation let it be:
//! it is halved where no step decides, grown again where all do. One that is contradicted is halved down to its
//! coordinates, and each of these is looked at by itself before it is named. Entries whose errors cancel for one choice
//! of signs do not for most others: groups are passed twice. A few coordinates are tested one by one.

use std::ops::Range;

use super::difference::{Estimate, extrapolate, steps};
use super::noise::noise;
use super::signs::sign;
use super::{DerivativeReport, MOST_WRONG, UncheckedError, WrongDerivative, relative_error};
use crate::Objective;
use crate::vector::norm_inf;

/// Choices of signs.
const PASSES: u64 = 2;
/// So many coordinates are tested one by one.
const FEW: usize = 64;
/// An estimate contradicts what differs from it by this many times its uncertainty.
const SURE: f64 = 3.0;
/// Coordinates unresolved one behind the other before less is asked of all that follow.
const GIVE_WAY: usize = 8;

/// Compares ∇f at `x` with differences of values, in all coordinates. `seed` chooses the directions.
///
/// `reference` gives the values where the objective itself computes too coarsely for small steps (a network in `f32`:
/// the same in `f64`). Without one they are those of `f`. Steps are then larger, and kinks that lie between x and the
/// smallest step (of a relu with few samples) cannot be told from errors unless they are single.
///
/// Finds an error of 1 % of ‖∇f‖∞ in `f32` and of 10⁻⁵‖∇f‖∞ in `f64` in a single coordinate, of objectives whose
/// [`noise`](Objective::noise) is that of these precisions, and asks for a few values a group of coordinates:
/// hundreds to thousands for a network, not two a parameter.
///
/// ```
/// use optkit_core::{find_wrong_gradient, from_fn};
/// let gradient = |x: &[f64], g: &mut [f64]| {
///     g.iter_mut().zip(x).for_each(|(g, x)| *g = x.cos());
///     g[1] *= 1.01;
/// };
/// let mut f = from_fn(3, |x| x.iter().map(|v| v.sin()).sum(), gradient);
/// let report = find_wrong_gradient(&mut f, None, &[0.3, 0.7, -2.0], 0)?;
/// assert_eq!(report.wrong.len(), 1);
/// assert_eq!(report.wrong[0].coordinate, 1);
/// # Ok::<(), optkit_core::UncheckedError>(())
/// ```
pub fn find_wrong_gradient(
    f: &mut dyn Objective,
    reference: Option<&mut dyn Objective>,
    x: &[f64],
    seed: u64,
) -> Result<DerivativeReport, UncheckedError> {
    let mut gradient = vec![0.0; x.len()];
    let value = f.value_gradient(x, &mut gradient);
    let size = norm_inf(&gradient);
    if !value.is_finite() || !gradient.iter().all(|g| g.is_finite()) {
        return Err(UncheckedError::NotFinite);
    }
    let relative = relative_error(f);
    let values: &mut dyn Objective = match reference {
        Some(reference) => reference,
        None => f,
    };
    let mut search = Search::new(values, x, &gradient, relative, seed);
    if x.len() <= FEW {
        search.pass(1);
    } else {
        for pass in 0..PASSES {
            search.seed = seed.wrapping_mul(PASSES).wrapping_add(pass);
            search.pass(x.len());
        }
    }
    search.wrong.sort_by_key(|w| w.coordinate);
    Ok(DerivativeReport {
        wrong: search.wrong,
        unresolved: search.unresolved.len(),
        resolution: if size > 0.0 { search.tolerance / size } else { f64::INFINITY },
        evaluations: search.evaluations,
    })
}

/// What differences say of a group.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    Agrees,
    Contradicted,
    /// By the estimate that is closest to deciding.
    Undecided(Estimate),
}

struct Search<'a> {
    f: &'a mut dyn Objective,
    x: &'a [f64],
    gradient: &'a [f64],
    seed: u64,
    /// x but for the group at hand.
    point: Vec<f64>,
    /// An entry off by more than this is wrong.
    tolerance: f64,
    /// Absolute error of a value near x.
    noise: f64,
    largest_step: f64,
    /// Where the last group was decided: where the next one begins.
    step: f64,
    wrong: Vec<WrongDerivative>,
    unresolved: Vec<usize>,
    evaluations: u64,
}

impl<'a> Search<'a> {
    /// `f` gives the values; `relative` is the error of an entry that is to be seen, of the largest.
    fn new(f: &'a mut dyn Objective, x: &'a [f64], gradient: &'a [f64], relative: f64, seed: u64) -> Self {
        let claimed = f.noise().clamp(f64::EPSILON, 1e-2);
        let value = f.value(x);
        let mut search = Self {
            f,
            x,
            gradient,
            seed,
            point: x.to_vec(),
            tolerance: 0.0,
            noise: 0.0,
            largest_step: 8.0 * claimed.cbrt(),
            step: 8.0 * claimed.cbrt(),
            wrong: Vec::new(),
            unresolved: Vec::new(),
            evaluations: 1,
        };
        // Small steps that the objective still sees: an f32 network rounds its parameters.
        let small = 64.0 * claimed;
        let measured = noise(|i| search.at(&(0..x.len()), i * small));
        search.noise = measured.unwrap_or(claimed * value.abs());
        // At a stationary point nothing is asked that no difference can give.
        let attainable = search.noise.cbrt().powi(2) * value.abs().cbrt();
        search.tolerance = (relative * norm_inf(gradient)).max(attainable);
        search
    }

    /// All coordinates once, in groups of at most `most`.
    fn pass(&mut self, most: usize) {
        let n = self.x.len();
        let (mut at, mut size) = (0, most);
        // Groups to agree before larger ones are tried; more of them each time that did not help.
        let (mut patience, mut agreed) = (4, 0);
        let mut open: Vec<f64> = Vec::new();
        while at < n && self.wrong.len() < MOST_WRONG {
            let group = at..(at + size).min(n);
            match self.examine(&group, self.step) {
                Verdict::Undecided(_) if group.len() > 1 => {
                    size = group.len().div_ceil(2);
                    self.step = self.largest_step;
                    (patience, agreed) = ((2 * patience).min(64), 0);
                    continue;
                }
                Verdict::Undecided(best) => {
                    self.step = self.largest_step;
                    self.leave_open(at);
                    open.push(best.uncertainty / self.scale(at));
                    if open.len() == GIVE_WAY {
                        self.give_way(&open);
                        open.clear();
                    }
                }
                Verdict::Contradicted => self.narrow(group.clone()),
                Verdict::Agrees => {
                    open.clear();
                    agreed += 1;
                }
            }
            if agreed == patience {
                (size, agreed) = ((2 * size).min(most), 0);
            }
            at = group.end;
        }
    }

    /// Ask for no more than these coordinates let see.
    fn give_way(&mut self, uncertainties: &[f64]) {
        let least = uncertainties.iter().copied().fold(f64::INFINITY, f64::min);
        if least.is_finite() {
            self.tolerance = self.tolerance.max(2.0 * least);
            self.unresolved.clear();
        }
    }

    /// Which coordinates of a contradicted group are wrong.
    fn narrow(&mut self, group: Range<usize>) {
        if self.wrong.len() == MOST_WRONG {
            return;
        }
        if group.len() == 1 {
            self.confirm(group.start);
            return;
        }
        let middle = group.start + group.len() / 2;
        let left = group.start..middle;
        if self.examine(&left, self.largest_step) == Verdict::Agrees {
            self.narrow(middle..group.end);
            return;
        }
        self.narrow(left);
        if self.examine(&(middle..group.end), self.largest_step) != Verdict::Agrees {
            self.narrow(middle..group.end);
        }
    }

    /// Name coordinate `i` if the best of all steps contradicts it, and no kink explains that.
    fn confirm(&mut self, i: usize) {
        let known = self.wrong.iter().any(|w| w.coordinate == i);
        let scale = self.scale(i);
        let (best, given) = self.best(&(i..i + 1));
        let explained = self.tolerance * scale + SURE * best.uncertainty;
        let off = (best.derivative - given).abs() - explained;
        if known || off <= 0.0 {
            return;
        }
        if off <= self.kink(i, best.step) {
            self.leave_open(i);
            return;
        }
        let direction = scale * sign(self.seed, i);
        self.wrong.push(WrongDerivative {
            coordinate: i,
            given: self.gradient[i],
            difference: best.derivative / direction,
            uncertainty: best.uncertainty / scale,
        });
    }

    /// How far a kink near x can move the slope in coordinate `i`: the slopes on both sides differ by J + O(h), of
    /// which a difference shows the middle.
    fn kink(&mut self, i: usize, step: f64) -> f64 {
        let group = i..i + 1;
        let centre = self.at(&group, 0.0);
        let mut jump = |h: f64| (self.at(&group, h) - 2.0 * centre + self.at(&group, -h)) / h;
        let (wide, narrow) = (jump(step), jump(0.25 * step));
        // The half of J, and a fifth more for what the extrapolation leaves.
        0.6 * (4.0 * narrow - wide).abs() / 3.0
    }

    fn leave_open(&mut self, i: usize) {
        if !self.unresolved.contains(&i) {
            self.unresolved.push(i);
        }
    }

    /// Differences along the group's direction against the gradient, from step `from` on until they decide.
    fn examine(&mut self, group: &Range<usize>, from: f64) -> Verdict {
        let scale = group.clone().map(|i| self.scale(i)).fold(f64::INFINITY, f64::min);
        let (given, tolerance) = (self.claimed(group), self.tolerance * scale);
        let mut best = Estimate { derivative: f64::NAN, uncertainty: f64::INFINITY, step: from };
        let mut last = [f64::NAN; 2];
        for step in steps(from, self.least_step(scale)) {
            let difference = self.central(group, step);
            let top = 4.0 * step;
            if top <= from {
                let estimate = extrapolate([last[0], last[1], difference], top, self.noise);
                let off = (estimate.derivative - given).abs();
                if off <= tolerance && estimate.uncertainty <= 0.5 * tolerance {
                    self.step = top;
                    return Verdict::Agrees;
                }
                if off > tolerance + SURE * estimate.uncertainty {
                    return Verdict::Contradicted;
                }
                if estimate.uncertainty < best.uncertainty {
                    best = estimate;
                }
            }
            last = [last[1], difference];
        }
        Verdict::Undecided(best)
    }

    /// The least uncertain estimate of all steps, and what the gradient claims.
    fn best(&mut self, group: &Range<usize>) -> (Estimate, f64) {
        let scale = group.clone().map(|i| self.scale(i)).fold(f64::INFINITY, f64::min);
        let all: Vec<f64> = steps(self.largest_step, self.least_step(scale)).collect();
        let differences: Vec<f64> = all.iter().map(|&h| self.central(group, h)).collect();
        let windows = differences.windows(3).zip(&all);
        let estimates = windows.map(|(d, &step)| extrapolate([d[0], d[1], d[2]], step, self.noise));
        let best = estimates.min_by(|a, b| a.uncertainty.total_cmp(&b.uncertainty));
        (best.expect("there are at least three steps"), self.claimed(group))
    }

    /// Below this, noise alone exceeds a quarter of what is to be seen.
    fn least_step(&self, scale: f64) -> f64 {
        (8.0 * self.noise / (self.tolerance * scale)).clamp(1e-10, 0.125 * self.largest_step)
    }

    /// dᵢ: steps grow with large variables.
    fn scale(&self, i: usize) -> f64 {
        self.x[i].abs().max(1.0)
    }

    /// gᵀp.
    fn claimed(&self, group: &Range<usize>) -> f64 {
        group.clone().map(|i| self.gradient[i] * self.scale(i) * sign(self.seed, i)).sum()
    }

    /// (f(x + hp) − f(x − hp)) / 2h.
    fn central(&mut self, group: &Range<usize>, h: f64) -> f64 {
        (self.at(group, h) - self.at(group, -h)) / (2.0 * h)
    }

    /// f(x + hp).
    fn at(&mut self, group: &Range<usize>, h: f64) -> f64 {
        for i in group.clone() {
            self.point[i] = self.x[i] + h * self.scale(i) * sign(self.seed, i);
        }
        self.evaluations += 1;
        let value = self.f.value(&self.point);
        self.point[group.clone()].copy_from_slice(&self.x[group.clone()]);
        value
    }
}

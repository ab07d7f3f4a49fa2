//! The models of a sum of squares, f = Σ rᵢ², over an index partition: Kᵢ = 2 JᵢᵀJᵢ exactly, M_ab = 2 (Jd_a)ᵀ(Jd_b).
//!
//! Kᵢ is kept as the profile of its lower triangle and factored by Cholesky's method inside it (George & Liu 1981), which
//! is dense for small parts and banded for parts of neighbours. The metric is Moré's (1978): D grows to the largest
//! curvature 2‖Jⱼ‖² that a variable has had, so that the method does not see the units of the variables.

use std::ops::Range;

use optkit_core::{
    Archive, CoarseSpace, GaussNewton, LoadError, NoGaussNewton, Objective, Source, Subset, Work,
};

use super::profile::{Jacobian, Profile};

/// Numbers that a part's factor may need: 1 GiB.
pub(crate) const MOST_ENTRIES: usize = 1 << 27;
/// A variable's metric is at least this share of the largest: those that no residual sees must not blow up.
const LEAST_METRIC: f64 = 1e-12;

/// What is kept from one call to the next.
#[derive(Debug)]
pub(crate) struct ResidualLevels {
    noise: f64,
    parts: Vec<Subset>,
    /// Part and place in it of each variable.
    owner: Vec<(usize, usize)>,
    x: Vec<f64>,
    residuals: Vec<f64>,
    trial_residuals: Vec<f64>,
    trial_x: Vec<f64>,
    jacobian: Jacobian,
    profiles: Vec<Profile>,
    metric: Vec<f64>,
    squares: Vec<f64>,
    /// By part, its directions' numbers and sources; by direction, (J d) of the row at hand; those of the row.
    of_part: Vec<Vec<(usize, Source)>>,
    along: Vec<f64>,
    seen: Vec<usize>,
    /// Metric, gradient and step of the parts, one behind the other.
    own_metric: Vec<f64>,
    gradient: Vec<f64>,
    step: Vec<f64>,
    /// By part, its variables' first place in those.
    places: Vec<usize>,
    /// Parts of which a step is prepared.
    prepared: Range<usize>,
}

/// The residuals' models with what evaluates them.
pub(crate) struct OnResiduals<'a> {
    pub(crate) state: &'a mut ResidualLevels,
    pub(crate) f: &'a mut dyn Objective,
}

impl ResidualLevels {
    /// Refuses parts whose factors, were they dense, would be too large; a dense triangle is what a part of variables that
    /// are all coupled needs.
    pub(crate) fn new(
        dim: usize,
        residuals: usize,
        noise: f64,
        parts: &[Subset],
    ) -> Result<Self, NoGaussNewton> {
        for (part, subset) in parts.iter().enumerate() {
            let entries = subset.len().saturating_mul(subset.len() + 1) / 2;
            if entries > MOST_ENTRIES {
                return Err(NoGaussNewton::TooLarge { part: part + 1, entries, most: MOST_ENTRIES });
            }
        }
        let mut owner = vec![(0, 0); dim];
        let mut places = vec![0];
        for (part, subset) in parts.iter().enumerate() {
            subset.indices().enumerate().for_each(|(place, index)| owner[index] = (part, place));
            places.push(places[part] + subset.len());
        }
        Ok(Self {
            noise,
            owner,
            x: vec![0.0; dim],
            residuals: vec![0.0; residuals],
            trial_residuals: vec![0.0; residuals],
            trial_x: vec![0.0; dim],
            jacobian: Jacobian::default(),
            profiles: parts.iter().map(|_| Profile::default()).collect(),
            metric: Vec::new(),
            squares: vec![0.0; dim],
            of_part: vec![Vec::new(); parts.len()],
            along: Vec::new(),
            seen: Vec::new(),
            own_metric: vec![0.0; dim],
            gradient: vec![0.0; dim],
            step: vec![0.0; dim],
            places,
            prepared: 0..0,
            parts: parts.to_vec(),
        })
    }

    pub(crate) fn write(&self, archive: &mut Archive) {
        archive.put("residuals", self.residuals.clone());
        archive.put("metric", self.metric.clone());
        // Where it is known it is not evaluated again, which would count as work.
        let Jacobian { starts, columns, values, is_known } = &self.jacobian;
        archive.put_integer("differentiated", u64::from(*is_known));
        if *is_known {
            let numbers = |indices: &[usize]| indices.iter().map(|&i| i as f64).collect();
            archive.put("starts", numbers(starts));
            archive.put("columns", numbers(columns));
            archive.put("values", values.clone());
        }
    }

    pub(crate) fn read(&mut self, archive: &Archive, x: &[f64]) -> Result<(), LoadError> {
        self.x.copy_from_slice(x);
        archive.array_into("residuals", &mut self.residuals)?;
        self.metric = archive.array("metric")?.to_vec();
        let Jacobian { starts, columns, values, is_known } = &mut self.jacobian;
        *is_known = archive.integer("differentiated")? != 0;
        if *is_known {
            for (to, name) in [(starts, "starts"), (columns, "columns")] {
                to.clear();
                to.extend(archive.array(name)?.iter().map(|&i| i as usize));
            }
            *values = archive.array("values")?.to_vec();
        }
        Ok(())
    }

    /// The gradients of some parts, whose steps are prepared by that.
    fn prepare(&mut self, prepared: Range<usize>, gradient: &[f64]) {
        let Self { parts, places, gradient: own, .. } = self;
        for part in prepared.clone() {
            parts[part].gather(gradient, &mut own[places[part]..places[part + 1]]);
        }
        self.prepared = prepared;
    }

    /// (K_i + μD_i)⁻¹ g_i for all parts prepared, into `step`, and zero elsewhere; NaN where a factorisation breaks down.
    fn solve(&mut self, damping: f64) {
        let Self { profiles, gradient, step, places, own_metric, prepared, .. } = self;
        step.fill(0.0);
        for part in prepared.clone() {
            let profile = &mut profiles[part];
            let own = &mut step[places[part]..places[part + 1]];
            own.copy_from_slice(&gradient[places[part]..places[part + 1]]);
            let metric = &own_metric[places[part]..places[part + 1]];
            if profile.factor(damping, metric) {
                profile.solve(own);
            } else {
                own.fill(f64::NAN);
            }
        }
    }
}

impl OnResiduals<'_> {
    /// J where it stands.
    fn differentiate(&mut self) {
        let ResidualLevels { jacobian, x, residuals, .. } = &mut *self.state;
        if jacobian.is_known {
            return;
        }
        jacobian.starts.clear();
        jacobian.starts.push(0);
        jacobian.columns.clear();
        jacobian.values.clear();
        let Jacobian { starts, columns, values, is_known } = jacobian;
        let of = self.f.residuals().expect("the objective had residuals when the run began");
        of.jacobian(x, &mut |row, column, value| {
            while starts.len() <= row {
                starts.push(columns.len());
            }
            columns.push(column);
            values.push(value);
        });
        while starts.len() <= residuals.len() {
            starts.push(columns.len());
        }
        *is_known = true;
    }

    fn evaluate(&mut self, trial: bool) -> f64 {
        let ResidualLevels { x, trial_x, residuals, trial_residuals, .. } = &mut *self.state;
        let (x, to) = if trial { (trial_x, trial_residuals) } else { (x, residuals) };
        let of = self.f.residuals().expect("the objective had residuals when the run began");
        of.residuals(x, to);
        to.iter().map(|r| r * r).sum()
    }
}

impl GaussNewton for OnResiduals<'_> {
    fn go_to(&mut self, x: &[f64]) -> f64 {
        self.state.x.copy_from_slice(x);
        self.state.jacobian.is_known = false;
        self.state.metric.clear();
        self.evaluate(false)
    }

    fn gradient(&mut self, gradient: &mut [f64]) {
        self.differentiate();
        let ResidualLevels { jacobian, residuals, .. } = &*self.state;
        gradient.fill(0.0);
        for (row, r) in residuals.iter().enumerate() {
            let range = jacobian.starts[row]..jacobian.starts[row + 1];
            for (&column, v) in jacobian.columns[range.clone()].iter().zip(&jacobian.values[range]) {
                gradient[column] += 2.0 * r * v;
            }
        }
    }

    fn tail_gradient(&mut self, gradient: &mut [f64]) {
        self.gradient(gradient);
    }

    fn holds_head(&self, _part: usize) -> bool {
        false
    }

    fn factor(&mut self, _sample: u64) {
        self.differentiate();
        let ResidualLevels { jacobian, profiles, owner, metric, parts, squares, own_metric, places, .. } =
            &mut *self.state;
        for (part, profile) in profiles.iter_mut().enumerate() {
            profile.assemble(jacobian, part, parts[part].len(), owner);
        }
        metric.resize(owner.len(), 0.0);
        squares.fill(0.0);
        for (&column, v) in jacobian.columns.iter().zip(&jacobian.values) {
            squares[column] += 2.0 * v * v;
        }
        let largest = squares.iter().fold(0.0_f64, |a, &b| a.max(b));
        let least = if largest > 0.0 { LEAST_METRIC * largest } else { 1.0 };
        for (d, square) in metric.iter_mut().zip(&*squares) {
            *d = d.max(*square).max(least);
        }
        for (part, subset) in parts.iter().enumerate() {
            subset.gather(metric, &mut own_metric[places[part]..places[part + 1]]);
        }
    }

    fn metric(&self) -> &[f64] {
        &self.state.metric
    }

    fn prepare_steps(&mut self, gradient: &[f64], _tail: bool) {
        self.state.prepare(0..self.state.parts.len(), gradient);
    }

    fn prepare_part(&mut self, part: usize, gradient: &[f64]) {
        self.state.prepare(part..part + 1, gradient);
    }

    fn step_length(&mut self, damping: f64) -> f64 {
        self.state.solve(damping);
        let ResidualLevels { step, own_metric, .. } = &*self.state;
        let squared: f64 = step.iter().zip(own_metric).map(|(s, d)| d * s * s).sum();
        if squared.is_nan() { f64::INFINITY } else { squared.sqrt() }
    }

    fn steps(&mut self, damping: f64, step: &mut [f64]) {
        self.state.solve(damping);
        let ResidualLevels { parts, places, step: own, .. } = &*self.state;
        for (part, subset) in parts.iter().enumerate() {
            subset.scatter(&own[places[part]..places[part + 1]], step);
        }
    }

    /// The Jacobian is at hand wherever it stands.
    fn keep(&mut self, _direction: &[f64]) {}

    fn coarse(&mut self, space: &CoarseSpace<'_>, matrix: &mut [f64], slopes: &mut [f64]) {
        self.differentiate();
        let ResidualLevels { jacobian, residuals, owner, of_part, along, seen, .. } = &mut *self.state;
        let k = space.directions.len();
        of_part.iter_mut().for_each(Vec::clear);
        along.clear();
        along.resize(k, 0.0);
        for (a, d) in space.directions.iter().enumerate() {
            of_part[d.part].push((a, d.source));
        }
        matrix.fill(0.0);
        slopes.fill(0.0);
        for (row, r) in residuals.iter().enumerate() {
            seen.clear();
            let range = jacobian.starts[row]..jacobian.starts[row + 1];
            for (&column, v) in jacobian.columns[range.clone()].iter().zip(&jacobian.values[range]) {
                for &(a, source) in &of_part[owner[column].0] {
                    if !seen.contains(&a) {
                        seen.push(a);
                    }
                    along[a] += v * space.vector(source)[column];
                }
            }
            for &a in &*seen {
                slopes[a] += 2.0 * r * along[a];
                for &b in &*seen {
                    matrix[a * k + b] += 2.0 * along[a] * along[b];
                }
            }
            seen.iter().for_each(|&a| along[a] = 0.0);
        }
    }

    fn trial(&mut self, _space: &CoarseSpace<'_>, _coefficients: &[f64], point: &[f64]) -> f64 {
        self.state.trial_x.copy_from_slice(point);
        self.evaluate(true)
    }

    fn accept(&mut self) {
        let state = &mut *self.state;
        std::mem::swap(&mut state.x, &mut state.trial_x);
        std::mem::swap(&mut state.residuals, &mut state.trial_residuals);
        state.jacobian.is_known = false;
    }

    fn end_iteration(&mut self) -> f64 {
        self.state.residuals.iter().map(|r| r * r).sum()
    }

    fn noise(&self) -> f64 {
        self.state.noise
    }

    fn work(&self) -> Work {
        Work::default()
    }

    fn save(&self, archive: &mut Archive) {
        self.state.write(archive);
    }

    fn load(&mut self, archive: &Archive, x: &[f64]) -> Result<(), LoadError> {
        self.state.read(archive, x)
    }
}

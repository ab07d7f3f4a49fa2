//! A convex quadratic of chosen condition, not separable.
//!
//! ```text
//! f(x) = ½ sᵀHΛHs,   s = x − x*,   H = I − 2vvᵀ,   x* = (1, …, 1)
//! ```
//!
//! The eigenvalues in Λ are log-spaced from 1 to `condition`; the reflection H mixes all variables, yet value,
//! gradient and Hessian product take O(n). A part of the variables acts on all others through the one number
//! τ = vᵀs, so that outside it
//!
//! ```text
//! ½ Σ λᵢ(sᵢ − 2τvᵢ)² = rest + 2c(τ − τ*)²,   c = Σ λᵢvᵢ²,   τ* = Σ λᵢvᵢsᵢ / 2c
//! ```
//!
//! and the part takes O(|P|). Both terms are non-negative: nothing cancels, and a part's value is as accurate as
//! the whole's down to the minimum.

use optkit_core::vector::dot;
use optkit_core::vocabulary::{Entry, Kind, Operand, Range, Support};
use optkit_core::{Cost, Decomposition, Subset, Unsupported};

use crate::atoms::{Atoms, CompensatedSum, Holders};
use crate::split::{Ground, Split};
use crate::tallied::{Evaluate, Formula, Tallied, counted};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: Entry {
        name: "quadratic",
        doc: "convex quadratic with eigenvalues log-spaced from 1 to `condition`, rotated",
        operands: &[
            Operand {
                name: "n",
                kind: Kind::Integer(1, 100_000_000),
                default: Some("100"),
                doc: "number of variables",
            },
            Operand {
                name: "condition",
                kind: Kind::Real(Range { least: 1.0, open_below: false, most: 1e15, open_above: false }),
                default: Some("100"),
                doc: "largest over smallest eigenvalue of the Hessian (for n = 1 the only one is 1)",
            },
        ],
        settings: &[],
        slots: &[],
        support: Support::Available,
    },
    build: |operands| Ok(counted(operands, Quadratic::new(operands.count("n"), operands.real("condition")))),
    source: "J. Nocedal, S. J. Wright, Numerical Optimization (2006), chapter 5: conditioning of quadratics; \
             rotated by one reflection of A. S. Householder, J. ACM 5 (1958)",
};

/// Every coordinate of the minimiser x*.
const MINIMISER: f64 = 1.0;

#[derive(Clone, Debug)]
struct Quadratic {
    eigenvalues: Vec<f64>,
    /// v, of unit length, no two entries equal: H is no permutation.
    mirror: Vec<f64>,
    condition: f64,
    s: Vec<f64>,
}

impl Quadratic {
    #[allow(clippy::cast_precision_loss)] // n is far below 2⁵³
    fn new(n: usize, condition: f64) -> Self {
        let intervals = (n.max(2) - 1) as f64;
        let eigenvalues = (0..n).map(|i| condition.powf(i as f64 / intervals)).collect();
        let mut mirror: Vec<f64> = (0..n).map(|i| 1.0 + (i + 1) as f64 / n as f64).collect();
        let length = dot(&mirror, &mirror).sqrt();
        for v in &mut mirror {
            *v /= length;
        }
        Self { eigenvalues, mirror, condition, s: vec![0.0; n] }
    }
}

fn shift(x: &[f64], s: &mut [f64]) {
    for (s, x) in s.iter_mut().zip(x) {
        *s = x - MINIMISER;
    }
}

/// ½ Σ λᵢ(sᵢ − 2τvᵢ)².
fn energy(eigenvalues: &[f64], mirror: &[f64], s: &[f64], tau: f64) -> f64 {
    const LANES: usize = 8; // independent chains, added in a fixed order
    let term = |lambda: f64, v: f64, s: f64| {
        let y = s - 2.0 * tau * v;
        lambda * y * y
    };
    let (mut sums, mut tail) = ([0.0; LANES], 0.0);
    let (ls, vs, ss) = (eigenvalues.chunks_exact(LANES), mirror.chunks_exact(LANES), s.chunks_exact(LANES));
    for ((l, v), s) in ls.remainder().iter().zip(vs.remainder()).zip(ss.remainder()) {
        tail += term(*l, *v, *s);
    }
    for ((l, v), s) in ls.zip(vs).zip(ss) {
        for lane in 0..LANES {
            sums[lane] += term(l[lane], v[lane], s[lane]);
        }
    }
    0.5 * (sums.iter().sum::<f64>() + tail)
}

/// `out` ← Λ(d − 2τv).
fn spring(eigenvalues: &[f64], mirror: &[f64], d: &[f64], tau: f64, out: &mut [f64]) {
    for (((out, l), v), d) in out.iter_mut().zip(eigenvalues).zip(mirror).zip(d) {
        *out = l * (d - 2.0 * tau * v);
    }
}

/// `out` ← `out` − 2σv.
fn reflect(mirror: &[f64], sigma: f64, out: &mut [f64]) {
    optkit_core::vector::axpy(-2.0 * sigma, mirror, out);
}

impl Evaluate for Quadratic {
    fn dim(&self) -> usize {
        self.eigenvalues.len()
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        shift(x, &mut self.s);
        energy(&self.eigenvalues, &self.mirror, &self.s, dot(&self.mirror, &self.s))
    }
    fn gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let value = self.value(x);
        let tau = dot(&self.mirror, &self.s);
        spring(&self.eigenvalues, &self.mirror, &self.s, tau, gradient);
        reflect(&self.mirror, dot(&self.mirror, gradient), gradient);
        value
    }
    fn product(&mut self, _x: &[f64], v: &[f64], product: &mut [f64]) {
        spring(&self.eigenvalues, &self.mirror, v, dot(&self.mirror, v), product);
        reflect(&self.mirror, dot(&self.mirror, product), product);
    }
    /// Rounding in τ of size ε‖s‖ enters through the stiffest direction, and ‖s‖ ≤ √(2f): √condition·ε.
    fn noise(&self) -> f64 {
        self.condition.sqrt() * f64::EPSILON
    }
    fn decompose(&self, subsets: &[Subset]) -> Result<Box<dyn Decomposition>, Unsupported> {
        Ok(Box::new(split(self, subsets)))
    }
}

impl Formula for Quadratic {
    fn starts(&self) -> Starts {
        Starts::one(vec![0.0; self.dim()])
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![Minimum::at(0.0, vec![MINIMISER; self.dim()])]
    }
}

/// The sums over a set of variables that say what it does to everything else.
#[derive(Clone, Copy, Debug, Default)]
struct Surroundings {
    /// Σ vᵢsᵢ.
    tau: f64,
    /// c = Σ λᵢvᵢ².
    stiffness: f64,
    /// τ*, the minimiser of the set's energy over τ.
    at: f64,
    /// The energy there.
    rest: f64,
}

impl Surroundings {
    /// Two disjoint sets as one.
    fn and(self, other: Self) -> Self {
        let stiffness = self.stiffness + other.stiffness;
        if stiffness == 0.0 {
            return Self::default();
        }
        let at = (self.stiffness * self.at + other.stiffness * other.at) / stiffness;
        let lift = |set: Self| set.rest + 2.0 * set.stiffness * (at - set.at).powi(2);
        Self { tau: self.tau + other.tau, stiffness, at, rest: lift(self) + lift(other) }
    }
}

struct Part {
    eigenvalues: Vec<f64>,
    mirror: Vec<f64>,
    noise: f64,
    s: Vec<f64>,
    outside: Surroundings,
}

impl Evaluate for Part {
    fn dim(&self) -> usize {
        self.s.len()
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        shift(x, &mut self.s);
        let tau = self.outside.tau + dot(&self.mirror, &self.s);
        let spread = 2.0 * self.outside.stiffness * (tau - self.outside.at).powi(2);
        self.outside.rest + spread + energy(&self.eigenvalues, &self.mirror, &self.s, tau)
    }
    fn gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let value = self.value(x);
        let tau = self.outside.tau + dot(&self.mirror, &self.s);
        spring(&self.eigenvalues, &self.mirror, &self.s, tau, gradient);
        let pull = -2.0 * self.outside.stiffness * (tau - self.outside.at);
        reflect(&self.mirror, pull + dot(&self.mirror, gradient), gradient);
        value
    }
    fn product(&mut self, _x: &[f64], v: &[f64], product: &mut [f64]) {
        let tau = dot(&self.mirror, v);
        spring(&self.eigenvalues, &self.mirror, v, tau, product);
        let pull = -2.0 * self.outside.stiffness * tau;
        reflect(&self.mirror, pull + dot(&self.mirror, product), product);
    }
    fn noise(&self) -> f64 {
        self.noise
    }
}

/// What a survey adds up over one group of variables.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    tau: CompensatedSum,
    /// Σ λᵢvᵢsᵢ = 2cτ*.
    force: CompensatedSum,
    rest: CompensatedSum,
}

/// The surroundings of every part, from sums over the groups of variables.
struct Reflected {
    whole: Quadratic,
    atoms: Atoms,
    sums: Vec<Sums>,
    sets: Vec<Surroundings>,
}

impl Ground for Reflected {
    type Part = Part;
    fn survey(&mut self, x: &[f64]) {
        let Quadratic { eigenvalues, mirror, s, .. } = &mut self.whole;
        shift(x, s);
        self.sums.fill(Sums::default());
        for (i, &atom) in self.atoms.of_items().iter().enumerate() {
            self.sums[atom].tau.add(mirror[i] * s[i]);
            self.sums[atom].force.add(eigenvalues[i] * mirror[i] * s[i]);
        }
        for (set, sums) in self.sets.iter_mut().zip(&self.sums) {
            set.tau = sums.tau.total();
            set.at = sums.force.total() / (2.0 * set.stiffness);
        }
        for (i, &atom) in self.atoms.of_items().iter().enumerate() {
            let y = s[i] - 2.0 * self.sets[atom].at * mirror[i];
            self.sums[atom].rest.add(0.5 * eigenvalues[i] * y * y);
        }
        for (set, sums) in self.sets.iter_mut().zip(&self.sums) {
            set.rest = sums.rest.total();
        }
    }
    fn place(&self, index: usize, part: &mut Part, _x: &[f64]) {
        let sets = self.atoms.outside(index).map(|atom| self.sets[atom]);
        part.outside = sets.fold(Surroundings::default(), Surroundings::and);
    }
}

fn split(whole: &Quadratic, subsets: &[Subset]) -> Split<Reflected> {
    let holders = Holders::new(whole.dim(), subsets);
    let atoms = Atoms::new(whole.dim(), |variable, touched| touched.extend_from_slice(holders.of(variable)));
    let parts = subsets.iter().map(|subset| {
        let gather = |from: &[f64]| {
            let mut part = vec![0.0; subset.len()];
            subset.gather(from, &mut part);
            part
        };
        #[allow(clippy::cast_precision_loss)] // a share needs no more digits
        let share = subset.len() as f64 / whole.dim() as f64;
        let part = Part {
            eigenvalues: gather(&whole.eigenvalues),
            mirror: gather(&whole.mirror),
            noise: whole.noise(),
            s: vec![0.0; subset.len()],
            outside: Surroundings::default(),
        };
        Tallied::share(part, Cost { forward: share, backward: share })
    });
    let parts = parts.collect();
    let mut stiffness = vec![CompensatedSum::default(); atoms.len()];
    for (i, &atom) in atoms.of_items().iter().enumerate() {
        stiffness[atom].add(whole.eigenvalues[i] * whole.mirror[i] * whole.mirror[i]);
    }
    let set = |sum: &CompensatedSum| Surroundings { stiffness: sum.total(), ..Surroundings::default() };
    let sets = stiffness.iter().map(set).collect();
    let sums = vec![Sums::default(); atoms.len()];
    Split::new(Reflected { whole: whole.clone(), atoms, sums, sets }, parts)
}

//! The line search of Moré & Thuente (1994): a step t with
//!
//! ```text
//! φ(t) ≤ φ(0) + c₁tφ'(0)   and   |φ'(t)| ≤ c₂|φ'(0)|,      φ(t) = f(x + td)
//! ```
//!
//! It keeps an interval whose one end, `low`, has the lowest value so far (of ψ(t) = φ(t) − φ(0) − c₁tφ'(0) until a
//! ψ ≤ 0 with φ' ≥ 0 was met, of φ afterwards), and whose other end, once there is one, brackets a minimiser. Every
//! trial is a safeguarded interpolation (section 4 of the paper).

/// c₁, the sufficient decrease.
pub(crate) const DECREASE: f64 = 1e-4; // Nocedal & Wright 2006, §3.1, as is the next
/// c₂, the curvature left.
pub(crate) const CURVATURE: f64 = 0.9;
/// A bracket has to shrink by this factor in two trials, or it is halved.
const SHRINK: f64 = 0.66; // section 4, as are the next two
/// Least and greatest extrapolation from the lower end, as shares of the last change.
const EXTRAPOLATION: (f64, f64) = (1.1, 4.0);
/// Steps longer than this times the first are none.
const LONGEST: f64 = 1e10;
/// After a trial that is not finite, the next is this share of the way there.
const RETREAT: f64 = 0.1;

/// t with φ(t) and φ'(t).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) t: f64,
    pub(crate) value: f64,
    pub(crate) slope: f64,
}

/// What a trial leads to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// Both conditions hold.
    Accept,
    /// Try this t. `lowest`: the trial has become the lower end.
    Next { t: f64, lowest: bool },
    /// The interval is as small as t can show. `lowest`: as above.
    Exhausted { lowest: bool },
}

/// The state of a search.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MoreThuente {
    origin: Sample,
    low: Sample,
    high: Sample,
    bracketed: bool,
    /// Whether values are those of ψ still.
    auxiliary: bool,
    /// Widths of the bracket, before and two trials ago.
    width: [f64; 2],
    /// No step from here on: f is not finite there.
    ceiling: f64,
    longest: f64,
}

impl MoreThuente {
    /// A search from φ(0) = `value` with φ'(0) = `slope` < 0 that begins with t = `first`.
    pub(crate) fn new(value: f64, slope: f64, first: f64) -> Self {
        let origin = Sample { t: 0.0, value, slope };
        let longest = LONGEST * first;
        Self {
            origin,
            low: origin,
            high: origin,
            bracketed: false,
            auxiliary: true,
            width: [longest, 2.0 * longest],
            ceiling: f64::INFINITY,
            longest,
        }
    }

    /// The lower end: the origin, or a trial.
    pub(crate) fn low(&self) -> Sample {
        self.low
    }

    /// Whether `trial` decreases f sufficiently.
    pub(crate) fn decreases(&self, trial: &Sample) -> bool {
        trial.value <= self.origin.value + DECREASE * trial.t * self.origin.slope
    }

    /// Whether `trial` is flat enough.
    pub(crate) fn is_flat(&self, trial: &Sample) -> bool {
        trial.slope.abs() <= CURVATURE * -self.origin.slope
    }

    /// f is not finite at `t`: a much shorter step.
    pub(crate) fn retreat(&mut self, t: f64) -> Verdict {
        self.ceiling = self.ceiling.min(t);
        let next = self.low.t + RETREAT * (t - self.low.t);
        if next == self.low.t || next == t {
            return Verdict::Exhausted { lowest: false };
        }
        Verdict::Next { t: next, lowest: false }
    }

    /// Judges a trial with finite value and slope.
    pub(crate) fn judge(&mut self, trial: Sample) -> Verdict {
        let decreases = self.decreases(&trial);
        if decreases && self.is_flat(&trial) {
            return Verdict::Accept;
        }
        if decreases && trial.slope >= 0.0 {
            self.auxiliary = false;
        }
        let tilt = if self.auxiliary && trial.value <= self.low.value && !decreases {
            DECREASE * self.origin.slope
        } else {
            0.0
        };
        let tilted = |s: Sample| Sample { value: s.value - s.t * tilt, slope: s.slope - tilt, ..s };
        let (low, high, limits) = (tilted(self.low), tilted(self.high), self.limits(trial.t));
        let (mut t, closes) = interpolate(low, high, tilted(trial), self.bracketed, limits);
        let lowest = tilted(trial).value <= low.value;
        if !lowest {
            self.high = trial;
        } else {
            if closes {
                self.high = self.low;
            }
            self.low = trial;
        }
        self.bracketed |= closes;
        if self.bracketed {
            let width = (self.high.t - self.low.t).abs();
            if width >= SHRINK * self.width[1] || !t.is_finite() {
                t = self.low.t + 0.5 * (self.high.t - self.low.t);
            }
            self.width = [width, self.width[0]];
        } else if t >= self.ceiling {
            t = self.low.t + 0.5 * (self.ceiling - self.low.t);
        }
        let (least, most) = (self.low.t.min(self.high.t), self.low.t.max(self.high.t));
        let too_narrow = self.bracketed && (most - least <= f64::EPSILON * most || t <= least || t >= most);
        if too_narrow || t == self.low.t || t.is_nan() || t >= self.longest {
            return Verdict::Exhausted { lowest };
        }
        Verdict::Next { t, lowest }
    }

    /// Where the next trial may lie.
    fn limits(&self, t: f64) -> (f64, f64) {
        if self.bracketed {
            (self.low.t.min(self.high.t), self.low.t.max(self.high.t))
        } else {
            let change = t - self.low.t;
            // The first trial is the caller's guess: what follows may be shorter.
            let least = if self.low.t == 0.0 { 0.0 } else { t + EXTRAPOLATION.0 * change };
            (least, t + EXTRAPOLATION.1 * change)
        }
    }
}

/// The next trial (section 4, cases 1 to 4), and whether low and trial bracket a minimiser.
fn interpolate(low: Sample, high: Sample, trial: Sample, bracketed: bool, limits: (f64, f64)) -> (f64, bool) {
    let opposite = trial.slope * low.slope.signum() < 0.0;
    if trial.value > low.value {
        // 1: a higher value. The cubic's minimiser, or halfway to the quadratic's where that is nearer to low.
        let cubic = cubic(low, trial);
        let quadratic = low.t
            + 0.5 * low.slope / ((low.value - trial.value) / (trial.t - low.t) + low.slope)
                * (trial.t - low.t);
        let next = if (cubic - low.t).abs() < (quadratic - low.t).abs() {
            cubic
        } else {
            cubic + 0.5 * (quadratic - cubic)
        };
        return (next, true);
    }
    if opposite {
        // 2: a lower value beyond the minimiser. The farther from the trial of cubic and secant.
        let (cubic, secant) = (cubic(trial, low), secant(low, trial));
        let next = if (cubic - trial.t).abs() > (secant - trial.t).abs() { cubic } else { secant };
        return (next, true);
    }
    if trial.slope.abs() < low.slope.abs() {
        // 3: a lower value and a flatter slope of the same sign.
        return (flatter(low, high, trial, bracketed, limits), false);
    }
    // 4: a lower value and a slope no flatter.
    let next = if bracketed {
        cubic(trial, high)
    } else if trial.t > low.t {
        limits.1
    } else {
        limits.0
    };
    (next, false)
}

/// Case 3: the cubic may have no minimiser in the direction of the step.
fn flatter(low: Sample, high: Sample, trial: Sample, bracketed: bool, limits: (f64, f64)) -> f64 {
    let secant = secant(low, trial);
    let (theta, gamma) = coefficients(low, trial);
    let gamma = if trial.t > low.t { -gamma } else { gamma };
    let (p, q) = ((gamma - trial.slope) + theta, (gamma + (low.slope - trial.slope)) + gamma);
    let r = p / q;
    let cubic = if r < 0.0 && gamma != 0.0 {
        trial.t + r * (low.t - trial.t)
    } else if trial.t > low.t {
        limits.1
    } else {
        limits.0
    };
    if bracketed {
        let next = if (cubic - trial.t).abs() < (secant - trial.t).abs() { cubic } else { secant };
        let bound = trial.t + SHRINK * (high.t - trial.t);
        if trial.t > low.t { next.min(bound) } else { next.max(bound) }
    } else {
        let next = if (cubic - trial.t).abs() > (secant - trial.t).abs() { cubic } else { secant };
        next.clamp(limits.0.min(limits.1), limits.0.max(limits.1))
    }
}

/// θ and γ = √(θ² − φ'₁φ'₂) of the cubic through two samples, without overflow.
fn coefficients(a: Sample, b: Sample) -> (f64, f64) {
    let theta = 3.0 * (a.value - b.value) / (b.t - a.t) + a.slope + b.slope;
    let scale = theta.abs().max(a.slope.abs()).max(b.slope.abs());
    let square = (theta / scale).powi(2) - (a.slope / scale) * (b.slope / scale);
    (theta, scale * square.max(0.0).sqrt())
}

/// The minimiser of the cubic that interpolates values and slopes at `a` and `b`, where there is one between them.
fn cubic(a: Sample, b: Sample) -> f64 {
    let (theta, gamma) = coefficients(a, b);
    let gamma = if b.t < a.t { -gamma } else { gamma };
    let (p, q) = ((gamma - a.slope) + theta, (gamma - a.slope) + gamma + b.slope);
    a.t + p / q * (b.t - a.t)
}

/// The root of the line through both slopes.
fn secant(a: Sample, b: Sample) -> f64 {
    b.t + b.slope / (b.slope - a.slope) * (a.t - b.t)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Trials until both conditions hold, at most 40.
    fn search(phi: impl Fn(f64) -> (f64, f64), first: f64) -> (Sample, u32) {
        let (value, slope) = phi(0.0);
        let mut state = MoreThuente::new(value, slope, first);
        let mut t = first;
        for count in 1..=40 {
            let (value, slope) = phi(t);
            let trial = Sample { t, value, slope };
            match state.judge(trial) {
                Verdict::Accept => return (trial, count),
                Verdict::Next { t: next, .. } => t = next,
                Verdict::Exhausted { .. } => panic!("exhausted at {t} after {count}"),
            }
        }
        panic!("no step in 40 trials");
    }

    /// The paper's first three test functions (section 5), from steps of 10⁻³ to 10³.
    #[test]
    fn the_papers_functions_are_searched_from_far_and_near() {
        let first = |t: f64| (-t / (t * t + 2.0), (t * t - 2.0) / (t * t + 2.0).powi(2));
        let second = |t: f64| {
            let s = t + 0.004;
            (s.powi(5) - 2.0 * s.powi(4), 5.0 * s.powi(4) - 8.0 * s.powi(3))
        };
        let third = |t: f64| {
            let (beta, l) = (0.01, 39.0);
            let angle = l * std::f64::consts::FRAC_PI_2;
            let (value, slope) = if t <= 1.0 - beta {
                (1.0 - t, -1.0)
            } else if t >= 1.0 + beta {
                (t - 1.0, 1.0)
            } else {
                ((t - 1.0).powi(2) / (2.0 * beta) + beta / 2.0, (t - 1.0) / beta)
            };
            (
                value + 2.0 * (1.0 - beta) / (2.0 * angle) * (angle * t).sin(),
                slope + (1.0 - beta) * (angle * t).cos(),
            )
        };
        for start in [1e-3, 1e-1, 1e1, 1e3] {
            let (at, count) = search(first, start);
            assert!(at.slope.abs() <= CURVATURE * 0.5 && count <= 12, "{at:?} after {count}");
            let (at, count) = search(second, start);
            assert!(at.value < 0.0 && count <= 16, "{at:?} after {count}");
            let (at, count) = search(third, start);
            assert!(at.value < 1.0 && count <= 16, "{at:?} after {count}");
        }
    }

    #[test]
    fn on_a_parabola_the_second_trial_is_nearly_the_minimiser() {
        let (at, count) = search(|t| ((t - 3.0).powi(2), 2.0 * (t - 3.0)), 40.0);
        assert!((at.t - 3.0).abs() < 1e-12 && count == 2, "{at:?} after {count}");
    }
}

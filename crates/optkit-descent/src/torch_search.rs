//! PyTorch's line search for the strong Wolfe conditions, step by step: brackets first, then zooms (Nocedal & Wright
//! 2006, Alg. 3.5 and 3.6) with the cubic interpolation and the safeguards of Schmidt's minFunc.
//!
//! Comparisons with numbers that are not finite come out as they do there.

use optkit_core::Objective;
use optkit_core::vector::dot;

/// c₁ and c₂.
const DECREASE: f64 = 1e-4;
const CURVATURE: f64 = 0.9;
/// A trial closer than this share of the bracket to its end is moved there.
const MARGIN: f64 = 0.1;

/// A point on the line.
#[derive(Clone, Debug, Default)]
struct End {
    t: f64,
    value: f64,
    slope: f64,
    gradient: Vec<f64>,
}

/// Where a search begins: x, d, f(x), ∇f(x) and ∇f(x)ᵀd.
#[derive(Clone, Copy)]
pub(crate) struct Line<'a> {
    pub(crate) x: &'a [f64],
    pub(crate) d: &'a [f64],
    pub(crate) value: f64,
    pub(crate) gradient: &'a [f64],
    pub(crate) slope: f64,
}

/// Buffers of a search.
#[derive(Clone, Debug, Default)]
pub(crate) struct TorchSearch {
    /// The ends of the bracket.
    ends: [End; 2],
    fresh: End,
    point: Vec<f64>,
}

/// What a search found; its gradient lies in the buffers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) t: f64,
    pub(crate) value: f64,
    pub(crate) evaluations: u32,
    end: usize,
}

impl TorchSearch {
    /// Vectors of n numbers.
    pub(crate) const VECTORS: usize = 4;

    pub(crate) fn resize(&mut self, n: usize) {
        let [a, b] = &mut self.ends;
        for buffer in [&mut a.gradient, &mut b.gradient, &mut self.fresh.gradient, &mut self.point] {
            buffer.resize(n, 0.0);
        }
    }

    /// Searches from t = `first` with at most `most` evaluations after the first; ends where the bracket changes no
    /// variable by `tolerance`.
    pub(crate) fn search(
        &mut self,
        f: &mut dyn Objective,
        line: Line<'_>,
        first: f64,
        most: u32,
        tolerance: f64,
    ) -> Found {
        self.set_start(&line);
        self.evaluate(f, &line, first);
        let (mut after_first, done) = self.bracket(f, &line, most);
        let mut low = usize::from(done || !lower(&self.ends[0], &self.ends[1]));
        if !done {
            low = self.zoom(f, &line, (&mut after_first, most), tolerance);
        }
        let end = &self.ends[low];
        Found { t: end.t, value: end.value, evaluations: 1 + after_first, end: low }
    }

    /// The gradient at what was found; the buffer is given in exchange.
    pub(crate) fn take_gradient(&mut self, found: &Found, gradient: &mut Vec<f64>) {
        std::mem::swap(&mut self.ends[found.end].gradient, gradient);
    }

    fn set_start(&mut self, line: &Line<'_>) {
        let start = &mut self.ends[0];
        (start.t, start.value, start.slope) = (0.0, line.value, line.slope);
        start.gradient.copy_from_slice(line.gradient);
    }

    /// The point at `t` into `fresh`.
    fn evaluate(&mut self, f: &mut dyn Objective, line: &Line<'_>, t: f64) {
        for ((p, x), d) in self.point.iter_mut().zip(line.x).zip(line.d) {
            *p = x + t * d;
        }
        let fresh = &mut self.fresh;
        fresh.t = t;
        fresh.value = f.value_gradient(&self.point, &mut fresh.gradient);
        fresh.slope = dot(&fresh.gradient, line.d);
    }

    /// Longer steps until the ends bracket a good one, or the second end is one: then the answer is true.
    fn bracket(&mut self, f: &mut dyn Objective, line: &Line<'_>, most: u32) -> (u32, bool) {
        let mut count = 0;
        while count < most {
            std::mem::swap(&mut self.ends[1], &mut self.fresh);
            let [before, now] = &self.ends;
            if !decreases(line, now) || (count > 1 && now.value >= before.value) {
                return (count, false);
            }
            if now.slope.abs() <= CURVATURE * -line.slope {
                return (count, true);
            }
            if now.slope >= 0.0 {
                return (count, false);
            }
            let bounds = (now.t + 0.01 * (now.t - before.t), 10.0 * now.t);
            let t = cubic(before, now, bounds);
            self.ends.swap(0, 1);
            self.evaluate(f, line, t);
            count += 1;
        }
        // No evaluation is left: the start and the last trial.
        self.set_start(line);
        std::mem::swap(&mut self.ends[1], &mut self.fresh);
        (count, false)
    }

    /// Shrinks the bracket; the index of its lower end.
    fn zoom(
        &mut self,
        f: &mut dyn Objective,
        line: &Line<'_>,
        (count, most): (&mut u32, u32),
        tolerance: f64,
    ) -> usize {
        let size = optkit_core::vector::norm_inf(line.d);
        let mut low = usize::from(!lower(&self.ends[0], &self.ends[1]));
        let mut close_before = false;
        while *count < most {
            let [a, b] = &self.ends;
            let (least, greatest) = (python_min(a.t, b.t), python_max(a.t, b.t));
            if (b.t - a.t).abs() * size < tolerance {
                break;
            }
            let mut t = cubic(a, b, if a.t <= b.t { (a.t, b.t) } else { (b.t, a.t) });
            let margin = MARGIN * (greatest - least);
            if python_min(greatest - t, t - least) < margin {
                if close_before || t >= greatest || t <= least {
                    let above = (t - greatest).abs() < (t - least).abs();
                    t = if above { greatest - margin } else { least + margin };
                    close_before = false;
                } else {
                    close_before = true;
                }
            } else {
                close_before = false;
            }
            self.evaluate(f, line, t);
            *count += 1;
            let high = 1 - low;
            if !decreases(line, &self.fresh) || self.fresh.value >= self.ends[low].value {
                std::mem::swap(&mut self.ends[high], &mut self.fresh);
                low = usize::from(!lower(&self.ends[0], &self.ends[1]));
                continue;
            }
            let done = self.fresh.slope.abs() <= CURVATURE * -line.slope;
            if !done && self.fresh.slope * (self.ends[high].t - self.ends[low].t) >= 0.0 {
                self.ends.swap(0, 1); // low becomes high; the fresh point takes its place
                std::mem::swap(&mut self.ends[low], &mut self.fresh);
            } else {
                std::mem::swap(&mut self.ends[low], &mut self.fresh);
            }
            if done {
                break;
            }
        }
        low
    }
}

/// Sufficient decrease; a value that is NaN passes.
fn decreases(line: &Line<'_>, end: &End) -> bool {
    let bound = line.value + DECREASE * end.t * line.slope;
    end.value.is_nan() || bound.is_nan() || end.value <= bound
}

fn lower(a: &End, b: &End) -> bool {
    a.value <= b.value
}

/// The first argument, unless the second is greater.
fn python_max(a: f64, b: f64) -> f64 {
    if b > a { b } else { a }
}

/// The first argument, unless the second is less.
fn python_min(a: f64, b: f64) -> f64 {
    if b < a { b } else { a }
}

/// The minimiser between `bounds` of the cubic through both ends; their mean where the cubic has none.
fn cubic(a: &End, b: &End, bounds: (f64, f64)) -> f64 {
    let theta = a.slope + b.slope - 3.0 * (a.value - b.value) / (a.t - b.t);
    let square = theta.powi(2) - a.slope * b.slope;
    if square >= 0.0 {
        let root = square.sqrt();
        let t = if a.t <= b.t {
            b.t - (b.t - a.t) * ((b.slope + root - theta) / (b.slope - a.slope + 2.0 * root))
        } else {
            a.t - (a.t - b.t) * ((a.slope + root - theta) / (a.slope - b.slope + 2.0 * root))
        };
        python_min(python_max(t, bounds.0), bounds.1)
    } else {
        0.5 * (bounds.0 + bounds.1)
    }
}

//! Random smooth objectives for property tests, and runs that are interrupted.
#![forbid(unsafe_code)]

pub mod interrupted;

use optkit::Objective;

/// A smooth non-convex function bounded below, with strong coupling:
///
/// ```text
/// f(x) = ½ Σ aᵢ(xᵢ − cᵢ)² + Σ bᵢ sin(xᵢ + xⱼ₍ᵢ₎),   aᵢ ∈ [0.5, 3], bᵢ ∈ [−2, 2], j a shift
/// ```
#[derive(Clone, Debug)]
pub struct Wavy {
    a: Vec<f64>,
    b: Vec<f64>,
    c: Vec<f64>,
    shift: usize,
}

impl Wavy {
    /// The function of `n` variables drawn from `seed`.
    #[must_use]
    pub fn new(n: usize, seed: u64) -> Self {
        let mut state = seed;
        let mut draw = |least: f64, most: f64| {
            // SplitMix64 (Steele, Lea & Flood 2014).
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            let unit = ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
            least + (most - least) * unit
        };
        let a = (0..n).map(|_| draw(0.5, 3.0)).collect();
        let b = (0..n).map(|_| draw(-2.0, 2.0)).collect();
        let c = (0..n).map(|_| draw(-3.0, 3.0)).collect();
        let shift = 1 + (draw(0.0, 1.0) * (n - 1) as f64) as usize % (n - 1).max(1);
        Self { a, b, c, shift }
    }

    /// A point away from any minimiser.
    #[must_use]
    pub fn start(&self) -> Vec<f64> {
        self.c.iter().map(|c| c + 5.0).collect()
    }
}

impl Objective for Wavy {
    fn dim(&self) -> usize {
        self.a.len()
    }

    fn value(&mut self, x: &[f64]) -> f64 {
        let n = x.len();
        (0..n)
            .map(|i| {
                let d = x[i] - self.c[i];
                0.5 * self.a[i] * d * d + self.b[i] * (x[i] + x[(i + self.shift) % n]).sin()
            })
            .sum()
    }

    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let n = x.len();
        for i in 0..n {
            gradient[i] = self.a[i] * (x[i] - self.c[i]);
        }
        for i in 0..n {
            let j = (i + self.shift) % n;
            let slope = self.b[i] * (x[i] + x[j]).cos();
            gradient[i] += slope;
            gradient[j] += slope;
        }
        self.value(x)
    }
}

/// A function that is NaN in the half space x₁ > 1 and smooth elsewhere; its minimiser x = 0.9·1 lies close to
/// the edge.
#[derive(Clone, Debug)]
pub struct Cliff {
    /// Number of variables.
    pub n: usize,
}

impl Objective for Cliff {
    fn dim(&self) -> usize {
        self.n
    }

    fn value(&mut self, x: &[f64]) -> f64 {
        if x[0] > 1.0 {
            return f64::NAN;
        }
        x.iter().map(|v| (v - 0.9) * (v - 0.9)).sum()
    }

    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        for (g, v) in gradient.iter_mut().zip(x) {
            *g = if x[0] > 1.0 { f64::NAN } else { 2.0 * (v - 0.9) };
        }
        self.value(x)
    }
}

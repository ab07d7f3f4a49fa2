//! Classical theory of trust regions, held against the code: convergence, rates, and what a change of variables or of
//! units may not change (Conn, Gould & Toint 2000, ch. 6; Nocedal & Wright 2006, §§4.2, 6.2).

use optkit::functions::{TestFunction, build};
use optkit::vector::norm2;
use optkit::{
    Exact, Flow, Gradient, HessianProduct, Lsr1, Lsr1Settings, Objective, Optimizer, Run, Status, StopWhen,
    TrustRegion, TrustRegionOptions, Unobserved, run,
};
use optkit_tests::Wavy;
use proptest::prelude::*;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(20_061_983),
        ..ProptestConfig::default()
    }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Gradient,
    Lsr1(usize),
    Exact,
}

fn engine(kind: Kind, radius: f64) -> TrustRegion {
    let made = TrustRegion::new(TrustRegionOptions { radius, ..TrustRegionOptions::default() });
    match kind {
        Kind::Gradient => made.with_model(Gradient),
        Kind::Lsr1(memory) => {
            made.with_model(Lsr1::new(Lsr1Settings { memory, ..Lsr1Settings::default() }).unwrap())
        }
        Kind::Exact => made.with_model(Exact::default()),
    }
}

/// x ↦ c·f(Q(x/a)), Q a reflection.
struct Changed {
    inner: Box<dyn TestFunction>,
    reflection: Option<Vec<f64>>,
    stretch: f64,
    factor: f64,
    scratch: Vec<f64>,
    direction: Vec<f64>,
}

impl Changed {
    fn new(inner: Box<dyn TestFunction>) -> Self {
        let n = inner.dim();
        Self {
            inner,
            reflection: None,
            stretch: 1.0,
            factor: 1.0,
            scratch: vec![0.0; n],
            direction: vec![0.0; n],
        }
    }
}

/// v ← v − 2u(uᵀv), for ‖u‖ = 1: its own inverse.
fn reflect(u: Option<&Vec<f64>>, v: &mut [f64]) {
    if let Some(u) = u {
        let along: f64 = u.iter().zip(v.iter()).map(|(u, v)| u * v).sum();
        v.iter_mut().zip(u).for_each(|(v, u)| *v -= 2.0 * along * u);
    }
}

impl Changed {
    fn point(&mut self, x: &[f64]) {
        self.scratch.copy_from_slice(x);
        self.scratch.iter_mut().for_each(|v| *v /= self.stretch);
        reflect(self.reflection.as_ref(), &mut self.scratch);
    }
}

impl Objective for Changed {
    fn dim(&self) -> usize {
        self.inner.dim()
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        self.point(x);
        self.factor * self.inner.value(&self.scratch)
    }
    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.point(x);
        let value = self.inner.value_gradient(&self.scratch, gradient);
        reflect(self.reflection.as_ref(), gradient);
        gradient.iter_mut().for_each(|v| *v *= self.factor / self.stretch);
        self.factor * value
    }
    fn hessian_product(&mut self) -> Option<&mut dyn HessianProduct> {
        Some(self)
    }
}

impl HessianProduct for Changed {
    fn apply(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        self.point(x);
        self.direction.copy_from_slice(v);
        self.direction.iter_mut().for_each(|v| *v /= self.stretch);
        reflect(self.reflection.as_ref(), &mut self.direction);
        let products = self.inner.hessian_product().expect("the classics have them");
        products.apply(&self.scratch, &self.direction, product);
        reflect(self.reflection.as_ref(), product);
        product.iter_mut().for_each(|v| *v *= self.factor / self.stretch);
    }
}

/// The points of `iterations` iterations, or of as many as there are.
fn trace(mut method: TrustRegion, f: &mut dyn Objective, start: &[f64], iterations: usize) -> Vec<Vec<f64>> {
    method.start(f, start, None).unwrap();
    let mut points = Vec::new();
    for _ in 0..iterations {
        if method.prepare(f).is_err() || !matches!(method.step(f), Flow::Continue(_)) {
            break;
        }
        points.push(method.current().x.to_vec());
    }
    points
}

fn function(which: usize) -> Box<dyn TestFunction> {
    match which {
        0 => build("rosenbrock", &[("n", 6.0)]),
        1 => build("wood", &[]),
        _ => build("powell_singular", &[]),
    }
    .unwrap()
}

fn unit(n: usize, seed: &[f64]) -> Vec<f64> {
    let size = norm2(&seed[..n]);
    seed[..n].iter().map(|v| v / size).collect()
}

proptest! {
    #![proptest_config(config(24))]

    /// In 2-norm balls a rotation of the variables rotates the iterates. Order 1 in the ∞-norm makes no such promise.
    #[test]
    fn a_rotation_rotates_the_iterates(
        which in 0_usize..3,
        kind in prop_oneof![Just(Kind::Exact), (2_usize..8).prop_map(Kind::Lsr1)],
        seed in prop::collection::vec(0.1_f64..1.0, 6),
    ) {
        let plain = function(which);
        let start = plain.start();
        let u = unit(start.len(), &seed);
        let mut rotated = Changed::new(function(which));
        rotated.reflection = Some(u.clone());
        let mut turned = start.clone();
        reflect(Some(&u), &mut turned);
        let straight = trace(engine(kind, 1.0), &mut Changed::new(plain), &start, 6);
        let round = trace(engine(kind, 1.0), &mut rotated, &turned, 6);
        prop_assert_eq!(straight.len(), round.len());
        for (a, mut b) in straight.into_iter().zip(round) {
            reflect(Some(&u), &mut b);
            let distance = norm2(&a.iter().zip(&b).map(|(a, b)| a - b).collect::<Vec<_>>());
            prop_assert!(distance <= 1e-6 * norm2(&a).max(1.0), "{kind:?}: {a:?} and {b:?}");
        }
    }

    /// Other units for the variables, with the radius in the same: the same points, bit for bit where the factor is a
    /// power of two.
    #[test]
    fn units_of_the_variables_change_nothing(
        which in 0_usize..3,
        kind in prop_oneof![Just(Kind::Gradient), Just(Kind::Exact), (2_usize..8).prop_map(Kind::Lsr1)],
        power in -8_i32..9,
    ) {
        let plain = function(which);
        let start = plain.start();
        let stretch = 2.0_f64.powi(power);
        let mut stretched = Changed::new(function(which));
        stretched.stretch = stretch;
        let far: Vec<f64> = start.iter().map(|v| v * stretch).collect();
        let here = trace(engine(kind, 1.0), &mut Changed::new(plain), &start, 8);
        let there = trace(engine(kind, stretch), &mut stretched, &far, 8);
        prop_assert_eq!(here.len(), there.len());
        for (a, b) in here.iter().zip(&there) {
            for (a, b) in a.iter().zip(b) {
                prop_assert_eq!((a * stretch).to_bits(), b.to_bits(), "{:?}", kind);
            }
        }
    }

    /// Other units for the value: the same points, while values are large enough to be compared.
    #[test]
    fn units_of_the_value_change_nothing(
        which in 0_usize..3,
        kind in prop_oneof![Just(Kind::Gradient), Just(Kind::Exact), (2_usize..8).prop_map(Kind::Lsr1)],
        power in 0_i32..9,
    ) {
        let plain = function(which);
        let start = plain.start();
        let mut magnified = Changed::new(function(which));
        magnified.factor = 2.0_f64.powi(power);
        let here = trace(engine(kind, 1.0), &mut Changed::new(plain), &start, 6);
        let there = trace(engine(kind, 1.0), &mut magnified, &start, 6);
        prop_assert_eq!(here.len(), there.len());
        for (a, b) in here.iter().zip(&there) {
            // The roots that an eigendecomposition takes of an odd power of two are rounded.
            let allowed = if matches!(kind, Kind::Lsr1(_)) { 1e-9 * norm2(a).max(1.0) } else { 0.0 };
            let distance = norm2(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>());
            prop_assert!(distance <= allowed, "{kind:?}: {a:?} and {b:?}");
        }
    }

    /// ‖∇f‖ → 0 on smooth functions bounded below, whatever the model.
    #[test]
    fn the_gradient_goes_to_zero(
        seed in any::<u64>(), n in 50_usize..90,
        kind in prop_oneof![Just(Kind::Gradient), (3_usize..10).prop_map(Kind::Lsr1)],
    ) {
        let mut f = Wavy::new(n, seed);
        let start = f.start();
        let mut gradient = vec![0.0; n];
        f.value_gradient(&start, &mut gradient);
        let target = 1e-6 * norm2(&gradient);
        let stop = StopWhen::new()
            .or("norm(grad)", optkit::Test::GradientNorm(Box::new(move |_| target)))
            .iterations(20_000);
        let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
        let report = run(&mut engine(kind, 1.0), &mut f, &start, setup).unwrap();
        prop_assert!(matches!(report.status, Status::Converged { .. }), "{kind:?}: {}", report.status);
        prop_assert!(report.gradient_norm <= target);
    }
}

/// Distances to the minimiser, from far to near.
fn distances(kind: Kind, f: Box<dyn TestFunction>) -> Vec<f64> {
    let (start, minimum) = (f.start(), f.minima()[0].point.clone().expect("known"));
    let points = trace(engine(kind, 1.0), &mut Changed::new(f), &start, 200);
    let distance = |x: &Vec<f64>| norm2(&x.iter().zip(&minimum).map(|(a, b)| a - b).collect::<Vec<_>>());
    points.iter().map(distance).collect()
}

/// Near a minimiser with a positive definite Hessian, exact models converge quadratically: every step below 10⁻²
/// squares the distance, up to a constant, until rounding.
#[test]
fn exact_models_converge_quadratically() {
    for name in ["rosenbrock", "beale", "wood"] {
        let distances = distances(Kind::Exact, build(name, &[]).unwrap());
        let tail: Vec<_> =
            distances.windows(2).filter(|w| w[0] < 1e-2 && w[0] > 1e-7 && w[1] < w[0]).collect();
        assert!(!tail.is_empty(), "{name} never came near: {distances:?}");
        for pair in &tail {
            assert!(pair[1] <= 1e3 * pair[0] * pair[0] + 1e-13, "{name}: {} after {}", pair[1], pair[0]);
        }
        assert!(distances.iter().fold(f64::INFINITY, |m, d| m.min(*d)) < 1e-9, "{name}: {distances:?}");
    }
}

/// With as many pairs as variables and more, SR1 converges superlinearly (Conn, Gould & Toint 1991): the last decades
/// take ever fewer iterations.
#[test]
fn sr1_converges_superlinearly() {
    for name in ["rosenbrock", "beale", "wood"] {
        let f = build(name, &[]).unwrap();
        let memory = f.dim() + 4;
        let distances = distances(Kind::Lsr1(memory), f);
        let first_below = |bound: f64| distances.iter().position(|d| *d < bound);
        let (rough, fine, finest) = (first_below(1e-1), first_below(1e-4), first_below(1e-8));
        let (Some(rough), Some(fine), Some(finest)) = (rough, fine, finest) else {
            panic!("{name} never came near: {distances:?}");
        };
        assert!(finest - fine <= (fine - rough).max(8), "{name}: {rough}, {fine}, {finest} of {distances:?}");
        let rate = (distances[fine..=finest].iter().zip(&distances[fine + 1..=finest]))
            .map(|(before, after)| after / before)
            .fold(f64::INFINITY, f64::min);
        assert!(rate < 0.1, "{name}: the best rate is {rate}");
    }
}

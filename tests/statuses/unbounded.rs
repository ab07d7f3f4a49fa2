//! Every model of a trust region sees that a linear function is unbounded below.

use super::ended;
use optkit::{
    Apts, AptsOptions, Exact, Gradient, Lsr1, Lsr1Settings, MoreSorensen, Objective, Obs, Optimizer,
    Partition, RadiusDriven, Status, Steihaug, StopWhen, Subset, TrustRegion, TrustRegionOptions,
};

/// A linear function with products, rounded as a sum of large terms is; its gradient may carry noise as well.
struct Slope {
    offset: f64,
    noise: f64,
    zero: bool,
}

impl optkit::HessianProduct for Slope {
    fn apply(&mut self, _x: &[f64], _v: &[f64], hv: &mut [f64]) {
        hv.fill(0.0);
    }
}

impl Objective for Slope {
    fn dim(&self) -> usize {
        3
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        self.offset + 0.1 * x[0] - 2.0 / 3.0 * x[1] + 1e-3 * x[2]
    }
    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        gradient.copy_from_slice(&[0.1, -2.0 / 3.0, 1e-3]);
        for (g, x) in gradient.iter_mut().zip(x) {
            *g *= 1.0 + self.noise * (1e3 * x).sin();
        }
        self.value(x)
    }
    fn hessian_product(&mut self) -> Option<&mut dyn optkit::HessianProduct> {
        self.zero.then_some(self)
    }
}

/// Whatever the model, its solver and the rounding: a radius that always doubles is at −1e100 within 350 iterations.
#[test]
fn a_linear_function_is_seen_to_be_unbounded_below_by_every_model() {
    fn engine() -> TrustRegion {
        TrustRegion::new(TrustRegionOptions::default())
    }
    fn lsr1() -> TrustRegion {
        engine().with_model(Lsr1::new(Lsr1Settings::default()).unwrap())
    }
    let exact = || engine().with_model(Exact::default());
    let of_order_2 = || {
        let make = Box::new(|_: &Subset| -> Box<dyn RadiusDriven> { Box::new(lsr1()) });
        let partition = Partition::contiguous(3, 2).unwrap();
        Apts::with_solvers(partition, AptsOptions::default(), make, Box::new(lsr1()))
    };
    let of_order_1 = || Apts::new(Partition::contiguous(3, 2).unwrap(), AptsOptions::default());
    for (offset, noise) in [(0.0, 0.0), (1e6, 0.0), (-1e-3, 1e-16), (1e6, 1e-15)] {
        let methods: Vec<(&str, bool, Box<dyn Optimizer>)> = vec![
            ("gradient", false, Box::new(engine().with_model(Gradient))),
            ("lsr1, obs", false, Box::new(lsr1().with_subproblem(Box::new(Obs::default())))),
            ("lsr1, steihaug", false, Box::new(lsr1().with_subproblem(Box::new(Steihaug::default())))),
            ("exact, steihaug", true, Box::new(exact().with_subproblem(Box::new(Steihaug::default())))),
            ("exact, dense", true, Box::new(exact().with_subproblem(Box::new(MoreSorensen::default())))),
            ("apts of order 1", false, Box::new(of_order_1())),
            ("apts of order 2", false, Box::new(of_order_2())),
        ];
        for (name, zero, mut method) in methods {
            let mut f = Slope { offset, noise, zero };
            let stop = StopWhen::new().gradient_norm_inf(1e-6).iterations(1_000);
            let report = ended(method.as_mut(), &mut f, &[1.0, -0.3, 2.0], &stop);
            let unbounded = matches!(report.status, Status::UnboundedBelow { .. });
            assert!(unbounded && report.value < -1e99, "{name}, {offset}, {noise}: {}", report.status);
        }
    }
}

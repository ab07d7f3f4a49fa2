//! Decompositions that a user wrote are checked before the first step.

use optkit_core::{
    Cost, Decomposition, Objective, Optimizer, Pass, StartError, Subset, Unsupported, from_fn,
};
use optkit_schwarz::{Apts, Options, Partition};

/// Σ xᵢ², split into parts of whatever sizes.
struct Bowl {
    dim: usize,
    parts: Vec<usize>,
}

fn squares(dim: usize) -> impl Objective {
    from_fn(
        dim,
        |x| x.iter().map(|v| v * v).sum(),
        |x, g| g.iter_mut().zip(x).for_each(|(g, x)| *g = 2.0 * x),
    )
}

impl Objective for Bowl {
    fn dim(&self) -> usize {
        self.dim
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        squares(self.dim).value(x)
    }
    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        squares(self.dim).value_gradient(x, gradient)
    }
    fn decompose(&self, _parts: &[Subset]) -> Result<Box<dyn Decomposition>, Unsupported> {
        let part = |&n: &usize| Box::new(squares(n)) as Box<dyn Objective>;
        Ok(Box::new(Parts(self.parts.iter().map(part).collect())))
    }
}

struct Parts(Vec<Box<dyn Objective>>);

impl Decomposition for Parts {
    fn freeze(&mut self, _x: &[f64], _pass: Pass) {}
    fn update(&mut self, _part: usize, _x: &[f64]) {}
    fn parts(&mut self) -> &mut [Box<dyn Objective>] {
        &mut self.0
    }
    fn cost(&self, _part: usize) -> Cost {
        Cost::WHOLE
    }
}

#[test]
fn parts_that_were_not_asked_for_are_refused() {
    let begin = |parts: &[usize]| {
        let mut f = Bowl { dim: 5, parts: parts.to_vec() };
        let mut apts = Apts::new(Partition::contiguous(5, 2).unwrap(), Options::default());
        apts.start(&mut f, &[1.0; 5], None)
    };
    assert_eq!(begin(&[2, 3]), Ok(()));
    assert_eq!(begin(&[2]), Err(StartError::Decomposition { what: "parts", got: 1, expected: 2 }));
    let variables = StartError::Decomposition { what: "variables in a part", got: 4, expected: 3 };
    assert_eq!(begin(&[2, 4]), Err(variables));
}

//! Decompositions that a user wrote are checked before the first step.

use optkit_core::{
    Archive, Cost, Counted, Decomposition, Objective, Optimizer, Pass, StartError, Subset, Unsupported, Work,
    from_fn,
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
        let part = |&n: &usize| Box::new(Counted::new(squares(n))) as Box<dyn Objective>;
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

/// Across a resume too, where the parts' own counters begin anew.
#[test]
fn the_parts_work_adds_up_to_the_methods() {
    let begin = || {
        let mut f = Bowl { dim: 5, parts: vec![2, 3] };
        let options = Options { radius: 0.1, ..Options::default() };
        let mut apts = Apts::new(Partition::contiguous(5, 2).unwrap(), options);
        apts.start(&mut f, &[1.0; 5], None).unwrap();
        (f, apts)
    };
    let hold = |apts: &Apts| {
        let parts = apts.work_of_parts();
        assert_eq!(parts.len(), 2);
        assert!(parts.iter().all(|work| work.values > 0), "{parts:?}");
        assert_eq!(parts.iter().fold(Work::default(), |sum, &part| sum + part), apts.work());
        parts
    };
    let (mut f, mut apts) = begin();
    (0..3).for_each(|_| drop(apts.step(&mut f)));
    let before = hold(&apts);
    let mut archive = Archive::default();
    apts.save(&mut archive);

    let (mut g, mut resumed) = begin();
    resumed.load(&archive).unwrap();
    assert_eq!(hold(&resumed), before);
    (0..2).for_each(|_| drop((apts.step(&mut f), resumed.step(&mut g))));
    assert_eq!(hold(&resumed), hold(&apts));
}

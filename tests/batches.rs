//! Runs on mini-batches: what an epoch costs, when terms are tested, what observers are shown, and that a run goes on
//! bit for bit from within an epoch.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use optkit::assemble::Assembly;
use optkit::data::{Fetch, Locations};
use optkit::lang::Source;
use optkit::problem::{self, ReadError};
use optkit::vocab::{Entry, Kind, Slot, Support};
use optkit::{
    Archive, Checkpoint, Evaluated, Flow, Iteration, LoadError, Objective, Observer, Optimizer, Pass, Point,
    ResumeError, Returned, Run, RunReport, StartError, Status, StepReport, StopWhen, Test, TrustRegion,
    Unobserved, resume, run, vocabulary,
};
use proptest::prelude::*;

/// Of the 1,437 digits: 14 batches of 100 and one of 37.
const BATCHES: u64 = 15;

fn text(batch: &str, solver: &str) -> String {
    format!(
        "apts 1\ndata digits = digits() {{ {batch} }}\n\
         network fcnn {{ input 8x8; flatten; dense 12; tanh; dense 10 }}\n\
         minimize loss = cross_entropy(fcnn(digits.train.x), digits.train.y)\n\
         measure accuracy = accuracy(fcnn(digits.test.x), digits.test.y)\n\
         partition tensors = weights(fcnn) {{ parts = 2, by = tensor }}\n\
         solver {solver}\n"
    )
}

fn read(text: String) -> Result<problem::Planned, ReadError> {
    problem::from_text(Source::new("test.apts", text), &mut |_| Err("no file".to_owned()), &[])
}

fn load(planned: &problem::Planned) -> Assembly {
    planned.plan.load(&Locations::from_environment(None), Fetch::Never).expect("digits are embedded")
}

/// The digits without a method of their own, in batches of 100.
fn digits(batch: &str) -> Assembly {
    let planned = read(text("", "trust_region")).unwrap_or_else(|error| panic!("{error}"));
    let optkit::assemble::Subject::Network(mut subject) = planned.plan.subject else { panic!("a network") };
    subject.batch = batch.parse().ok().map(optkit::nn::Dealing::Of);
    let planned = problem::Planned {
        plan: optkit::assemble::Plan { subject: optkit::assemble::Subject::Network(subject), ..planned.plan },
        ..planned
    };
    load(&planned)
}

/// Steps of −lr·∇f with momentum ½: the least that works on mini-batches.
struct Descent {
    lr: f64,
    x: Vec<f64>,
    velocity: Vec<f64>,
    known: Option<(f64, Vec<f64>)>,
    iteration: u64,
}

impl Descent {
    fn new(lr: f64) -> Self {
        Self { lr, x: Vec::new(), velocity: Vec::new(), known: None, iteration: 0 }
    }
}

impl Optimizer for Descent {
    fn name(&self) -> &'static str {
        "descent"
    }

    fn start(
        &mut self,
        _: &mut dyn Objective,
        x: &[f64],
        _: Option<Evaluated<'_>>,
    ) -> Result<(), StartError> {
        (self.x, self.velocity) = (x.to_vec(), vec![0.0; x.len()]);
        (self.known, self.iteration) = (None, 0);
        Ok(())
    }

    fn prepare(&mut self, f: &mut dyn Objective) -> Result<(), Status> {
        if self.known.is_none() {
            let mut gradient = vec![0.0; self.x.len()];
            let value = f.value_gradient(&self.x, &mut gradient);
            if !value.is_finite() {
                return Err(Status::Diverged { iteration: self.iteration, value });
            }
            self.known = Some((value, gradient));
        }
        Ok(())
    }

    fn step(&mut self, f: &mut dyn Objective) -> Flow {
        if let Err(status) = self.prepare(f) {
            return Flow::Done(status);
        }
        let (_, gradient) = self.known.take().expect("just prepared");
        for ((x, v), g) in self.x.iter_mut().zip(&mut self.velocity).zip(gradient) {
            *v = 0.5 * *v + g;
            *x -= self.lr * *v;
        }
        self.iteration += 1;
        Flow::Continue(StepReport {
            iteration: self.iteration,
            value: f64::NAN,
            radius: f64::NAN,
            ratio: f64::NAN,
            accepted: true,
            trials_accepted: 1,
            trials_rejected: 0,
            local_iterations: 0,
        })
    }

    fn current(&self) -> Point<'_> {
        let (value, gradient) = self.known.as_ref().map(|(v, g)| (*v, g.as_slice())).unzip();
        Point { x: &self.x, value: value.unwrap_or(f64::NAN), gradient }
    }

    fn takes_batches(&self) -> bool {
        true
    }

    fn samples_changed(&mut self, _: Pass) {
        self.known = None;
    }

    fn save(&self, archive: &mut Archive) {
        archive.put("x", self.x.clone());
        archive.put("velocity", self.velocity.clone());
        archive.put_integer("iteration", self.iteration);
    }

    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        archive.array_into("x", &mut self.x)?;
        archive.array_into("velocity", &mut self.velocity)?;
        self.iteration = archive.integer("iteration")?;
        self.known = None;
        Ok(())
    }
}

/// What an iteration shows, to the bit.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    iteration: u64,
    epoch: u64,
    ends_epoch: bool,
    numbers: Vec<u64>,
}

#[derive(Default)]
struct Rows {
    rows: Vec<Row>,
    shown: Vec<(f64, f64, f64)>,
    /// Checkpoints after these iterations.
    keep: Vec<u64>,
    kept: BTreeMap<u64, Vec<u8>>,
}

impl Observer for Rows {
    fn observe(&mut self, it: &Iteration<'_>) -> ControlFlow<()> {
        let numbers = [
            it.step.value,
            it.point.value,
            it.gradient_norm_inf,
            it.measures[0].1,
            it.work.gradient_equivalents,
        ];
        self.rows.push(Row {
            iteration: it.step.iteration,
            epoch: it.epoch,
            ends_epoch: it.ends_epoch,
            numbers: numbers.iter().chain(it.point.x).map(|v| v.to_bits()).collect(),
        });
        self.shown.push((it.step.value, it.gradient_norm_inf, it.measures[0].1));
        if self.keep.contains(&it.step.iteration) {
            self.kept.insert(it.step.iteration, it.checkpoint().to_bytes());
        }
        ControlFlow::Continue(())
    }
}

fn ended(optimizer: &mut dyn Optimizer, made: &mut Assembly, stop: &StopWhen, rows: &mut Rows) -> RunReport {
    let setup = Run { stop, measures: &mut made.measures, observer: rows, interrupt: None };
    run(optimizer, made.objective.as_mut(), &made.start, setup).unwrap()
}

fn epochs(n: u64) -> StopWhen {
    StopWhen::new().or(format!("epochs >= {n}"), Test::Epochs(n))
}

#[test]
fn an_epoch_costs_one_gradient_equivalent_and_shows_the_whole_function() {
    let mut rows = Rows::default();
    let mut made = digits("100");
    let report = ended(&mut Descent::new(0.1), &mut made, &epochs(3), &mut rows);
    assert!(matches!(report.status, Status::Budget { .. }), "{}", report.status);
    assert_eq!((report.epochs, report.iterations), (3, 3 * BATCHES));
    assert_eq!((report.work.gradients, report.work.gradient_equivalents), (3 * BATCHES, 3.0));
    assert_eq!(rows.rows.len() as u64, 3 * BATCHES);
    let mut whole = digits("");
    let mut gradient = vec![0.0; report.point.len()];
    for (row, (value, norm, accuracy)) in rows.rows.iter().zip(&rows.shown) {
        assert_eq!(row.epoch, row.iteration.div_ceil(BATCHES));
        assert_eq!(row.ends_epoch, row.iteration % BATCHES == 0);
        let x: Vec<f64> = row.numbers[5..].iter().map(|&bits| f64::from_bits(bits)).collect();
        if row.ends_epoch {
            assert_eq!(*value, whole.objective.value_gradient(&x, &mut gradient));
            assert_eq!(*norm, optkit::vector::norm_inf(&gradient));
            assert_eq!(*accuracy, whole.measures[0].1.measure(&x));
        } else {
            assert!(norm.is_nan() && accuracy.is_nan());
        }
    }
    let (last, ..) = rows.shown.last().unwrap();
    assert_eq!((report.returned, report.value), (Returned::Last, *last));
    assert!(*last < rows.shown[BATCHES as usize - 1].0, "it learns");
}

#[test]
fn budgets_end_a_run_within_an_epoch_and_targets_where_one_ends() {
    let within = StopWhen::new().iterations(BATCHES + 4);
    let report = ended(&mut Descent::new(0.1), &mut digits("100"), &within, &mut Rows::default());
    assert_eq!((report.epochs, report.iterations), (1, BATCHES + 4));
    assert!((report.work.gradient_equivalents - (1.0 + 400.0 / 1437.0)).abs() < 1e-12);

    let half = StopWhen::new().or("gradients >= 0.5", Test::Gradients(0.5));
    let report = ended(&mut Descent::new(0.1), &mut digits("100"), &half, &mut Rows::default());
    assert_eq!(report.iterations, 8, "800 of 1,437 samples");

    // A target that the batches reach before the whole function does.
    let low = StopWhen::new().or("f <= 1", Test::Value { at_least: false, bound: 1.0 });
    let mut rows = Rows::default();
    let report = ended(&mut Descent::new(0.1), &mut digits("100"), &low, &mut rows);
    let Status::Target { measured, .. } = report.status else { panic!("{}", report.status) };
    assert_eq!(measured, report.value);
    assert!(report.iterations.is_multiple_of(BATCHES) && report.value <= 1.0);
    let before = rows.rows.len() - 1 - BATCHES as usize;
    assert!(rows.rows[before].ends_epoch && rows.shown[before].0 > 1.0, "no epoch earlier");
}

#[test]
fn a_run_that_diverges_says_so_and_returns_its_last_point() {
    let report = ended(&mut Descent::new(1e200), &mut digits("100"), &epochs(3), &mut Rows::default());
    assert!(matches!(report.status, Status::Diverged { iteration: 1.., .. }), "{}", report.status);
    assert_eq!(report.returned, Returned::Last);
}

#[test]
fn methods_of_whole_functions_are_refused_before_the_first_step() {
    let mut made = digits("100");
    let stop = epochs(1);
    let begin = |made: &mut Assembly| {
        let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
        run(&mut TrustRegion::default(), made.objective.as_mut(), &made.start, setup)
    };
    let error = begin(&mut made).unwrap_err();
    assert_eq!(error, StartError::Batches { method: "trust_region" });
    assert_eq!(made.objective.work().values, 0);

    // One batch of all samples is no batch.
    let mut made = digits("1437");
    begin(&mut made).unwrap();
}

#[test]
fn a_file_with_batches_for_another_method_is_refused_where_it_says_so() {
    for solver in ["trust_region", "lbfgs"] {
        let Err(ReadError::Wrong(wrong)) = read(text("batch = 100", solver)) else { panic!("refused") };
        let errors = wrong.list.iter().filter(|d| d.is_error());
        assert_eq!(errors.map(|d| d.code).collect::<Vec<_>>(), ["E0818"]);
        assert!(problem::explain("E0818").is_some());
        assert!(read(text("batch = 1437", solver)).is_ok(), "all samples in one batch");
    }
    let native = text("batch = 100", "trust_region") + "run { backend = dfdx }\n";
    let Err(ReadError::Wrong(wrong)) = read(native) else { panic!("refused") };
    assert!(wrong.list.iter().any(|d| d.code == "E0817"));
    assert!(read(text("batch = 0", "trust_region")).is_err(), "a batch has samples");
}

#[test]
fn a_checkpoint_of_other_batches_is_refused() {
    let mut rows = Rows { keep: vec![4], ..Rows::default() };
    ended(&mut Descent::new(0.1), &mut digits("100"), &epochs(1), &mut rows);
    let from = Checkpoint::from_bytes(&rows.kept[&4]).unwrap();
    let stop = epochs(1);
    for batch in ["50", ""] {
        let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
        let error =
            resume(&mut Descent::new(0.1), digits(batch).objective.as_mut(), &from, setup).unwrap_err();
        assert!(matches!(error, ResumeError::State { .. }), "{error}");
    }
}

/// Runs `make`, then takes it up after each of `after`: every later iteration is the same, to the bit.
fn goes_on(what: &str, after: &[u64], make: &dyn Fn() -> (Box<dyn Optimizer>, Assembly)) {
    let stop = StopWhen::new().iterations(2 * BATCHES + 5);
    let mut whole = Rows { keep: after.to_vec(), ..Rows::default() };
    let (mut method, mut made) = make();
    let uninterrupted = ended(method.as_mut(), &mut made, &stop, &mut whole);
    for (&iteration, bytes) in &whole.kept {
        let (mut method, mut made) = make();
        let mut rest = Rows::default();
        let setup = Run { stop: &stop, measures: &mut made.measures, observer: &mut rest, interrupt: None };
        let from = Checkpoint::from_bytes(bytes).unwrap();
        let resumed = resume(method.as_mut(), made.objective.as_mut(), &from, setup).unwrap();
        assert_eq!(rest.rows, whole.rows[iteration as usize..], "{what}, taken up after {iteration}");
        assert_eq!(resumed.point, uninterrupted.point);
        assert_eq!((resumed.value, resumed.work), (uninterrupted.value, uninterrupted.work));
        assert_eq!(resumed.measures, uninterrupted.measures);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn a_run_goes_on_bit_for_bit_from_any_iteration(
        after in prop::collection::vec(1_u64..2 * BATCHES + 5, 3), at_end in 1_u64..3,
    ) {
        let after = [&after[..], &[at_end * BATCHES]].concat();
        goes_on("descent", &after, &|| (Box::new(Descent::new(0.1)), digits("100")));
        // Every method of the language that takes mini-batches.
        let mut taken = Vec::new();
        for entry in vocabulary().methods {
            if entry.support == Support::Available && entry.slots.contains(&Slot::Solver) {
                let text = text("batch = 100", &format!("{} {{ {} }}", entry.name, required(&entry)));
                if let Ok(planned) = read(text) {
                    taken.push(entry.name);
                    goes_on(entry.name, &after, &|| {
                        let mut made = load(&planned);
                        let nothing: Box<dyn Optimizer> = Box::new(Descent::new(0.0));
                        (std::mem::replace(&mut made.optimizer, nothing), made)
                    });
                }
            }
        }
        // Stochastic APTS in its other settings, and on batches that overlap.
        let overlapping = "batch = overlapping { parts = 15, overlap = 10% }, normalize = per_channel, crop = 1, flip = on";
        for (batch, settings) in [
            ("batch = 100", "order = 2"),
            (overlapping, "fdl = off"),
            (overlapping, "order = 2, radius = 0.1"),
            (overlapping, "order = 2, pairs = overlap, radius = 0.1"),
        ] {
            let planned = read(text(batch, &format!("apts {{ partition = tensors, {settings} }}"))).unwrap();
            goes_on(&format!("apts {settings}, {batch}"), &after, &|| {
                let mut made = load(&planned);
                let nothing: Box<dyn Optimizer> = Box::new(Descent::new(0.0));
                (std::mem::replace(&mut made.optimizer, nothing), made)
            });
        }
        for word in ["sgd", "adam", "adamw", "apts"] {
            prop_assert!(taken.contains(&word), "{word} takes mini-batches, {taken:?} were read");
        }
    }
}

/// The settings without which a method is not read.
fn required(entry: &Entry) -> String {
    let given = entry.settings.iter().filter(|s| s.default.is_none() || s.kind == Kind::Partition);
    let written = given.filter_map(|s| match s.kind {
        Kind::Real(_) => Some(format!("{} = 0.05", s.name)),
        Kind::Partition => Some(format!("{} = tensors", s.name)),
        _ => None,
    });
    written.collect::<Vec<_>>().join(", ")
}
